"""Checks that every engine must pass, each a function of an address: shared by the tests of all engines."""

import threading
import time
from collections.abc import Callable
from datetime import date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_companies import Tables, comparable

from core.adhoc import identifier, run_query
from core.database import Database, open_database
from core.database.adhoc import QueryCancelled, QueryLimits, QueryTimeout
from core.database.schema import Column, ForeignKey, TableSchema
from core.days import to_day
from core.errors import DatabaseError, MissingDataError, QueryError
from core.profile import profile_frame, profile_table
from core.sql_files import column_type, read_sql, sql_names

DATES = ("orderDate", "requiredDate", "shippedDate", "paymentDate")
QUERIES = [
    name for name in sql_names() if name.startswith(("eda/", "features/", "labels/", "marts/", "models/"))
]
AS_OF = to_day(date(2024, 2, 25))
GIVEN = {
    "as_of_day": AS_OF,
    "terms_days": 30,
    "from_day": AS_OF - 500,
    "until_day": AS_OF,
    "horizon_days": 90,
}


def company_frames(company: Tables) -> dict[str, pl.DataFrame]:
    """The tables of a small company, dates as dates."""
    frames = {}
    for table, rows in company.items():
        frame = pl.DataFrame(rows, infer_schema_length=None)
        dated = [pl.col(name).str.head(10).str.to_date() for name in DATES if name in frame.columns]
        frames[table] = frame.with_columns(dated)
    return frames


def fill(url: str, company: Tables) -> None:
    """Store a small company."""
    with open_database(url, read_only=False) as database:
        for table, frame in company_frames(company).items():
            database.write(table, frame)


def parameters(name: str) -> dict[str, object]:
    """A value for each parameter of a query."""
    found: dict[str, object] = {}
    for parameter, said in read_sql(name).parameters.items():
        day = AS_OF if column_type(said) == "day" else 1
        found[parameter] = GIVEN.get(parameter, "P1" if "product" in parameter else day)
    return found


def same_rows(expected: Database, found: Database) -> int:
    """Every query gives the same rows and types on both databases; how many were compared."""
    for name in QUERIES:
        values = parameters(name)
        left, right = expected.query(name, **values), found.query(name, **values)
        assert left.schema == right.schema, f"{name}: {left.schema} and {right.schema}"
        file = read_sql(name)
        try:
            assert_frame_equal(
                comparable(left, file), comparable(right, file), check_exact=False, abs_tol=1e-6, rel_tol=1e-9
            )
        except AssertionError as error:
            raise AssertionError(f"{name} on {found.engine}: {error}") from None
    return len(QUERIES)


TYPES = pl.DataFrame(
    {
        "id": [1, 2, 3],
        "big": [2**62, -(2**62), None],
        "amount": [0.1, -1e-12, None],
        "words": ["Ünï — 日本 🚗 'q' \"d\" \\ % :x", "", None],
        "day": [date(1969, 12, 31), date(2024, 2, 29), None],
        "moment": [datetime(2024, 1, 1, 23, 59, 59, 123456), datetime(1999, 1, 1), None],
        "yes": [True, False, None],
        "bytes": [bytes(range(256)), b"", None],
    },
    schema_overrides={"moment": pl.Datetime("us")},
)


def types_survive(database: Database) -> None:
    """Fractions of seconds, 64-bit integers, all of Unicode, bytes, and nulls come back as they went."""
    database.write("kinds", TYPES)
    found = database.query("SELECT * FROM kinds ORDER BY id")
    assert found.columns == TYPES.columns
    for name in ("id", "big", "amount", "words", "day", "moment", "bytes"):
        assert found[name].to_list() == TYPES[name].to_list(), name
    assert [None if v is None else bool(v) for v in found["yes"]] == [True, False, None]
    batches = list(database.read_batches("kinds", rows=2))
    assert sum(batch.height for batch in batches) == 3
    assert max(batch.height for batch in batches) <= 2
    assert_frame_equal(pl.concat(batches).sort("id"), TYPES)
    kinds = next(info.columns for info in database.tables() if info.name == "kinds")
    assert list(kinds.values()) == [
        "integer", "integer", "number", "text", "date", "datetime", "boolean", "binary",
    ]  # fmt: skip


def parameters_are_values(database: Database) -> None:
    """Whatever is in a parameter stays a value; dates compare with dates."""
    database.write("kinds", TYPES)
    for value in [TYPES["words"][0], "'; DROP TABLE kinds; --", "a\\' OR 1=1 --", "%s :x ?"]:
        found = database.query("SELECT COUNT(*) AS n FROM kinds WHERE words = :word", word=value).item()
        assert found == (1 if value == TYPES["words"][0] else 0), value
    count = "SELECT COUNT(*) AS n FROM kinds WHERE day > :day AND id - :minus > 3 AND words <> ':day'"
    assert database.query(count, day=date(2024, 1, 1), minus=-5).item() == 1
    assert database.query("SELECT id FROM kinds WHERE id = 0").schema == {"id": pl.Int64}


def loads_all_or_nothing(url: str) -> None:
    """Rows are seen after the commit only; repeated keys and orphans are found; nothing stays behind."""
    parents = TableSchema("parents", (Column("code", "text", True), Column("name", "text")), ("code",))
    children = TableSchema(
        "children",
        (Column("id", "integer", True), Column("code", "text")),
        ("id",),
        (ForeignKey(("code",), "parents", ("code",)),),
    )
    with open_database(url, read_only=False) as database:
        database.write("seed", pl.DataFrame({"a": [1]}))
        with database.bulk_load() as load:
            for schema, rows in ((parents, [["a", "b"], ["A", None]]), (children, [[1, 2], ["a", "zzz"]])):
                load.create(schema)
                assert load.insert(schema.name, [pl.Series(column) for column in rows])
                assert load.add_key(schema.name)
            assert "parents" not in _names(database)
            for schema in (parents, children):
                load.install(schema.name, "replace")
            assert load.orphans("children", children.foreign_keys[0], 5) == (1, [("zzz",)])
            load.log([("a file", "parents", 2, "replace"), ("a file", "children", 2, "replace")])
            load.commit()
        assert {"parents", "children", "sales_load_log"} <= _names(database)
        assert database.query("operations/last_load")["rows_loaded"].sum() == 4
        before = database.data_version()
        with database.bulk_load() as load:  # a key that comes twice, and no commit
            load.create(parents)
            twice = load.insert("parents", [pl.Series(["x", "x"]), pl.Series(["1", "2"])])
            assert not (twice and load.add_key("parents"))
        with database.bulk_load() as load:  # a key that is there already
            load.create(parents)
            load.insert("parents", [pl.Series(["b", "c"]), pl.Series(["new", "new"])])
            assert load.add_key("parents")
            assert load.known_keys("parents", 5) == [("b",)]
        assert database.query("SELECT code, name FROM parents ORDER BY code").rows() == [
            ("a", "A"),
            ("b", None),
        ]
        assert not [name for name in _names(database) if name.startswith("_")]
        with database.bulk_load() as load:
            load.create(parents)
            load.insert("parents", [pl.Series(["c"]), pl.Series(["C"])])
            load.install("parents", "append")
            assert load.orphans("children", children.foreign_keys[0], 5)[0] == 1
            load.commit()
        assert database.query("SELECT COUNT(*) AS n FROM parents").item() == 3
        assert database.data_version() != before


def _names(database: Database) -> set[str]:
    return {info.name for info in database.tables()}


def versions_change(url: str, write_as_other: Callable[[], object]) -> None:
    """The data version stays while nothing happens, and changes with every write, also by others."""
    with open_database(url, read_only=False) as writer, open_database(url) as reader:
        writer.write("t", pl.DataFrame({"a": [1]}))
        _settled(reader)
        first = reader.data_version()
        assert reader.data_version() == first
        writer.write("t", pl.DataFrame({"a": [2]}), mode="append")
        second = reader.data_version()
        assert second != first
        second = _settled(reader)
        write_as_other()
        until = time.monotonic() + 30
        while reader.data_version() == second:
            assert time.monotonic() < until, "the write of another was never noticed"
            time.sleep(0.2)


def _settled(database: Database) -> str:
    """The version once it no longer changes by itself."""
    until = time.monotonic() + 20
    version = database.data_version()
    while time.monotonic() < until:
        time.sleep(2.2)
        if database.data_version() == version:
            return version
        version = database.data_version()
    raise AssertionError("the version never settles")


def limits_hold(database: Database) -> None:
    """Rows and bytes are cut off, and that is said; the connection is good for the next query."""
    database.write("many", pl.DataFrame({"a": range(5_000), "b": [f"{i:0100d}" for i in range(5_000)]}))
    cut = run_query(database, "SELECT a FROM many ORDER BY a", limits=QueryLimits(max_rows=1_500))
    assert (cut.rows, cut.truncated_by) == (1_500, "rows")
    assert cut.frame["a"].to_list() == list(range(1_500))
    cut = run_query(database, "SELECT b FROM many", limits=QueryLimits(max_bytes=50_000))
    assert cut.truncated_by == "bytes"
    assert cut.rows < 5_000
    whole = run_query(database, "SELECT a FROM many", limits=QueryLimits(max_rows=5_000))
    assert (whole.rows, whole.truncated_by) == (5_000, None)


ENDLESS = "SELECT COUNT(*) AS n FROM many a, many b, many c WHERE a.a + b.a + c.a = -1"


def stops_on_the_server(database: Database, is_running: Callable[[], bool]) -> None:
    """A query that takes too long, or that a person cancels, ends on the server too."""
    database.write("many", pl.DataFrame({"a": range(5_000)}))
    with pytest.raises(QueryTimeout, match=r"stopped after 0\.5 s"):
        run_query(database, ENDLESS, limits=QueryLimits(max_seconds=0.5))
    cancel = threading.Event()
    threading.Timer(0.5, cancel.set).start()
    with pytest.raises(QueryCancelled):
        run_query(database, ENDLESS, cancel=cancel, limits=QueryLimits(max_seconds=60))
    until = time.monotonic() + 15
    while is_running():
        assert time.monotonic() < until, "the statement goes on running on the server"
        time.sleep(0.1)
    assert run_query(database, "SELECT 1 AS one").frame.item() == 1


def errors_have_sentences(database: Database) -> None:
    """What is wrong with a statement is said, with its place, and what is missing is named."""
    database.write("many", pl.DataFrame({"amount": [1]}))
    with pytest.raises(QueryError, match=r"no table manny .*line 1, column 15.*Nearest names: many"):
        run_query(database, "SELECT a FROM manny")
    with pytest.raises(QueryError, match=r"no column amuont .*line 2, column 3.*Nearest names: amount"):
        run_query(database, "SELECT\n  amuont\nFROM many WHERE amount > :least", params={"least": 100_000})
    with pytest.raises(MissingDataError, match=r"lacks the tables? .*orderdetails"):
        run_query(database, "SELECT amount FROM stg_sales")
    with pytest.raises(
        MissingDataError, match=r"lacks the table customers that marts/customers needs|orders"
    ):
        database.query("marts/customers", as_of_day=1)
    with pytest.raises(MissingDataError, match="has no table nothing"):
        list(database.read_batches("nothing"))


def nothing_is_written_by_reading(database: Database, url: str) -> None:
    """A database that was opened for reading refuses to write, and its queries cannot."""
    with open_database(url) as reader:
        with pytest.raises(DatabaseError, match="reading only"):
            reader.write("t", pl.DataFrame({"a": [1]}))
        for statement in ("DELETE FROM many", "DROP TABLE many", "CREATE TABLE made (a INTEGER)"):
            with pytest.raises(QueryError, match=r"only read|read.only|cannot be run"):
                reader.query(statement)
    assert "many" in _names(database)
    assert "made" not in _names(database)


NAMES = ["plain", "Order", "MixedCase", "two words", "it`s", "2nd", "Größe", "rank", "user", "key", "window"]
FRAME = pl.DataFrame(
    {
        "many": list(range(100)),
        "part": [number * 1.37 for number in range(100)],
        "few": [1, 2, 3, None] * 25,
        "said": ["é", "naïve ", None, "🌍", ""] * 20,
        "paid": [True, False, None, True] * 25,
        "day": [date(2024, 1, 1 + number % 28) for number in range(100)],
        "value": [0.5] * 100,
    }
)


def names_can_be_written(database: Database) -> None:
    """What completion writes for a table or column is a name, whatever the engine reserves."""
    for name in NAMES:
        database.write(name, pl.DataFrame({name: [7]}))
    known = {info.name.lower(): info for info in database.tables()}
    for name in NAMES:
        found = known[name.lower()]  # as the engine stores it
        column, table = (
            identifier(text, database.engine) for text in (next(iter(found.columns)), found.name)
        )
        assert run_query(database, f"SELECT {column} FROM {table}").frame.rows() == [(7,)], name


def profiles_are_those_of_the_frame(database: Database) -> None:
    """What a table's columns hold is counted by the engine as it is counted here."""
    database.write("profiled", FRAME)
    stored = {profile.name: profile for profile in profile_table(database, "profiled")}
    for expected in profile_frame(FRAME):
        assert stored[expected.name] == expected
