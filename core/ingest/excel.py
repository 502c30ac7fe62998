"""Excel workbooks (.xlsx, .xlsm): every visible sheet with cells is a table."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

import polars as pl

from core.errors import IngestError, RowProblem
from core.ingest.delimited import checked_header
from core.ingest.problems import Problem, refusal, short_value
from core.ingest.source import Block, Source

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_BLOCK_ROWS = 20_000
_ROWS_BELOW_HEADER = 20
_EXACT = 2**53
_FIRST_ROW = "The column names must be in the first row that is filled: delete what stands above them."
_SAVE_AGAIN = "Open it in a spreadsheet and save it again as .xlsx, or as CSV."


def is_excel(path: Path) -> bool:
    """Whether the file is an Excel workbook in the format of 2007 and later, whatever its name."""
    try:
        with ZipFile(path) as archive:
            return any(name.startswith("xl/workbook.") for name in archive.namelist())
    except (BadZipFile, OSError, ValueError):
        return False


def sheets_of(path: Path) -> list["ExcelSheet"]:
    """The visible sheets of a workbook that hold cells.

    Raises
    ------
    IngestError
        The workbook is damaged, protected or empty, a sheet does not begin with column names, or the library
        that reads workbooks is not installed.
    """
    from_top = _open(path)
    with from_top as book:
        listed = [sheet for sheet in book.sheets_metadata if "WorkSheet" in str(sheet.typ)]
        shown = [sheet.name for sheet in listed if str(sheet.visible).endswith(".Visible")]
        hidden = [sheet.name for sheet in listed if sheet.name not in shown]
        filled = [name for name in shown if _sheet(book, path, name).start is not None]
        if not filled:
            raise IngestError(
                f"Nothing was loaded: {path.name} is empty.", "A sheet needs a row that names its columns."
            )
        sheets = [ExcelSheet(path, name, book, alone=len(filled) == 1) for name in filled]
    if hidden:
        note = f"{path.name}: hidden sheets were left out: {', '.join(hidden)}"
        sheets[0].notes = (*sheets[0].notes, note)
    return sheets


class ExcelSheet(Source):
    """One sheet of a workbook; its "lines" are the rows as the spreadsheet numbers them.

    Numbers without a fraction are integers, cells formatted as dates are dates, formulas count with the value
    that was saved and are empty where that is an error.
    """

    empty_is_null = True

    def __init__(self, path: Path, sheet: str, book: "CalamineWorkbook", *, alone: bool) -> None:
        self.path, self.sheet, self.alone = path, sheet, alone
        self.name = sheet
        self.label = path.name if alone else f"{path.name}, sheet {sheet}"
        opened = _sheet(book, path, sheet)
        self.size = opened.total_height
        self._first_column = opened.start[1] if opened.start else 0
        rows = enumerate(opened.iter_rows(), start=1)
        self.header_line, header = next((at, row) for at, row in rows if _is_filled(row))
        below = [row for _, row in islice(rows, _ROWS_BELOW_HEADER)]
        self._refuse_title(opened, header, below)
        while header and not _text(header[-1]).strip():
            header = header[:-1]
        names, self.notes = checked_header([_text(cell) for cell in header], self.label, self.header_line)
        self.columns = tuple(names)

    def blocks(self) -> Iterator[Block]:
        with _open(self.path) as book:
            rows = enumerate(_sheet(book, self.path, self.sheet).iter_rows(), start=1)
            below = islice(rows, self.header_line, None)
            done = self.header_line
            while some := list(islice(below, _BLOCK_ROWS)):
                done = some[-1][0]
                yield self._block([(at, row) for at, row in some if _is_filled(row)], done)

    def _block(self, rows: list[tuple[int, list]], done: int) -> Block:
        width = len(self.columns)
        problems: list[RowProblem] = []
        for at, row in rows:
            for number, cell in enumerate(row[width:], start=width):
                if cell != "":
                    letter = _letter(self._first_column + number)
                    reason = f"a cell is filled that lies beyond the last column name (in {self.columns[-1]})"
                    remedy = "Empty the cell, or name its column."
                    value = short_value(cell)
                    problems.append(Problem(self.label, at, letter, reason, remedy, value))
                    break
        columns = zip(*(row[:width] for _, row in rows), strict=True) if rows else ((),) * width
        return Block([_series(cells) for cells in columns], [at for at, _ in rows], tuple(problems), done)

    def _refuse_title(self, opened: "CalamineSheet", header: list, below: list[list]) -> None:
        """Refuse a sheet that begins with a title instead of column names."""
        line = self.header_line
        names = sum(cell != "" for cell in header)
        widest = max((sum(cell != "" for cell in row) for row in below), default=0)
        for (top, left), (bottom, right) in opened.merged_cell_ranges or ():
            if top <= line - 1 <= bottom and right > left:
                cells = f"{_letter(left)}{top + 1} to {_letter(right)}{bottom + 1}"
                reason = f"the first filled row has merged cells ({cells}), so it names no columns"
                raise refusal(Problem(self.label, line, _letter(left), reason, _FIRST_ROW))
        if names == 1 and widest > 1:
            title = next(cell for cell in header if cell != "")
            alone = f"the first filled row holds {str(title)[:40]!r} alone"
            reason = f"{alone}, but the rows below have {widest} cells"
            raise refusal(Problem(self.label, line, "", reason, _FIRST_ROW))


def _open(path: Path) -> "CalamineWorkbook":
    try:
        import python_calamine
    except ImportError:
        raise IngestError(
            f"Nothing was loaded: reading {path.name} needs the package python-calamine.",
            "Install it (pip install python-calamine), or save the sheets as CSV.",
        ) from None
    try:
        return python_calamine.CalamineWorkbook.from_path(path)
    except python_calamine.PasswordError:
        raise IngestError(
            f"Nothing was loaded: {path.name} is protected by a password.", "Save it without one."
        ) from None
    except python_calamine.CalamineError as error:
        raise IngestError(
            f"Nothing was loaded: {path.name} is damaged or no Excel workbook ({error}).", _SAVE_AGAIN
        ) from None


def _sheet(book: "CalamineWorkbook", path: Path, name: str) -> "CalamineSheet":
    import python_calamine

    try:
        return book.get_sheet_by_name(name)
    except python_calamine.CalamineError as error:
        raise IngestError(
            f"Nothing was loaded: the sheet {name} of {path.name} is damaged ({error}).", _SAVE_AGAIN
        ) from None


def _is_filled(row: Sequence[object]) -> bool:
    return any(cell != "" for cell in row)


def _series(cells: Sequence[object]) -> pl.Series:
    """One block of a column: typed if all of its cells are of one type, else as text."""
    values = [None if cell == "" else cell for cell in cells]
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pl.Series(values, dtype=pl.Null)
    if kinds <= {int, float}:
        numbers = pl.Series(values, dtype=pl.Float64, strict=False)
        whole = ((numbers.round() == numbers) & (numbers.abs() < _EXACT)).all()
        return numbers.cast(pl.Int64) if whole else numbers
    if kinds == {bool}:
        return pl.Series(values, dtype=pl.Boolean)
    if kinds == {dt.date}:
        return pl.Series(values, dtype=pl.Date)
    if kinds <= {dt.date, dt.datetime}:
        return pl.Series([_moment(value) for value in values], dtype=pl.Datetime("us"))
    return pl.Series([None if value is None else _text(value) for value in values], dtype=pl.String)


def _moment(value: object) -> object:
    plain = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    return dt.datetime.combine(value, dt.time()) if plain else value  # type: ignore[arg-type]


def _text(cell: object) -> str:
    """A cell as text: 44000 for the number 44000.0, ISO for dates."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        return str(int(cell))
    return cell.isoformat(" ") if isinstance(cell, dt.datetime) else str(cell)


def _letter(column: int) -> str:
    """The letter of a column counted from 0: A, B, … Z, AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
