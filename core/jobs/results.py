"""Tables that jobs write back: scores and backtests, several in one transaction."""

from collections.abc import Mapping

import polars as pl

from core.database.base import Database
from core.database.schema import Column, TableSchema
from core.database.sqlite_write import kind_of_dtype
from core.errors import DatabaseError, MissingDataError, QueryError


def write_tables(database: Database, tables: Mapping[str, pl.DataFrame]) -> None:
    """Put every frame in place of the table of its name; readers see all of them or none.

    Raises
    ------
    DatabaseError
        The database was opened for reading only or cannot be written, or a column cannot be stored.
    """
    with database.bulk_load() as load:
        for name, frame in tables.items():
            load.create(TableSchema(name, _columns(name, frame)))
            for part in frame.iter_slices(200_000):
                load.insert(name, part.get_columns())
            load.add_key(name)
        for name in tables:
            load.install(name, "replace")
        load.commit()


def read_table(database: Database, name: str) -> pl.DataFrame | None:
    """All rows of a table that ``write_tables`` made; ``None`` if there is none."""
    try:
        return database.query(f"SELECT * FROM {name}")
    except (MissingDataError, QueryError):
        if name in {table.name for table in database.tables()}:
            raise
        return None


def _columns(table: str, frame: pl.DataFrame) -> tuple[Column, ...]:
    kinds = {name: kind_of_dtype(dtype) for name, dtype in frame.schema.items()}
    unfit = [f"{name} ({frame.schema[name]})" for name, kind in kinds.items() if kind is None]
    if unfit:
        raise DatabaseError(f"The table {table} cannot be stored: {', '.join(unfit)}.")
    return tuple(Column(name, kind or "text") for name, kind in kinds.items())
