"""Loading files: typed tables, exact values, all or nothing, and problems that name file, line and column."""

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.database import open_database
from core.errors import DatabaseError, IngestError
from core.ingest import IngestReport, ingest

CUSTOMERS = "customerNumber,customerName,country,creditLimit\n103,Atelier,France,21000.00\n112,Signal,USA,\n"
ORDERS = (
    "orderNumber,orderDate,requiredDate,shippedDate,status,comments,customerNumber\n"
    "1,2024-03-01,2024-03-08,,In Process,,103\n"
    '2,2024-03-02,2024-03-09,2024-03-04,Shipped,"said ""soon"",\nthen shipped",112\n'
)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "company.sqlite")


def load(
    folder: Path, database: str, append: bool = False, table: str | None = None, **files: str
) -> IngestReport:
    """Write each text to a CSV file of its name and load these files."""
    paths = [folder / f"{name}.csv" for name in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.write_bytes(text.encode())
    return ingest(paths, database, append=append, table=table)


def rows(database: str, sql: str) -> list[tuple]:
    with open_database(database) as opened:
        return opened.query(sql).rows()


def problems(folder: Path, database: str, **files: str) -> Sequence[str]:
    with pytest.raises(IngestError) as caught:
        load(folder, database, **files)
    assert not (folder / "company.sqlite").exists()
    return [str(problem) for problem in caught.value.problems]


def test_classic_models_names_get_their_declared_types(tmp_path: Path, database: str) -> None:
    report = load(tmp_path, database, customers=CUSTOMERS, orders=ORDERS)
    assert [(table.name, table.rows) for table in report.tables] == [("customers", 2), ("orders", 2)]
    assert rows(database, "SELECT customerNumber, customerName, creditLimit, city FROM customers") == [
        (103, "Atelier", 21000.0, None),
        (112, "Signal", None, None),
    ]
    assert rows(database, "SELECT orderDate, shippedDate, comments FROM orders") == [
        (date(2024, 3, 1), None, None),
        (date(2024, 3, 2), date(2024, 3, 4), 'said "soon",\nthen shipped'),
    ]


def test_names_may_be_written_in_another_way(tmp_path: Path, database: str) -> None:
    (tmp_path / "Order Details.csv").write_text(
        "Order Number;Product Code;Quantity Ordered;price_each;orderlinenumber;discount\n"
        "10;S1;5;1.234,50;1;0,1\n"
        "10;S2;3;9,99;2;0,25\n"
    )
    ingest([tmp_path], database)
    assert rows(database, "SELECT * FROM orderdetails") == [
        (10, "S1", 5, 1234.5, 1, 0.1),
        (10, "S2", 3, 9.99, 2, 0.25),
    ]


def test_any_other_file_becomes_one_typed_table(tmp_path: Path, database: str) -> None:
    text = (
        "id,code,phone,day,seen,price,member,note,empty\n"
        "1,007,5551234567,31/01/2024,2024-01-31 10:00:00,9.50,yes,NA,\n"
        "2,010,+49 30 1234,01/02/2024,2024-02-01T11:30:00,1000,no,,\n"
        "NA,,,,,,,x,NULL\n"
    )
    report = load(tmp_path, database, visits=text)
    assert report.tables[0].columns == {
        "id": "integer",
        "code": "text",
        "phone": "text",
        "day": "date",
        "seen": "datetime",
        "price": "number",
        "member": "boolean",
        "note": "text",
        "empty": "text",
    }
    assert rows(database, "SELECT * FROM visits") == [
        (1, "007", "5551234567", date(2024, 1, 31), datetime(2024, 1, 31, 10), 9.5, 1, "NA", None),
        (2, "010", "+49 30 1234", date(2024, 2, 1), datetime(2024, 2, 1, 11, 30), 1000.0, 0, None, None),
        (None, None, None, None, None, None, None, "x", None),
    ]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1"] * 30_000 + ["2.5"], "number"),
        (["1"] * 30_000 + ["x"], "text"),
        (["2024-01-01"] * 30_000 + ["2024-02-30"], "text"),
        (["1", "0", "-5"], "integer"),
        (["1", "01"], "text"),
        (["9223372036854775807"], "integer"),
        (["9223372036854775808"], "text"),
        (["0.1234567890123456789"], "text"),
        (["1E5", "2E7"], "text"),
        (["true", "FALSE"], "boolean"),
        (["13.02.2024"], "date"),
        (["02/13/2024", "01/02/2024"], "date"),
        (["2024-01-01 00:00:00", "2024-01-01"], "date"),
        (["2024-01-01 10:00", "2024-01-01"], "datetime"),
        (["$1,234.50", "$3.00"], "number"),
        (["1,234.50", "12"], "number"),
        (["NA", "N/A"], "text"),
    ],
)
def test_types_are_judged_by_every_cell(tmp_path: Path, database: str, cells: list[str], kind: str) -> None:
    text = "value,other\n" + "".join(f'"{cell}",x\n' for cell in cells)
    assert load(tmp_path, database, things=text).tables[0].columns["value"] == kind


def test_what_may_mean_two_things_stays_text_with_a_note(tmp_path: Path, database: str) -> None:
    report = load(tmp_path, database, things='day,size\n01/02/2024,"1,234"\n03/04/2024,"5,678"\n')
    assert report.tables[0].columns == {"day": "text", "size": "text"}
    assert "day first or month first" in report.notes[0]
    assert "decimal comma" in report.notes[1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_line_endings_and_delimiters(
    tmp_path: Path, database: str, encoding: str, ending: str, delimiter: str
) -> None:
    lines = [["id", "name"], ["1", "Zoë"], ["2", '"a b"'], ["3", "ñ"]]
    text = ending.join(delimiter.join(line) for line in lines)
    (tmp_path / "names.csv").write_bytes(text.encode(encoding))
    ingest([tmp_path / "names.csv"], database)
    assert rows(database, "SELECT * FROM names") == [(1, "Zoë"), (2, "a b"), (3, "ñ")]


def test_problems_name_file_line_and_column_even_after_quoted_newlines(tmp_path: Path, database: str) -> None:
    orders = ORDERS + "3,2024-02-30,,,Shipped,,112\nx,2024-03-03,,,,,103\n4,2024-03-03,,,Shipped,,999\n"
    assert problems(tmp_path, database, customers=CUSTOMERS, orders=orders) == [
        "orders.csv, line 6, column orderNumber: 'x' is not a whole number",
        "orders.csv, line 5, column orderDate: '2024-02-30' is not a date: there is no such day",
        "orders.csv, line 6, column status: it is empty, but required",
    ]


def test_references_are_checked_with_the_line(tmp_path: Path, database: str) -> None:
    orders = ORDERS + "4,2024-03-03,,,Shipped,,999\n"
    assert problems(tmp_path, database, customers=CUSTOMERS, orders=orders) == [
        "orders.csv, line 5, column customerNumber: 999 is not in customers"
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "customers",
            CUSTOMERS + "103,Twin,Spain,1\n",
            "line 4, column customerNumber: the key 103 is already in line 2",
        ),
        (
            "payments",
            "customerNumber,checkNumber,paymentDate,amount\n1,A,2024-01-01,5\n1,B,2024-01-01,5\n1,A,2024-01-02,6\n",
            "line 4, column customerNumber, checkNumber: the key 1, A is already in line 2",
        ),
    ],
)
def test_repeated_keys_are_found(tmp_path: Path, database: str, name: str, text: str, said: str) -> None:
    assert problems(tmp_path, database, **{name: text}) == [f"{name}.csv, {said}"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n3\n", "line 3, column b: 1 cell, but the header has 2"),
        ("a,b\n1,2\n3,4,5\n", "line 3: 3 cells, but the header has 2"),
        ('a,b\n"x\ny",2\n\n3\n', "line 5, column b: 1 cell, but the header has 2"),
        ("a,b,A\n1,2,3\n", "line 1, column A: the header names two columns 'A'"),
        ("a,b\n1,x\0y\n", "line 2, column b: it holds a NUL byte, so the file is damaged or not text"),
        ('a,b\n1,2\n3,"4\n5,6\n', "line 3: a quote is opened here and never closed"),
        ('a,b\n1,"2"3\n', "line 2: text follows a closing quote; a quote inside a cell must be doubled"),
    ],
)
def test_malformed_files_are_refused_with_the_line(
    tmp_path: Path, database: str, text: str, said: str
) -> None:
    assert problems(tmp_path, database, things=text) == [f"things.csv, {said}"]


def test_a_wrong_encoding_is_told_with_the_line(tmp_path: Path, database: str) -> None:
    (tmp_path / "names.csv").write_bytes("id,name\n1,a\n2,Zo\xeb\n".encode("latin-1"))
    with pytest.raises(IngestError, match="line 3, column name: byte 0xEB at position 5 is not UTF-8"):
        ingest([tmp_path / "names.csv"], database)


def test_the_list_of_problems_is_capped_and_counted(tmp_path: Path, database: str) -> None:
    text = "customerNumber,customerName,country\n" + "".join(f"x{i},n,c\n" for i in range(30_000))
    with pytest.raises(IngestError, match="and 29999 more") as caught:
        load(tmp_path, database, customers=text)
    assert len(caught.value.problems) == 100
    assert "29900 more are not" in caught.value.remedy
    assert caught.value.problems[-1].line == 101


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b"\n\n", "is empty"),
        ("photo.png", b"\x89PNG", "is a PNG picture, not a table"),
        ("notes.xyz", b"abc", "of no kind that can be loaded"),
        ("stg_orders.csv", b"a\n1\n", "reserved"),
        ("orders.csv", b"a,b\n1,2\n", "lacks the columns orderNumber, orderDate, status, customerNumber"),
    ],
)
def test_files_that_cannot_be_loaded(
    tmp_path: Path, database: str, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(IngestError, match=said):
        ingest([tmp_path / name], database)
    assert not Path(database).exists()


def test_missing_paths_and_empty_folders(tmp_path: Path, database: str) -> None:
    with pytest.raises(IngestError, match="There is no file or folder"):
        ingest([tmp_path / "nowhere"], database)
    with pytest.raises(IngestError, match="holds nothing to load"):
        ingest([tmp_path], database)


def test_a_failed_load_leaves_the_old_data_untouched(tmp_path: Path, database: str) -> None:
    load(tmp_path, database, customers=CUSTOMERS, orders=ORDERS)
    with open_database(database) as opened:
        version = opened.data_version()
        with pytest.raises(IngestError):
            load(
                tmp_path,
                database,
                customers=CUSTOMERS.replace("Atelier", "New"),
                orders=ORDERS + "1,x,,,,,\n",
            )
        assert opened.data_version() == version
        assert opened.query("SELECT customerName FROM customers").to_series().to_list() == [
            "Atelier",
            "Signal",
        ]
        assert [table.name for table in opened.tables() if table.kind == "table"] == [
            "customers",
            "orders",
            "sales_load_log",
        ]


def test_loading_again_replaces_and_appending_extends(tmp_path: Path, database: str) -> None:
    load(tmp_path, database, customers=CUSTOMERS)
    load(tmp_path, database, customers=CUSTOMERS)
    more = "customerNumber,customerName,country,since\n200,Third,Italy,2024-01-05\n"
    load(tmp_path, database, append=True, customers=more)
    assert rows(database, "SELECT customerNumber, since FROM customers") == [
        (103, None),
        (112, None),
        (200, date(2024, 1, 5)),
    ]
    with pytest.raises(
        IngestError, match="line 2, column customerNumber: the key 200 is already in the table"
    ):
        load(tmp_path, database, append=True, customers=more)
    load(tmp_path, database, append=True, orders=ORDERS)
    log = rows(database, "SELECT source, table_name, row_count, mode FROM sales_load_log")
    assert log == [
        ("customers.csv", "customers", 2, "replace"),
        ("customers.csv", "customers", 2, "replace"),
        ("customers.csv", "customers", 1, "append"),
        ("orders.csv", "orders", 2, "append"),
    ]


def test_several_files_may_go_into_one_table(tmp_path: Path, database: str) -> None:
    load(tmp_path, database, table="visits", january="id,n\n1,1\n", february="id,n\n2,2.5\n")
    assert rows(database, "SELECT id, n FROM visits") == [(1, 1.0), (2, 2.5)]


def test_rows_left_behind_are_noted(tmp_path: Path, database: str) -> None:
    load(tmp_path, database, customers=CUSTOMERS, orders=ORDERS)
    report = load(tmp_path, database, customers=CUSTOMERS.replace("112", "113"))
    assert "1 rows of orders have a customerNumber that is not in the new customers" in report.notes


def test_keys_are_indexed_so_that_joins_are_fast(tmp_path: Path, database: str) -> None:
    for _ in range(3):
        load(
            tmp_path,
            database,
            orderdetails="orderNumber,productCode,quantityOrdered,priceEach,orderLineNumber\n1,A,2,3.5,1\n",
        )
    with closing(sqlite3.connect(database)) as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM orderdetails WHERE orderNumber = 1 AND productCode = 'A'"
        ).fetchone()
        indexes = connection.execute("SELECT COUNT(*) FROM sqlite_master WHERE type = 'index'").fetchone()
    assert "USING INDEX" in plan[3]
    assert indexes == (2,)


def test_progress_runs_from_nothing_to_all(tmp_path: Path, database: str) -> None:
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    (tmp_path / "visits.csv").write_text("id\n1\n2\n")
    seen: list[tuple[str, float]] = []
    ingest([tmp_path], database, progress=lambda what, fraction: seen.append((what, fraction)))
    assert [fraction for _, fraction in seen] == sorted(fraction for _, fraction in seen)
    assert seen[-1] == ("visits.csv", 1.0)


def test_the_genuine_dump_and_file_load_completely(
    genuine_dump: Path, genuine_sqlite: Path, tmp_path: Path
) -> None:
    for number, path in enumerate((genuine_dump, genuine_sqlite)):
        url = str(tmp_path / f"{number}.sqlite")
        counts = {table.name: table.rows for table in ingest([path], url).tables}
        assert counts == {
            "customers": 122,
            "employees": 23,
            "offices": 7,
            "orders": 326,
            "orderdetails": 2996,
            "payments": 273,
            "products": 110,
            "productlines": 7,
        }
        revenue = "SELECT SUM(amount) AS revenue FROM stg_sales WHERE is_cancelled = 0"
        assert round(rows(url, revenue)[0][0], 2) == 9_365_336.43


def test_a_file_that_is_no_database_is_not_loaded_into(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_text("no database")
    with pytest.raises(DatabaseError, match="not an SQLite database"):
        load(tmp_path, str(tmp_path / "x.sqlite"), customers=CUSTOMERS)


PLAIN_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
    lambda text: text not in ("NULL", r"\N")
)
CENTS = st.integers(-(10**13), 10**13).map(lambda cents: Decimal(cents) / 100)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(
        st.tuples(
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | CENTS,
            st.none() | st.dates(date(1000, 1, 1)),
            st.none() | PLAIN_TEXT,
        ),
        min_size=1,
        max_size=30,
    )
)
def test_what_goes_in_comes_out(values: list[tuple], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("round")
    schema = {"whole": pl.Int64, "money": pl.Decimal(18, 2), "day": pl.Date, "words": pl.String}
    frame = pl.DataFrame(values, schema=schema, orient="row")
    anchor = pl.DataFrame([(0, Decimal("0.50"), date(2000, 1, 1), "words")], schema=schema, orient="row")
    frame = pl.concat([anchor, frame])  # so that no column is empty and each has its type
    frame.write_csv(folder / "things.csv")
    ingest([folder], str(folder / "t.sqlite"))
    with open_database(str(folder / "t.sqlite")) as opened:
        back = opened.query("SELECT whole, money, day, words FROM things")
    assert back["money"].round(2).cast(pl.Decimal(18, 2)).equals(frame["money"])
    assert back.drop("money").equals(frame.drop("money"))


@settings(max_examples=30, deadline=None)
@given(cents=st.lists(st.integers(0, 10**9), min_size=1, max_size=300))
def test_sums_of_money_are_right_to_the_cent(
    cents: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("sums")
    lines = (f"1,{i},2024-01-01,{c // 100}.{c % 100:02d}\n" for i, c in enumerate(cents))
    (folder / "payments.csv").write_text("customerNumber,checkNumber,paymentDate,amount\n" + "".join(lines))
    ingest([folder], str(folder / "t.sqlite"))
    total = rows(str(folder / "t.sqlite"), "SELECT SUM(amount) AS total FROM payments")[0][0]
    assert round(total * 100) == sum(cents)
    assert f"{total:.2f}" == f"{Decimal(sum(cents)) / 100:.2f}"


def test_a_type_refuted_late_in_the_file_is_surveyed_again(tmp_path: Path, database: str) -> None:
    days = ["01/02/2024"] * 30_000 + ["12/25/2024"]
    sizes = ["1,234"] * 30_000 + ["1,234.5"]
    text = "day,size\n" + "".join(f'{day},"{size}"\n' for day, size in zip(days, sizes, strict=True))
    report = load(tmp_path, database, things=text)
    assert report.tables[0].columns == {"day": "date", "size": "number"}
    assert rows(database, "SELECT MIN(day) AS day, MAX(size) AS size FROM things") == [
        (date(2024, 1, 2), 1234.5)
    ]


def test_lines_are_exact_deep_in_a_file_with_quotes_and_breaks(tmp_path: Path, database: str) -> None:
    head = "customerNumber,customerName,country\r\n"
    body = "".join(f'{n},"a\r\nb",USA\r\n' if n % 3 == 0 else f"{n},c,USA\r\n\r\n" for n in range(45_000))
    text = head + body + "x,c,USA\r\n"
    line = text.count("\n")
    assert problems(tmp_path, database, customers=text) == [
        f"customers.csv, line {line}, column customerNumber: 'x' is not a whole number"
    ]


KILLED = """
import os, sys
from pathlib import Path
import polars as pl
from core.database.schema import Column, TableSchema
from core.database.sqlite_load import SqliteLoad
load = SqliteLoad(Path(sys.argv[1]))
load.create(TableSchema("notes", (Column("words", "text"),)))
load.insert("notes", [pl.Series(["x" * 1_000] * 60_000)])  # more than is kept in memory
os._exit(9)
"""


def test_a_first_load_that_is_killed_leaves_no_rows_and_is_no_obstacle(database: str, tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, database], check=False)
    assert ended.returncode == 9
    assert Path(database).stat().st_size > 1_000_000
    with open_database(database) as opened:
        assert opened.tables() == []
    load(tmp_path, database, customers=CUSTOMERS)
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
        assert connection.execute("SELECT COUNT(*) FROM customers").fetchall() == [(2,)]
