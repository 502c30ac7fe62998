"""What is in the columns of a table: type, missing and distinct values, distribution, examples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches

import polars as pl

from core.database.base import Database, TableInfo
from core.database.sqlite_write import kind_of_dtype, quoted
from core.errors import DatabaseError

Value = str | int | float | bool | date | datetime | None

BINS = 20
_TOP = 10
_EXAMPLES = 5
_LONGEST_EXAMPLE = 80
_FEW_DISTINCT = 20
"""Numbers with at most so many different values are shown value by value, not in bins."""
_LENGTHS = {"mssql": "LEN(CONCAT({}, N'.')) - 1", "mysql": "CHAR_LENGTH({})"}
"""Characters of a text where LENGTH counts bytes (MySQL), or LEN forgets blanks at the end (SQL Server)."""


@dataclass(frozen=True)
class Bin:
    """How many values lie from ``low`` up to and without ``high``; the last bin includes it."""

    low: float | date | datetime
    high: float | date | datetime
    rows: int


@dataclass(frozen=True)
class TopValue:
    """A value and how often it comes."""

    value: Value
    rows: int


@dataclass(frozen=True)
class ColumnProfile:
    """One column.

    ``kind`` is integer, number, text, date, datetime, boolean or binary. ``bins`` are filled for numbers and
    dates with many different values, ``top`` (the most frequent first) for all others. ``mean`` is that of
    numbers. ``lengths`` are the shortest and longest text.
    """

    name: str
    kind: str
    rows: int
    missing: int
    distinct: int
    least: Value = None
    most: Value = None
    mean: float | None = None
    lengths: tuple[int, int] | None = None
    bins: tuple[Bin, ...] = ()
    top: tuple[TopValue, ...] = ()
    examples: tuple[str, ...] = ()

    @property
    def missing_share(self) -> float:
        """Missing values of all rows, 0 to 1."""
        return self.missing / self.rows if self.rows else 0.0

    @property
    def is_unique(self) -> bool:
        """Whether no value comes twice and none is missing, as in a key."""
        return bool(self.rows) and self.distinct == self.rows


def profile_frame(frame: pl.DataFrame) -> tuple[ColumnProfile, ...]:
    """The profile of every column of a frame, such as that of a preview."""
    return tuple(_of_series(column) for column in frame.get_columns())


def profile_table(
    database: Database, table: str, columns: Sequence[str] | None = None
) -> Iterator[ColumnProfile]:
    """The profiles of a table's columns, one after another, each computed by the database when asked for.

    Parameters
    ----------
    columns
        Which columns; by default all.

    Raises
    ------
    DatabaseError
        There is no such table or column.
    """
    info = _table(database, table)
    known = {name.lower(): name for name in info.columns}
    for name in columns if columns is not None else info.columns:
        if name.lower() not in known:
            raise DatabaseError(f"The table {info.name} has no column {name}.", "Check its name.")
    wanted = [known[name.lower()] for name in columns] if columns is not None else list(info.columns)
    return (_of_stored(database, info.name, name, info.columns[name]) for name in wanted)


def _table(database: Database, table: str) -> TableInfo:
    found = {info.name.lower(): info for info in database.tables()}
    if table.lower() not in found:
        near = get_close_matches(table.lower(), list(found), n=1)
        raise DatabaseError(
            f"There is no table {table}.", f"Did you mean {found[near[0]].name}?" if near else ""
        )
    return found[table.lower()]


def _of_stored(database: Database, table: str, column: str, kind: str) -> ColumnProfile:
    """The profile of a stored column from the counts of its values, which the database makes."""
    name, source = quoted(column), quoted(table)
    counts = database.query(
        f"SELECT COUNT(*) AS row_count, COUNT({name}) AS filled, COUNT(DISTINCT {name}) AS different "
        f"FROM {source}"
    ).row(0)
    rows, filled, distinct = (int(count or 0) for count in counts)
    base = ColumnProfile(column, kind, rows, rows - filled, distinct)
    if not filled or kind == "binary":
        return base
    numeric = kind in ("integer", "number")
    binned = distinct > _FEW_DISTINCT and (numeric or kind in ("date", "datetime"))
    top = _top_stored(database, source, name, kind)
    if kind == "boolean":  # some servers know no least truth
        truths = [each.value for each in top if isinstance(each.value, bool)]
        least, most = min(truths), max(truths)
    else:
        bounds = f"SELECT MIN({name}) AS least_one, MAX({name}) AS most_one FROM {source}"
        least, most = database.query(bounds).row(0)
    values = pl.Series("value", [each.value for each in top], strict=False)
    mean = lengths = None
    if numeric:
        found = database.query(f"SELECT AVG(1.0 * {name}) AS average FROM {source}").item()
        mean = float(found) if isinstance(found, int | float) else None
    if kind == "text":
        lengths = _lengths_stored(database, source, name)
    return ColumnProfile(
        column,
        kind,
        rows,
        rows - filled,
        distinct,
        least,
        most,
        mean,
        lengths,
        tuple(_bins_stored(database, source, name, least, most, numeric)) if binned else (),
        () if binned else tuple(top),
        _examples(values),
    )


def _top_stored(database: Database, source: str, name: str, kind: str) -> list[TopValue]:
    rows = database.query(
        f"SELECT one_value, its_rows FROM (SELECT {name} AS one_value, COUNT(*) AS its_rows, "
        f"ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, {name}) AS place FROM {source} "
        f"WHERE {name} IS NOT NULL GROUP BY {name}) AS counted WHERE place <= {_TOP} ORDER BY place"
    )
    return [TopValue(bool(value) if kind == "boolean" else value, count) for value, count in rows.iter_rows()]


def _lengths_stored(database: Database, source: str, name: str) -> tuple[int, int] | None:
    length = _LENGTHS.get(database.engine, "LENGTH({})").format(name)
    row = database.query(
        f"SELECT MIN({length}) AS shortest_one, MAX({length}) AS longest_one FROM {source} "
        f"WHERE {name} IS NOT NULL"
    ).row(0)
    return (int(row[0]), int(row[1])) if row[0] is not None else None


def _bins_stored(
    database: Database, source: str, name: str, least: Value, most: Value, numeric: bool
) -> list[Bin]:
    if not numeric:
        days = database.query(
            f"SELECT {name} AS value, COUNT(*) AS number FROM {source} "
            f"WHERE {name} IS NOT NULL GROUP BY {name}"
        )
        return _bins(days["value"], days["number"])
    if not isinstance(least, int | float) or not isinstance(most, int | float) or most <= least:
        return []
    edges = _edges(float(least), float(most))
    inner = {f"edge_{place}": edge for place, edge in enumerate(edges[1:-1], 1)}
    below = ", ".join(f"SUM(CASE WHEN {name} < :{edge} THEN 1 ELSE 0 END) AS below_{edge}" for edge in inner)
    found = database.query(f"SELECT {below}, COUNT({name}) AS filled_rows FROM {source}", **inner).row(0)
    reached = [0, *map(int, found)]
    return [Bin(edges[place], edges[place + 1], reached[place + 1] - reached[place]) for place in range(BINS)]


def _of_series(column: pl.Series) -> ColumnProfile:
    kind = kind_of_dtype(column.dtype) or "text"
    filled = column.drop_nulls()
    base = ColumnProfile(column.name, kind, len(column), column.null_count(), filled.n_unique())
    if not len(filled) or kind == "binary":
        return base
    numeric = kind in ("integer", "number")
    counted = filled.value_counts(sort=True, name="number")
    value = counted.columns[0]
    counted = counted.sort(["number", value], descending=[True, False])
    binned = base.distinct > _FEW_DISTINCT and (numeric or kind in ("date", "datetime"))
    mean = filled.mean() if numeric else None
    sizes = filled.cast(pl.String).str.len_chars() if kind == "text" else None
    top = counted.head(_TOP)
    return ColumnProfile(
        column.name,
        kind,
        base.rows,
        base.missing,
        base.distinct,
        filled.min(),  # type: ignore[arg-type]
        filled.max(),  # type: ignore[arg-type]
        float(mean) if isinstance(mean, int | float) else None,
        (int(sizes.min()), int(sizes.max())) if sizes is not None else None,  # type: ignore[arg-type]
        tuple(_bins(counted[value], counted["number"])) if binned else (),
        () if binned else tuple(TopValue(v, n) for v, n in top.iter_rows()),
        _examples(top[value]),
    )


def _bins(values: pl.Series, rows: pl.Series) -> list[Bin]:
    """Bins of equal width over values that come ``rows`` times each; days are never cut."""
    if values.dtype.is_temporal():
        return _bins_of_time(values, rows)
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    if not high > low:
        return []
    edges = _edges(low, high)
    places = pl.Series(edges[1:-1]).search_sorted(values.cast(pl.Float64), side="right").cast(pl.Int64)
    counts = _counts(places, rows)
    return [Bin(edges[place], edges[place + 1], counts.get(place, 0)) for place in range(BINS)]


def _edges(low: float, high: float) -> list[float]:
    """Where bins of numbers begin, and where the last one ends."""
    return [low + (high - low) * place / BINS for place in range(BINS)] + [high]


def _bins_of_time(values: pl.Series, rows: pl.Series) -> list[Bin]:
    """Bins of whole days."""
    days = values.cast(pl.Date).cast(pl.Int64)
    first, last = int(days.min()), int(days.max())  # type: ignore[arg-type]
    width = max(1, -(-(last - first + 1) // BINS))
    counts = _counts((days - first) // width, rows)
    start = date(1970, 1, 1) + timedelta(days=first)
    number = (last - first) // width + 1
    edges = [start + timedelta(days=width * place) for place in range(number + 1)]
    return [Bin(edges[place], edges[place + 1], counts.get(place, 0)) for place in range(number)]


def _counts(places: pl.Series, rows: pl.Series) -> dict[int, int]:
    frame = pl.DataFrame({"place": places, "rows": rows}).group_by("place").agg(pl.col("rows").sum())
    return dict(frame.iter_rows())


def _examples(values: pl.Series) -> tuple[str, ...]:
    shown = (str(value) for value in values.head(_EXAMPLES).to_list() if value is not None)
    return tuple(
        text if len(text) <= _LONGEST_EXAMPLE else text[: _LONGEST_EXAMPLE - 1] + "…" for text in shown
    )
