"""Whole results by way of Arrow, which Microsoft's newer driver fills without a Python object per value."""

import logging
from collections.abc import Mapping
from uuid import UUID

import polars as pl

from core.database.server.dialect import Bound, Columns
from core.database.server.mssql_address import MssqlAddress, connection_string
from core.database.server.mssql_driver import carried_library

log = logging.getLogger(__name__)
_KNOWN = {pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Binary, pl.Null}


def read(
    address: MssqlAddress, session: str, bound: Bound, tokens: Mapping[int, bytes] | None
) -> pl.DataFrame | None:
    """The rows of a query; ``None`` where this way cannot be gone, so that the other driver has to tell why.

    Parameters
    ----------
    session
        What is set on the connection before the query.
    tokens
        What is set before connecting, in place of a password.
    """
    if address.driver or carried_library() is None:
        return None
    try:
        import mssql_python as driver
    except ImportError:
        return None
    text = connection_string(address)
    parts = text.split(";", 1)[1].replace("APP={sales-dashboard};", "")
    try:
        connection = driver.connect(parts, autocommit=True, attrs_before=dict(tokens or {}))
        try:
            cursor = connection.cursor()
            cursor.execute(session)
            cursor.execute(bound.sql, *bound.values)
            if any(column[1] is UUID for column in cursor.description or ()):
                return None
            frame = pl.DataFrame(cursor.arrow())
            return frame if all(map(_is_known, frame.dtypes)) else None
        finally:
            connection.close()
    except (driver.Error, RuntimeError, ValueError, TypeError, pl.exceptions.PolarsError) as error:
        log.debug("Arrow was not possible: %s", type(error).__name__)
        return None


def _is_known(dtype: pl.DataType) -> bool:
    """Whether values of this type are the same as those that the other driver hands out."""
    return dtype.is_integer() or dtype.is_float() or dtype.is_decimal() or dtype.base_type() in _KNOWN


def pieces_of(frame: pl.DataFrame) -> tuple[Columns, list[list[pl.Series]]]:
    """Columns with their kinds, and values of the types that the rows of the other driver have."""
    columns, pieces = [], []
    for column in frame.get_columns():
        kind, dtype = _kind(column.dtype)
        columns.append((column.name, kind))
        pieces.append([column.cast(dtype) if column.dtype != dtype else column])
    return columns, pieces


def _kind(dtype: pl.DataType) -> tuple[str, pl.DataType]:
    if dtype.is_integer():
        return "integer", pl.Int64()
    if dtype.is_float():
        return "number", pl.Float64()
    if dtype.is_decimal():
        return "decimal", pl.String()
    if isinstance(dtype, pl.Datetime):
        return "datetime", pl.Datetime("us")
    kinds = {pl.Boolean: "boolean", pl.Date: "date", pl.Binary: "binary", pl.Null: ""}
    kind = kinds.get(dtype.base_type())
    return ("text", pl.String()) if kind is None else (kind, dtype)
