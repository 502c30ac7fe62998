"""Loading files into a database: everything that is asked for at once, or nothing."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from core.database import open_database
from core.database.base import WriteMode
from core.database.frames import DTYPES
from core.database.loading import BulkLoad
from core.database.schema import declared_tables
from core.errors import IngestError, RowProblem
from core.ingest.check import report_duplicates, report_lines
from core.ingest.convert import Reading, convert, expected, unfit
from core.ingest.files import find_sources
from core.ingest.plan import SourcePlan, TablePlan, plan_table
from core.ingest.source import SHOWN_PROBLEMS, Block, Problems, Source
from core.ingest.survey import survey

Progress = Callable[[str, float], None]
"""Called with what is being read and the fraction of the whole that is done (0 to 1)."""


@dataclass(frozen=True)
class LoadedTable:
    """One loaded table: rows added, the files they came from, and the columns with their types."""

    name: str
    rows: int
    mode: WriteMode
    sources: tuple[str, ...]
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class IngestReport:
    """What a load did: the tables, remarks worth reading, and how long it took."""

    tables: tuple[LoadedTable, ...]
    notes: tuple[str, ...]
    seconds: float

    @property
    def rows(self) -> int:
        """Rows loaded in all."""
        return sum(table.rows for table in self.tables)


def ingest(
    paths: Sequence[Path | str],
    database_url: str,
    *,
    append: bool = False,
    table: str | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Load files and folders into a database in one transaction.

    Parameters
    ----------
    paths
        CSV or TSV files, SQLite files, MySQL dumps, or folders of them.
    database_url
        Where to; an SQLite file that does not exist is made.
    append
        Add rows to tables that exist, instead of taking their place.
    table
        One table to load all files into; by default their names decide.

    Raises
    ------
    IngestError
        Something in the files is wrong; ``problems`` says file, line, column and reason (the first hundred).
        The database is as it was.
    DatabaseError
        The database cannot be opened or written.
    """
    start = time.perf_counter()
    found = find_sources([Path(path) for path in paths], table)
    mode: WriteMode = "append" if append else "replace"
    with open_database(database_url, read_only=False) as database, database.bulk_load() as load:
        job = _Job(load, mode, found, progress)
        plans = [job.fill(name, sources) for name, sources in found.items()]
        job.install(plans)
        load.log([(source, t.name, t.rows, mode) for t in job.tables for source in [", ".join(t.sources)]])
        load.commit()
    return IngestReport(tuple(job.tables), tuple(job.notes), time.perf_counter() - start)


class _Job:
    """One load under way."""

    def __init__(
        self, load: BulkLoad, mode: WriteMode, found: dict[str, list[Source]], progress: Progress | None
    ) -> None:
        self.tables: list[LoadedTable] = []
        self.notes: list[str] = []
        self._load, self._mode = load, mode
        self._problems = Problems()
        self._progress = progress
        self._whole = max(1, sum(_weight(source) for sources in found.values() for source in sources))
        self._before = 0.0

    def fill(self, name: str, sources: list[Source]) -> TablePlan:
        """Read all sources of a table into its staging table."""
        existing = self._load.existing(name) if self._mode == "append" else None
        plan = plan_table(name, sources, existing, lambda source, _: self._tell(source, 0))
        rows = self._fill_once(plan)
        while rows is None:  # a column turned out to be written in another style: begin the table again
            rows = self._fill_once(plan)
        if not self._problems.count:
            self._check_keys(plan)
        columns = {column.name: column.kind for column in plan.schema.columns}
        labels = tuple(source.label for source in sources)
        self.tables.append(LoadedTable(name, rows, self._mode, labels, columns))
        self.notes += plan.notes
        return plan

    def install(self, plans: list[TablePlan]) -> None:
        """Put the tables in place and check what refers from one to another.

        Raises
        ------
        IngestError
            Rows are at fault; nothing is kept.
        """
        self._problems.raise_if_any()
        for plan in plans:
            self._load.install(plan.schema.name, self._mode)
        for plan in plans:
            self._check_references(plan)
        self._problems.raise_if_any()
        self._note_abandoned({plan.schema.name for plan in plans})

    def _fill_once(self, plan: TablePlan) -> int | None:
        """The number of rows read; ``None`` if a column's style had to be changed."""
        self._load.create(plan.schema)
        rows, unique, before = 0, True, self._before
        for source in plan.sources:
            for block in source.source.blocks():
                for problem in block.problems:
                    self._problems.add(problem)
                columns = self._typed(plan, source, block)
                if columns is None:
                    self._before = before
                    return None
                if len(block.lines) and not self._problems.count and unique:
                    unique = self._load.insert(plan.schema.name, columns)
                rows += len(block.lines)
                self._tell(source.source, block.done)
            self._before += _weight(source.source)
        if not unique and not self._problems.count:
            report_duplicates(plan, self._problems)
        return rows

    def _typed(self, plan: TablePlan, source: SourcePlan, block: Block) -> list[pl.Series] | None:
        height = len(block.lines)
        columns = [pl.Series([None] * height, dtype=DTYPES[c.kind]) for c in plan.schema.columns]
        if not height:
            return columns
        for number, reading, cells in source.cells(block):
            values = convert(cells, reading, empty_is_null=source.source.empty_is_null)
            wrong = unfit(cells, values, reading)
            if wrong is not None:
                if _restyle(source, number, reading):
                    return None
                self._add(
                    source.source,
                    block,
                    reading,
                    wrong,
                    [expected(reading, c) for c in cells.filter(wrong).head(SHOWN_PROBLEMS)],
                )
            if reading.required and values.null_count():
                empty = values.is_null() if wrong is None else values.is_null() & ~wrong
                self._add(
                    source.source,
                    block,
                    reading,
                    empty,
                    ["it is empty, but required"] * min(height, SHOWN_PROBLEMS),
                )
            columns[number] = values
        for number, column in enumerate(plan.schema.columns):
            if source.readings[number] is None and column.required:  # an older table demands it
                raise IngestError(
                    f"Nothing was loaded: {source.source.label} lacks the column {column.name}."
                )
        return columns

    def _add(
        self, source: Source, block: Block, reading: Reading, mask: pl.Series, reasons: list[str]
    ) -> None:
        rows = mask.arg_true().to_list()
        for row, reason in zip(rows, reasons, strict=False):
            self._problems.add(RowProblem(source.label, block.lines[row], reading.name, reason))
        self._problems.add_unseen(max(0, len(rows) - len(reasons)))

    def _check_keys(self, plan: TablePlan) -> None:
        name, key = plan.schema.name, plan.schema.primary_key
        if not self._load.add_key(name):
            report_duplicates(plan, self._problems)
        if self._mode == "append" and (known := self._load.known_keys(name, SHOWN_PROBLEMS)):
            report_lines(plan, key, known, "the key {} is already in the table", self._problems)

    def _check_references(self, plan: TablePlan) -> None:
        for key in plan.schema.foreign_keys:
            listed = ", ".join(key.columns)
            if not plan.fills(key.columns):
                continue
            if self._load.existing(key.table) is None:
                self.notes.append(
                    f"{plan.schema.name}.{listed} was not checked: there is no table {key.table}"
                )
                continue
            count, keys = self._load.orphans(plan.schema.name, key, SHOWN_PROBLEMS)
            if not count:
                continue
            shown = report_lines(plan, key.columns, keys, f"{{}} is not in {key.table}", self._problems)
            if not shown:  # rows that were there before
                self.notes.append(
                    f"{count} old rows of {plan.schema.name} have a {listed} not in {key.table}"
                )
            elif self._mode == "replace":
                self._problems.add_unseen(count - shown)

    def _note_abandoned(self, loaded: set[str]) -> None:
        """Note rows of other tables that refer to rows which are gone."""
        for name, schema in declared_tables().items():
            if name in loaded or (old := self._load.existing(name)) is None:
                continue
            for key in schema.foreign_keys:
                if key.table in loaded and all(old.column(column) for column in key.columns):
                    count, _ = self._load.orphans(name, key, 1)
                    if count:
                        what = f"{count} rows of {name} have a {', '.join(key.columns)}"
                        self.notes.append(f"{what} that is not in the new {key.table}")

    def _tell(self, source: Source, done: int) -> None:
        if self._progress is not None:
            part = _weight(source) * min(1.0, done / max(1, source.size))
            self._progress(source.label, min(1.0, (self._before + part) / self._whole))


def _weight(source: Source) -> int:
    return max(1, source.size)


def _restyle(source: SourcePlan, number: int, reading: Reading) -> bool:
    """Find another way in which all of a column is written, such as 31/12/2024; whether there is one."""
    if not source.source.empty_is_null or reading.name in source.surveyed or reading.style:
        return False
    source.surveyed.add(reading.name)
    name = source.source.columns[source.positions[number]]
    (found,), notes = survey(source.source, [name], lambda _: None)
    if not found.style or found.kind != reading.kind or notes:
        return False
    source.readings[number] = replace(reading, style=found.style)
    return True
