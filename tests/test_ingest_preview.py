"""Previews: what loading would make of a file, with types that can be corrected."""

from datetime import date
from pathlib import Path

import pytest

from core.errors import IngestError
from core.ingest import TablePreview, ingest, preview, problems_frame
from tests.ingest_files import write_workbook

VISITS = "id,day,amount,code,member\n1,01/02/2024,5,007,1\n2,03/04/2024,,8,0\n3,05/06/2024,7.5,9,1\n"


def only(path: Path, **options: object) -> TablePreview:
    (table,) = preview(path, **options).tables  # type: ignore[arg-type]
    return table


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    path = tmp_path / "visits.csv"
    path.write_text(VISITS)
    return path


def test_types_and_those_that_would_fit_as_well(visits: Path) -> None:
    seen = {column.name: (column.type, column.alternatives) for column in only(visits).columns}
    assert seen == {
        "id": ("integer", ("number", "text")),
        "day": ("text", ("date %d/%m/%Y", "date %m/%d/%Y")),
        "amount": ("number", ("text",)),
        "code": ("text", ("integer",)),
        "member": ("integer", ("number", "boolean", "text")),
    }


def test_rows_counts_and_notes(visits: Path) -> None:
    table = only(visits, rows=2)
    assert (table.table, table.source, table.rows, table.complete) == ("visits", "visits.csv", 3, True)
    assert table.frame.rows() == [(1, "01/02/2024", 5.0, "007", 1), (2, "03/04/2024", None, "8", 0)]
    assert [column.missing for column in table.columns] == [0, 0, 1, 0, 0]
    assert table.notes == ("visits.csv, column day: kept as text, the dates may be day first or month first",)


def test_corrections_are_shown_and_their_misfits_told(visits: Path) -> None:
    table = only(visits, types={"visits": {"day": "date %m/%d/%Y", "amount": "integer"}})
    assert table.frame["day"].to_list() == [date(2024, 1, 2), date(2024, 3, 4), date(2024, 5, 6)]
    assert table.frame["amount"].to_list() == [5, None, None]
    assert problems_frame(table.problems).select("line", "column", "value").rows() == [(4, "amount", "7.5")]


def test_every_alternative_can_be_chosen(visits: Path) -> None:
    for column in only(visits).columns:
        for kind in column.alternatives:
            chosen = {"visits": {column.name: kind}}
            assert not preview(visits, types=chosen).problems
            assert ingest([visits], str(visits.parent / "t.sqlite"), types=chosen).rows == 3


def test_problems_are_those_that_loading_would_find(tmp_path: Path) -> None:
    path = tmp_path / "payments.csv"
    lines = [f"{n},A,{'x' if n % 100 == 0 else '2024-01-01'},5\n" for n in range(20_000)]
    path.write_text("customerNumber,checkNumber,paymentDate,amount\n" + "".join(lines) + "1,B\n")
    table = only(path)
    with pytest.raises(IngestError) as caught:
        ingest([path], str(tmp_path / "t.sqlite"))
    assert table.problems == caught.value.problems
    assert (len(table.problems), table.problem_count) == (100, 201)
    assert [column.fixed for column in table.columns] == [True] * 4


def test_a_large_file_may_be_looked_at_in_part(tmp_path: Path) -> None:
    path = tmp_path / "things.csv"
    path.write_text("id,name\n" + "1,a\n" * 1_000 + "x,b\n")
    table = only(path, most=500)
    assert (table.rows, table.complete, table.columns[0].type) == (500, False, "integer")
    assert only(path).columns[0].type == "text"
    assert only(path, most=2_000).complete


def test_all_sheets_and_progress(tmp_path: Path) -> None:
    write_workbook(tmp_path / "book.xlsx", {"One": [["a"], [1]], "Two": [["b"], ["x"], ["y"]]})
    seen: list[float] = []
    found = preview(tmp_path / "book.xlsx", progress=lambda _, done: seen.append(done))
    assert [(table.table, table.rows) for table in found.tables] == [("One", 1), ("Two", 2)]
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_file_without_rows_has_columns(tmp_path: Path) -> None:
    (tmp_path / "things.csv").write_text("id,name\n")
    table = only(tmp_path / "things.csv")
    assert [column.name for column in table.columns] == ["id", "name"]
    assert table.frame.shape == (0, 2)
