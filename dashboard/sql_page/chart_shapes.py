"""From the rows of a result to a chart: they are aggregated or sampled first, so that it stays small."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from core.errors import SalesError

KINDS = {
    "bar": "Bars",
    "line": "Line",
    "scatter": "Points",
    "histogram": "Histogram",
    "heatmap": "Heat map",
    "box": "Boxes",
}
AGGREGATES = {
    "sum": "Sum",
    "mean": "Mean",
    "median": "Median",
    "min": "Least",
    "max": "Greatest",
    "count": "Number of rows",
}
MOST_BARS, MOST_CELLS, MOST_COLOURS, MOST_BOXES = 30, 40, 10, 20
MOST_POINTS = 20_000
BINS = 40
_OTHER = "other"


@dataclass(frozen=True)
class ChartChoice:
    """What to draw: columns by name; ``by`` may be empty."""

    kind: str = "bar"
    x: str = ""
    y: str = ""
    by: str = ""
    aggregate: str = "sum"


@dataclass(frozen=True)
class Shaped:
    """Few rows with the columns x, y and perhaps by, ready to draw, and what was left out in words."""

    frame: pl.DataFrame
    note: str = ""


def suggested(columns: tuple[tuple[str, str], ...]) -> ChartChoice:
    """A first chart for columns of these kinds."""
    numbers = [name for name, kind in columns if kind in ("integer", "number") and not _is_key(name)]
    times = [n for n, kind in columns if kind in ("date", "datetime") or n.endswith(("_day", "month"))]
    words = [name for name, kind in columns if kind == "text"]
    measures = [name for name in numbers if name not in times]
    names = [name for name, _ in columns]
    y = next(iter(measures), next(iter(numbers), names[-1]))
    if times:
        return ChartChoice("line", times[0], y)
    if words:
        return ChartChoice("bar", words[0], y)
    if len(measures) >= 2:
        return ChartChoice("scatter", measures[0], measures[1])
    return ChartChoice("histogram", y, y)


def _is_key(name: str) -> bool:
    return name.lower().endswith(("_id", "number", "code"))


def shape(frame: pl.DataFrame, choice: ChartChoice) -> Shaped:
    """The rows to draw.

    Raises
    ------
    SalesError
        The columns do not fit this kind of chart.
    """
    kinds = frame.schema
    wanted = [choice.x] if choice.kind == "histogram" else [choice.x, choice.y]
    if choice.kind == "heatmap" and not choice.by:
        raise SalesError("A heat map needs a second category.", "Choose it under Split by.")
    for name in [*wanted, *([choice.by] if choice.by else [])]:
        if name not in kinds:
            raise SalesError("A column is not chosen yet.", "Choose one.")
    counting = choice.aggregate == "count" and choice.kind in ("bar", "line", "heatmap")
    value = choice.x if choice.kind == "histogram" else choice.y
    if not kinds[value].is_numeric() and not counting:
        raise SalesError(f"{value} holds no numbers.", "Choose another column, or the number of rows.")
    parts = {"x": choice.x, "y": value} | ({"by": choice.by} if choice.by else {})
    plain = frame.select(pl.col(name).alias(part) for part, name in parts.items())
    return _SHAPES[choice.kind](plain, choice)


def _aggregated(frame: pl.DataFrame, keys: Sequence[str], aggregate: str) -> pl.DataFrame:
    y = pl.col("y")
    value = pl.len() if aggregate == "count" else getattr(y, aggregate)()
    return frame.group_by(keys, maintain_order=True).agg(value.cast(pl.Float64).alias("y"))


def _few_colours(frame: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """``by`` as text, all but the most frequent values taken together."""
    if "by" not in frame.columns:
        return frame, ""
    frame = frame.with_columns(pl.col("by").cast(pl.String).fill_null("–"))
    kept = frame["by"].value_counts(sort=True).head(MOST_COLOURS)["by"]
    left = frame["by"].n_unique() - kept.len()
    if left <= 0:
        return frame, ""
    shown = pl.when(pl.col("by").is_in(kept.implode())).then("by").otherwise(pl.lit(_OTHER))
    return frame.with_columns(by=shown), f"{left:,} rarer values are taken together as “{_OTHER}”."


def _top(frame: pl.DataFrame, column: str, most: int) -> tuple[pl.DataFrame, str]:
    """The rows of the values of ``column`` with the largest totals; times stay in their order."""
    totals = frame.group_by(column, maintain_order=True).agg(size=pl.col("y").abs().sum())
    natural = totals[column].dtype.is_temporal() or totals[column].dtype.is_integer()
    chosen = totals.sort("size", descending=True, maintain_order=True).head(most)
    chosen = chosen.sort(column) if natural else chosen
    left = totals.height - chosen.height
    order = chosen.select(column).with_row_index("at")
    colours = ["by"] if "by" in frame.columns and column != "by" else []
    kept = frame.join(order, on=column, nulls_equal=True).sort("at", *colours).drop("at")
    text = kept.with_columns(pl.col(column).cast(pl.String).fill_null("–"))
    return text, f"The {most} largest of {totals.height:,} are shown." if left else ""


def _bars(frame: pl.DataFrame, choice: ChartChoice) -> Shaped:
    frame, colours = _few_colours(frame)
    keys = [name for name in ("x", "by") if name in frame.columns]
    bars, note = _top(_aggregated(frame, keys, choice.aggregate), "x", MOST_BARS)
    return Shaped(bars, f"{note} {colours}".strip())


def _lines(frame: pl.DataFrame, choice: ChartChoice) -> Shaped:
    frame, note = _few_colours(frame)
    keys = [name for name in ("x", "by") if name in frame.columns]
    line = _aggregated(frame, keys, choice.aggregate).sort(keys[::-1]).drop_nulls("x")
    if line.height > MOST_POINTS:
        step = -(-line.height // MOST_POINTS)
        note = f"{note} One in {step} of {line.height:,} points is drawn.".strip()
        line = line.gather_every(step)
    return Shaped(line, note)


def _points(frame: pl.DataFrame, _choice: ChartChoice) -> Shaped:
    if not (frame["x"].dtype.is_numeric() or frame["x"].dtype.is_temporal()):
        raise SalesError("Points need numbers or dates on both axes.", "Choose another column, or bars.")
    frame, colours = _few_colours(frame.drop_nulls(["x", "y"]))
    sampled, note = _sampled(frame, MOST_POINTS)
    if "by" in sampled.columns:
        sampled = sampled.sort("by", maintain_order=True)
    return Shaped(sampled, f"{note} {colours}".strip())


def _sampled(frame: pl.DataFrame, most: int) -> tuple[pl.DataFrame, str]:
    if frame.height <= most:
        return frame, ""
    return frame.sample(most, seed=1), f"A random {most:,} of {frame.height:,} rows are drawn."


def _histogram(frame: pl.DataFrame, _choice: ChartChoice) -> Shaped:
    values = frame["x"].cast(pl.Float64).drop_nulls()
    values = values.filter(values.is_finite())
    if values.is_empty():
        raise SalesError("There are no numbers in this column.", "Choose another.")
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    width = (high - low) / BINS or 1.0
    at = ((values - low) / width).floor().clip(0, BINS - 1).cast(pl.Int64).alias("bin")
    counted = at.value_counts().rename({"count": "y"})
    bins = pl.DataFrame({"bin": range(BINS if high > low else 1)}, schema={"bin": pl.Int64})
    bins = bins.join(counted, on="bin", how="left").with_columns(
        pl.col("y").fill_null(0), left=low + pl.col("bin") * width, right=low + (pl.col("bin") + 1) * width
    )
    missing = frame.height - values.len()
    return Shaped(bins, f"{missing:,} rows without a number are left out." if missing else "")


def _heatmap(frame: pl.DataFrame, choice: ChartChoice) -> Shaped:
    cells = _aggregated(frame, ["x", "by"], choice.aggregate)
    cells, across = _top(cells, "x", MOST_CELLS)
    cells, down = _top(cells, "by", MOST_CELLS)
    return Shaped(cells, f"{across} {down}".strip())


def _boxes(frame: pl.DataFrame, _choice: ChartChoice) -> Shaped:
    frame, note = _sampled(frame.drop_nulls("y"), MOST_POINTS)
    counts = frame["x"].value_counts(sort=True)
    kept = counts.head(MOST_BOXES)["x"]
    if counts.height > MOST_BOXES:
        note = f"{note} The {MOST_BOXES} most frequent of {counts.height:,} values are shown.".strip()
    frame = frame.filter(pl.col("x").is_in(kept.implode(), nulls_equal=True)).sort("x")
    texts = frame.select(pl.col("x").cast(pl.String).fill_null("–"), pl.col("y").cast(pl.Float64))
    return Shaped(texts, note)


_SHAPES = {
    "bar": _bars,
    "line": _lines,
    "scatter": _points,
    "histogram": _histogram,
    "heatmap": _heatmap,
    "box": _boxes,
}
