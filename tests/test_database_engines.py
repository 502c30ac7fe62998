"""Every engine keeps the same promises: one company, the same frames, and reading changes nothing."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_companies import COLUMNS, Tables, literal_company, random_company, write_sqlite

from core.adhoc import run_query
from core.adhoc.schema import schema_of
from core.database import Database, database_path, open_database
from core.days import to_day
from core.doctor import examine
from core.errors import DatabaseError, IngestError, MissingDataError, QueryError, SalesError
from core.generate import generate_company
from core.ingest import ingest
from core.mapping import current_mapping
from core.sales.load import read_sales
from core.settings import Settings
from core.sql_files import column_type, read_sql, sql_names

ENGINES = ["sqlite", "duckdb", "parquet"]
OTHERS = ENGINES[1:]
QUERIES = [*sql_names("marts"), *sql_names("eda")]
_DATES = {"orderDate", "requiredDate", "shippedDate", "paymentDate"}
_DTYPES = {"BIGINT": pl.Int64, "DOUBLE": pl.Float64, "TEXT": pl.String}


def address(engine: str, folder: Path, name: str = "company") -> str:
    if engine == "parquet":
        (folder / name).mkdir(exist_ok=True)
        return f"parquet:///{folder / name}"
    return f"{engine}:///{folder / name}.{engine}"


def frame_of(table: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    schema = {column: _DTYPES[kind] for column, kind in COLUMNS[table].items()}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    moments = [name for name in frame.columns if name in _DATES]
    whole = pl.col(moments).str.pad_end(11, " ").str.pad_end(19, "0").str.replace(" 00000000", " 00:00:00")
    return frame.with_columns(whole.str.to_datetime("%Y-%m-%d %H:%M:%S")) if moments else frame


def fill(engine: str, folder: Path, company: Tables) -> str:
    url = address(engine, folder)
    if engine == "sqlite":
        write_sqlite(company, database_path(url))
        return url
    frames = {table: frame_of(table, rows) for table, rows in company.items()}
    if engine == "parquet":
        for table, frame in frames.items():
            frame.write_parquet(database_path(url) / f"{table}.parquet")
        return url
    with duckdb.connect(str(database_path(url))) as connection:
        for table, frame in frames.items():
            connection.register("incoming", frame)
            connection.execute(f"CREATE TABLE {table} AS SELECT * FROM incoming")
            connection.unregister("incoming")
    return url


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def company(engine: str, tmp_path: Path) -> Iterator[Database]:
    with open_database(fill(engine, tmp_path, literal_company())) as database:
        yield database


def answers(database: Database, as_of: date) -> dict[str, pl.DataFrame]:
    day = to_day(as_of)
    values = {"as_of_day": day, "terms_days": 30, "from_day": day - 500, "until_day": day}
    found = {}
    for name in QUERIES:
        file = read_sql(name)
        frame = database.query(name, **{key: values[key] for key in file.parameters})
        exact = [column for column, said in file.columns.items() if column_type(said) != "number"]
        found[name] = frame.sort(exact or frame.columns)
    return found


def assert_same(found: dict[str, pl.DataFrame], expected: dict[str, pl.DataFrame], engine: str) -> None:
    for name, frame in expected.items():
        try:
            assert_frame_equal(found[name], frame, check_exact=False, abs_tol=0.005, rel_tol=0)
        except AssertionError as error:
            raise AssertionError(f"{name} on {engine}: {error}") from None


@pytest.mark.parametrize("seed", [1, 2])
def test_every_query_gives_the_same_frame_on_every_engine(seed: int, tmp_path: Path) -> None:
    tables = random_company(seed)
    with open_database(fill("sqlite", tmp_path, tables)) as sqlite:
        for other in OTHERS:
            with open_database(fill(other, tmp_path, tables)) as database:
                for as_of in (date(2022, 6, 1), date(2024, 2, 11), date(2025, 1, 1)):
                    assert_same(answers(database, as_of), answers(sqlite, as_of), f"{other} {as_of}")


def test_ingested_companies_are_the_same_and_so_are_their_sales(tmp_path: Path) -> None:
    folder = generate_company(tmp_path / "files", customers=80, years=2).folder
    as_of = date(2025, 5, 1)
    found, sales = {}, {}
    for engine in ENGINES:
        url = address(engine, tmp_path)
        ingest([folder], url)
        with open_database(url) as database:
            found[engine] = answers(database, as_of)
            sales[engine] = read_sales(database, as_of, max_lines=2_000)
            assert database.query("SELECT COUNT(*) AS n FROM sales_load_log").item() == 8
    for other in OTHERS:
        assert_same(found[other], found["sqlite"], other)
        for name in ("daily", "product_monthly", "lines", "customers"):
            left, right = getattr(sales[other], name), getattr(sales["sqlite"], name)
            assert left.schema == right.schema
            assert left.height == right.height
            assert left["revenue"].sum() == pytest.approx(right["revenue"].sum(), abs=0.005)


def test_types_are_those_of_the_data(company: Database) -> None:
    frame = company.query(
        "SELECT orderNumber, orderDate, status, 1.5 AS price, NULL AS unknown, COUNT(*) AS n "
        "FROM orders WHERE orderNumber = :number GROUP BY orderNumber, orderDate, status",
        number=100,
    )
    assert [frame[name].dtype for name in ("orderNumber", "status", "price", "unknown", "n")] == [
        pl.Int64,
        pl.String,
        pl.Float64,
        pl.String,
        pl.Int64,
    ]
    assert company.query("SELECT 1 AS a, 2 AS b, 3 AS a").columns == ["a", "b", "a_2"]
    assert company.query("SELECT orderNumber, status FROM orders WHERE 1 = 0").dtypes == [pl.Int64, pl.String]


def test_parameters_are_values_and_names_in_text_are_not(company: Database) -> None:
    found = company.query("SELECT :a AS a, ':b' AS b, 2.5 AS c /* :c */ -- :d\n", a="it's :b", unused=1)
    assert found.rows() == [("it's :b", ":b", 2.5)]
    with pytest.raises(QueryError, match="start"):
        company.query("SELECT * FROM orders WHERE orderNumber >= :start")
    with pytest.raises(QueryError, match="parameter start has a value of type list"):
        company.query("SELECT * FROM orders WHERE orderNumber >= :start", start=[1])


def test_tables_are_listed_with_kinds_and_rows(company: Database) -> None:
    tables = {table.name: table for table in company.tables()}
    assert tables["orders"].rows == 6
    assert tables["orders"].kind == "table"
    assert tables["orderdetails"].columns["priceEach"] == "number"
    assert tables["stg_orders"].kind == "view"
    assert tables["stg_orders"].columns["order_day"] == "day"


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELEC * FROM orders", "syntax error"),
        ("SELECT nonsense FROM orders", "nonsense"),
        ("SELECT * FROM ordrs", "Nearest names: orders"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("DELETE FROM orders", "may only read"),
        ("INSERT INTO orders SELECT * FROM orders", "may only read"),
        ("DROP TABLE orders", "may only read|use DROP VIEW"),
        ("CREATE TABLE x (a INTEGER)", "may only read"),
        ("CREATE TEMP TABLE x (a INTEGER)", "may only read"),
        ("ATTACH 'other.file' AS other", "may only read"),
    ],
)
def test_what_cannot_be_run_says_why(company: Database, sql: str, reason: str) -> None:
    with pytest.raises(QueryError, match=reason):
        company.query(sql)
    assert company.query("SELECT COUNT(*) AS n FROM orders").item() == 6


@pytest.mark.parametrize("other", OTHERS)
def test_duckdb_says_where_a_query_is_wrong(other: str, tmp_path: Path) -> None:
    with open_database(fill(other, tmp_path, literal_company())) as database:
        for sql, place in (
            ("SELECT status,\n  nonsense FROM orders", r"line 2, column 3"),
            ("SELEC 1", r"line 1, column 1"),
            ("SELECT CAST('x' AS INTEGER) AS a", r"line 1, column 8"),
        ):
            with pytest.raises(QueryError, match=place):
                database.query(sql)


@pytest.mark.parametrize("other", OTHERS)
def test_reading_is_confined_by_the_engine(other: str, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "secret.parquet")
    refused = [
        f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",
        f"SELECT * FROM '{tmp_path}/secret.parquet'",
        f"SELECT * FROM read_parquet('{tmp_path}/company/../secret.parquet')",
        f"SELECT * FROM read_text('{tmp_path}/secret.csv')",
        f"SELECT * FROM glob('{tmp_path}/*')",
        f"COPY orders TO '{tmp_path}/out.csv'",
        f"COPY orders TO '{tmp_path}/company/out.csv'",
        f"ATTACH '{tmp_path}/new.duckdb' AS other",
        f"EXPORT DATABASE '{tmp_path}/out'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET threads = 1",
        "RESET threads",
        "PRAGMA threads = 1",
        "USE memory",
        "DETACH data",
        "CHECKPOINT",
        "BEGIN",
        "COMMIT",
        "PREPARE p AS SELECT 1",
        "CALL pragma_version()",
        "UPDATE orders SET status = 'x'",
        "CREATE VIEW v AS SELECT 1",
        "WITH x AS (SELECT 1) INSERT INTO orders SELECT * FROM x",
        "EXPLAIN ANALYZE CREATE TABLE memory.main.t AS SELECT 1 AS a",
    ]
    here = pl.DataFrame({"a": [1]})  # a variable that DuckDB would look up by name
    with open_database(fill(other, tmp_path, literal_company())) as database:
        for sql in [*refused, "SELECT * FROM here"]:
            with pytest.raises(QueryError):
                database.query(sql)
        assert database.query("SELECT COUNT(*) AS n FROM orders").item() == 6
        assert database.query("EXPLAIN SELECT * FROM orders").height
        assert "t" not in {table.name for table in database.tables()}
    assert here.height == 1
    assert not list(tmp_path.rglob("out*"))


def test_missing_tables_and_columns_are_named(engine: str, tmp_path: Path) -> None:
    url = address(engine, tmp_path)
    with open_database(url, read_only=False) as database:
        database.write("orders", frame_of("orders", literal_company()["orders"]))
        database.write("payments", pl.DataFrame({"checkNumber": ["a"]}))
        with pytest.raises(MissingDataError, match="lacks the tables orderdetails, products") as caught:
            database.query("marts/order_lines", as_of_day=20_000)
        assert caught.value.needs == ("orderdetails", "products")
        with pytest.raises(MissingDataError, match="payments lacks customerNumber"):
            database.query("SELECT * FROM stg_payments")
        assert database.query("SELECT COUNT(*) AS n FROM stg_orders").item() == 6


def test_written_frames_come_back(engine: str, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "customer": [1, 2, None],
            "score": [0.25, None, 1.0],
            "name": ['O"Hara, ü', None, "two\nlines"],
            "since": [date(2024, 1, 31), None, date(1999, 12, 31)],
            "seen": [datetime(2024, 1, 31, 12, 30, 1, 250_000), None, datetime(2000, 1, 1)],
            "nothing": pl.Series([None] * 3, dtype=pl.String),
        }
    )
    url = address(engine, tmp_path)
    with open_database(url, read_only=False) as database:
        database.write("scores", frame)
        assert database.query("SELECT * FROM scores").equals(frame)
        versions = {database.data_version()}
        database.write("scores", frame.head(1), mode="append")
        versions.add(database.data_version())
        assert database.query("SELECT COUNT(*) AS n FROM scores").item() == 4
        with pytest.raises(DatabaseError, match="tags"):
            database.write("tags", pl.DataFrame({"tags": [["a"]]}))
        with pytest.raises(DatabaseError, match="scores cannot be stored"):
            database.write("scores", pl.DataFrame({"other": [1]}), mode="append")
        versions.add(database.data_version())
        assert len(versions) == 2
        assert database.query("SELECT COUNT(*) AS n FROM scores").item() == 4
        database.write("scores", frame.head(1))
        assert database.query("SELECT * FROM scores").equals(frame.head(1))
    with open_database(url) as database, pytest.raises(DatabaseError, match="reading only"):
        database.write("scores", frame)


def test_many_threads_read_while_the_data_are_replaced(engine: str, tmp_path: Path) -> None:
    url = fill(engine, tmp_path, literal_company())
    seen: list[int] = []
    failures: list[Exception] = []

    def read(database: Database) -> None:
        try:
            seen.extend(database.query("SELECT COUNT(*) AS n FROM stg_orders").item() for _ in range(25))
        except Exception as error:
            failures.append(error)

    with open_database(url, read_only=False) as database:
        threads = [threading.Thread(target=read, args=(database,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        orders = frame_of("orders", literal_company()["orders"])
        for _ in range(3):
            with open_database(url, read_only=False) as writer:
                writer.write("extra", orders)
        for thread in threads:
            thread.join()
        assert not failures
        assert seen == [6] * 200
        assert database.query("SELECT COUNT(*) AS n FROM extra").item() == 6
    with pytest.raises(DatabaseError, match="closed"):
        database.query("SELECT 1 AS a")


def csv(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.csv").write_text(text)
    return folder


def test_a_load_is_all_or_nothing_with_the_same_words(engine: str, tmp_path: Path) -> None:
    url = address(engine, tmp_path)
    good = csv(tmp_path / "good", "customers", "customerNumber,customerName,country\n1,A,France\n2,B,USA\n")
    csv(good, "orders", "orderNumber,orderDate,status,customerNumber\n10,2024-01-31,Shipped,1\n")
    ingest([good], url)
    with open_database(url) as database:
        version = database.data_version()
        orders = "orderNumber,orderDate,status,customerNumber\n"
        for text, reason in (
            ("11,2024-02-01,Shipped,1\n12,2024-02-30,Shipped,1\n", "line 3, column orderDate"),
            ("11,2024-02-01,Shipped,1\n12,2024-02-02,Shipped,7\n", "7 is not in customers"),
            ("12,2024-02-01,Shipped,1\n11,2024-02-02,Shipped,1\n12,2024-02-02,Shipped,1\n", "line 4.*line 2"),
            ("11,2024-02-01,Shipped,1\n11,2024-02-02,Shipped,1\n", "line 3.*11 is already in line 2"),
        ):
            bad = csv(tmp_path / "bad", "orders", orders + text)
            with pytest.raises(IngestError, match=reason):
                ingest([bad], url)
            assert database.data_version() == version
        more = csv(tmp_path / "more", "orders", orders + "10,2024-02-01,Shipped,1\n")
        with pytest.raises(IngestError, match="10 is already in the table"):
            ingest([more], url, append=True)
        more = csv(tmp_path / "more", "orders", orders + "11,2024-02-01,Shipped,2\n")
        ingest([more], url, append=True)
        assert database.query(
            "SELECT orderNumber FROM orders ORDER BY orderNumber"
        ).to_series().to_list() == [
            10,
            11,
        ]
        assert database.query("SELECT COUNT(*) AS n FROM customers").item() == 2
    left = [file.name for file in tmp_path.iterdir() if "partial" in file.name or "spill" in file.name]
    assert not left


READER = """
import sys
from core.database import open_database
with open_database(sys.argv[1]) as database:
    for line in sys.stdin:
        print(database.data_version(), database.query("SELECT COUNT(*) AS n FROM t").item(), flush=True)
"""


def test_a_reader_in_another_process_goes_on_and_sees_each_load(engine: str, tmp_path: Path) -> None:
    url = address(engine, tmp_path)
    source = csv(tmp_path / "in", "t", "a,b\n1,x\n")
    ingest([source], url)
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert reader.stdin is not None
    assert reader.stdout is not None
    with reader, reader.stdin:

        def ask() -> list[str]:
            print("?", file=reader.stdin, flush=True)
            return reader.stdout.readline().split()

        first = ask()
        assert first[1] == "1"
        csv(source, "t", "a,b\n" + "".join(f"{i},x\n" for i in range(5000)))
        with open_database(url, read_only=False) as database, database.bulk_load() as load:
            assert load.existing("t")
            assert ask() == first  # while a load is under way, and after one that was given up
        assert ask() == first
        ingest([source], url)
        second = ask()
        assert second[1] == "5000"
        assert second[0] != first[0]
    assert reader.returncode == 0


@pytest.mark.parametrize("other", OTHERS)
def test_only_one_load_at_a_time(other: str, tmp_path: Path) -> None:
    url = fill(other, tmp_path, literal_company())
    with open_database(url, read_only=False) as database:
        with database.bulk_load(), pytest.raises(DatabaseError, match="being loaded by another"):
            database.bulk_load()
        database.bulk_load().close()
    with open_database(url) as database, pytest.raises(DatabaseError, match="reading only"):
        database.bulk_load()


def test_a_company_with_its_own_staging_view_and_types(tmp_path: Path) -> None:
    file = tmp_path / "own.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE deals (id INTEGER, won DATE, sum DECIMAL(10, 2), odd INTEGER[])")
        connection.execute("INSERT INTO deals VALUES (1, '2024-02-29', 12.30, [1, 2])")
        connection.execute(
            "CREATE VIEW stg_payments AS SELECT id AS customer_id, 'p' AS payment_id, "
            "won - DATE '1970-01-01' AS payment_day, sum AS amount FROM deals"
        )
        connection.execute("CREATE VIEW gone AS SELECT * FROM deals")
        connection.execute("ALTER TABLE deals RENAME COLUMN odd TO tags")
    with open_database(str(file)) as database:
        assert database.query("SELECT payment_day, amount FROM stg_payments").rows() == [(19_782, 12.3)]
        assert database.query("SELECT * FROM deals").rows() == [(1, date(2024, 2, 29), 12.3, "[1, 2]")]
        assert database.query("SELECT SUM(id) AS n, SUM(sum) AS total FROM deals").rows() == [(1, 12.3)]
        assert [table.name for table in database.tables() if table.kind == "table"] == ["deals"]


def test_a_folder_with_several_files_for_a_table(tmp_path: Path) -> None:
    url = address("parquet", tmp_path)
    folder = database_path(url)
    (folder / "orders").mkdir()
    frame = frame_of("orders", literal_company()["orders"])
    frame.head(4).write_parquet(folder / "orders" / "a.parquet")
    with open_database(url, read_only=False) as database:
        assert database.query("SELECT COUNT(*) AS n FROM stg_orders").item() == 4
        frame.tail(2).write_parquet(folder / "orders" / "b.parquet")
        assert database.query("SELECT COUNT(*) AS n FROM stg_orders").item() == 6
        database.write("orders", frame.head(1), mode="append")
        assert database.query("SELECT COUNT(*) AS n FROM stg_orders").item() == 7
    assert [file.name for file in folder.rglob("*.parquet")] == ["orders.parquet"]


def test_files_that_are_no_databases_and_addresses(tmp_path: Path) -> None:
    (tmp_path / "x.duckdb").write_text("orderNumber,orderDate\n" * 10)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "t.parquet").write_text("no Parquet")
    for url, reason in (
        (f"duckdb:///{tmp_path}/x.duckdb", "is not a DuckDB database"),
        (f"duckdb:///{tmp_path}/missing.duckdb", "There is no database file"),
        (f"parquet:///{tmp_path}/missing", "There is no folder"),
        ("duckdb://", "DuckDB address names no file"),
        ("parquet://", "Parquet address names no folder"),
        (f"duckdb:///{tmp_path}/x.duckdb?memory_limit=much", "options"),
        (f"duckdb:///{tmp_path}/x.duckdb?token=secret", "options"),
    ):
        with pytest.raises(DatabaseError, match=reason) as caught:
            open_database(url)
        assert "secret" not in str(caught.value)
    with open_database(f"parquet:///{tmp_path}/bad") as database:
        assert not database.health().ok
        with pytest.raises(DatabaseError, match="cannot be read"):
            database.query("SELECT 1 AS a")


def test_limits_are_those_of_the_address(tmp_path: Path) -> None:
    url = fill("duckdb", tmp_path, literal_company())
    asked = (
        "SELECT name, value FROM duckdb_settings() WHERE name IN ('threads', 'memory_limit') ORDER BY name"
    )
    with open_database(f"{url}?memory_limit=512MiB&threads=1") as database:
        assert database.query(asked)["value"].to_list() == ["512.0 MiB", "1"]


def test_a_file_that_another_program_writes_to_is_told(tmp_path: Path) -> None:
    url = fill("duckdb", tmp_path, literal_company())
    file = str(database_path(url))
    script = f"import duckdb, sys; c = duckdb.connect({file!r}); print('on', flush=True); sys.stdin.read()"
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "on\n"
        with open_database(url, read_only=False) as database:
            with pytest.raises(DatabaseError, match="open for writing in another program"):
                database.query("SELECT 1 AS a")
            with pytest.raises(DatabaseError, match="open for writing in another program"):
                database.write("t", pl.DataFrame({"a": [1]}))
            assert not database.health().ok


def test_duckdb_is_imported_when_needed_only(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "t.sqlite")) as connection:
        connection.execute("CREATE TABLE t (a)")
    script = (
        "import sys; import core.ingest, core.sales_data, core.doctor\n"
        "from core.database import open_database\n"
        f"with open_database({str(tmp_path / 't.sqlite')!r}) as database: database.tables()\n"
        "assert 'duckdb' not in sys.modules\n"
        "sys.modules['duckdb'] = None\n"
        "try: open_database('duckdb:///x.duckdb', read_only=False)\n"
        "except Exception as error: print(error)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert "need the package duckdb" in found.stdout
    assert "pip install duckdb" in found.stdout


def break_views(database: Database, engine: str) -> None:
    """Views of the database itself that read what is not there."""
    broken = {"lost": "SELECT * FROM nowhere", "stg_offices": "SELECT absent FROM offices"}
    file: Path = database.file  # type: ignore[attr-defined]
    if engine == "parquet":
        for name, text in broken.items():
            (file / f"{name}.sql").write_text(text)
    elif engine == "sqlite":
        with closing(sqlite3.connect(file)) as connection:
            for name, text in broken.items():
                connection.execute(f"CREATE VIEW {name} AS {text}")
    else:
        with duckdb.connect(file) as connection:
            connection.execute("CREATE TABLE nowhere (n INTEGER)")
            connection.execute("ALTER TABLE offices ADD COLUMN absent INTEGER")
            for name, text in broken.items():
                connection.execute(f"CREATE VIEW {name} AS {text}")
            connection.execute("DROP TABLE nowhere")
            connection.execute("ALTER TABLE offices DROP COLUMN absent")


@pytest.mark.parametrize(
    "text",
    ["SELECT 1 AS a); DROP VIEW orders; SELECT (1", "DROP VIEW orders", "SELECT 1; SELECT 2", ""],
)
def test_files_beside_parquet_are_views_only_if_they_are_one_select(tmp_path: Path, text: str) -> None:
    url = fill("parquet", tmp_path, literal_company())
    (database_path(url) / "odd.sql").write_text(text)
    (database_path(url) / "even.sql").write_text("SELECT COUNT(*) AS n FROM orders -- all\n;\n")
    with open_database(url) as database:
        found = {table.name: table for table in database.tables()}
        assert found["odd"].broken
        assert not found["even"].broken
        assert database.query("SELECT n FROM even").item() == found["orders"].rows


def test_broken_views_are_marked_and_nothing_else_fails(company: Database, engine: str) -> None:
    break_views(company, engine)
    found = {table.name: table for table in company.tables()}
    assert "nowhere" in found["lost"].broken
    assert "absent" in found["stg_offices"].broken
    assert [t.name for t in found.values() if t.broken] == ["lost", "stg_offices"]
    assert (found["lost"].kind, found["lost"].columns, found["lost"].rows) == ("view", {}, None)
    assert {table.name for table in schema_of(company).tables} == set(found)
    assert current_mapping(company) is not None
    examine(company, Settings())
    for sql in ("SELECT * FROM lost", "SELECT * FROM stg_offices", "SELECT x FROM lost"):
        with pytest.raises(SalesError):
            company.query(sql)
        with pytest.raises(SalesError):
            run_query(company, sql)
    assert company.query("SELECT COUNT(*) AS n FROM stg_orders").item() > 0
