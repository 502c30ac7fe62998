"""Parquet files: their types are taken as they are, their rows read in batches."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from core.database.schema import Column, TableSchema
from core.errors import IngestError
from core.ingest.problems import Problem, refusal
from core.ingest.source import Block, Source
from core.ingest.streams import first_bytes

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 20_000
_BUFFER = 1 << 20
_EXACT_DIGITS = 15


def is_parquet(path: Path) -> bool:
    """Whether the file begins as a Parquet file does, whatever its name."""
    return first_bytes(path, 4) == b"PAR1"


class ParquetFile(Source):
    """A Parquet file; its "lines" are row numbers.

    Raises
    ------
    IngestError
        The file is damaged, or has columns that hold more than one value a row.
    """

    def __init__(self, path: Path, name: str) -> None:
        import pyarrow as pa

        self.path, self.label, self.name = path, path.name, name
        try:
            with self._opened() as file:
                schema, self.size = file.schema_arrow, file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise refusal(self._damage(0, error)) from None
        self.columns = tuple(schema.names)
        kinds = {field.name: kind_of_arrow(field.type) for field in schema}
        problems = [
            Problem(self.label, 0, field.name, f"a column of type {field.type} cannot be loaded")
            for field in schema
            if kinds[field.name] is None
        ]
        if problems:
            listed = ", ".join(
                f"{problem.column} ({schema.field(problem.column).type})" for problem in problems
            )
            raise IngestError(
                f"Nothing was loaded: {self.label} has columns of types that no table takes: {listed}.",
                "Leave them out, or spread them over plain columns (unnest, explode).",
                problems,
            )
        if len({column.lower() for column in self.columns}) < len(self.columns):
            raise refusal(Problem(self.label, 0, "", "two columns have one name", "Rename one of them."))
        columns = (Column(field.name, kinds[field.name] or "text", not field.nullable) for field in schema)
        self.schema = TableSchema(name, tuple(columns))
        self.notes = tuple(note for field in schema for note in _notes(self.label, field))

    def blocks(self) -> Iterator[Block]:
        import pyarrow as pa

        done = 0
        try:
            with self._opened() as file:
                for batch in file.iter_batches(_BATCH_ROWS):
                    columns = [_plain(pl.Series(batch.column(n))) for n in range(batch.num_columns)]
                    lines = range(done + 1, done + batch.num_rows + 1)
                    done += batch.num_rows
                    yield Block(columns, lines, done=done)
        except (pa.ArrowException, OSError) as error:
            empty = [pl.Series(dtype=pl.Null)] * len(self.columns)
            yield Block(empty, [], (self._damage(done + 1, error),), done)

    def _opened(self):  # type: ignore[no-untyped-def]
        from pyarrow.parquet import ParquetFile as ArrowFile

        return ArrowFile(self.path, buffer_size=_BUFFER, pre_buffer=False)

    def _damage(self, row: int, error: Exception) -> Problem:
        reason = f"the Parquet file is damaged or cut off ({str(error).splitlines()[0][:120]})"
        return Problem(self.label, row, "", reason, "Write or copy it again; the old data are untouched.")


def kind_of_arrow(dtype: "pa.DataType") -> str | None:
    """The kind of column for an Arrow type; ``None`` for a nested one or one that is no value of a table."""
    from pyarrow import types

    if types.is_dictionary(dtype):
        return kind_of_arrow(dtype.value_type)
    tests = {
        "integer": (types.is_integer,),
        "number": (types.is_floating, types.is_decimal),
        "boolean": (types.is_boolean,),
        "date": (types.is_date,),
        "datetime": (types.is_timestamp,),
        "text": (types.is_string, types.is_large_string, types.is_string_view, types.is_time, types.is_null),
        "binary": (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view),
    }
    return next((kind for kind, are in tests.items() if any(test(dtype) for test in are)), None)


def _notes(label: str, field: "pa.Field") -> Iterator[str]:
    from pyarrow import types

    if types.is_decimal(field.type) and field.type.precision > _EXACT_DIGITS:
        yield (
            f"{label}, column {field.name}: {field.type} is stored as a 64-bit number, "
            f"exact to {_EXACT_DIGITS} digits"
        )
    if types.is_timestamp(field.type) and field.type.tz not in (None, "UTC"):
        yield f"{label}, column {field.name}: times of {field.type.tz} are stored as UTC"


def _plain(column: pl.Series) -> pl.Series:
    """A column without the forms that only Parquet has: categories, decimals, time zones, 64-bit unsigned."""
    dtype = column.dtype
    if isinstance(dtype, pl.Categorical | pl.Enum | pl.Time):
        return column.cast(pl.String)
    if dtype.is_decimal() or dtype == pl.Float32:
        return column.cast(pl.Float64)
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return column.cast(pl.Datetime("us"))
    return column
