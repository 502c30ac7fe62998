"""Malformed input of every kind: the message names file, line, column and remedy, and the old data stay."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from core.database import open_database
from core.errors import IngestError, RowProblem
from core.ingest import IngestReport, ingest, preview, problems_frame
from tests.malformed_files import CASES, ORDERED, PAID, Case


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
