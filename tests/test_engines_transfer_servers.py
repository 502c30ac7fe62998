"""Copies to and from database servers: PostgreSQL and MariaDB, as real as they come."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_companies import literal_company, write_sqlite

from core.database import open_database
from core.errors import DatabaseError
from core.mapping import Mapping, current_mapping, store_mapping
from core.transfer import CopyOptions, CopyProgress, copy_database, examine_target
from core.transfer import copying as copying_module
from tests.conftest_servers import DatabaseServer
from tests.test_engines_transfer import answers, broken_off, numbers

TYPES = pl.DataFrame(
    {
        "id": [1, 2, 3],
        "big": [2**62, -(2**62), None],
        "amount": [0.1, -1e15 + 0.5, None],
        "name": ["naïve 🌍 \"quoted\" 'single' \\ back\ttab\nline", "", None],
        "day": [date(2024, 2, 29), date(1970, 1, 1), None],
        "moment": [datetime(2024, 2, 29, 23, 59, 59, 123456), datetime(1999, 12, 31), None],
        "paid": [True, False, None],
        "photo": [b"\x00\xff'\\", b"", None],
    }
)


@pytest.fixture(params=["postgres", "mariadb"])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Each server in turn."""
    found: DatabaseServer = request.getfixturevalue(f"{request.param}_server")
    return found


def typed_company(file: Path) -> str:
    url = f"sqlite:///{file}"
    with open_database(url, read_only=False) as database:
        database.write("every_type", TYPES)
        database.write("Odd Name", pl.DataFrame({"From": [1], "select": ["x"]}))
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            "CREATE TABLE parents (code TEXT PRIMARY KEY, name TEXT NOT NULL);"
            "CREATE TABLE children (code TEXT REFERENCES parents(code), n INTEGER, PRIMARY KEY (code, n));"
            "INSERT INTO parents VALUES ('a', 'A'), ('b', 'B');"
            "INSERT INTO children VALUES ('a', 1), ('b', 1);"
        )
    return url


def test_every_value_and_key_goes_to_the_server_and_comes_back(
    server: DatabaseServer, tmp_path: Path
) -> None:
    source, there = typed_company(tmp_path / "source.sqlite"), server.fresh()
    back = f"sqlite:///{tmp_path / 'back.sqlite'}"

    report = copy_database(source, there)

    assert report.verified
    assert [table.name for table in report.tables].index("parents") < [t.name for t in report.tables].index(
        "children"
    )
    with open_database(there) as database:
        schema = database.table_schema("children")
        assert schema.primary_key == ("code", "n")

    again = copy_database(there, back)

    assert again.verified
    assert {t.name.lower(): t.checksum for t in again.tables} == {
        t.name.lower(): t.checksum for t in report.tables
    }
    with open_database(back) as database:
        frame = pl.concat(list(database.read_batches("every_type"))).sort("id")
        assert_frame_equal(frame, TYPES)
        assert database.table_schema("parents").primary_key == ("code",)


def test_a_company_answers_on_the_server_as_it_does_here(server: DatabaseServer, tmp_path: Path) -> None:
    file = tmp_path / "company.sqlite"
    write_sqlite(literal_company(), file)
    there = server.fresh()

    copy_database(f"sqlite:///{file}", there)

    with open_database(str(file)) as old, open_database(there) as new:
        expected, found = answers(old), answers(new)
    for name, frame in expected.items():
        assert_frame_equal(found[name], frame, check_exact=False, abs_tol=0.005, rel_tol=0)


def test_tables_on_the_server_are_refused_then_replaced_with_the_views_that_read_them(
    server: DatabaseServer, tmp_path: Path
) -> None:
    source, there = numbers(tmp_path / "source.sqlite", 2, 10), server.fresh()
    name = there.rpartition("/")[2]
    server.admin("CREATE TABLE t1 (id INTEGER, amount DOUBLE PRECISION)", name)
    server.admin("INSERT INTO t1 VALUES (1, 1)", name)
    server.admin("CREATE VIEW total AS SELECT COUNT(*) AS n FROM t1", name)
    if server.engine == "postgres":
        server.admin("ALTER TABLE t1 OWNER TO seller", name)
        server.admin("ALTER VIEW total OWNER TO seller", name)
    assert "It has 1 table" in examine_target(source, there)
    with pytest.raises(DatabaseError, match="already: t1"):
        copy_database(source, there)

    report = copy_database(source, there, CopyOptions(replace=True))

    assert [table.name for table in report.tables if table.replaced] == ["t1"]
    with open_database(there) as database:
        assert database.query("SELECT n FROM total")["n"].to_list() == [10]


def test_a_failure_leaves_the_server_as_it_was(
    server: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying_module, "CHECKPOINT_ROWS", 1)
    source, there = numbers(tmp_path / "source.sqlite", 3, 10), server.fresh()

    with broken_off(source, there, at="t3"), open_database(there) as database:
        assert [table.name for table in database.tables() if table.name.startswith("t")] == []

    report = copy_database(source, there)

    assert [table.name for table in report.tables if table.continued] == ["t1", "t2"]
    listed = "SELECT table_name FROM information_schema.tables WHERE table_name LIKE '%ingest%copy%'"
    assert server.admin(listed) == []


def test_a_killed_run_is_continued_on_the_server(server: DatabaseServer, tmp_path: Path) -> None:
    source, there = numbers(tmp_path / "source.sqlite", 4, 2_000), server.fresh()
    script = (
        "import sys, time\n"
        "from core.transfer import copy_database, copying\n"
        "copying.CHECKPOINT_ROWS = 1\n"
        "def slowly(state):\n"
        "    print(state.step, state.table, flush=True)\n"
        "    if state.table == 't3': time.sleep(60)\n"
        "copy_database(sys.argv[1], sys.argv[2], None, slowly)\n"
    )
    killed = subprocess.Popen(
        [sys.executable, "-c", script, source, there], stdout=subprocess.PIPE, text=True
    )
    with killed:
        assert killed.stdout is not None
        assert any(line.strip() == "copying t3" for line in iter(killed.stdout.readline, ""))
        killed.kill()
        killed.wait(timeout=30)

    report = copy_database(source, there)

    assert [table.name for table in report.tables if table.continued] == ["t1", "t2"]
    with open_database(there) as database:
        assert database.query("SELECT COUNT(*) AS n FROM t4")["n"].to_list() == [2_000]


def test_the_mapping_comes_along(server: DatabaseServer, tmp_path: Path) -> None:
    file = tmp_path / "shop.sqlite"
    with open_database(f"sqlite:///{file}", read_only=False) as database:
        database.write(
            "visits",
            pl.DataFrame(
                {"who": ["Ann", "Bob"], "day": [date(2024, 1, 2), date(2024, 3, 4)], "paid": [10.5, 20.0]}
            ),
        )
        store_mapping(
            database,
            Mapping.of(sales=("visits", {"customer_id": "who", "order_date": "day", "amount": "paid"})),
        )
    there = server.fresh()

    report = copy_database(f"sqlite:///{file}", there)

    assert "stg_sales" in report.views
    with open_database(there) as database:
        state = current_mapping(database)
        assert state is not None
        assert state.mapping is not None
        assert database.query("SELECT SUM(amount) AS paid FROM stg_sales")["paid"].to_list() == [30.5]


def test_exact_decimals_of_the_server_arrive_exactly(server: DatabaseServer, tmp_path: Path) -> None:
    there = server.fresh()
    name = there.rpartition("/")[2]
    server.admin(
        "CREATE TABLE money (id INTEGER PRIMARY KEY, price DECIMAL(12,2), huge DECIMAL(30,10))", name
    )
    server.admin(
        "INSERT INTO money VALUES (1, 1234567.89, 1.5), (2, -0.01, 12345678901234567890.0123456789)", name
    )
    if server.engine == "postgres":
        server.admin("GRANT SELECT ON money TO seller", name)
    target = f"sqlite:///{tmp_path / 'copy.sqlite'}"

    report = copy_database(there, target, CopyOptions(tables=("money",)))

    with open_database(target) as database:
        rows = pl.concat(list(database.read_batches("money"))).sort("id")
    assert rows["price"].to_list() == [1234567.89, -0.01]
    assert rows["huge"].to_list() == ["1.5000000000", "12345678901234567890.0123456789"]
    assert any("money.huge is copied as text" in note for note in report.notes)


def test_a_wrong_password_is_one_sentence_without_it(server: DatabaseServer, tmp_path: Path) -> None:
    source, there = numbers(tmp_path / "source.sqlite", 1, 10), server.fresh()
    wrong = server.address(there.rpartition("/")[2], password="nothisone")

    with pytest.raises(DatabaseError) as refused:
        copy_database(source, wrong)

    assert "nothisone" not in str(refused.value)
    assert "seller" in str(refused.value)


def test_a_connection_that_is_lost_ends_in_a_sentence_and_the_next_run_goes_on(
    postgres_server: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying_module, "CHECKPOINT_ROWS", 1)
    source, there = numbers(tmp_path / "source.sqlite", 3, 200), postgres_server.fresh()
    name = there.rpartition("/")[2]

    def cut_at_t2(state: CopyProgress) -> None:
        if (state.step, state.table) == ("copying", "t2"):
            postgres_server.admin(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            )

    with pytest.raises(DatabaseError) as lost:
        copy_database(source, there, None, cut_at_t2)
    assert "\n" not in str(lost.value)
    assert "s3cret" not in str(lost.value)

    report = copy_database(source, there)

    assert [table.name for table in report.tables if table.continued] == ["t1"]
    assert report.verified


def test_what_the_reader_may_not_write_is_refused_in_a_sentence(
    postgres_server: DatabaseServer, tmp_path: Path
) -> None:
    source, there = numbers(tmp_path / "source.sqlite", 1, 10), postgres_server.fresh()
    name = there.rpartition("/")[2]
    postgres_server.admin(f"ALTER DATABASE {name} OWNER TO postgres")

    with pytest.raises(DatabaseError) as refused:
        copy_database(source, there)

    assert "permission" in str(refused.value).lower() or "may not" in str(refused.value)
    assert "Traceback" not in str(refused.value)
