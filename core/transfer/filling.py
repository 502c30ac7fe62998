"""The rows of one table from one database to another, and whether they arrived."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field

import polars as pl

from core.database.base import Database
from core.database.batches import fitted_frame
from core.database.loading import BulkLoad
from core.database.schema import Column, TableSchema
from core.errors import DatabaseError, MisfitError
from core.transfer.digest import Digest
from core.transfer.record import Copied

BATCH_ROWS = 50_000
_HOLD_NAN = ("duckdb", "parquet", "postgres", "postgresql")
_KEEP_NO_KEYS = ("duckdb", "parquet", "spark", "databricks", "synapse")
Tell = Callable[[int], None]
"""Called with the rows of each batch that is done."""


@dataclass
class Filled:
    """A table that was written: how its columns ended up, its checksum, and remarks."""

    kinds: dict[str, str]
    digest: Digest = field(default_factory=Digest)
    notes: list[str] = field(default_factory=list)


def fill(
    source: Database, load: BulkLoad, target_engine: str, schema: TableSchema, hidden: str, tell: Tell
) -> Filled:
    """Write the rows of a table under a hidden name; a column that holds other than it says is widened.

    Raises
    ------
    DatabaseError
        The table cannot be read or written, or a key comes twice in the target.
    """
    filled = Filled({column.name: column.kind for column in schema.columns})
    key = schema.primary_key
    while True:
        load.create(_made(schema, hidden, filled.kinds, key))
        filled.digest = Digest()
        sent = 0
        try:
            unique = True
            for frame in _fitting(source, schema.name, filled.kinds):
                rows = _without_nan(frame, target_engine, schema.name, filled.notes)
                unique = rows.is_empty() or load.insert(hidden, rows.get_columns())
                if not unique:
                    break
                filled.digest.add(rows)
                sent += rows.height
                tell(rows.height)
        except MisfitError as misfit:
            _widen(filled, schema.name, misfit)
            tell(-sent)
            continue
        if unique and load.add_key(hidden):
            return filled
        _require_loose_key(source, schema, key)
        filled.notes.append(f"{schema.name} has rows with the same {', '.join(key)}: copied without that key")
        key = ()
        tell(-sent)


def digest_of(database: Database, table: str, kinds: Mapping[str, str], tell: Tell) -> Digest:
    """The checksum of a table as it is in a database, with the kinds that its columns are copied as.

    Raises
    ------
    MisfitError
        A column holds something else by now.
    """
    digest = Digest()
    for frame in _fitting(database, table, kinds):
        digest.add(frame)
        tell(frame.height)
    return digest


def source_digest(source: Database, copied: Copied, target_engine: str) -> str:
    """The checksum that a table of the source has now; empty if its columns hold something else."""
    digest = Digest()
    try:
        for frame in _fitting(source, copied.name, copied.kinds):
            digest.add(_without_nan(frame, target_engine, copied.name, []))
    except MisfitError:
        return ""
    return str(digest)


def require_same(source: Database, target: Database, copied: Copied, tell: Tell) -> None:
    """Read a table back and compare.

    Raises
    ------
    DatabaseError
        It is not what was read from the source.
    """
    try:
        found = digest_of(target, copied.hidden, copied.kinds, tell)
    except MisfitError as misfit:
        raise DatabaseError(
            f"{copied.name} did not arrive as it was: {misfit.message}", "Nothing was replaced."
        ) from misfit
    if str(found) == copied.digest:
        return
    if found.rows != copied.rows:
        what = f"{copied.rows:,} rows were sent, {found.rows:,} are there"
    else:
        columns = _differing(source, target, copied)
        what = f"values of {', '.join(columns)} differ" if columns else "the source changed meanwhile"
    raise DatabaseError(
        f"{copied.name} did not arrive as it was: {what}.",
        "Nothing was replaced; copy again with --restart.",
    )


def _fitting(database: Database, table: str, kinds: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    batches = database.read_batches(table, kinds, rows=BATCH_ROWS)
    with closing(batches):  # type: ignore[type-var]
        for frame in batches:
            yield fitted_frame(table, frame, kinds)


def _made(schema: TableSchema, hidden: str, kinds: Mapping[str, str], key: tuple[str, ...]) -> TableSchema:
    columns = tuple(Column(column.name, kinds[column.name], column.required) for column in schema.columns)
    return TableSchema(hidden, columns, key, schema.foreign_keys)


def _widen(filled: Filled, table: str, misfit: MisfitError) -> None:
    filled.notes[:] = [text for text in filled.notes if not text.startswith(f"{table}.{misfit.column} ")]
    filled.notes.append(f"{table}.{misfit.column} is copied as {misfit.kind}: {_reason(misfit)}")
    filled.kinds[misfit.column] = misfit.kind


def _reason(misfit: MisfitError) -> str:
    said = misfit.message.rstrip(".")
    return "it " + said[said.index("should") :] if "should" in said else said


def _without_nan(frame: pl.DataFrame, engine: str, table: str, notes: list[str]) -> pl.DataFrame:
    """Numbers that are none as nulls, for engines that do not know them."""
    if engine in _HOLD_NAN:
        return frame
    named = [
        column.name for column in frame.get_columns() if column.dtype == pl.Float64 and column.is_nan().any()
    ]
    for name in named:
        said = f"{table}.{name} holds NaN, which becomes null"
        if said not in notes:
            notes.append(said)
    return frame.with_columns(pl.col(named).fill_nan(None)) if named else frame


def _require_loose_key(source: Database, schema: TableSchema, key: tuple[str, ...]) -> None:
    """A key that the source enforces must hold in the target; one that is only said need not."""
    if key and source.engine in _KEEP_NO_KEYS:
        return
    if not key:
        raise DatabaseError(
            f"{schema.name} cannot be copied: the target refuses a row.",
            "Look for nulls in columns that must not be empty.",
        )
    raise DatabaseError(
        f"{schema.name} cannot be copied: two rows have the same {', '.join(key)} in the target.",
        "Some servers take texts that differ in case or in blanks at the end for the same; change them.",
    )


def _differing(source: Database, target: Database, copied: Copied) -> list[str]:
    """The columns whose values are not the same on both sides."""
    sides: list[dict[str, Digest]] = []
    for database, table in ((source, copied.name), (target, copied.hidden)):
        found = {name: Digest() for name in copied.kinds}
        for frame in _fitting(database, table, copied.kinds):
            for name, digest in found.items():
                digest.add(_without_nan(frame.select(name), target.engine, table, []))
        sides.append(found)
    return [name for name in copied.kinds if str(sides[0][name]) != str(sides[1][name])]
