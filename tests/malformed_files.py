"""Malformed files of every kind, where their problem is, and words that tell of it."""

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import polars as pl

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
