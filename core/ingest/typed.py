"""The rows of a source as the typed columns of a table, and what is wrong with them."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

from core.database.frames import DTYPES
from core.errors import IngestError
from core.ingest.convert import Reading, convert, unfit
from core.ingest.plan import SourcePlan, TablePlan
from core.ingest.problems import SHOWN_PROBLEMS, Problem, Problems
from core.ingest.reasons import ambiguity, emptiness, misfit
from core.ingest.source import Block
from core.ingest.styles import style_of
from core.ingest.survey import holds

_POINT = r"[.]"


def typed_columns(
    plan: TablePlan, source: SourcePlan, block: Block, problems: Problems
) -> list[pl.Series] | None:
    """A block as columns of the table; what does not fit is null and noted in ``problems``.

    ``None`` if the plan turned out wrong and the table has to be begun again: a column is written in another
    style (the plan is already mended), or is of another type (the source is marked as doubted).
    """
    height = len(block.lines)
    columns = [pl.Series([None], dtype=DTYPES[c.kind]).new_from_index(0, height) for c in plan.schema.columns]
    if not height:
        return columns
    for number, reading, cells in source.cells(block):
        values = convert(cells, reading, empty_is_null=source.source.empty_is_null)
        if reading.name in source.provisional and not holds(cells, values, reading):
            source.doubted = True
            return None
        wrong = _wrong(cells, values, reading, source)
        if wrong is not None:
            if _restyle(source, number, reading):
                return None
            told: Callable[..., Problem] = ambiguity if reading.name in source.ambiguous else misfit
            _add(problems, source, block, wrong, reading, told, cells)
        if reading.required and values.null_count():
            empty = values.is_null() if wrong is None else values.is_null() & ~wrong
            _add(problems, source, block, empty, reading, lambda label, line, r, _: emptiness(label, line, r))
        columns[number] = values
    for number, column in enumerate(plan.schema.columns):
        if source.readings[number] is None and column.required:  # an older table demands it
            raise IngestError(
                f"Nothing was loaded: {source.source.label} lacks the column {column.name}.", "Add it."
            )
    return columns


def _wrong(cells: pl.Series, values: pl.Series, reading: Reading, source: SourcePlan) -> pl.Series | None:
    wrong = unfit(cells, values, reading)
    if wrong is None and reading.name in source.ambiguous and cells.dtype == pl.String and not reading.style:
        dotted = cells.str.contains(_POINT).fill_null(value=False)
        return dotted if reading.kind in ("integer", "number") and dotted.any() else None
    return wrong


def _add(
    problems: Problems,
    source: SourcePlan,
    block: Block,
    mask: pl.Series,
    reading: Reading,
    problem: Callable[..., Problem],
    cells: pl.Series | None = None,
) -> None:
    rows = mask.arg_true().to_list()
    label = source.source.label
    values: Sequence[object] = cells.gather(rows[:SHOWN_PROBLEMS]).to_list() if cells is not None else rows
    for row, value in zip(rows[:SHOWN_PROBLEMS], values, strict=False):
        problems.add(problem(label, block.lines[row], reading, value))
    problems.add_unseen(max(0, len(rows) - SHOWN_PROBLEMS))


def _restyle(source: SourcePlan, number: int, reading: Reading) -> bool:
    """Find another way in which a column is written, such as 31/12/2024; whether there is one."""
    done = reading.name in source.surveyed | source.ambiguous or reading.style
    if (
        not source.source.empty_is_null
        or done
        or reading.kind not in ("integer", "number", "date", "datetime")
    ):
        return False
    source.surveyed.add(reading.name)
    style = style_of(source.source, source.source.columns[source.positions[number]], reading.kind)
    if style is None:
        source.ambiguous.add(reading.name)
        return False
    source.readings[number] = replace(reading, style=style)
    return bool(style)
