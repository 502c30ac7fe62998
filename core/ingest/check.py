"""Reading a source again to find the lines that a check of keys found fault with."""

from collections.abc import Iterator, Sequence

import polars as pl

from core.database.loading import Key
from core.database.sqlite_write import storable
from core.ingest.convert import convert
from core.ingest.plan import SourcePlan, TablePlan
from core.ingest.problems import SHOWN_PROBLEMS, Problem, Problems, short_value


def report_duplicates(plan: TablePlan, problems: Problems) -> None:
    """Add a problem for every row whose primary key an earlier row has."""
    key = plan.schema.primary_key
    frames = [
        pl.DataFrame([*values, pl.Series("line", lines), pl.Series("place", [place] * len(lines), pl.Int32)])
        for place, source in enumerate(plan.sources)
        for values, lines in _key_cells(plan, source, key)
    ]
    if not frames:
        return
    names = [f"key_{number}" for number in range(len(key))]
    rows = pl.concat(frames).with_row_index("row")
    firsts = rows.group_by(names).agg(
        pl.col("row").min().alias("first"), pl.col("line").first(), pl.col("place").first(), pl.len()
    )
    repeated = firsts.filter(pl.col("len") > 1)
    later = (
        rows.join(repeated, on=names, suffix="_first").filter(pl.col("row") != pl.col("first")).sort("row")
    )
    for row in later.head(SHOWN_PROBLEMS).iter_rows(named=True):
        where = f"line {row['line_first']}"
        if row["place"] != row["place_first"]:
            where += f" of {plan.sources[row['place_first']].source.label}"
        shown = _shown([row[name] for name in names])
        label = plan.sources[row["place"]].source.label
        reason = f"the key {shown} is already in {where}"
        remedy = "Remove one of the two rows, or correct its key."
        problems.add(Problem(label, row["line"], ", ".join(key), reason, remedy, short_value(shown)))
    problems.add_unseen(max(0, later.height - SHOWN_PROBLEMS))


def report_lines(
    plan: TablePlan,
    columns: Sequence[str],
    keys: Sequence[Key],
    reason: str,
    remedy: str,
    problems: Problems,
) -> int:
    """Add a problem for every row with one of ``keys`` in ``columns``; ``{}`` in the reason is the key.

    Returns the number of rows.
    """
    wanted = set(keys)
    found = 0
    for source in plan.sources:
        for values, lines in _key_cells(plan, source, columns):
            for line, key in zip(lines, zip(*(v.to_list() for v in values), strict=True), strict=True):
                if key in wanted:
                    found += 1
                    text, value = reason.format(_shown(key)), short_value(_shown(key))
                    label = source.source.label
                    problems.add(Problem(label, line, ", ".join(columns), text, remedy, value))
    return found


def _key_cells(
    plan: TablePlan, source: SourcePlan, columns: Sequence[str]
) -> Iterator[tuple[list[pl.Series], Sequence[int]]]:
    """The stored values of some columns, block by block, with the line of each row."""
    numbers = [[column.name for column in plan.schema.columns].index(name) for name in columns]
    empty_is_null = source.source.empty_is_null
    for block in source.source.blocks():
        cells = {number: (reading, series) for number, reading, series in source.cells(block)}
        if not len(block.lines) or any(number not in cells for number in numbers):
            continue
        values = []
        for place, number in enumerate(numbers):
            reading, series = cells[number]
            converted = convert(series, reading, empty_is_null=empty_is_null)
            values.append(storable(converted).alias(f"key_{place}"))
        yield values, list(block.lines)


def _shown(key: Sequence[object]) -> str:
    return ", ".join(str(value) for value in key)
