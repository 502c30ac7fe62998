"""How the columns of some sources become those of one table."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import polars as pl

from core.database.frames import DTYPES
from core.database.schema import Column, TableSchema, declared_tables
from core.errors import IngestError
from core.ingest.convert import Reading
from core.ingest.corrections import Correction, corrections_of
from core.ingest.names import bare_name
from core.ingest.problems import Problem, refusal
from core.ingest.source import Block, Source
from core.ingest.styles import Chosen, corrected, styles_of_numbers
from core.ingest.survey import survey

_MOST_COLUMNS = 2_000


@dataclass
class SourcePlan:
    """One source: for each column of the table how to read it and where it stands, or ``None``.

    ``provisional`` are columns whose type rests on the first rows alone, ``ambiguous`` those whose dates or
    numbers can be read in two ways; ``doubted`` is set when a later row refutes a provisional type.
    """

    source: Source
    readings: list[Reading | None]
    positions: list[int]
    provisional: set[str] = field(default_factory=set)
    ambiguous: set[str] = field(default_factory=set)
    surveyed: set[str] = field(default_factory=set)
    doubted: bool = False

    @property
    def plain(self) -> dict[str, pl.DataType]:
        """Columns of the source whose cells may come as numbers: how they were written decides nothing."""
        return {
            self.source.columns[position]: DTYPES[reading.kind]
            for reading, position in zip(self.readings, self.positions, strict=True)
            if reading is not None
            and reading.kind in ("integer", "number")
            and not reading.style
            and reading.name not in self.provisional | self.ambiguous
        }

    def cells(self, block: Block) -> Iterator[tuple[int, Reading, pl.Series]]:
        """The columns of a block that the table has, with their number in the table."""
        for number, (reading, position) in enumerate(zip(self.readings, self.positions, strict=True)):
            if reading is not None:
                yield number, reading, block.columns[position]


@dataclass(frozen=True)
class TablePlan:
    """A table to be made, and its sources; the kinds of the ``fixed`` columns cannot be chosen."""

    schema: TableSchema
    sources: list[SourcePlan]
    notes: list[str]
    fixed: frozenset[str] = frozenset()

    def fills(self, columns: Iterable[str]) -> bool:
        """Whether a source has all of the columns."""
        named = [{reading.name for reading in source.readings if reading} for source in self.sources]
        return any(names >= set(columns) for names in named)


def plan_table(
    name: str,
    sources: list[Source],
    existing: TableSchema | None,
    progress: Callable[[Source, int], None],
    *,
    types: Mapping[str, Mapping[str, str]] | None = None,
    whole: Collection[int] = (),
) -> TablePlan:
    """The table that ``sources`` make together.

    Parameters
    ----------
    existing
        The table that rows are appended to; its types then decide.
    progress
        Called with a source and how much of it has been surveyed.
    types
        Types that a person has chosen, by table and column.
    whole
        Numbers of the sources whose every cell is looked at before their types are decided; for the others
        the first rows decide, and the plan says which types are provisional.

    Raises
    ------
    IngestError
        A source lacks columns that the table must have, or a chosen type cannot be had.
    """
    declared = declared_tables().get(name)
    known = _known_columns(declared, existing)
    corrections = corrections_of(types, name, (c for source in sources for c in source.columns))
    notes: list[str] = []
    chosen: list[Chosen] = []
    for number, source in enumerate(sources):
        _require(source, known)
        if len(source.columns) > _MOST_COLUMNS:
            reason = f"{len(source.columns):,} columns are named; a table takes {_MOST_COLUMNS:,}"
            remedy = "Leave columns out, or turn them into rows."
            raise refusal(Problem(source.label, source.header_line, "", reason, remedy))
        tell = partial(progress, source)
        chosen.append(_readings(source, name, known, corrections, tell, whole=number in whole))
        notes += [*source.notes, *chosen[-1].notes]
    columns = _merged([each.readings for each in chosen], known)
    key = declared.primary_key if declared else _source_key(sources)
    have = {column.name for column in columns}
    schema = TableSchema(
        name,
        columns,
        key if have >= set(key) else (),
        tuple(fk for fk in _foreign_keys(declared, sources) if have >= set(fk.columns)),
    )
    plans = [_placed(source, each, schema) for source, each in zip(sources, chosen, strict=True)]
    return TablePlan(schema, plans, notes, frozenset(column.name for column in known.values()))


def _known_columns(declared: TableSchema | None, existing: TableSchema | None) -> dict[str, Column]:
    """Columns whose types are fixed, by bare name."""
    known = {bare_name(c.name): c for c in existing.columns} if existing else {}
    for column in declared.columns if declared else ():
        before = known.get(bare_name(column.name))
        name = before.name if before else column.name
        known[bare_name(column.name)] = replace(column, name=name)
    return known


def _readings(
    source: Source,
    table: str,
    known: dict[str, Column],
    corrections: dict[str, Correction],
    progress: Callable[[int], None],
    *,
    whole: bool,
) -> Chosen:
    """How each column of a source is read, by its name in the source and in its order."""
    chosen = Chosen()
    unknown = []
    for name in source.columns:
        fixed = known.get(bare_name(name))
        column = fixed or (source.schema.column(name) if source.schema else None)
        correction = corrections.get(bare_name(name))
        if correction is not None:
            if fixed is not None and fixed.kind != correction.kind:
                raise IngestError(
                    f"The column {fixed.name} of {table} is {fixed.kind} and cannot be {correction.kind}.",
                    "Leave its type as it is, or load the file as a table of another name.",
                )
            target = column or Column(name, correction.kind)
            chosen.add(name, *corrected(source, name, target, correction))
        elif column is None:
            unknown.append(name)
        else:
            chosen.add(name, Reading(column.name, column.kind, "", column.required))
    if source.comma_likely:
        chosen.restyle(styles_of_numbers(source, chosen.readings, progress))
    if unknown:
        verdicts = survey(source, unknown, progress, whole=whole)
        open_ones = [name for name, verdict in verdicts.items() if verdict.ambiguous and not verdict.certain]
        verdicts |= survey(source, open_ones, progress) if open_ones else {}
        chosen.add_verdicts(verdicts)
    chosen.readings = {name: chosen.readings[name] for name in source.columns}
    _refuse_twins(source, chosen.readings)
    return chosen


def _refuse_twins(source: Source, readings: dict[str, Reading]) -> None:
    """Refuse two columns that are meant for one column of the table."""
    seen: dict[str, str] = {}
    for name, reading in readings.items():
        if (before := seen.get(reading.name.lower())) is not None:
            reason = f"the columns {before!r} and {name!r} are both for {reading.name}"
            raise refusal(Problem(source.label, source.header_line, name, reason, "Leave one of them out."))
        seen[reading.name.lower()] = name


def _require(source: Source, known: dict[str, Column]) -> None:
    present = {bare_name(name) for name in source.columns}
    absent = [column.name for name, column in known.items() if column.required and name not in present]
    if absent:
        remedy = "Add the column."
        problems = [
            Problem(source.label, source.header_line, name, "the column is missing", remedy)
            for name in absent
        ]
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


def _placed(source: Source, chosen: Chosen, schema: TableSchema) -> SourcePlan:
    by_target = {reading.name: (place, reading) for place, reading in enumerate(chosen.readings.values())}
    placed: list[Reading | None] = []
    positions = []
    provisional = set(chosen.provisional)
    for column in schema.columns:
        position, reading = by_target.get(column.name, (-1, None))
        if reading is not None and reading.kind != column.kind:
            reading = replace(
                reading, kind=column.kind, style=reading.style if column.kind == "number" else ""
            )
            if column.kind == "text":
                provisional.discard(column.name)
        placed.append(reading)
        positions.append(position)
    return SourcePlan(source, placed, positions, provisional, set(chosen.ambiguous))
