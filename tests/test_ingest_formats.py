"""Excel, Parquet, gzip and TSV: what goes in comes out, with the types that the format knows."""

import csv
import gzip
import io
import string
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.database import open_database
from core.errors import IngestError
from core.ingest import IngestReport, ingest
from core.ingest.convert import Reading, convert, unfit
from core.ingest.delimited import DelimitedFile
from core.ingest.quoting import layout_of
from tests.ingest_files import write_workbook


def load(*paths: Path, types: dict[str, dict[str, str]] | None = None) -> IngestReport:
    return ingest(paths, str(paths[0].parent / "t.sqlite"), types=types)


def table(folder: Path, name: str) -> pl.DataFrame:
    with open_database(str(folder / "t.sqlite")) as database:
        return database.query(f"SELECT * FROM {name}")


def test_a_sheet_has_its_types(tmp_path: Path) -> None:
    path = tmp_path / "visits.xlsx"
    write_workbook(
        path,
        {
            "Sheet1": [
                [],
                ["id", "day", "seen", "price", "code", "member", "nothing"],
                [1, date(2024, 1, 31), datetime(2024, 1, 31, 10), 0.1 + 0.2, 44000, True],
                [],
                [2, None, datetime(2024, 2, 1), 2, "SW1A", False],
            ]
        },
    )
    report = load(path)
    assert report.tables[0].columns == {
        "id": "integer",
        "day": "date",
        "seen": "datetime",
        "price": "number",
        "code": "text",
        "member": "boolean",
        "nothing": "text",
    }
    assert table(tmp_path, "visits").rows() == [
        (1, date(2024, 1, 31), datetime(2024, 1, 31, 10), 0.1 + 0.2, "44000", 1, None),
        (2, None, datetime(2024, 2, 1), 2.0, "SW1A", 0, None),
    ]


def test_sheets_are_tables_and_know_classic_models(tmp_path: Path) -> None:
    path = tmp_path / "company.xlsx"
    customers = [["Customer Number", "customer name", "country"], [103, "Atelier", "France"]]
    orders = [
        ["orderNumber", "orderDate", "requiredDate", "shippedDate", "status", "comments", "customerNumber"],
        [1, date(2024, 3, 1), None, None, "Shipped", None, 103],
    ]
    write_workbook(
        path,
        {
            "Customers": customers,
            "orders": orders,
            "Notes": [["a"], [1]],
            "Empty": [],
            "Secret": [["b"], [1]],
        },
        hidden=["Secret"],
    )
    report = load(path)
    assert [(each.name, each.rows) for each in report.tables] == [
        ("customers", 1),
        ("orders", 1),
        ("Notes", 1),
    ]
    assert report.notes == ("company.xlsx: hidden sheets were left out: Secret",)
    assert table(tmp_path, "orders")["orderDate"].to_list() == [date(2024, 3, 1)]


def test_a_workbook_is_known_by_its_contents(tmp_path: Path) -> None:
    write_workbook(tmp_path / "payments.csv", {"Sheet1": [["customerNumber"], [1]]})
    with pytest.raises(IngestError, match=r"payments\.csv lacks the columns checkNumber"):
        load(tmp_path / "payments.csv")


def test_rows_are_numbered_as_in_the_spreadsheet(tmp_path: Path) -> None:
    header = ["customerNumber", "checkNumber", "paymentDate", "amount"]
    rows = [[], header, [1, "A", date(2024, 1, 1), 5], [], [1, "B", date(2024, 1, 2), "five"]]
    write_workbook(tmp_path / "p.xlsx", {"payments": rows, "other": [["a"], [1]]})
    with pytest.raises(
        IngestError, match=r"p\.xlsx, sheet payments, line 5, column amount: 'five' is not a number"
    ):
        load(tmp_path / "p.xlsx")


def test_a_number_that_should_be_a_date_is_told_how_to_be_one(tmp_path: Path) -> None:
    header = ["customerNumber", "checkNumber", "paymentDate", "amount"]
    write_workbook(tmp_path / "p.xlsx", {"payments": [header, [1, "A", 45_000, 5]]})
    with pytest.raises(
        IngestError, match=r"line 2, column paymentDate: 45000 is not a date.*Format the cells"
    ):
        load(tmp_path / "p.xlsx")


def test_without_the_library_excel_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_workbook(tmp_path / "p.xlsx", {"things": [["a"], [1]]})
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(IngestError, match=r"needs the package python-calamine.*or save the sheets as CSV"):
        load(tmp_path / "p.xlsx")


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "small": pl.Series([1, None], dtype=pl.UInt8),
            "day": [date(2024, 1, 1), None],
            "moment": pl.Series([datetime(2024, 1, 1, 10), None], dtype=pl.Datetime("ns")),
            "berlin": pl.Series([datetime(2024, 1, 1, 10), None]).dt.replace_time_zone("Europe/Berlin"),
            "kind": pl.Series(["a", None], dtype=pl.Categorical),
            "money": pl.Series([Decimal("1.25"), None], dtype=pl.Decimal(20, 2)),
            "ratio": [1.5, float("nan")],
            "member": [True, None],
            "picture": [b"\x00a", None],
            "code": ["007", ""],
            "nothing": [None, None],
        }
    )
    frame.write_parquet(tmp_path / "things.parquet")
    report = load(tmp_path / "things.parquet")
    kinds = " ".join(report.tables[0].columns.values())
    assert kinds == "integer date datetime datetime text number number boolean binary text text"
    first = (
        1,
        date(2024, 1, 1),
        datetime(2024, 1, 1, 10),
        datetime(2024, 1, 1, 9),
        "a",
        1.25,
        1.5,
        1,
        b"\x00a",
    )
    assert table(tmp_path, "things").rows() == [(*first, "007", None), (*[None] * 9, "", None)]
    assert [note.split(": ")[0] for note in report.notes] == [
        "things.parquet, column berlin",
        "things.parquet, column money",
    ]


def test_a_parquet_file_of_a_declared_table_is_checked(tmp_path: Path) -> None:
    columns = {"customerNumber": [1, 1], "checkNumber": ["A", "B"], "amount": [5, 6]}
    moments = [datetime(2024, 1, 1), datetime(2024, 1, 2, 10)]
    pl.DataFrame(columns | {"paymentDate": moments}).write_parquet(tmp_path / "payments.parquet")
    with pytest.raises(IngestError, match=r"payments\.parquet, line 2, column paymentDate: .* is not a date"):
        load(tmp_path / "payments.parquet")


@pytest.mark.parametrize("name", ["things.csv.gz", "things.tsv.gz", "things.csv"])
def test_gzip_is_unpacked_on_the_way_whatever_the_name(tmp_path: Path, name: str) -> None:
    mark = "\t" if "tsv" in name else ","
    text = "".join(f"{n}{mark}name {n}\n" for n in range(200_000))
    (tmp_path / name).write_bytes(gzip.compress(f"id{mark}name\n{text}".encode(), 1))
    seen: list[float] = []
    report = ingest([tmp_path / name], str(tmp_path / "t.sqlite"), progress=lambda _, done: seen.append(done))
    assert (report.tables[0].name, report.tables[0].rows) == ("things", 200_000)
    assert seen == sorted(seen)
    assert any(0.2 < done < 0.8 for done in seen)


def test_a_dump_may_be_compressed(genuine_dump: Path, tmp_path: Path) -> None:
    (tmp_path / "d.sql.gz").write_bytes(gzip.compress(genuine_dump.read_bytes()))
    report = load(tmp_path / "d.sql.gz")
    assert {each.name: each.rows for each in report.tables}["orderdetails"] == 2996


def test_chosen_types_are_enforced(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text("id,day,code,share\n1,01/02/2024,007,5\n2,03/02/2024,8,x\n")
    types = {"visits": {"day": "date %d/%m/%Y", "code": "integer", "share": "text"}}
    load(path, types=types)
    assert table(tmp_path, "visits").rows() == [
        (1, date(2024, 2, 1), 7, "5"),
        (2, date(2024, 2, 3), 8, "x"),
    ]
    with pytest.raises(IngestError, match=r"visits\.csv, line 3, column share: 'x' is not a whole number"):
        load(path, types={"Visits": {"Share": "integer"}})
    with pytest.raises(IngestError, match="may be day first or month first"):
        load(path, types={"visits": {"day": "date"}})


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ({"visit": {"day": "date"}}, "Types are given for the table visit.*The files are for visits"),
        ({"visits": {"dya": "date"}}, "no such column. Did you mean day"),
        ({"visits": {"day": "money"}}, "'money' is no type.*Choose one of text, integer"),
        ({"visits": {"day": "date %Q"}}, "cannot be read as 'date %Q'.*%d.%m.%Y"),
    ],
)
def test_types_that_cannot_be_had(tmp_path: Path, types: dict[str, dict[str, str]], said: str) -> None:
    (tmp_path / "visits.csv").write_text("id,day\n1,01/02/2024\n")
    with pytest.raises(IngestError, match=said):
        load(tmp_path / "visits.csv", types=types)


def test_declared_columns_keep_their_kind_but_may_be_written_in_any_way(tmp_path: Path) -> None:
    path = tmp_path / "payments.csv"
    path.write_text("customerNumber,checkNumber,paymentDate,amount\n1,A,01/02/2024,5\n")
    load(path, types={"payments": {"paymentDate": "date %m/%d/%Y"}})
    assert table(tmp_path, "payments")["paymentDate"].to_list() == [date(2024, 1, 2)]
    with pytest.raises(IngestError, match="paymentDate of payments is date and cannot be text"):
        load(path, types={"payments": {"paymentDate": "text"}})


WORDS = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1).map(str.strip).filter(bool)
ROWS = st.lists(
    st.tuples(
        st.integers(-(10**14), 10**14),
        st.none() | st.floats(-1e12, 1e12).map(lambda number: round(number, 2)),
        st.none() | st.dates(date(1905, 1, 1), date(2200, 1, 1)),
        st.none() | WORDS.filter(lambda text: text not in ("NULL", r"\N")),
    ),
    min_size=1,
    max_size=20,
)
SCHEMA = {"whole": pl.Int64, "money": pl.Float64, "day": pl.Date, "words": pl.String}


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet", "xlsx"])
def test_what_goes_in_comes_out_of_every_format(
    ending: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @settings(max_examples=15, deadline=None)
    @given(rows=ROWS)
    def check(rows: list[tuple]) -> None:
        folder = tmp_path_factory.mktemp("round")
        anchored = [(0, 0.5, date(2000, 1, 1), "words"), *rows]  # so that every column has its type
        frame = pl.DataFrame(anchored, schema=SCHEMA, orient="row")
        path = folder / f"things.{ending}"
        if ending == "csv":
            frame.write_csv(path)
        elif ending == "csv.gz":
            path.write_bytes(gzip.compress(frame.write_csv().encode()))
        elif ending == "parquet":
            frame.write_parquet(path)
        else:
            write_workbook(path, {"Sheet1": [list(SCHEMA), *anchored]})
        load(path)
        assert table(folder, "things").equals(frame)

    check()


CELLS = st.text(st.sampled_from(string.ascii_letters[:3] + '",;\n\r '), max_size=6)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), ending=st.sampled_from(["\n", "\r\n"]))
def test_quoted_text_is_read_as_the_csv_module_reads_it(
    rows: list[tuple[str, str]], ending: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Both readers, the fast and the careful one, see the same cells in the same lines."""
    path = tmp_path_factory.mktemp("quoted") / "q.csv"
    text = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + ending for row in rows)
    path.write_bytes(f"a,b{ending}{text}".encode())
    source = DelimitedFile(path, "q")
    fast, careful = list(source.blocks()), list(source._careful_blocks(0, 0))
    for one, other in zip(fast, careful, strict=True):
        assert not one.problems
        assert list(one.lines) == list(other.lines)
        assert [c.fill_null("").to_list() for c in one.columns] == [c.to_list() for c in other.columns]
    assert [tuple(cells) for cells in zip(*(c.fill_null("") for c in fast[0].columns), strict=True)] == rows


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.sampled_from('ab",\n'), min_size=1, max_size=14))
def test_a_layout_of_quoted_text_is_never_a_guess(text: str) -> None:
    """Where quotes are found in order, the ``csv`` module finds as many rows and cells."""
    layout = layout_of(text.encode(), b",")
    if layout is not None and '"' in text and not text.startswith("\n") and "\n\n" not in text:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        assert layout.rows == len(rows)
        assert layout.delimiters == sum(len(row) - 1 for row in rows)


ODD_NUMBERS = """
5|+5|05|-0|1.0|1.000|1e3|1_000|0x10|5abc|NULL|NaN|nan|inf|-Infinity|1e400|.5|5.|00.5|-|?|1.5.2|5e-324|
 5|5 |9223372036854775807|9223372036854775808|0.30000000000000004|123456789.125
"""


@pytest.mark.parametrize("cell", [*ODD_NUMBERS.replace("\n", "").split("|"), ""])
@pytest.mark.parametrize("quote", ["", '"'])
def test_numbers_cut_out_of_text_are_those_that_the_text_says(cell: str, quote: str, tmp_path: Path) -> None:
    """Cells that come as numbers have the values, nulls and problems that they have as text."""
    path = tmp_path / "q.csv"
    path.write_text(f"whole,money\n7,7.5\n{quote}{cell}{quote},1\n8,{quote}{cell}{quote}\n")
    source = DelimitedFile(path, "q")
    (typed,) = source.typed_blocks({"whole": pl.Int64(), "money": pl.Float64()})
    (text,) = source.blocks()
    for kind, one, other in zip(["integer", "number"], typed.columns, text.columns, strict=True):
        reading = Reading("x", kind)
        read, said = (convert(cells, reading, empty_is_null=True) for cells in (one, other))
        assert read.to_list() == said.to_list()
        if one.dtype != pl.String:
            assert unfit(one, read, reading) is None
            assert unfit(other, said, reading) is None
