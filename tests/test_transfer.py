"""A copy of a database is the same database: types, keys, order, and what may not be copied where."""

import sqlite3
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from core.database import open_database
from core.database.schema import Column, ForeignKey, TableSchema
from core.errors import DatabaseError, MisfitError
from core.roles import NotAllowedError, policy
from core.transfer import CopyOptions, CopyProgress, copy_database, discard_copy, with_password
from core.transfer.digest import Digest
from core.transfer.places import check_typed, identity
from core.transfer.selection import in_order

SCRIPT = """
CREATE TABLE region (code TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE visits (
  visit INTEGER PRIMARY KEY, region TEXT REFERENCES region(code), amount DECIMAL(12,2), day DATE,
  moment DATETIME, paid BOOLEAN, photo BLOB, remark TEXT);
CREATE TABLE steps (visit INT NOT NULL, step INT NOT NULL, what TEXT, PRIMARY KEY (visit, step));
CREATE TABLE blank (a INTEGER, b TEXT);
INSERT INTO region VALUES ('N', 'Nord'), ('S', 'Süd 🌍');
INSERT INTO visits VALUES
  (1, 'N', 12.5, '2024-02-29', '2024-02-29 13:14:15.123456', 1, x'00ff', 'naïve, "quoted"'),
  (2, 'S', 21000, '1999-12-31', '1999-12-31 00:00:00', 0, NULL, ''),
  (3, NULL, NULL, NULL, NULL, NULL, x'', NULL);
INSERT INTO steps VALUES (1, 1, 'a'), (1, 2, 'b'), (2, 1, 'a');
"""
VISITS = pl.DataFrame(
    {
        "visit": [1, 2, 3],
        "region": ["N", "S", None],
        "amount": [12.5, 21000.0, None],
        "day": [date(2024, 2, 29), date(1999, 12, 31), None],
        "moment": [datetime(2024, 2, 29, 13, 14, 15, 123456), datetime(1999, 12, 31), None],
        "paid": [True, False, None],
        "photo": [b"\x00\xff", None, b""],
        "remark": ['naïve, "quoted"', "", None],
    }
)


@pytest.fixture
def company(tmp_path: Path) -> str:
    """A small company in an SQLite file."""
    file = tmp_path / "company.sqlite"
    run(file, SCRIPT)
    return f"sqlite:///{file}"


def run(file: Path, script: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(script)


def rows(url: str, table: str, order: str) -> pl.DataFrame:
    with open_database(url) as database:
        return pl.concat(list(database.read_batches(table))).sort(order)


def test_from_sqlite_to_duckdb_and_back_every_value_and_key_is_kept(company: str, tmp_path: Path) -> None:
    there, back = f"duckdb:///{tmp_path / 'copy.duckdb'}", f"sqlite:///{tmp_path / 'back.sqlite'}"

    report = copy_database(company, there)

    assert [table.name for table in report.tables] == ["blank", "region", "steps", "visits"]
    assert [table.rows for table in report.tables] == [0, 2, 3, 3]
    assert report.verified
    assert_frame_equal(rows(there, "visits", "visit"), VISITS)

    again = copy_database(there, back)

    assert [table.checksum for table in again.tables] == [table.checksum for table in report.tables]
    assert_frame_equal(rows(back, "visits", "visit"), VISITS)
    with open_database(back) as database:
        assert database.table_schema("steps").primary_key == ("visit", "step")
        assert [table.name for table in database.tables() if table.kind == "table"] == [
            "blank", "region", "sales_load_log", "steps", "visits",
        ]  # fmt: skip


def test_keys_and_required_columns_come_along(company: str, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite"

    copy_database(company, f"sqlite:///{target}")

    with open_database(str(target)) as database:
        schema = database.table_schema("steps")
        assert schema.primary_key == ("visit", "step")
        assert [column.required for column in schema.columns] == [True, True, False]
        assert database.table_schema("visits").primary_key == ("visit",)
    with pytest.raises(sqlite3.IntegrityError):
        run(target, "INSERT INTO steps VALUES (1, 2, 'twice')")


def test_a_source_is_left_as_it_is(company: str, tmp_path: Path) -> None:
    file = tmp_path / "company.sqlite"
    before = file.read_bytes()

    copy_database(company, f"sqlite:///{tmp_path / 'copy.sqlite'}")

    assert file.read_bytes() == before


def test_tables_that_are_there_are_replaced_only_if_asked(company: str, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite"
    run(
        target,
        "CREATE TABLE region (old TEXT); INSERT INTO region VALUES ('old'); CREATE TABLE mine (a); "
        "CREATE VIEW codes AS SELECT count(*) AS regions FROM region;",
    )
    with pytest.raises(DatabaseError, match=r"already: region") as refused:
        copy_database(company, f"sqlite:///{target}")
    assert "--replace" in refused.value.remedy
    assert rows(str(target), "region", "old")["old"].to_list() == ["old"]

    report = copy_database(company, f"sqlite:///{target}", CopyOptions(replace=True))

    assert [table.name for table in report.tables if table.replaced] == ["region"]
    with open_database(str(target)) as database:
        assert {"mine", "codes", "visits"} <= {table.name for table in database.tables()}
        assert database.query("SELECT * FROM codes")["regions"].to_list() == [2]


def test_a_view_that_would_break_keeps_everything_as_it_was(company: str, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite"
    run(target, "CREATE TABLE region (old TEXT); CREATE VIEW olds AS SELECT old FROM region;")

    with pytest.raises(DatabaseError, match="olds"):
        copy_database(company, f"sqlite:///{target}", CopyOptions(replace=True))

    with open_database(str(target)) as database:
        assert [table.name for table in database.tables() if not table.name.startswith("stg_")] == [
            "olds", "region",
        ]  # fmt: skip
        assert database.query("SELECT * FROM olds").columns == ["old"]


def test_chosen_tables_alone_are_copied(company: str, tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'copy.sqlite'}"

    report = copy_database(company, target, CopyOptions(tables=("Steps", "region")))

    assert [table.name for table in report.tables] == ["region", "steps"]
    with pytest.raises(DatabaseError, match=r"no table stepps\. Did you mean steps\?"):
        copy_database(company, target, CopyOptions(tables=("stepps",)))


def test_values_that_are_not_what_their_column_says_are_kept_in_a_wider_type(tmp_path: Path) -> None:
    file = tmp_path / "loose.sqlite"
    run(
        file,
        "CREATE TABLE t (n INTEGER, d DATE, b BOOLEAN, f REAL, big DECIMAL(20,0), free);"
        "INSERT INTO t VALUES (1, '2024-01-01', 1, 0.1, 1, 1), (2, '0000-00-00', 7, 0.2, "
        "9007199254740993, 2), (3.5, NULL, 0, 'n/a', 3, 3);",
    )
    target = f"duckdb:///{tmp_path / 'copy.duckdb'}"

    report = copy_database(f"sqlite:///{file}", target)

    found = rows(target, "t", "free")
    assert found["n"].to_list() == [1.0, 2.0, 3.5]
    assert found["d"].to_list() == ["2024-01-01", "0000-00-00", None]
    assert found["b"].to_list() == [1, 7, 0]
    assert found["f"].to_list() == ["0.1", "0.2", "n/a"]
    assert found["big"].to_list() == ["1", "9007199254740993", "3"]
    assert found["free"].to_list() == [1, 2, 3]
    assert any("t.d is copied as text" in note and "0000-00-00" in note for note in report.notes)


def test_what_may_not_be_copied_where(company: str, tmp_path: Path) -> None:
    file = tmp_path / "company.sqlite"
    for target in (str(file), f"sqlite:///{tmp_path}/../{tmp_path.name}/company.sqlite"):
        with pytest.raises(DatabaseError, match="to itself"):
            copy_database(company, target)
    demo = tmp_path / "demo.sqlite"
    with pytest.raises(DatabaseError, match="demo company is never written"):
        copy_database(company, f"sqlite:///{demo}", CopyOptions(demo=demo))
    with pytest.raises(DatabaseError, match="no folder"):
        copy_database(company, f"sqlite:///{tmp_path / 'absent' / 'copy.sqlite'}")
    with policy(lambda _: False), pytest.raises(NotAllowedError):
        copy_database(company, f"sqlite:///{tmp_path / 'copy.sqlite'}")
    with policy(lambda _: False), pytest.raises(NotAllowedError):
        discard_copy(f"sqlite:///{tmp_path / 'copy.sqlite'}")


def test_progress_is_told_and_can_end_the_copy(company: str, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite"
    run(target, "CREATE TABLE region (old TEXT)")
    told: list[CopyProgress] = []

    def stop_at_steps(state: CopyProgress) -> None:
        told.append(state)
        if state.table == "steps" and state.step == "checking":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_database(company, str(target), CopyOptions(replace=True), stop_at_steps)

    assert told[0].table == "blank"
    assert told[0].tables == 4
    assert max(state.fraction for state in told) > 0.5
    assert rows(str(target), "region", "old").columns == ["old"]
    assert discard_copy(str(target))
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("region",)]


def test_a_copy_that_was_given_up_leaves_no_file_behind(company: str, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite"

    def stop(state: CopyProgress) -> None:
        if state.step == "checking":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_database(company, str(target), None, stop)
    assert target.exists()

    discard_copy(str(target))

    assert sorted(file.name for file in tmp_path.iterdir()) == ["company.sqlite"]


def test_tables_come_after_those_they_refer_to() -> None:
    def table(name: str, *parents: str) -> TableSchema:
        keys = tuple(ForeignKey(("id",), parent, ("id",)) for parent in parents)
        return TableSchema(name, (Column("id", "integer"),), (), keys)

    lines, orders, people = table("a_lines", "b_orders"), table("b_orders", "c_people"), table("c_people")

    assert in_order([lines, orders, people]) == [people, orders, lines]
    assert [t.name for t in in_order([table("x", "y"), table("y", "x"), table("z", "z")])] == ["z", "x", "y"]


def test_a_checksum_knows_values_but_not_their_order() -> None:
    def checksum(*frames: pl.DataFrame) -> str:
        digest = Digest()
        for frame in frames:
            digest.add(frame)
        return str(digest)

    one = pl.DataFrame({"a": [1, 2, 3], "b": ["x", None, ""], "c": [0.0, 1.5, -2.0]})

    assert checksum(one) == checksum(one[2:], one[:2]) == checksum(one.reverse())
    assert checksum(one) == checksum(one.with_columns(c=pl.Series([-0.0, 1.5, -2.0])))
    assert checksum(one) != checksum(one.with_columns(b=pl.Series(["x", "", None])))
    assert checksum(one) != checksum(one.with_columns(a=pl.Series([1, 1, 4])))
    assert checksum(one) != checksum(one, one[:1])


def test_addresses_of_one_database_are_recognised_and_passwords_are_put_in() -> None:
    assert identity("postgresql://a:b@LOCALHOST/x") == identity("postgres+psycopg://127.0.0.1:5432/x?a=1")
    assert identity("mysql://host/x") == identity("mariadb://host:3306/x")
    assert identity("mysql://host/x") != identity("mysql://host/y")
    assert with_password("mysql://me@host/x", "a@/:%") == "mysql://me:a%40%2F%3A%25@host/x"
    assert with_password("mysql://me:own@host/x", "other") == "mysql://me:own@host/x"
    assert with_password("sqlite:////x", "secret") == "sqlite:////x"
    with pytest.raises(DatabaseError, match="names no user"):
        with_password("mysql://host/x", "secret")


def test_the_password_of_one_server_is_not_sent_to_another() -> None:
    known = "postgresql://me@db.example/company"

    assert with_password("postgresql://me@db.example:5432/copy", "", known).endswith(
        "//me@db.example:5432/copy"
    )
    assert with_password("postgresql://me@elsewhere/copy", "", known) == "postgresql://me:@elsewhere/copy"
    assert with_password("mysql://me@db.example/copy", "", known) == "mysql://me:@db.example/copy"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mssql://me@db.example/x?driver=/tmp/mine.so", "driver cannot be chosen"),
        ("azuresql://me@db.example/x?Driver=/tmp/mine.so", "driver cannot be chosen"),
        ("azuresql://elsewhere.example/x", "for Azure only"),
        ("mssql+pyodbc://elsewhere.example/x?authentication=entra", "for Azure only"),
        ("azuresql://x.database.windows.net.elsewhere.example/x", "for Azure only"),
    ],
)
def test_a_typed_address_takes_nothing_from_the_server(address: str, said: str) -> None:
    with pytest.raises(DatabaseError, match=said):
        check_typed(address, "azuresql://db.internal/company")


def test_the_token_for_spark_is_not_sent_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_DATABASE_PASSWORD", "geheim")
    known = "sc://spark.example:15002/;use_ssl=true;schema=sales"
    with pytest.raises(DatabaseError, match="names no token") as refused:
        check_typed("sc://elsewhere.example:15002/;use_ssl=true", known)
    assert "geheim" not in str(refused.value)
    check_typed("sc://spark.example:15002/;use_ssl=true;schema=copy", known)
    check_typed("sc://elsewhere.example:15002/;use_ssl=true;token=mine", known)
    monkeypatch.delenv("SALES_DATABASE_PASSWORD")
    check_typed("sc://localhost:15002", known)


@pytest.mark.parametrize(
    "address",
    [
        "mssql://me@elsewhere.example/x",
        "azuresql://mine.database.windows.net/x",
        "azuresql://db.internal:1433/copy",
        "postgresql://me@elsewhere.example/x",
        "sqlite:////x.sqlite",
    ],
)
def test_other_addresses_may_be_typed(address: str) -> None:
    check_typed(address, "azuresql://db.internal/company")


def test_a_column_of_the_wrong_kind_is_named(company: str) -> None:
    with open_database(company) as database, pytest.raises(MisfitError, match="Column name of region") as bad:
        list(database.read_batches("region", {"name": "integer"}))
    assert (bad.value.column, bad.value.kind) == ("name", "text")
