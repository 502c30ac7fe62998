"""The doctor finds what is wrong with a company's data and says what to do."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

from core.database import open_database
from core.demo import ensure_demo_database
from core.doctor import Finding, examine
from core.ingest import ingest
from core.resources import demo_folder
from core.settings import Settings


def findings(file: Path, today: date) -> list[Finding]:
    with open_database(str(file)) as database:
        return examine(database, Settings(data_dir=str(file.parent)), today)


def messages(found: list[Finding], *severities: str) -> set[str]:
    return {finding.message for finding in found if finding.severity in severities}


def test_a_sound_company_has_nothing_to_complain_about(tmp_path: Path) -> None:
    ingest([demo_folder()], str(tmp_path / "demo.sqlite"))
    with open_database(str(tmp_path / "demo.sqlite")) as database:
        last = database.query("SELECT MAX(orderDate) AS last FROM orders").item()
    found = findings(tmp_path / "demo.sqlite", last)
    assert messages(found, "warning", "error") == set()
    assert {finding.check for finding in found} >= {"connection", "schema", "keys", "references", "freshness"}


def test_what_is_wrong_is_found(genuine_sqlite: Path, tmp_path: Path) -> None:
    file = tmp_path / "broken.sqlite"
    file.write_bytes(genuine_sqlite.read_bytes())
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("""
            INSERT INTO customers SELECT * FROM customers WHERE customerNumber = 103;
            UPDATE orders SET customerNumber = 9999 WHERE orderNumber IN (10100, 10101);
            UPDATE orderdetails SET quantityOrdered = -1 WHERE orderNumber = 10102;
            UPDATE orders SET status = NULL WHERE orderNumber = 10103;
            UPDATE payments SET paymentDate = '2001-01-01' WHERE checkNumber = 'HQ336336';
            UPDATE orders SET orderDate = '2031-01-01' WHERE orderNumber = 10104;
            ALTER TABLE customers DROP COLUMN creditLimit;
            DROP TABLE productlines;
        """)
    found = findings(file, date(2005, 6, 10))
    assert messages(found, "error") == {
        "customers: 1 values of customerNumber come more than once",
        "orders.customerNumber: 2 rows refer to no row of customers",
        "orders.status is empty in 1 row",
    }
    assert messages(found, "warning") >= {
        "there is no table productlines",
        "customers lacks the columns creditLimit",
        "orderdetails: 2 rows with a quantity of zero or less",
        "orders: 1 row with a date in the future",
    }
    assert any("days before the customer's first order" in text for text in messages(found, "warning"))
    assert all(finding.remedy for finding in found if finding.severity != "ok")


def test_an_empty_database_is_told_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    found = findings(tmp_path / "empty.sqlite", date(2024, 1, 1))
    assert "there is no table orders" in messages(found, "error")


def test_a_lost_database_is_a_finding(tmp_path: Path) -> None:
    ingest([demo_folder() / "productlines.csv"], str(tmp_path / "t.sqlite"))
    with open_database(str(tmp_path / "t.sqlite")) as database:
        (tmp_path / "t.sqlite").unlink()
        found = examine(database, Settings(data_dir=str(tmp_path)))
    assert (found[0].severity, found[0].check) == ("error", "connection")


def test_old_data_are_called_old(tmp_path: Path) -> None:
    ingest([demo_folder()], str(tmp_path / "demo.sqlite"))
    found = findings(tmp_path / "demo.sqlite", date(2040, 1, 1))
    assert any("the last order is of" in text for text in messages(found, "warning"))


def test_the_demo_is_made_once_and_again_when_it_is_old(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "data"))
    path = ensure_demo_database(settings)
    made = path.stat().st_mtime_ns
    assert ensure_demo_database(settings) == path
    assert path.stat().st_mtime_ns == made
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    ensure_demo_database(settings)
    with open_database(settings.resolved_database_url) as database:
        assert database.query("SELECT COUNT(*) AS n FROM stg_customers").item() == 500
    assert not list(path.parent.glob("*.partial*"))


def test_a_view_that_cannot_be_read_is_told_with_its_reason(tmp_path: Path) -> None:
    ingest([demo_folder() / "productlines.csv"], str(tmp_path / "t.sqlite"))
    with closing(sqlite3.connect(tmp_path / "t.sqlite")) as connection:
        connection.execute("CREATE VIEW lost AS SELECT * FROM nowhere")
        connection.commit()
    found = [f for f in findings(tmp_path / "t.sqlite", date(2024, 1, 1)) if f.check == "views"]
    assert [finding.severity for finding in found] == ["warning"]
    assert "the view lost cannot be read" in found[0].message
    assert "nowhere" in found[0].message
    assert found[0].remedy
