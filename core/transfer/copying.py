"""Copying the tables of one database to another: hidden at first, compared, then put in place at once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.database import open_database, shown_url
from core.database.base import Database
from core.database.loading import BulkLoad
from core.database.schema import TableSchema
from core.errors import DatabaseError, SalesError
from core.mapping import current_mapping
from core.roles import Role, require
from core.transfer.filling import fill, require_same, source_digest
from core.transfer.installing import bring_mapping, bring_views, install, remove_hidden
from core.transfer.places import alone, check_places, file_of, identity, is_there, open_target
from core.transfer.record import Copied, hidden_name, note, read_record
from core.transfer.report import CopiedTable, CopyProgress, CopyReport, Progress, Step
from core.transfer.selection import chosen, in_order

CHECKPOINT_ROWS = 500_000
"""After so many rows a transaction ends, at the end of a table: what a broken run has to do again at most."""
_ROUNDS = 3
_MODELS_BESIDE = ("duckdb", "parquet")


@dataclass(frozen=True)
class CopyOptions:
    """How a copy is made.

    Attributes
    ----------
    tables
        Names of tables; empty for all.
    replace
        Whether tables of the same names in the target may be replaced.
    restart
        Whether to begin anew where an earlier run was broken off.
    verify
        Whether to read everything back and compare.
    demo
        The file of the demo company, which is never written to.
    """

    tables: tuple[str, ...] = ()
    replace: bool = False
    restart: bool = False
    verify: bool = True
    demo: Path | None = None


def copy_database(
    from_url: str,
    to_url: str,
    options: CopyOptions | None = None,
    progress: Progress | None = None,
) -> CopyReport:
    """Copy tables with their rows, keys and the mapping from one database to another.

    Every table is written under a hidden name and read back; only when all are there and the same do they
    take their places, all at once. Whatever goes wrong before leaves the tables of the target as they were.
    Tables that are complete by then are kept, and the next run goes on after them.

    Parameters
    ----------
    progress
        Called as the work goes on; what it raises ends the copy.

    Raises
    ------
    NotAllowedError
        Whoever asks is no admin.
    DatabaseError
        Source and target are the same, the target has tables of these names and ``replace`` is not set, or
        something cannot be read, written or did not arrive as it was.
    """
    require(Role.ADMIN, "copying a database")
    options = options or CopyOptions()
    check_places(from_url, to_url, options.demo)
    with alone(to_url), open_database(from_url) as source:
        wanted = chosen(source, options.tables)
        schemas = in_order([source.table_schema(info.name) for info in wanted])
        was_there = is_there(to_url)
        with open_target(to_url) as target:
            copy = _Copy(source, target, (from_url, to_url), options, progress)
            copy.rows = {info.name: info.rows or 0 for info in wanted}
            return copy.run(schemas, was_there=was_there)


def discard_copy(to_url: str) -> list[str]:
    """Remove what a copy that was broken off left in its target; names the hidden tables.

    Raises
    ------
    DatabaseError
        The target cannot be written, or is being copied to.
    """
    require(Role.ADMIN, "copying a database")
    if not is_there(to_url):
        return []
    with alone(to_url), open_target(to_url) as target:
        removed = remove_hidden(target)
        is_bare = not target.tables() and not target.view_texts()
    file = file_of(to_url)
    if removed and is_bare and file is not None and file.is_file():  # the copy had made it
        for ending in ("", "-wal", "-shm"):
            file.with_name(file.name + ending).unlink(missing_ok=True)
    elif removed and file is not None and file.is_dir() and not any(file.iterdir()):
        file.rmdir()
    return removed


class _Copy:
    """One copy under way."""

    def __init__(
        self,
        source: Database,
        target: Database,
        urls: tuple[str, str],
        options: CopyOptions,
        progress: Progress | None,
    ) -> None:
        self.rows: dict[str, int] = {}
        self._source, self._target, self._urls = source, target, urls
        self._options, self._progress = options, progress
        self._start = time.perf_counter()
        self._notes: list[str] = []
        self._done: dict[str, Copied] = {}
        self._seconds: dict[str, float] = {}
        self._continued: set[str] = set()
        self._given: set[int] = set()
        self._work, self._worked, self._sent, self._pending = 0, 0, 0, 0
        self._numbers: dict[str, int] = {}
        self._now: tuple[Step, str] = ("copying", "")

    def run(self, schemas: list[TableSchema], *, was_there: bool) -> CopyReport:
        """Copy, compare, put in place."""
        if was_there:
            self._require_room(schemas)
            self._go_on(schemas)
        for attempt in range(_ROUNDS):
            version = self._source.data_version()
            self._copy([schema for schema in schemas if schema.name not in self._done], version)
            if self._source.data_version() == version:
                break
            if attempt == _ROUNDS - 1 or not self._options.verify:
                self._notes.append(
                    "The source changed while it was copied: each table is as it was at one moment, but not "
                    "all at the same"
                )
            else:
                self._forget_changed()
        copied = [self._done[schema.name] for schema in schemas]
        self._tell_step("putting in place", "the tables")
        state = current_mapping(self._source)
        drops = state is not None and state.mapping is not None
        replaced = {name.lower() for name in install(self._target, copied, drops_mapping=drops)}
        views, notes = self._bring_views()
        self._log(copied)
        if self._target.engine in _MODELS_BESIDE and any(one.name == "model_parts" for one in copied):
            notes.append(
                "Models came along as tables, but are kept in a folder beside such a file: train them there"
            )
        return CopyReport(
            shown_url(self._urls[0]),
            shown_url(self._urls[1]),
            tuple(self._told(one, one.name.lower() in replaced) for one in copied),
            tuple(views),
            (*self._notes, *notes),
            time.perf_counter() - self._start,
        )

    def _require_room(self, schemas: Sequence[TableSchema]) -> None:
        """Refuse to replace tables unasked, and views in any case."""
        names = {schema.name.lower() for schema in schemas}
        views = [name for name in self._target.view_texts() if name.lower() in names]
        if views:
            raise DatabaseError(
                f"The target has a view named {views[0]}, where a table is to go.", "Drop or rename it first."
            )
        if self._options.replace:
            return
        taken = [
            info.name for info in self._target.tables() if info.kind == "table" and info.name.lower() in names
        ]
        if taken:
            listed = ", ".join(taken[:12]) + (f" and {len(taken) - 12} more" if len(taken) > 12 else "")
            raise DatabaseError(
                f"The target has tables of these names already: {listed}.",
                "Give --replace to put the copies in their place.",
            )

    def _go_on(self, schemas: Sequence[TableSchema]) -> None:
        """Take over what an earlier run left and is still right; remove the rest."""
        record = read_record(self._target)
        if not record and self._target.engine in ("sqlite", "duckdb", "parquet"):
            return  # their transactions leave nothing unnoted
        known = {schema.name: schema for schema in schemas}
        kept: dict[str, Copied] = {}
        if not self._options.restart:
            version = self._source.data_version()
            for one in record:
                schema = known.get(one.name)
                if schema is not None and self._still_right(one, schema, version):
                    kept[one.name] = one
        removed = remove_hidden(
            self._target, {*(one.hidden for one in kept.values()), *(["_ingest_copy"] if kept else [])}
        )
        self._done = kept
        self._continued = set(kept)
        if kept:
            rows = sum(one.rows for one in kept.values())
            self._notes.append(
                f"Continued a copy that was broken off: {', '.join(kept)} ({rows:,} rows) were there"
            )
        elif removed:
            self._notes.append("Removed what an earlier copy had left unfinished")

    def _still_right(self, one: Copied, schema: TableSchema, version: str) -> bool:
        """Whether a table that an earlier run left is what the source holds now, and still whole."""
        if one.source != identity(self._urls[0]) or list(one.kinds) != [c.name for c in schema.columns]:
            return False
        if one.version != version and source_digest(self._source, one, self._target.engine) != one.digest:
            return False
        try:
            require_same(self._source, self._target, one, lambda _: self._call())
        except SalesError:  # not whole, or gone
            return False
        return True

    def _copy(self, schemas: list[TableSchema], version: str) -> None:
        """Copy tables under hidden names, some in each transaction, and compare those."""
        waiting = list(schemas)
        self._numbers = {schema.name: number for number, schema in enumerate(schemas, start=1)}
        self._pending = sum(self.rows[schema.name] for schema in schemas)
        self._work = self._pending * (2 if self._options.verify else 1)
        self._worked = self._sent = 0
        while waiting:
            group: list[Copied] = []
            with self._target.bulk_load() as load:
                while waiting and sum(one.rows for one in group) < CHECKPOINT_ROWS:
                    schema = waiting.pop(0)
                    group.append(self._fill(load, schema, version))
                note(load, group)
                load.commit()
            for one in group:
                if self._options.verify:
                    start = time.perf_counter()
                    self._tell_step("checking", one.name)
                    require_same(self._source, self._target, one, self._count)
                    self._seconds[one.name] += time.perf_counter() - start
                self._done[one.name] = one

    def _fill(self, load: BulkLoad, schema: TableSchema, version: str) -> Copied:
        start = time.perf_counter()
        place = self._free_place()
        self._tell_step("copying", schema.name)
        filled = fill(self._source, load, self._target.engine, schema, hidden_name(place), self._count)
        load.install(hidden_name(place), "replace")
        self._notes += filled.notes
        self._seconds[schema.name] = time.perf_counter() - start
        digest = filled.digest
        return Copied(
            identity(self._urls[0]), version, place, schema.name, filled.kinds, digest.rows, str(digest)
        )

    def _free_place(self) -> int:
        taken = {one.place for one in self._done.values()} | self._given
        place = next(number for number in range(1, len(taken) + 2) if number not in taken)
        self._given.add(place)
        return place

    def _forget_changed(self) -> None:
        """Copy those tables again that are not what they were when they were read."""
        for name, one in list(self._done.items()):
            if source_digest(self._source, one, self._target.engine) != one.digest:
                self._given.discard(one.place)
                del self._done[name]

    def _bring_views(self) -> tuple[list[str], list[str]]:
        views, notes = bring_mapping(self._source, self._target)
        others, remarks = bring_views(self._source, self._target)
        return [*views, *others], [*notes, *remarks]

    def _log(self, copied: Sequence[Copied]) -> None:
        """Note where the tables come from, where people look for that."""
        told = shown_url(self._urls[0])
        with self._target.bulk_load() as load:
            load.log([(told, one.name, one.rows, "replace") for one in copied])
            load.commit()

    def _told(self, one: Copied, replaced: bool) -> CopiedTable:
        checked = self._options.verify or one.name in self._continued
        return CopiedTable(
            one.name,
            one.rows,
            one.digest.rpartition("/")[2],
            checked,
            self._seconds.get(one.name, 0.0),
            one.name in self._continued,
            replaced,
        )

    def _tell_step(self, step: Step, table: str) -> None:
        self._now = (step, table)
        self._call()

    def _count(self, rows: int) -> None:
        self._worked += rows
        if self._now[0] == "copying":
            self._sent += rows
        self._call()

    def _call(self) -> None:
        if self._progress is None:
            return
        fraction = min(1.0, self._worked / self._work) if self._work else 0.0
        seconds = time.perf_counter() - self._start
        tables = len(self._numbers)
        number = self._numbers.get(self._now[1], tables)
        self._progress(CopyProgress(*self._now, number, tables, self._sent, self._pending, fraction, seconds))
