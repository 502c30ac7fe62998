"""How the columns of some sources become those of one table."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import polars as pl

from core.database.schema import Column, TableSchema, declared_tables
from core.errors import IngestError, RowProblem
from core.ingest.convert import Reading
from core.ingest.files import bare_name
from core.ingest.source import Block, Source
from core.ingest.survey import survey


@dataclass
class SourcePlan:
    """One source: for each column of the table how to read it and where it stands, or ``None``."""

    source: Source
    readings: list[Reading | None]
    positions: list[int]
    surveyed: set[str] = field(default_factory=set)

    def cells(self, block: Block) -> Iterator[tuple[int, Reading, pl.Series]]:
        """The columns of a block that the table has, with their number in the table."""
        for number, (reading, position) in enumerate(zip(self.readings, self.positions, strict=True)):
            if reading is not None:
                yield number, reading, block.columns[position]


@dataclass(frozen=True)
class TablePlan:
    """A table to be made, and its sources."""

    schema: TableSchema
    sources: list[SourcePlan]
    notes: list[str]

    def fills(self, columns: Iterable[str]) -> bool:
        """Whether a source has all of the columns."""
        named = [{reading.name for reading in source.readings if reading} for source in self.sources]
        return any(names >= set(columns) for names in named)


def plan_table(
    name: str, sources: list[Source], existing: TableSchema | None, progress: Callable[[Source, int], None]
) -> TablePlan:
    """The table that ``sources`` make together.

    Parameters
    ----------
    existing
        The table that rows are appended to; its types then decide.
    progress
        Called with a source and how much of it has been surveyed.

    Raises
    ------
    IngestError
        A source lacks columns that the table must have.
    """
    declared = declared_tables().get(name)
    known = _known_columns(declared, existing)
    notes: list[str] = []
    chosen: list[dict[str, Reading]] = []
    for source in sources:
        readings, said = _readings(source, known, partial(progress, source))
        chosen.append(readings)
        notes += said
        _require(source, readings, known)
    columns = _merged(chosen, known)
    key = declared.primary_key if declared else _source_key(sources)
    have = {column.name for column in columns}
    schema = TableSchema(
        name,
        columns,
        key if have >= set(key) else (),
        tuple(fk for fk in _foreign_keys(declared, sources) if have >= set(fk.columns)),
    )
    plans = [_placed(source, readings, schema) for source, readings in zip(sources, chosen, strict=True)]
    return TablePlan(schema, plans, notes)


def _known_columns(declared: TableSchema | None, existing: TableSchema | None) -> dict[str, Column]:
    """Columns whose types are fixed, by bare name."""
    known = {bare_name(c.name): c for c in existing.columns} if existing else {}
    for column in declared.columns if declared else ():
        before = known.get(bare_name(column.name))
        name = before.name if before else column.name
        known[bare_name(column.name)] = replace(column, name=name)
    return known


def _readings(
    source: Source, known: dict[str, Column], progress: Callable[[int], None]
) -> tuple[dict[str, Reading], list[str]]:
    """How each column of a source is read, by its name in the source."""
    readings: dict[str, Reading] = {}
    unknown = []
    for name in source.columns:
        column = known.get(bare_name(name)) or (source.schema.column(name) if source.schema else None)
        if column is None:
            unknown.append(name)
        else:
            target = column.name
            readings[name] = Reading(target, column.kind, "", column.required)
    notes: list[str] = []
    if unknown:
        inferred, notes = survey(source, unknown, progress)
        readings |= {reading.name: reading for reading in inferred}
    return {name: readings[name] for name in source.columns}, notes


def _require(source: Source, readings: dict[str, Reading], known: dict[str, Column]) -> None:
    present = {reading.name for reading in readings.values()}
    absent = [column.name for column in known.values() if column.required and column.name not in present]
    if absent:
        problems = [RowProblem(source.label, 1, name, "the column is missing") for name in absent]
        raise IngestError(
            f"Nothing was loaded: {source.label} lacks the columns {', '.join(absent)}.",
            "Add them, or load the file as a table of its own with --table NAME.",
            problems,
        )


def _merged(chosen: list[dict[str, Reading]], known: dict[str, Column]) -> tuple[Column, ...]:
    """The table's columns: the known ones in their order, then the others as the sources have them."""
    kinds: dict[str, set[str]] = {}
    required: dict[str, bool] = {}
    for readings in chosen:
        for reading in readings.values():
            kinds.setdefault(reading.name, set()).add(reading.kind)
            required[reading.name] = required.get(reading.name, True) and reading.required
    for column in known.values():
        kinds[column.name], required[column.name] = {column.kind}, column.required
    order = [column.name for column in known.values()]
    order += [name for name in kinds if name not in order]
    return tuple(Column(name, _common(kinds[name]), required[name]) for name in order)


def _common(kinds: set[str]) -> str:
    if len(kinds) == 1:
        return next(iter(kinds))
    return "number" if kinds == {"integer", "number"} else "text"


def _source_key(sources: list[Source]) -> tuple[str, ...]:
    return sources[0].schema.primary_key if len(sources) == 1 and sources[0].schema else ()


def _foreign_keys(declared: TableSchema | None, sources: list[Source]) -> tuple:
    if declared:
        return declared.foreign_keys
    return sources[0].schema.foreign_keys if sources[0].schema else ()


def _placed(source: Source, readings: dict[str, Reading], schema: TableSchema) -> SourcePlan:
    by_target = {reading.name: (position, reading) for position, reading in enumerate(readings.values())}
    placed: list[Reading | None] = []
    positions = []
    for column in schema.columns:
        position, reading = by_target.get(column.name, (-1, None))
        if reading is not None and reading.kind != column.kind:
            reading = replace(
                reading, kind=column.kind, style=reading.style if column.kind == "number" else ""
            )
        placed.append(reading)
        positions.append(position)
    return SourcePlan(source, placed, positions)
