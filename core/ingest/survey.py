"""Which type each column of a file without declared types has, judged by its cells."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import polars as pl

from core.ingest.convert import DATES, NUMBERS, TIMES, TYPED_NULLS, Reading, convert, date_shape, unfit
from core.ingest.reasons import misfit
from core.ingest.source import Block, Source

Candidate = tuple[str, str]
"""A kind and how it is written."""

_WHOLE = r"^-?(0|[1-9][0-9]*)$"
_DECIMAL = r"^-?(0|[1-9][0-9]*)?(\.[0-9]+)?$|^-?[0-9]+\.[0-9]+[eE][+-]?[0-9]+$"
_LEADING_ZERO = r"^-?0[0-9]"
_WORDS = ["true", "false", "yes", "no"]
_CODES = re.compile(
    r"phone|mobile|telefon|fax|zip|postal|postcode|plz|iban|barcode|\bean|\bsku|\bgtin", re.IGNORECASE
)
_COMMA = ("number", NUMBERS[2])
_EXACT_DIGITS = 15
_FEW = 20
_LATE = 200
"""Cells that must have fitted a type before one that does not is worth a note."""


@dataclass(frozen=True)
class Verdict:
    """How a column is to be read.

    ``certain`` says that no further cell can change it; ``ambiguous`` that the dates or numbers seen can be
    read in two ways; ``note`` is a remark on a column that had to stay text.
    """

    reading: Reading
    certain: bool
    ambiguous: bool = False
    note: str = ""


@dataclass
class _Column:
    """The types that all cells of a column seen so far allow, most specific first."""

    alive: list[Candidate]
    seen: int = 0
    dotted: bool = False
    refuted: bool = False
    note: str = ""


def survey(
    source: Source,
    names: Iterable[str],
    progress: Callable[[int], None],
    *,
    whole: bool = True,
    offered: Mapping[str, Sequence[Candidate]] | None = None,
) -> dict[str, Verdict]:
    """How the named columns are to be read.

    Parameters
    ----------
    progress
        Called with how much of the source is done after each block.
    whole
        Whether every cell is looked at. Otherwise only the first block is, and the verdicts that later cells
        could change are not certain.
    offered
        The candidates for each column, the foremost first; by default all kinds.
    """
    found = {name: _Column(list((offered or {}).get(name) or _all_candidates(name))) for name in names}
    pending = set(found)
    while pending:
        for name in pending:
            found[name].refuted = False
        for block in source.blocks():
            if not len(block.lines):
                continue
            for name in pending:
                _narrow(found[name], name, source, block)
            if not whole:
                break
            progress(block.done)
        pending = {name for name in pending if found[name].refuted}
    return {name: _verdict(source, name, column, whole) for name, column in found.items()}


def candidates_of(kind: str) -> list[Candidate]:
    """All ways in which a column of one kind may be written."""
    if kind in ("integer", "number"):
        return [(kind, "" if style == NUMBERS[0] else style) for style in NUMBERS]
    plain: list[Candidate] = [(kind, "")]
    if kind == "date":
        return plain + [(kind, style) for style in DATES[1:]] + [(kind, style) for style in _moments()]
    return plain + [(kind, style) for style in _moments()] if kind == "datetime" else plain


def best_style(cells: pl.Series, kind: str) -> str:
    """The way of writing a kind that most of some cells follow; the plain one if none is better."""
    filled = _filled(cells).head(1_000)
    if filled.dtype != pl.String:
        return ""

    def fitting(style: str) -> int:
        return len(filled) - convert(filled, Reading("", kind, style), empty_is_null=True).null_count()

    return max((style for _, style in candidates_of(kind)), key=fitting)


def holds(cells: pl.Series, values: pl.Series, reading: Reading) -> bool:
    """Whether cells, read as ``values``, leave a verdict that was not certain as it is."""
    if reading.kind == "text":  # nothing but empty cells so far
        return cells.null_count() == len(cells) or not len(_filled(cells))
    if cells.dtype != pl.String:
        return unfit(cells, values, reading) is None and _is_lossless(cells, reading)
    if reading.kind == "integer" and cells.dtype == pl.String and (values.cast(pl.String) == cells).all():
        return True
    if values.null_count() == cells.null_count() and _is_lossless(cells, reading):
        return True
    return unfit(cells, values, reading) is None and _is_lossless(_filled(cells), reading)


def fits(cells: pl.Series, reading: Reading) -> bool:
    """Whether all cells are of the kind and lose nothing by it: 007 is a code, +49 a phone number."""
    if not _is_lossless(cells, reading):
        return False
    return unfit(cells, convert(cells, reading, empty_is_null=True), reading) is None


def _is_lossless(cells: pl.Series, reading: Reading) -> bool:
    if cells.dtype != pl.String:
        return reading.kind != "boolean" or cells.dtype in (pl.Boolean, pl.Null)
    if reading.kind == "boolean":
        return bool(cells.str.to_lowercase().is_in(_WORDS).all())
    if reading.kind == "integer" and not reading.style:
        return bool(cells.str.contains(_WHOLE).all())
    if reading.kind != "number":
        return True
    if not reading.style and not cells.str.contains(_DECIMAL).all():
        return False
    if reading.style and cells.str.contains(_LEADING_ZERO).any():
        return False
    longest = cells.str.len_bytes().max()
    if not isinstance(longest, int) or longest <= _EXACT_DIGITS:
        return True
    digits = cells.str.replace(r"[eE].*$", "").str.replace_all(r"\D", "").str.strip_chars_start("0")
    return not (digits.str.len_bytes() > _EXACT_DIGITS).any()


@cache
def _moments() -> tuple[str, ...]:
    return tuple(day + time for day in DATES[1:] for time in TIMES[1:])


def _all_candidates(name: str) -> list[Candidate]:
    if _CODES.search(name):
        return []
    dates = [("date", "" if style == DATES[0] else style) for style in DATES]
    moments = [("datetime", ""), *(("datetime", style) for style in _moments())]
    return [("boolean", ""), ("integer", ""), *candidates_of("number"), *dates, *moments]


def _filled(cells: pl.Series) -> pl.Series:
    """The cells that hold something, without white space around it."""
    filled = cells.drop_nulls()
    if filled.dtype != pl.String:
        return filled
    filled = filled.filter(~filled.is_in(TYPED_NULLS))
    if filled.str.contains(r"^\s|\s$").any():
        filled = filled.str.strip_chars()
        filled = filled.filter(~filled.is_in(TYPED_NULLS))
    return filled


def _narrow(column: _Column, name: str, source: Source, block: Block) -> None:
    """Drop the candidates that a block refutes.

    Once the first cells have been seen only the foremost candidate is tried, and those it could be confused
    with. Should it fail, the column is surveyed once more for the others.
    """
    if not column.alive or column.refuted:
        return
    cells = block.columns[source.columns.index(name)]
    filled = _filled(cells)
    if not len(filled):
        return
    if not column.seen:
        few = filled.head(_FEW)
        column.alive = [c for c in column.alive if may_be(few, c) and fits(few, Reading(name, *c))]
        if not column.alive:
            column.note = _mixed_dates(few, cells, block)
    if not column.alive:
        column.seen += len(filled)
        return
    foremost = column.alive[0]
    if filled.dtype == pl.String and source.comma_likely and foremost[0] == "number":
        column.dotted |= bool(filled.str.contains(".", literal=True).any())
    refuted = {c for c in _rivals(column, source) if not fits(filled, Reading(name, *c))}
    if foremost in refuted:
        late = _late_note(cells, block, source, Reading(name, *foremost), column.seen)
        column.note = late or column.note
    column.seen += len(filled)
    column.alive = [c for c in column.alive if c not in refuted]
    column.refuted = foremost in refuted and bool(column.alive)


def _rivals(column: _Column, source: Source) -> list[Candidate]:
    """The foremost candidate, and those that differ from it in the way of writing alone."""
    foremost = column.alive[0]
    alike = [c for c in column.alive[1:] if foremost[1] and c[0] == foremost[0]]
    if source.comma_likely and foremost == ("number", "") and _COMMA in column.alive:
        alike.append(_COMMA)
    return [foremost, *alike]


@cache
def _shape(candidate: Candidate) -> re.Pattern[str]:
    """What the cells of a candidate look like at least."""
    kind, style = candidate
    if kind in ("date", "datetime"):
        return re.compile(date_shape(style) if style else r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}")
    if kind == "boolean":
        return re.compile(r"\s*[a-zA-Z01]{1,5}\s*$")
    return re.compile(r"[0-9.,eE+\-\s$€£]+$" if kind in ("integer", "number") else "")


def may_be(few: pl.Series, candidate: Candidate) -> bool:
    """Whether a look at some cells leaves a candidate possible; ``fits`` then tells."""
    if few.dtype != pl.String:
        return True
    match = _shape(candidate).match
    return all(match(cell) for cell in few.to_list())


def _mixed_dates(few: pl.Series, cells: pl.Series, block: Block) -> str:
    """A note for cells that all look like dates, but not like dates of one format or not like real ones."""
    if few.dtype != pl.String:
        return ""
    texts = few.to_list()
    styles = [{style for style in DATES if re.match(date_shape(style), text)} for text in texts]
    if not all(styles):
        return ""
    common = set.intersection(*styles)
    if common:
        unreal = [
            t
            for t in texts
            if all(
                convert(pl.Series([t]), Reading("", "date", s), empty_is_null=True).is_null()[0]
                for s in common
            )
        ]
        odd, why = (unreal or texts)[0], "is no day of the calendar"
    else:
        odd = next(t for n, t in enumerate(texts) if not set.intersection(*styles[: n + 1]))
        why = f"is written in another way than {texts[0]!r}"
    line = block.lines[(cells.str.strip_chars() == odd).fill_null(value=False).arg_max() or 0]
    return f"kept as text, since in line {line} {odd!r} {why}; correct it to have the column typed as dates"


def _late_note(cells: pl.Series, block: Block, source: Source, reading: Reading, seen: int) -> str:
    """A note on the first cell that is not of the type of the many before it."""
    values = convert(cells, reading, empty_is_null=True)
    wrong = unfit(cells, values, reading)
    row = wrong.arg_max() if wrong is not None else None
    if row is None or seen + row < _LATE:
        return ""
    problem = misfit(source.label, block.lines[row], reading, cells[row])
    return f"kept as text, since in line {problem.line} {problem.reason}; correct it to have the column typed"


def _verdict(source: Source, name: str, column: _Column, whole: bool) -> Verdict:
    note = f"{source.label}, column {name}: {column.note}" if column.note else ""
    if not column.alive or not column.seen:
        return Verdict(Reading(name, "text"), whole or not column.alive, note=note)
    kind, style = column.alive[0]
    others = {other for other_kind, other in column.alive if other_kind == kind}
    doubt = ""
    if kind in ("integer", "number") and (
        (style and len(others) > 1) or (column.dotted and not style and _COMMA[1] in others)
    ):
        mark = "comma" if style else "point"
        doubt = f"the {mark} may be a decimal {mark} or part of a large number"
    if kind in ("date", "datetime") and style.startswith("%d") and any(o.startswith("%m") for o in others):
        doubt = "the dates may be day first or month first"
    if doubt:
        reading = Reading(name, "text")
        return Verdict(reading, whole, True, f"{source.label}, column {name}: kept as text, {doubt}")
    rivals = bool(style) and len(others) > 1
    return Verdict(Reading(name, kind, style), whole, ambiguous=rivals and not whole)
