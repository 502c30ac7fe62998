"""Malformed input of every kind: the message names file, line, column and remedy, and the old data stay."""

import gzip
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest

from core.database import open_database
from core.errors import IngestError, RowProblem
from core.ingest import IngestReport, ingest, preview, problems_frame
from tests.ingest_files import write_workbook

MEGABYTES_11 = "x" * 11_000_000
DUMP = "CREATE TABLE things (id int NOT NULL, name text, PRIMARY KEY (id));\n"
Made = bytes | Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A malformed file, where its problem is (0 and "": nowhere), and words of message and remedy."""

    name: str
    file: str
    made: Made
    line: int
    column: str
    says: str
    remedy: str

    def write(self, folder: Path) -> Path:
        path = folder / self.file
        if isinstance(self.made, bytes):
            path.write_bytes(self.made)
        else:
            self.made(path)
        return path


def _parquet(path: Path) -> None:
    pl.DataFrame({"id": range(1000), "name": ["x"] * 1000}).write_parquet(path)


def _cut_parquet(path: Path) -> None:
    _parquet(path)
    path.write_bytes(path.read_bytes()[:-40])


def _spoilt_parquet(path: Path) -> None:
    _parquet(path)
    data = bytearray(path.read_bytes())
    data[4:60] = b"\xff" * 56  # the first page, not the footer
    path.write_bytes(data)


def _nested_parquet(path: Path) -> None:
    pl.DataFrame({"id": [1], "tags": [["a", "b"]]}).write_parquet(path)


def _large_parquet(path: Path) -> None:
    pl.DataFrame({"id": pl.Series([1, 2**64 - 1], dtype=pl.UInt64)}).write_parquet(path)


def _cut_workbook(path: Path) -> None:
    write_workbook(path, {"things": [["id"], [1]]})
    path.write_bytes(path.read_bytes()[:-60])


def _titled_workbook(path: Path) -> None:
    write_workbook(path, {"things": [["Report of 2024"], [], ["id", "name"], [1, "a"]]})


def _merged_workbook(path: Path) -> None:
    write_workbook(path, {"things": [["id", None, "name"], [1, 2, "a"]]}, merged="A1:B1")


def _workbook_of_payments(path: Path) -> None:
    rows = [["customerNumber", "checkNumber", "paymentDate", "amount"], [1, "A", 45_000, 5], [1, "B", "x", 5]]
    write_workbook(path, {"Payments": [[], *rows]})


def _wide_workbook(path: Path) -> None:
    write_workbook(path, {"things": [["id", "name"], [1, "a"], [2, "b", None, "more"]]})


def _zip(path: Path) -> None:
    with ZipFile(path, "w") as archive:
        archive.writestr("things.csv", "id\n1\n")


def _packed(text: bytes) -> bytes:
    """gzip that does not compress, so that a place in it is a place in the text."""
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=0, mtime=0) as file:
        file.write(text)
    return stream.getvalue()


ROWS = b"id,name\n" + b"".join(b"%d,name\n" % n for n in range(10_000))
PAID = "customerNumber,checkNumber,paymentDate,amount\n"
ORDERED = "orderNumber,orderDate,requiredDate,shippedDate,status,comments,customerNumber\n"

CASES = [
    Case("too few cells", "things.csv", b"id,name\n1,a\n2\n", 3, "name", "1 cell, but", "missing cells"),
    Case("too many cells", "things.csv", b"id,name\n1,a,b\n", 2, "", "3 cells, but", "quotes around cells"),
    Case("latin-1", "things.csv", "id,name\n1,Zoë\n".encode("latin-1"), 2, "name", "0xEB", "UTF-8"),
    Case(
        "UTF-16 without mark",
        "things.csv",
        "id,name\n1,a\n".encode("utf-16-le"),
        1,
        "",
        "UTF-16 without",
        "UTF-8",
    ),
    Case("UTF-16 cut", "things.csv", "id,name\n1,a\n".encode("utf-16")[:-1], 1, "", "not UTF-16", "UTF-8"),
    Case("duplicate header", "things.csv", b"id,name,ID\n1,a,2\n", 1, "ID", "two columns 'ID'", "Rename one"),
    Case("header only", "things.csv", b"id,name\n", 1, "", "no rows", "Leave the file out"),
    Case("unclosed quote", "things.csv", b'id,name\n1,a\n2,"b\n3,c\n', 3, "", "never closed", "Close it"),
    Case("text after a quote", "things.csv", b'id,name\n1,"a"b\n', 2, "", "closing quote", "Double it"),
    Case("empty", "things.csv", b"", 0, "", "is empty", "header line"),
    Case("white space", "things.csv", b" \n\t\n \r\n", 0, "", "is empty", "header line"),
    Case(
        "NUL bytes", "things.csv", b"id,name\n1,a\n2,b\0c\n", 3, "name", "NUL byte", "Export the file again"
    ),
    Case(
        "huge cell",
        "things.csv",
        f"id,name\n1,{MEGABYTES_11}\n".encode(),
        2,
        "",
        "10 MB",
        "leave the cell out",
    ),
    Case(
        "huge quoted cell",
        "things.csv",
        f'id,name\n1,"{MEGABYTES_11}"\n'.encode(),
        2,
        "",
        "10 MB",
        "Close the quote",
    ),
    Case(
        "many columns",
        "things.csv",
        (",".join(f"c{n}" for n in range(2_500)) + "\n" + ",".join("1" * 2_500) + "\n").encode(),
        1,
        "",
        "2,500 columns",
        "Leave columns out",
    ),
    Case("PDF", "things.csv", b"%PDF-1.7\n%\xe2\xe3\n", 0, "", "PDF document", "Export the table as CSV"),
    Case("PNG", "things.csv", b"\x89PNG\r\n\x1a\n\0\0", 0, "", "PNG picture", "Export the table as CSV"),
    Case("old Excel", "things.csv", b"\xd0\xcf\x11\xe0\xa1\xb1", 0, "", "old Excel", "save it as .xlsx"),
    Case("zip", "things.csv", _zip, 0, "", "zip archive", "Unpack it"),
    Case("unknown kind", "things.docm", b"abc", 0, "", "of no kind", "CSV, TSV, Excel"),
    Case("cut gzip", "things.csv.gz", _packed(ROWS)[:1_000], 122, "", "cut off here", "Copy or compress"),
    Case(
        "spoilt gzip",
        "things.csv.gz",
        gzip.compress(ROWS, mtime=0)[:10] + b"\xff" * 40 + gzip.compress(ROWS, mtime=0)[50:],
        1,
        "",
        "damaged here",
        "Copy or compress",
    ),
    Case("cut workbook", "things.xlsx", _cut_workbook, 0, "", "damaged or no Excel", "save it again"),
    Case("no workbook", "things.xlsx", b"id,name\n1,a\n", 0, "", "damaged or no Excel", "save it again"),
    Case(
        "title above", "things.xlsx", _titled_workbook, 1, "", "'Report of 2024' alone", "delete what stands"
    ),
    Case(
        "merged header",
        "things.xlsx",
        _merged_workbook,
        1,
        "A",
        "merged cells (A1 to B1)",
        "delete what stands",
    ),
    Case(
        "cell beyond", "things.xlsx", _wide_workbook, 3, "D", "beyond the last column name", "name its column"
    ),
    Case(
        "text for a date in Excel",
        "book.xlsx",
        _workbook_of_payments,
        3,
        "paymentDate",
        "'45000' is not a date",
        "Write dates as",
    ),
    Case("cut Parquet", "things.parquet", _cut_parquet, 0, "", "damaged or cut off", "copy it again"),
    Case("spoilt Parquet", "things.parquet", _spoilt_parquet, 1, "", "damaged or cut off", "copy it again"),
    Case("no Parquet", "things.parquet", b"id\n1\n", 0, "", "damaged or cut off", "copy it again"),
    Case("nested Parquet", "things.parquet", _nested_parquet, 0, "tags", "tags (", "Leave them out"),
    Case("large integer", "things.parquet", _large_parquet, 2, "id", "larger than a whole number", "Shorten"),
    Case(
        "cut dump",
        "d.sql",
        f"{DUMP}INSERT INTO things VALUES (1,'a'),\n(2,'b".encode(),
        3,
        "",
        "cut off",
        "Export",
    ),
    Case(
        "dump without end",
        "d.sql",
        f"{DUMP}INSERT INTO things VALUES (1,'a')".encode(),
        2,
        "",
        "no end",
        "Export",
    ),
    Case(
        "dump cut in a gzip",
        "d.sql.gz",
        gzip.compress(DUMP.encode())[:-12],
        1,
        "",
        "cut off",
        "Copy or compress",
    ),
    Case(
        "surprise in a dump",
        "d.sql",
        f"{DUMP}INSERT INTO things SET id = 1;".encode(),
        2,
        "",
        "only INSERT",
        "Export",
    ),
    Case(
        "expression in a dump",
        "d.sql",
        f"{DUMP}INSERT INTO things VALUES\n(1, CONCAT('a', 'b'));".encode(),
        3,
        "",
        "a value was expected",
        "Export",
    ),
    Case(
        "impossible date",
        "payments.csv",
        f"{PAID}1,A,2024-02-30,5\n".encode(),
        2,
        "paymentDate",
        "no such",
        "day",
    ),
    Case(
        "mixed dates",
        "payments.csv",
        f"{PAID}1,A,2024-01-31,5\n1,B,31/01/2024,5\n".encode(),
        3,
        "paymentDate",
        "'31/01/2024' is not a date",
        "2024-12-31",
    ),
    Case(
        "mixed dates, most of them day first",
        "payments.csv",
        f"{PAID}1,A,31/01/2024,5\n1,B,28/02/2024,5\n1,C,2024-03-01,5\n".encode(),
        4,
        "paymentDate",
        "is not a date such as 31/12/2024",
        "in one way",
    ),
    Case(
        "day or month first",
        "payments.csv",
        f"{PAID}1,A,01/02/2024,5\n1,B,03/04/2024,5\n".encode(),
        2,
        "paymentDate",
        "may be day first or month first",
        "2024-12-31",
    ),
    Case(
        "decimal comma or thousands",
        "payments.csv",
        f'{PAID}1,A,2024-01-01,"1,234"\n'.encode(),
        2,
        "amount",
        "'1,234' may be a large number or one with decimals",
        "1234.5",
    ),
    Case(
        "point in a file of commas",
        "payments.csv",
        f"{PAID}1,A,2024-01-01,1.234\n".replace(",", ";").encode(),
        2,
        "amount",
        "'1.234' may be a large number or one with decimals",
        "1234.5",
    ),
    Case(
        "thousands for a whole number",
        "customers.csv",
        b"customerNumber,customerName,country\n1.000,a,b\n",
        2,
        "customerNumber",
        "'1.000' may be a large number or one with decimals",
        "Write 1234",
    ),
    Case(
        "overflow",
        "customers.csv",
        b"customerNumber,customerName,country\n9223372036854775808,a,b\n",
        2,
        "customerNumber",
        "larger than a whole number can be",
        "Shorten",
    ),
    Case(
        "infinite amount",
        "payments.csv",
        f"{PAID}1,A,2024-01-01,-inf\n".encode(),
        2,
        "amount",
        "infinite",
        "empty",
    ),
    Case(
        "NaN where required",
        "payments.csv",
        f"{PAID}1,A,2024-01-01,NaN\n".encode(),
        2,
        "amount",
        "is empty",
        "Fill",
    ),
    Case(
        "duplicate key",
        "payments.csv",
        f"{PAID}1,A,2024-01-01,5\n1,B,2024-01-01,5\n1,A,2024-01-02,6\n".encode(),
        4,
        "customerNumber, checkNumber",
        "the key 1, A is already in line 2",
        "Remove one of the two",
    ),
    Case(
        "orphan",
        "orders.csv",
        f"{ORDERED}1,2024-01-01,,,Shipped,,103\n2,2024-01-01,,,Shipped,,999\n".encode(),
        3,
        "customerNumber",
        "999 is not in customers",
        "Add it to customers",
    ),
    Case(
        "two columns for one",
        "payments.csv",
        b"customerNumber,Customer Number,checkNumber,paymentDate,amount\n1,1,A,2024-01-01,5\n",
        1,
        "Customer Number",
        "both for customerNumber",
        "Leave one",
    ),
    Case(
        "a missing column",
        "payments.csv",
        b"customerNumber\n1\n",
        1,
        "checkNumber",
        "lacks the columns",
        "Add them",
    ),
    Case(
        "a type that changes late",
        "customers.csv",
        b"customerNumber,customerName,country\n"
        + b"".join(b"%d,a,b\n" % n for n in range(100_000))
        + b"x,a,b\n",
        100_002,
        "customerNumber",
        "'x' is not a whole number",
        "plain digits",
    ),
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with a row in every table that the cases are for."""
    folder = tmp_path_factory.mktemp("old")
    (folder / "things.csv").write_text("id,name\n1,old\n")
    (folder / "customers.csv").write_text("customerNumber,customerName,country\n103,Atelier,France\n")
    (folder / "orders.csv").write_text(f"{ORDERED}9,2023-01-01,,,Shipped,,103\n")
    (folder / "payments.csv").write_text(f"{PAID}103,OLD,2023-01-01,5\n")
    url = str(folder / "company.sqlite")
    ingest([folder], url)
    return url


def contents(url: str) -> dict[str, list[tuple]]:
    with open_database(url) as database:
        names = [table.name for table in database.tables() if table.kind == "table"]
        return {name: database.query(f"SELECT * FROM {name}").rows() for name in names}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_malformed_input_is_refused_and_the_old_data_stay(case: Case, tmp_path: Path, database: str) -> None:
    before = contents(database)
    path = case.write(tmp_path)
    with pytest.raises(IngestError) as caught:
        ingest([path], database)
    error = caught.value
    assert case.file in error.message
    assert case.says in error.message
    assert case.remedy in error.remedy
    if case.line:
        assert f"line {case.line}" in error.message or error.problems[0].line == case.line
        assert error.problems[0].line == case.line
    if case.column:
        assert error.problems[0].column == case.column
    assert contents(database) == before


def told(path: Path) -> tuple[str, Sequence[RowProblem]]:
    """What a preview says is wrong, be it the file as a whole or its rows."""
    try:
        found = preview(path).problems
    except IngestError as error:
        return error.message, error.problems
    return str(found[0]), found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_preview_tells_the_same(case: Case, tmp_path: Path) -> None:
    """All but what only the database knows: keys, references and rows that would be lost."""
    path = case.write(tmp_path)
    if case.name in ("duplicate key", "orphan", "header only"):
        assert not preview(path).problems
        return
    message, problems = told(path)
    assert case.says in message
    for row in problems_frame(problems[:1]).iter_rows(named=True):
        assert (row["line"] or 0) == case.line
        assert (row["column"] or "") == case.column


ACCEPTED = {
    "byte order mark": ("\ufeffid,name\n1,a\n".encode(), [(1, "a")]),
    "UTF-16": ("id,name\n1,Zoë\n".encode("utf-16"), [(1, "Zoë")]),
    "quoted line breaks": (b'id,name\n1,"a\nb"\n2,"c ""d"""\n', [(1, "a\nb"), (2, 'c "d"')]),
    "carriage returns": (b"id,name\r1,a\r2,b\r", [(1, "a"), (2, "b")]),
    "blank lines": (b"id,name\n\n1,a\n\n", [(1, "a")]),
    "decimal comma": (b"id;amount\n1;1.234,56\n2;7,5\n", [(1, 1234.56), (2, 7.5)]),
    "thousands": (b'id,amount\n1,"1,234.56"\n2,7.5\n', [(1, 1234.56), (2, 7.5)]),
    "signs": (b"id,amount\n1,-5.5\n2,NaN\n", [(1, -5.5), (2, None)]),
    "booleans": (b"id,member\n1,TRUE\n2,no\n", [(1, 1), (2, 0)]),
    "tabs": (b"id\tname\n1\ta, b\n", [(1, "a, b")]),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_only_looks_odd_is_accepted(name: str, tmp_path: Path) -> None:
    content, expected = ACCEPTED[name]
    (tmp_path / "things.csv").write_bytes(content)
    ingest([tmp_path / "things.csv"], str(tmp_path / "t.sqlite"))
    assert contents(str(tmp_path / "t.sqlite"))["things"] == expected


def load_things(folder: Path, content: bytes) -> IngestReport:
    (folder / "things.csv").write_bytes(content)
    return ingest([folder / "things.csv"], str(folder / "t.sqlite"))


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (
            b"value,x\n2024-01-31,1\n31/01/2024,1\n",
            "text",
            "in line 3 '31/01/2024' is written in another way",
        ),
        (
            b"value,x\n2024-01-31,1\n2024-02-30,1\n",
            "text",
            "in line 3 '2024-02-30' is no day of the calendar",
        ),
        (b"value,x\n" + b"1,1\n" * 100_000 + b"y,1\n", "text", "in line 100002 'y' is not a number"),
        (b"value,\n1,2\n", "integer", "line 1: column 2 has no name and is called column_2"),
        (b"value,x\n01/02/2024,1\n", "text", "day first or month first"),
    ],
)
def test_what_is_kept_as_text_or_named_is_noted_with_its_line(
    tmp_path: Path, content: bytes, kind: str, said: str
) -> None:
    report = load_things(tmp_path, content)
    assert report.tables[0].columns["value"] == kind
    assert len(report.notes) == 1
    assert said in report.notes[0]


def test_keys_that_the_old_table_has_are_found_when_appending(database: str, tmp_path: Path) -> None:
    (tmp_path / "payments.csv").write_text(f"{PAID}103,NEW,2024-01-01,5\n103,OLD,2024-01-01,6\n")
    before = contents(database)
    with pytest.raises(
        IngestError, match=r"payments.csv, line 3, .*the key 103, OLD is already in the table"
    ) as caught:
        ingest([tmp_path / "payments.csv"], database, append=True)
    assert "Remove the row" in caught.value.remedy
    assert contents(database) == before


def test_lines_after_quoted_line_breaks_are_right(tmp_path: Path, database: str) -> None:
    (tmp_path / "payments.csv").write_bytes(f'{PAID}1,"A\r\n\nB",2024-01-01,5\n1,C,x,5\n'.encode())
    with pytest.raises(IngestError, match=r"payments.csv, line 5, column paymentDate: 'x' is not a date"):
        ingest([tmp_path / "payments.csv"], database)


def test_an_empty_table_may_be_loaded_where_nothing_is_lost(tmp_path: Path) -> None:
    assert load_things(tmp_path, b"id,name\n").tables[0].rows == 0


def test_files_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "things.csv").write_text("id\n1\n")
    opened = Path.open

    def refuse(path: Path, *args: object, **options: object) -> object:
        if path.name == "things.csv":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(
        IngestError, match=r"things.csv cannot be read: Permission denied.*that you may read it"
    ):
        ingest([tmp_path], str(tmp_path / "t.sqlite"))


def test_a_missing_file_and_a_folder_without_tables(tmp_path: Path) -> None:
    (tmp_path / "notes.docx").write_bytes(b"abc")
    with pytest.raises(IngestError, match=r"There is no file or folder .*nowhere.csv.*Check the path"):
        ingest([tmp_path / "nowhere.csv"], str(tmp_path / "t.sqlite"))
    with pytest.raises(IngestError, match=r"holds nothing to load.*CSV, TSV, Excel"):
        ingest([tmp_path], str(tmp_path / "t.sqlite"))
    assert not (tmp_path / "t.sqlite").exists()


def test_problems_as_a_table(tmp_path: Path) -> None:
    (tmp_path / "payments.csv").write_text(f"{PAID}1,A,x,5\n1,B,2024-01-01,{'y' * 500}\n")
    frame = problems_frame(preview(tmp_path / "payments.csv").problems)
    assert frame.columns == ["file", "line", "column", "reason", "remedy", "value"]
    assert frame.select("line", "column", "value").rows() == [(2, "paymentDate", "x"), (3, "amount", None)]
