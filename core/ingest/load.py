"""Loading files into a database: everything that is asked for at once, or nothing."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.database import open_database
from core.database.base import Database, WriteMode
from core.database.loading import BulkLoad
from core.database.schema import declared_tables
from core.ingest.check import report_duplicates, report_lines
from core.ingest.files import find_sources
from core.ingest.plan import TablePlan, plan_table
from core.ingest.problems import SHOWN_PROBLEMS, Problem, Problems
from core.ingest.source import Source
from core.ingest.typed import typed_columns

_REPEATED = "Remove the row, or load without append to replace the table."

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
    types: Mapping[str, Mapping[str, str]] | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Load files and folders into a database in one transaction.

    Parameters
    ----------
    paths
        CSV or TSV files, Excel workbooks, Parquet files, SQLite files, MySQL dumps, or folders of them; text
        may be compressed with gzip.
    database_url
        Where to; an SQLite file that does not exist is made.
    append
        Add rows to tables that exist, instead of taking their place.
    table
        One table to load all files into; by default their names decide.
    types
        Types that a person has chosen, by table and column (``{"visits": {"day": "date %d/%m/%Y"}}``): text,
        integer, number, date, datetime or boolean, with or without the way of writing; values that do not
        fit are problems.
    progress
        Called as the work goes on.

    Raises
    ------
    IngestError
        Something in the files is wrong; ``problems`` says file, line, column and reason (the first hundred).
        The database is as it was.
    DatabaseError
        The database cannot be opened or written.
    """
    start = time.perf_counter()
    found = find_sources([Path(path) for path in paths], table, types)
    mode: WriteMode = "append" if append else "replace"
    with open_database(database_url, read_only=False) as database, database.bulk_load() as load:
        job = _Job(database, load, mode, found, types, progress)
        plans = [job.fill(name, sources) for name, sources in found.items()]
        job.install(plans)
        load.log([(source, t.name, t.rows, mode) for t in job.tables for source in [", ".join(t.sources)]])
        load.commit()
    return IngestReport(tuple(job.tables), tuple(job.notes), time.perf_counter() - start)


class _Job:
    """One load under way."""

    def __init__(
        self,
        database: Database,
        load: BulkLoad,
        mode: WriteMode,
        found: dict[str, list[Source]],
        types: Mapping[str, Mapping[str, str]] | None,
        progress: Progress | None,
    ) -> None:
        self.tables: list[LoadedTable] = []
        self.notes: list[str] = []
        self._database, self._load, self._mode, self._types = database, load, mode, types
        self._problems = Problems()
        self._progress = progress
        self._whole = max(1, sum(_weight(source) for sources in found.values() for source in sources))
        self._before = 0.0

    def fill(self, name: str, sources: list[Source]) -> TablePlan:
        """Read all sources of a table into its staging table."""
        existing = self._load.existing(name) if self._mode == "append" else None
        whole: set[int] = set()
        rows = None
        while rows is None:
            plan = plan_table(
                name,
                sources,
                existing,
                lambda source, _: self._tell(source, 0),
                types=self._types,
                whole=whole,
            )
            rows = self._fill_once(plan)
            while rows is None and not any(source.doubted for source in plan.sources):
                rows = self._fill_once(plan)  # a column turned out to be written in another style
            whole |= {number for number, source in enumerate(plan.sources) if source.doubted}
        if not rows and not self._problems.count:
            self._spare_rows(name, sources)
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
        """The number of rows read; ``None`` if the plan turned out wrong."""
        self._load.create(plan.schema)
        rows, unique, before = 0, True, self._before
        problems = Problems()
        for source in plan.sources:
            for block in source.source.typed_blocks(source.plain):
                for problem in block.problems:
                    problems.add(problem)
                columns = typed_columns(plan, source, block, problems)
                if columns is None:
                    self._before = before
                    return None
                if len(block.lines) and not self._problems.count and not problems.count and unique:
                    unique = self._load.insert(plan.schema.name, columns)
                rows += len(block.lines)
                self._tell(source.source, block.done)
            self._before += _weight(source.source)
        self._problems.add_all(problems)
        if not unique and not self._problems.count:
            report_duplicates(plan, self._problems)
        return rows

    def _spare_rows(self, name: str, sources: list[Source]) -> None:
        """Refuse to put nothing in the place of rows; a table of a database file may well be empty."""
        if self._mode != "replace" or all(source.schema for source in sources):
            return
        if self._load.existing(name) is None:
            return
        old = next((t.rows for t in self._database.tables() if t.name.lower() == name.lower()), 0)
        if old:
            line = sources[0].header_line
            reason = f"there are no rows below the column names, but the table {name} has {old:,}"
            remedy = "Leave the file out to keep them, or drop the table first."
            self._problems.add(Problem(sources[0].label, line, "", reason, remedy))

    def _check_keys(self, plan: TablePlan) -> None:
        name, key = plan.schema.name, plan.schema.primary_key
        if not self._load.add_key(name):
            report_duplicates(plan, self._problems)
        if self._mode == "append" and (known := self._load.known_keys(name, SHOWN_PROBLEMS)):
            report_lines(plan, key, known, "the key {} is already in the table", _REPEATED, self._problems)

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
            remedy = f"Add it to {key.table} (load both together), or correct it."
            shown = report_lines(
                plan, key.columns, keys, f"{{}} is not in {key.table}", remedy, self._problems
            )
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
