"""Results as text for a terminal, and as JSON, CSV or Parquet."""

import os
import tempfile
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import polars as pl

from core.errors import QueryError

FORMATS = ("table", "json", "csv", "parquet")
_WIDEST = 60


def as_table(frame: pl.DataFrame, width: int | None = None) -> str:
    """The rows as aligned text with a line under the head; numbers to the right.

    With ``width``, columns that do not fit into so many characters are left out and counted in the last line.
    """
    if not frame.columns:
        return ""
    columns = [[_cut(name), *(_cell(value) for value in frame[name])] for name in frame.columns]
    widths = [max(map(len, column)) for column in columns]
    fitting = len(columns)
    while width is not None and fitting > 1 and sum(widths[:fitting]) + 2 * (fitting - 1) > width:
        fitting -= 1
    numeric = [frame.dtypes[i].is_numeric() for i in range(fitting)]
    lines = [
        "  ".join(
            cell.rjust(size) if right else cell.ljust(size)
            for cell, size, right in zip(row, widths, numeric, strict=False)
        ).rstrip()
        for row in zip(*columns[:fitting], strict=True)
    ]
    lines.insert(1, "  ".join("-" * size for size in widths[:fitting]))
    hidden = frame.columns[fitting:]
    if hidden:
        lines.append(f"… and {len(hidden)} more columns: {', '.join(hidden)}")
    return "\n".join(lines)


def write_frame(frame: pl.DataFrame, form: str, target: BinaryIO) -> None:
    """Write the rows to a binary stream as ``json`` (a list of objects), ``csv``, ``parquet`` or ``table``.

    Raises
    ------
    QueryError
        The format is unknown, or cannot hold a column.
    """
    try:
        if form == "table":
            target.write((as_table(frame) + "\n").encode())
        elif form == "json":
            frame.with_columns(pl.col(pl.Binary).bin.encode("hex")).write_json(buffer := BytesIO())
            target.write(buffer.getvalue() + b"\n")
        elif form == "csv":
            frame.with_columns(pl.col(pl.Binary).bin.encode("hex")).write_csv(target)
        elif form == "parquet":
            frame.write_parquet(target)
        else:
            raise QueryError(f"The format {form!r} is unknown.", f"Known: {', '.join(FORMATS)}.")
    except pl.exceptions.PolarsError as error:
        raise QueryError(f"The result cannot be written as {form}: {error}.", "Try parquet.") from error


def write_file(frame: pl.DataFrame, form: str, file: Path) -> None:
    """Write the rows to ``file``, which is there in full or not at all. Raises as ``write_frame`` does."""
    try:
        handle, temporary = tempfile.mkstemp(dir=file.absolute().parent, prefix=f".{file.name}.")
    except OSError as error:
        raise QueryError(
            f"The file {file} cannot be written: {error.strerror}.", "Choose another."
        ) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            write_frame(frame, form, stream)
        os.chmod(temporary, 0o666 & ~_umask())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else repr(value)
    if isinstance(value, bytes):
        return _cut(value.hex())
    return _cut(str(value))


def _cut(text: str) -> str:
    plain = "".join(char if char.isprintable() else " " for char in text)
    return plain if len(plain) <= _WIDEST else plain[: _WIDEST - 1] + "…"
