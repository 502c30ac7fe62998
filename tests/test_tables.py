"""Renaming and dropping tables: all or nothing, for admins only."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.database import Database, open_database
from core.errors import DatabaseError
from core.ingest import ingest
from core.roles import NotAllowedError, Role, policy, require
from core.tables import change_tables, drop_tables, rename_table, table_use

FILES = {
    "customers": "customerNumber,customerName,country\n103,Atelier,France\n",
    "orders": "orderNumber,orderDate,status,customerNumber,requiredDate,shippedDate,comments\n"
    "1,2024-01-01,Shipped,103,,,\n",
    "visits": "id,day\n1,2024-01-01\n2,2024-01-02\n",
}


def load(folder: Path, *names: str) -> str:
    for name in names:
        (folder / f"{name}.csv").write_text(FILES[name])
    ingest([folder / f"{name}.csv" for name in names], str(folder / "t.sqlite"))
    return str(folder / "t.sqlite")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(load(tmp_path, *FILES), read_only=False) as opened:
        yield opened


def tables(database: Database) -> list[str]:
    return [table.name for table in database.tables() if table.kind == "table" and "log" not in table.name]


def test_what_hangs_on_a_table(database: Database) -> None:
    use = table_use(database, "Customers")
    assert (use.table, use.rows, use.referred_by) == ("customers", 1, ("orders.customerNumber",))
    assert "stg_customers" in use.views
    assert table_use(database, "visits").views == ()


def test_tables_are_renamed_and_dropped(database: Database) -> None:
    version = database.data_version()
    rename_table(database, "VISITS", "Visits 2024")
    assert tables(database) == ["Visits 2024", "customers", "orders"]
    assert database.query('SELECT COUNT(*) AS number FROM "Visits 2024"').item() == 2
    drop_tables(database, ["Visits 2024", "orders"])
    assert tables(database) == ["customers"]
    assert database.data_version() != version


def test_names_may_be_swapped_and_taken_from_a_dropped_table(database: Database) -> None:
    change_tables(database, dropped=["orders"], renamed={"visits": "customers", "customers": "orders"})
    assert tables(database) == ["customers", "orders"]
    assert database.query("SELECT COUNT(*) AS number FROM customers").item() == 2


@pytest.mark.parametrize(
    ("dropped", "renamed", "said"),
    [
        (["visit"], {}, r"There is no table visit\. Did you mean visits"),
        (["stg_orders"], {}, "is a view, not a table"),
        (["sales_load_log"], {}, "belongs to the product"),
        ([], {"visits": "Orders"}, "There is already a table Orders"),
        ([], {"visits": "a", "orders": "A"}, "There is already a table A"),
        ([], {"visits": "stg_x"}, "the name is reserved"),
        ([], {"visits": " "}, "the name is empty"),
        ([], {"visits": "x" * 101}, "too long"),
        (["visits"], {"visits": "b"}, "cannot be both"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_changes(
    database: Database, dropped: list[str], renamed: dict[str, str], said: str
) -> None:
    with pytest.raises(DatabaseError, match=said):
        change_tables(database, dropped=["customers", *dropped], renamed=renamed)
    assert tables(database) == ["customers", "orders", "visits"]


def test_views_follow_a_new_name_and_keep_their_tables(database: Database, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "t.sqlite")) as connection:
        connection.execute("CREATE VIEW recent AS SELECT * FROM visits")
    assert table_use(database, "visits").views == ("recent",)
    rename_table(database, "visits", "calls")
    assert database.query("SELECT COUNT(*) AS number FROM recent").item() == 2
    with pytest.raises(DatabaseError, match=r"calls cannot be dropped: the views recent read from there"):
        drop_tables(database, ["orders", "calls"])
    assert tables(database) == ["calls", "customers", "orders"]


def test_a_renamed_table_leaves_the_names_of_its_indexes(database: Database, tmp_path: Path) -> None:
    rename_table(database, "orders", "old_orders")
    load(tmp_path, "orders")
    with closing(sqlite3.connect(tmp_path / "t.sqlite")) as connection:
        found = connection.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'").fetchall()
    assert ("old_orders", "of_old_orders_customerNumber") in found
    assert ("orders", "of_orders_customerNumber") in found


def test_a_database_for_reading_only_is_left_alone(tmp_path: Path) -> None:
    with (
        open_database(load(tmp_path, "visits")) as opened,
        pytest.raises(DatabaseError, match="open for reading only"),
    ):
        drop_tables(opened, ["visits"])


def test_only_admins_may(database: Database) -> None:
    with policy(lambda role: role <= Role.ANALYST):
        require(Role.VIEWER)
        require(Role.ANALYST)
        with pytest.raises(NotAllowedError, match="it needs the role admin"):
            drop_tables(database, ["visits"])
    assert "visits" in tables(database)
    require(Role.ADMIN)
