"""Which type each column of a file without declared types has, judged by every one of its cells."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import polars as pl

from core.ingest.convert import DATES, NUMBERS, TIMES, TYPED_NULLS, Reading, convert, unfit
from core.ingest.source import Source

_WHOLE = r"^-?(0|[1-9][0-9]*)$"
_DECIMAL = r"^-?(0|[1-9][0-9]*)?(\.[0-9]+)?$|^-?[0-9]+\.[0-9]+[eE][+-]?[0-9]+$"
_WORDS = ["true", "false", "yes", "no"]
_CODES = re.compile(
    r"phone|mobile|telefon|fax|zip|postal|postcode|plz|iban|barcode|\bean|\bsku|\bgtin", re.IGNORECASE
)
_EXACT_DIGITS = 15
_FEW = 20


@dataclass
class _Candidates:
    """The types that all cells seen so far allow, most specific first."""

    alive: list[tuple[str, str]] = field(default_factory=list)
    filled: bool = False
    refuted: bool = False


def survey(
    source: Source, names: Iterable[str], progress: Callable[[int], None]
) -> tuple[list[Reading], list[str]]:
    """How the named columns are to be read, and notes on those that had to stay text.

    Parameters
    ----------
    progress
        Called with how much of the source is done after each block.
    """
    found = {name: _Candidates(_all_candidates(name)) for name in names}
    pending = set(found)
    while pending:
        for name in pending:
            found[name].refuted = False
        for block in source.blocks():
            for name in pending:
                _narrow(found[name], name, block.columns[source.columns.index(name)])
            progress(block.done)
        pending = {name for name in pending if found[name].refuted}
    readings, notes = [], []
    for name, candidates in found.items():
        reading, note = _decided(name, candidates)
        readings.append(reading)
        if note:
            notes.append(f"{source.label}, column {name}: {note}")
    return readings, notes


def _all_candidates(name: str) -> list[tuple[str, str]]:
    if _CODES.search(name):
        return []
    dates = [("date", "" if style == DATES[0] else style) for style in DATES]
    moments = [("datetime", "")] + [("datetime", d + t) for d in DATES[1:] for t in TIMES[1:]]
    numbers = [("number", "" if style == NUMBERS[0] else style) for style in NUMBERS]
    return [("boolean", ""), ("integer", ""), *numbers, *dates, *moments]


def _narrow(candidates: _Candidates, name: str, cells: pl.Series) -> None:
    """Drop the candidates that a block refutes.

    Once the first cells have been seen only the foremost candidate is tried, and those it could be confused
    with. Should it fail, the column is surveyed once more for the others.
    """
    if not candidates.alive or candidates.refuted:
        return
    filled = cells.drop_nulls()
    if filled.dtype == pl.String:
        filled = filled.filter(~filled.is_in(TYPED_NULLS))
    if not len(filled):
        return
    if filled.dtype == pl.String and filled.str.contains(r"^\s|\s$").any():
        filled = filled.str.strip_chars()
        filled = filled.filter(~filled.is_in(TYPED_NULLS))
    if not candidates.filled:
        candidates.filled = True
        few = filled.head(_FEW)
        candidates.alive = [c for c in candidates.alive if _fits(few, Reading(name, *c))]
    if not candidates.alive:
        return
    foremost = candidates.alive[0]
    rivals = [c for c in candidates.alive if c == foremost or (foremost[1] and c[0] == foremost[0])]
    refuted = {c for c in rivals if not _fits(filled, Reading(name, *c))}
    candidates.alive = [c for c in candidates.alive if c not in refuted]
    candidates.refuted = foremost in refuted and bool(candidates.alive)


def _fits(cells: pl.Series, reading: Reading) -> bool:
    """Whether all cells are of the kind and lose nothing by it: 007 is a code, +49 a phone number."""
    if cells.dtype == pl.String:
        if reading.kind == "boolean" and not cells.str.to_lowercase().is_in(_WORDS).all():
            return False
        if reading.kind == "integer" and not cells.str.contains(_WHOLE).all():
            return False
        if reading.kind == "number":
            if not reading.style and not cells.str.contains(_DECIMAL).all():
                return False
            digits = cells.str.replace(r"[eE].*$", "").str.replace_all(r"\D", "").str.strip_chars_start("0")
            if (digits.str.len_bytes() > _EXACT_DIGITS).any():
                return False
    return unfit(cells, convert(cells, reading, empty_is_null=True), reading) is None


def _decided(name: str, candidates: _Candidates) -> tuple[Reading, str]:
    alive = candidates.alive if candidates.filled else []
    if not alive:
        return Reading(name, "text"), ""
    kind, style = alive[0]
    others = {other for other_kind, other in alive if other_kind == kind}
    if style and kind == "number" and len(others) > 1:
        return Reading(
            name, "text"
        ), "kept as text, the comma may be a decimal comma or part of a large number"
    day_first, month_first = style.startswith("%d"), any(other.startswith("%m") for other in others)
    if kind in ("date", "datetime") and day_first and month_first:
        return Reading(name, "text"), "kept as text, the dates may be day first or month first"
    return Reading(name, kind, style), ""
