"""What a file would become, before anything is loaded: columns, types, first rows and problems."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import polars as pl

from core.errors import RowProblem
from core.ingest.convert import Reading, convert, unfit
from core.ingest.corrections import KINDS, type_text
from core.ingest.files import find_sources
from core.ingest.plan import TablePlan, plan_table
from core.ingest.problems import Problems
from core.ingest.source import Block, Source
from core.ingest.survey import Candidate, candidates_of, fits, may_be
from core.ingest.typed import typed_columns

_TRIED_CELLS = 5_000
_FIRST_TRIED = 50


@dataclass(frozen=True)
class PreviewColumn:
    """A column as it would be loaded.

    ``type`` and ``alternatives`` are texts that ``ingest(types=…)`` takes, such as ``date %d/%m/%Y``; the
    alternatives are the types that the first rows would have as well, best first. ``missing`` counts empty
    cells; ``fixed`` says that the type is declared and only the way of writing can be chosen.
    """

    name: str
    type: str
    alternatives: tuple[str, ...]
    missing: int
    required: bool
    fixed: bool


@dataclass(frozen=True)
class TablePreview:
    """One table of a file.

    ``rows`` counts the rows that were looked at, ``complete`` says whether these are all of them; ``frame``
    holds the first rows, null where a value does not fit; ``problems`` are the first hundred of
    ``problem_count``. Keys and references are checked only when the file is loaded.
    """

    table: str
    source: str
    columns: tuple[PreviewColumn, ...]
    frame: pl.DataFrame
    rows: int
    complete: bool
    problems: tuple[RowProblem, ...]
    problem_count: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """The tables that a file holds, in its order."""

    tables: tuple[TablePreview, ...]

    @property
    def problems(self) -> tuple[RowProblem, ...]:
        """The problems of all tables; ``problems_frame`` makes a table of them."""
        return tuple(problem for table in self.tables for problem in table.problems)


def preview(
    path: Path | str,
    rows: int = 200,
    types: Mapping[str, Mapping[str, str]] | None = None,
    *,
    table: str | None = None,
    most: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Preview:
    """What ``ingest`` would make of a file, without loading it.

    Parameters
    ----------
    rows
        How many of the first rows each table shows.
    types
        Types that a person has chosen, as for ``ingest``.
    table
        The table that the file is meant for; by default its name decides.
    most
        How many rows of each table are looked at; by default all, so that types and problems are those that
        loading would find.
    progress
        Called with the file and the fraction that is done.

    Raises
    ------
    IngestError
        The file cannot be read at all, or a chosen type cannot be had.
    """
    found = find_sources([Path(path)], table, types)
    sources = [_First(source, most) if most is not None else source for (source,) in found.values()]
    sizes = [max(1, source.size) for source in sources]
    starts = list(accumulate(sizes, initial=0))
    previews = []
    for name, source, start in zip(found, sources, starts, strict=False):

        def tell(done: int, label: str = source.label, start: int = start) -> None:
            if progress is not None:
                progress(label, min(1.0, (start + done) / starts[-1]))

        previews.append(_table_preview(name, source, rows, types, tell))
    return Preview(tuple(previews))


@dataclass
class _Seen:
    """What the rows of one table have shown so far."""

    frames: list[pl.DataFrame]
    missing: list[int]
    rows: int
    kept: int
    problems: Problems
    first: Block | None = None


def _table_preview(
    name: str,
    source: Source,
    rows: int,
    types: Mapping[str, Mapping[str, str]] | None,
    tell: Callable[[int], None],
) -> TablePreview:
    seen, whole = None, set[int]()
    while seen is None:
        plan = plan_table(name, [source], None, lambda *_: tell(0), types=types, whole=whole)
        seen = _read(plan, rows, tell)
        while seen is None and not plan.sources[0].doubted:
            seen = _read(plan, rows, tell)
        whole = {0} if plan.sources[0].doubted else whole
    names = [column.name for column in plan.schema.columns]
    empty = pl.DataFrame(typed_columns(plan, plan.sources[0], Block([], []), Problems()) or [], schema=names)
    frame = pl.concat(seen.frames) if seen.frames else empty
    return TablePreview(
        name,
        source.label,
        tuple(_columns(plan, seen)),
        frame.select(list(_present(plan))),
        seen.rows,
        not (isinstance(source, _First) and source.stopped),
        tuple(seen.problems.shown),
        seen.problems.count,
        tuple(plan.notes),
    )


def _read(plan: TablePlan, rows: int, tell: Callable[[int], None]) -> _Seen | None:
    """Read a table through; ``None`` if the plan turned out wrong."""
    source = plan.sources[0]
    names = [column.name for column in plan.schema.columns]
    seen = _Seen([], [0] * len(names), 0, 0, Problems())
    for block in source.source.blocks():
        for problem in block.problems:
            seen.problems.add(problem)
        columns = typed_columns(plan, source, block, seen.problems)
        if columns is None:
            return None
        tell(block.done)
        if not len(block.lines):
            continue
        seen.first = seen.first or block
        seen.rows += len(block.lines)
        seen.missing = [count + c.null_count() for count, c in zip(seen.missing, columns, strict=True)]
        if seen.kept < rows:
            seen.frames.append(pl.DataFrame(columns, schema=names).head(rows - seen.kept))
            seen.kept += seen.frames[-1].height
    return seen


def _present(plan: TablePlan) -> Iterator[str]:
    """The columns of the table that the file has."""
    for column, reading in zip(plan.schema.columns, plan.sources[0].readings, strict=True):
        if reading is not None:
            yield column.name


def _columns(plan: TablePlan, seen: _Seen) -> Iterator[PreviewColumn]:
    source = plan.sources[0]
    for number, (column, reading) in enumerate(zip(plan.schema.columns, source.readings, strict=True)):
        if reading is None:
            continue
        fixed = column.name in plan.fixed
        chosen = (reading.kind, reading.style)
        cells = seen.first.columns[source.positions[number]] if seen.first else pl.Series(dtype=pl.Null)
        kinds = [reading.kind] if fixed else list(KINDS)
        others = tuple(type_text(c) for c in _alternatives(cells.head(_TRIED_CELLS), kinds) if c != chosen)
        yield PreviewColumn(
            column.name, type_text(chosen), others, seen.missing[number], column.required, fixed
        )


def _alternatives(cells: pl.Series, kinds: list[str]) -> Iterator[Candidate]:
    """The types that some cells would have as well, with each way of writing that fits all of them."""
    filled = cells.drop_nulls().unique(maintain_order=True)
    for kind in kinds:
        if kind == "text":
            continue
        if filled.dtype != pl.String:
            if len(filled) and _fits(filled, (kind, "")):
                yield kind, ""
            continue
        few = filled.head(_FIRST_TRIED)
        likely = [c for c in candidates_of(kind) if len(few) and may_be(few, c) and _fits(few, c)]
        meant: list[pl.Series] = []
        for candidate in likely:
            values = convert(filled, Reading("", *candidate), empty_is_null=True)
            if _fits(filled, candidate) and not any(values.equals(other) for other in meant):
                meant.append(values)
                yield candidate
    if "text" in kinds:
        yield "text", ""


def _fits(cells: pl.Series, candidate: Candidate) -> bool:
    reading = Reading("", *candidate)
    if candidate[0] in ("integer", "boolean", "binary"):  # 007 may be meant as 7, and 1 as true
        return unfit(cells, convert(cells, reading, empty_is_null=True), reading) is None
    return fits(cells, reading)


class _First(Source):
    """The first rows of another source."""

    def __init__(self, source: Source, most: int) -> None:
        self._source, self._most = source, most
        self.stopped = False
        self.label, self.name, self.columns, self.schema = (
            source.label,
            source.name,
            source.columns,
            source.schema,
        )
        self.empty_is_null, self.comma_likely = source.empty_is_null, source.comma_likely
        self.header_line, self.size, self.notes = source.header_line, source.size, source.notes

    def blocks(self) -> Iterator[Block]:
        left = self._most
        for block in self._source.blocks():
            if len(block.lines) > left or not left:
                self.stopped = True
                columns = [column.head(left) for column in block.columns]
                yield Block(columns, block.lines[:left], (), block.done)
                return
            left -= len(block.lines)
            yield block
