"""Running typed SQL: results, limits, stopping for real, plans, errors with their place, saved queries."""

import datetime as dt
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import duckdb
import polars as pl
import pytest
from sql_companies import literal_company, write_sqlite

from core import sql_files
from core.adhoc import (
    QueryCancelled,
    QueryLimits,
    QueryTimeout,
    StatementError,
    explain,
    identifier,
    parameters_of,
    run_query,
    saved_queries,
    schema_of,
)
from core.adhoc.export import as_table, write_file
from core.database import Database, open_database
from core.database.adhoc import AdhocConnection
from core.database.duckdb_adhoc import DuckdbAdhoc
from core.days import to_day
from core.errors import MissingDataError, QueryError
from core.resources import sql_folder

ENDLESS = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT COUNT(*) FROM r"
CROSS = "SELECT COUNT(*) FROM n AS a, n AS b, n AS c, n AS d WHERE a.i * b.i + c.i > d.i"
MANY = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT i, 'text ' || i AS s FROM r"


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Database]:
    with open_database(str(write_sqlite(literal_company(), tmp_path / "company.sqlite"))) as database:
        yield database


@pytest.fixture
def numbers(tmp_path: Path) -> Iterator[Database]:
    with closing(sqlite3.connect(tmp_path / "n.sqlite")) as connection:
        connection.executescript("CREATE TABLE n(i INTEGER, label TEXT, made DATE, price REAL);")
        rows = [(i, f"label {i}", "2024-01-31", i / 2) for i in range(1000)]
        connection.executemany("INSERT INTO n VALUES (?, ?, ?, ?)", rows)
        connection.commit()
    with open_database(str(tmp_path / "n.sqlite")) as database:
        yield database


@pytest.fixture
def duck(tmp_path: Path) -> Iterator[AdhocConnection]:
    with duckdb.connect(tmp_path / "n.duckdb") as made:
        made.execute(
            "CREATE TABLE n AS SELECT i, 'label ' || i AS label, i / 2 AS price FROM range(1000) r(i)"
        )
    with (
        duckdb.connect(tmp_path / "n.duckdb", read_only=True) as connection,
        DuckdbAdhoc(connection) as adhoc,
    ):
        yield adhoc


def test_a_result_has_rows_kinds_and_time(numbers: Database) -> None:
    result = run_query(
        numbers, "SELECT i, label, made, price FROM n WHERE i < :most -- few", params={"most": 2}
    )
    assert result.frame.rows() == [
        (0, "label 0", dt.date(2024, 1, 31), 0.0),
        (1, "label 1", dt.date(2024, 1, 31), 0.5),
    ]
    assert result.columns == (("i", "integer"), ("label", "text"), ("made", "date"), ("price", "number"))
    assert (result.rows, result.truncated_by) == (2, None)
    assert 0 < result.seconds < 30


def test_duckdb_gives_the_same(duck: AdhocConnection) -> None:
    result = run_query(duck, "SELECT i, label, price FROM n WHERE i < :most ORDER BY i", params={"most": 2})
    assert result.frame.rows() == [(0, "label 0", 0.0), (1, "label 1", 0.5)]
    assert result.columns == (("i", "integer"), ("label", "text"), ("price", "number"))
    assert run_query(duck, "SELECT SUM(i), 1 AS a, 2 AS a FROM n").frame.rows() == [(499500, 1, 2)]
    assert run_query(duck, "SELECT TIMESTAMP '2024-01-03' - TIMESTAMP '2024-01-01' AS gap").frame.rows() == [
        ("2 days",)
    ]
    empty = run_query(duck, "SELECT i, label FROM n WHERE 1 = 0")
    assert (empty.rows, empty.frame.columns) == (0, ["i", "label"])


def test_missing_parameters_are_named(numbers: Database) -> None:
    sql = "SELECT i FROM n WHERE i BETWEEN :low AND :high"
    assert parameters_of(numbers, sql) == ("low", "high")
    with pytest.raises(QueryError, match="parameter high"):
        run_query(numbers, sql, params={"low": 1, "other": 2})


@pytest.mark.parametrize("engine", ["numbers", "duck"])
def test_rows_and_bytes_are_limited(engine: str, request: pytest.FixtureRequest) -> None:
    database = request.getfixturevalue(engine)
    sql = "SELECT i, label FROM n ORDER BY i"
    exact = run_query(database, sql, limits=QueryLimits(max_rows=1000))
    assert (exact.rows, exact.truncated_by) == (1000, None)
    some = run_query(database, sql, limits=QueryLimits(max_rows=7))
    assert (some.frame["i"].to_list(), some.truncated_by) == (list(range(7)), "rows")
    small = run_query(database, sql, limits=QueryLimits(max_bytes=2_000))
    assert small.truncated_by == "bytes"
    assert 0 < small.rows < 500
    assert small.frame.estimated_size() <= 2_000


def test_a_result_without_end_stops_at_its_limit(numbers: Database) -> None:
    result = run_query(numbers, MANY, limits=QueryLimits(max_rows=50_000))
    assert (result.rows, result.truncated_by) == (50_000, "rows")


@pytest.mark.parametrize("bad", [{"max_rows": 0}, {"max_bytes": -1}, {"max_seconds": 0}])
def test_limits_must_be_positive(bad: dict[str, int]) -> None:
    with pytest.raises(QueryError, match="above 0"):
        QueryLimits(**bad)


@pytest.mark.parametrize("sql", [ENDLESS, CROSS])
@pytest.mark.parametrize("engine", ["numbers", "duck"])
def test_time_is_limited(engine: str, sql: str, request: pytest.FixtureRequest) -> None:
    database = request.getfixturevalue(engine)
    begin = time.perf_counter()
    with pytest.raises(QueryTimeout, match=r"stopped after 0\.3 s"):
        run_query(database, sql, limits=QueryLimits(max_seconds=0.3))
    assert time.perf_counter() - begin < 20
    assert run_query(database, "SELECT COUNT(*) FROM n").frame.item() == 1000


@pytest.mark.parametrize("sql", [ENDLESS, CROSS])
@pytest.mark.parametrize("engine", ["numbers", "duck"])
def test_cancelling_stops_the_engine_and_the_processor_is_idle(
    engine: str, sql: str, request: pytest.FixtureRequest
) -> None:
    database = request.getfixturevalue(engine)
    cancel, outcome = threading.Event(), []

    def ask() -> None:
        try:
            run_query(database, sql, cancel=cancel, limits=QueryLimits(max_seconds=120))
        except QueryCancelled as error:
            outcome.append(error)

    thread = threading.Thread(target=ask)
    busy_from = time.process_time()
    thread.start()
    try:
        while time.process_time() - busy_from < 0.3:  # the query is at work
            assert thread.is_alive()
            time.sleep(0.05)
    finally:
        cancel.set()
        thread.join(20)
    assert not thread.is_alive()
    assert "cancelled" in outcome[0].message
    idle_from = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - idle_from < 0.15, "the engine should be at rest"


def test_a_query_cancelled_before_it_begins_does_nothing(numbers: Database) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(QueryCancelled):
        run_query(numbers, "SELECT 1", cancel=cancel)


def test_progress_tells_seconds_while_the_engine_works(numbers: Database) -> None:
    told: list[float] = []
    with pytest.raises(QueryTimeout):
        run_query(
            numbers,
            ENDLESS,
            limits=QueryLimits(max_seconds=1.2),
            progress=lambda seconds, _rows: told.append(seconds),
        )
    assert len(told) >= 2
    assert told == sorted(told)


_LONG = "WITH RECURSIVE r(s) AS (SELECT '0' UNION ALL SELECT s || s FROM r WHERE LENGTH(s) < 900000)"


@pytest.mark.parametrize(
    ("sql", "refused"),
    [
        (f"{_LONG} SELECT INSTR(s, SUBSTR(s, 1, 500000) || '1') FROM r", False),
        (f"{_LONG} SELECT LENGTH(TRIM(s, SUBSTR(s, 1, 500000) || '1')) FROM r", False),
        (f"{_LONG} SELECT s LIKE '%0%0%0%0%0%1' FROM r", False),
        ("SELECT PRINTF('%.1000000000c', 'x')", True),
        ("SELECT FORMAT('%*d', 1000000000, 1)", True),
    ],
)
def test_no_single_function_keeps_the_engine_busy(numbers: Database, sql: str, refused: bool) -> None:
    begin = time.thread_time()
    with pytest.raises(StatementError, match="values it cannot take") if refused else nullcontext():
        run_query(numbers, sql)
    assert time.thread_time() - begin < 2


def test_replaced_functions_agree_with_those_of_sqlite(numbers: Database) -> None:
    calls = [
        *(
            f"INSTR({a}, {b})"
            for a in ("'abcabc'", "''", "NULL", "12345", "1.5")
            for b in ("'c'", "''", "34", "NULL")
        ),
        *(
            f"REPLACE({a}, {b}, 'z')"
            for a in ("'abcabc'", "NULL", "12345")
            for b in ("'b'", "''", "34", "NULL")
        ),
        *(
            f"{f}('xxabxx', {c})"
            for f in ("TRIM", "LTRIM", "RTRIM")
            for c in ("'x'", "''", "'xa'", "NULL", "1")
        ),
        "PRINTF('%.2f|%5d|%-5s|%,d', 1.256, 42, 'ab', 1234567)",
        "FORMAT('%s %%', NULL)",
    ]
    sql = f"SELECT {', '.join(calls)}"
    with closing(sqlite3.connect(":memory:")) as plain:
        assert run_query(numbers, sql).frame.row(0) == plain.execute(sql).fetchone()


@pytest.mark.parametrize(
    ("sql", "message", "place"),
    [
        ("SELECT\n  lable FROM n", "There is no column lable", (2, 3)),
        ("SELECT n.lable FROM n", "There is no column n.lable", (1, 8)),
        ("SELECT 1 FROM nn", "There is no table nn", (1, 15)),
        ("SELECT i FROM n a, n b", "More than one table has a column i", (1, 8)),
        ("SELECT ABS(1, 2)", "too many arguments", (1, 16)),
        ("SELECT 1,\n UNICODE(1, 2)", "Wrong number of arguments", (2, 2)),
        ("SELECT i::integer FROM n", "does not fit", (1, 9)),
        ("SELECT SUM(SUM(i)) FROM n", "isuse of aggregate", (1, 8)),
        ("SELECT i FROM n\nORDER BY label x y", "does not fit", (2, 16)),
    ],
)
def test_errors_name_the_place(numbers: Database, sql: str, message: str, place: tuple[int, int]) -> None:
    with pytest.raises(StatementError, match=message) as caught:
        run_query(numbers, sql)
    assert (caught.value.line, caught.value.column) == place


def test_errors_name_what_was_meant(numbers: Database) -> None:
    with pytest.raises(StatementError) as caught:
        run_query(numbers, "SELECT lable FROM n")
    assert caught.value.remedy == "Nearest names: label."


def test_what_only_sqlite_finds_wrong_has_a_place_too(numbers: Database) -> None:
    with pytest.raises(StatementError, match="i does not fit here") as caught:
        run_query(numbers, "SELECT i, i\nFROM n QUALIFY i = 1")
    assert (caught.value.line, caught.value.column) == (2, 16)


@pytest.mark.parametrize(
    ("sql", "message", "place"),
    [
        ("SELECT\n  lable FROM n", "lable", (2, 3)),
        ("SELECT lable FROM n", "lable", (1, 8)),
        (f"SELECT '{'x' * 200}', lable FROM n", "lable", (1, 212)),
        ("SELECT CAST(label AS INT) FROM n", "Could not convert", (1, 8)),
        ("SELECT 1 FROM nn", "There is no table nn", (1, 15)),
        ("SELECT range(5)", "range", (1, 8)),
    ],
)
def test_errors_of_duckdb_name_the_place(
    duck: AdhocConnection, sql: str, message: str, place: tuple[int, int]
) -> None:
    with pytest.raises(StatementError, match=message) as caught:
        run_query(duck, sql)
    assert (caught.value.line, caught.value.column) == place


def test_plans_can_be_read(numbers: Database, duck: AdhocConnection) -> None:
    plan = explain(numbers, "SELECT a.i FROM n a JOIN n b ON a.i = b.i WHERE a.i < :most")
    assert plan.splitlines()[0] == "SCAN a"
    assert "SEARCH b" in plan
    assert "SCAN" in explain(duck, "SELECT SUM(i) FROM n WHERE i < :most", params={"most": 5}).upper()
    with pytest.raises(StatementError, match="changes data"):
        explain(numbers, "DELETE FROM n")


def test_the_schema_lists_tables_views_and_functions(company: Database) -> None:
    schema = schema_of(company)
    by_name = {table.name: table for table in schema.tables}
    assert by_name["customers"].rows == len(literal_company()["customers"])
    assert by_name["stg_sales"].kind == "view"
    assert by_name["stg_sales"].columns["order_day"] == "day"
    assert "group_concat" in schema.functions
    assert "load_extension" not in schema.functions


def test_every_saved_query_runs_at_once(company: Database) -> None:
    saved = saved_queries(company)
    last = company.query("SELECT MAX(order_day) AS d FROM stg_orders").item()
    assert {query.purpose for query in saved} >= {"Questions about sales", "Tables behind the dashboard"}
    assert [query.purpose for query in saved] == sorted(
        (query.purpose for query in saved), key=[q.purpose for q in saved].index
    )
    for query in saved:
        assert query.title
        assert query.defaults.get("as_of_day", last + 1) == last + 1
        assert None not in query.defaults.values()
        if query.name.startswith("operations/"):
            with pytest.raises(QueryError, match=r"There is no table sales_(load|rename)_log"):
                run_query(company, query.text)
            continue
        result = run_query(company, query.text, params=query.defaults, declared=query.declared)
        assert result.frame.columns == list(query.columns)


def test_defaults_follow_the_date_and_terms_given() -> None:
    saved = {query.name: query for query in saved_queries(as_of=dt.date(2024, 3, 1), terms_days=14)}
    assert saved["marts/customer_receivables"].defaults == {
        "as_of_day": to_day(dt.date(2024, 3, 1)),
        "terms_days": 14,
    }


def test_lacking_tables_are_named(numbers: Database) -> None:
    with pytest.raises(MissingDataError, match="customers"):
        run_query(numbers, "SELECT * FROM stg_customers")


def test_tables_for_a_terminal() -> None:
    frame = pl.DataFrame({"name": ["a", None, "x\ny"], "amount": [1.5, 1234.0, None], "more": ["z"] * 3})
    assert as_table(frame).splitlines() == [
        "name  amount  more",
        "----  ------  ----",
        "a        1.5  z",
        "        1234  z",
        "x y           z",
    ]
    assert as_table(frame, width=14).splitlines()[-1] == "… and 1 more columns: more"


def test_a_file_is_written_in_full_or_not_at_all(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, 2]})
    for form, read in (("csv", pl.read_csv), ("parquet", pl.read_parquet), ("json", pl.read_json)):
        write_file(frame, form, tmp_path / f"out.{form}")
        assert read(tmp_path / f"out.{form}").equals(frame)
    with pytest.raises(QueryError, match="cannot be written as csv"):
        write_file(pl.DataFrame({"a": [[1]]}), "csv", tmp_path / "bad.csv")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.csv", "out.json", "out.parquet"]


@pytest.mark.parametrize("kind", ["duckdb", "parquet"])
def test_the_same_typed_query_runs_on_every_embedded_engine(kind: str, tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path / 'c.duckdb'}" if kind == "duckdb" else f"parquet:///{tmp_path / 'folder'}"
    if kind == "parquet":
        (tmp_path / "folder").mkdir()
    tables = {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in literal_company().items()}
    with open_database(url, read_only=False) as writer:
        for name, frame in tables.items():
            writer.write(name, frame)
    with open_database(url) as database:
        sql = "SELECT country, COUNT(*) AS n FROM customers WHERE creditLimit >= :least GROUP BY country"
        found = run_query(database, sql, params={"least": 0})
        assert found.frame["n"].sum() == tables["customers"].filter(pl.col("creditLimit") >= 0).height
        assert run_query(database, "SELECT SUM(quantity) AS q FROM stg_sales").rows == 1
        assert explain(database, sql)
        for query in saved_queries(database):
            if not query.name.startswith("operations/"):
                result = run_query(database, query.text, params=query.defaults)
                assert result.frame.columns == list(query.columns)
        with pytest.raises(StatementError, match="There is no table customer"):
            run_query(database, "SELECT * FROM customer")


def test_a_staging_view_without_its_tables_is_named_on_duckdb_too(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path / 'c.duckdb'}"
    with open_database(url, read_only=False) as writer:
        writer.write("other", pl.DataFrame({"a": [1]}))
    with open_database(url) as database, pytest.raises(MissingDataError, match="customers"):
        run_query(database, "SELECT * FROM stg_customers")


@pytest.mark.parametrize("content", [b"-- titel: wrong\nSELECT 1", b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_leaves_the_other_queries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    whole = {query.name for query in saved_queries()}
    shutil.copytree(sql_folder(), tmp_path / "sql")
    (tmp_path / "sql" / "eda" / "aaa.sql").write_bytes(content)
    monkeypatch.setattr(sql_files, "sql_folder", lambda: tmp_path / "sql")
    sql_files.read_sql.cache_clear()
    found = {query.name: query for query in saved_queries()}
    sql_files.read_sql.cache_clear()
    assert set(found) == whole | {"eda/aaa"}
    assert "eda/aaa.sql" in found["eda/aaa"].problem
    assert [query.name for query in found.values() if query.problem] == ["eda/aaa"]


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_every_name_can_be_written_in_a_query(tmp_path: Path, engine: str) -> None:
    names = ["plain", "Order", "group", "two words", 'a "quoted" one', "2nd", "Größe", "sales!", "window"]
    with open_database(f"{engine}:///{tmp_path / 'c'}.{engine}", read_only=False) as database:
        for name in names:
            database.write(name, pl.DataFrame({name: [7]}))
        for name in names:
            found = run_query(database, f"SELECT {identifier(name)} FROM {identifier(name)}")
            assert found.frame.rows() == [(7,)], name
    assert identifier("plain") == "plain"
