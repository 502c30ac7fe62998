"""Rolling backtests of the sales forecast: at each cutoff everything is learned from the past alone."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from core.days import to_date
from core.evaluation import MEAN, Estimate, Evaluation
from core.evaluation.metrics import coverage, mase, wape
from core.models.sales.methods import METHODS, candidates, simple_method
from core.models.sales.model import SalesForecaster
from core.models.sales.periods import GRAINS, TOTAL, Floats, GrainName, actual, history
from core.models.sales.rolling import is_constant, learn

CHAMPION, BASELINE = "champion", "simple"
WAPE_TOTAL, WAPE_LINES, MASE_LINES = "WAPE total", "WAPE product lines", "MASE product lines"
COVERAGES = {"coverage 80 %": ("low80", "high80"), "coverage 95 %": ("low95", "high95")}
_LARGER = {WAPE_TOTAL: False, WAPE_LINES: False, MASE_LINES: False}


def month_cutoffs(first_day: int, last_day: int, periods: int, count: int = 4) -> list[int]:
    """First days of months whose windows of ``periods`` months are complete, do not overlap and have a year
    before them; ascending, at most ``count``."""
    grain = GRAINS["month"]
    end = grain.number(last_day + 1)
    begin = grain.number(first_day) + 12
    return [grain.first_day(number) for number in sorted(range(end - periods, begin - 1, -periods)[:count])]


def backtest_sales(
    daily: pl.DataFrame,
    cutoffs: Sequence[int],
    periods: int = 3,
    *,
    grain: GrainName = "month",
    progress: Callable[[str, float], None] = lambda _what, _fraction: None,
) -> Evaluation:
    """Forecasts at past cutoffs beside what came.

    Returns
    -------
    Evaluation
        Models "champion" and every method that each cutoff allows, baseline "simple" (last year's values);
        metrics "WAPE total", "WAPE product lines", "MASE product lines" and, of the champion, "coverage 80 %"
        and "coverage 95 %" over all series. Intervals come from drawing cutoffs and series anew: with
        four cutoffs they are rough. Of cutoffs inside a period only whole periods after it are judged.
    """
    frames, notes = [], []
    for place, day in enumerate(sorted(cutoffs)):
        progress(f"Cutoff {place + 1} of {len(cutoffs)}", place / len(cutoffs))
        model = SalesForecaster(grain=grain, periods=periods).fit(daily, as_of_day=day)
        frames.append(_judged(model, daily, day, periods))
        champions = {choice.champion for choice in model.choices_}
        notes.append(
            f"{to_date(day)}: {model.choices_[0].reason()} Methods used: {', '.join(sorted(champions))}."
        )
    rows = pl.concat(frames, how="diagonal_relaxed")
    fixed = {"cutoff_day", "series", "month", "actual", "naive_error", *sum(COVERAGES.values(), ())}
    everywhere = [n for n in rows.columns if n not in fixed and rows[n].null_count() == 0]
    models = [name for name in everywhere if name not in (BASELINE, "seasonal naive", "mean of the last 3")]
    return _evaluated(rows, models, notes)


def _judged(model: SalesForecaster, daily: pl.DataFrame, day: int, periods: int) -> pl.DataFrame:
    """One row per series and period: actual, the champion with its intervals, and all methods."""
    grain = GRAINS[model.grain]
    known = history(daily, day, grain)
    shown = model.score(daily, as_of_day=day)
    skipped = int(known.is_within_period)
    truth = actual(daily, model.names_, known.next + skipped, periods, grain)
    steps, season = periods + skipped, grain.season
    columns: dict[str, Floats] = {}
    for method in candidates(known.periods, season):
        table = np.stack(
            [
                np.full(steps, row[-1])
                if is_constant(row)
                else method.foretell(row, season, learn(method.name, row, season), steps)
                for row in known.values
            ]
        )
        columns[method.name] = table[:, skipped:].ravel()
    simple = simple_method(known.periods, season)
    span = season if simple is METHODS["seasonal naive"] and known.periods > season else 1
    naive = np.abs(known.values[:, span:] - known.values[:, :-span]).mean(axis=1)
    kept = shown.filter(pl.int_range(pl.len()).over("series") >= skipped)
    return kept.select(
        pl.lit(day).alias("cutoff_day"),
        "series",
        "month",
        pl.Series("actual", truth.ravel()),
        pl.col("forecast").alias(CHAMPION),
        pl.col("baseline").alias(BASELINE),
        *(pl.Series(name, values) for name, values in columns.items()),
        "low80",
        "high80",
        "low95",
        "high95",
        pl.Series("naive_error", np.repeat(naive, periods)),
    )


def _measures(rows: pl.DataFrame, name: str) -> dict[str, float]:
    total, lines = rows.filter(pl.col("series") == TOTAL), rows.filter(pl.col("series") != TOTAL)
    if lines.is_empty():
        lines = total
    scaled = [
        mase(part["actual"], part[name], float(part["naive_error"][0]))
        for part in lines.partition_by("series", "cutoff_day")
    ]
    known = [value for value in scaled if np.isfinite(value)]
    found = {
        WAPE_TOTAL: wape(total["actual"], total[name]),
        WAPE_LINES: wape(lines["actual"], lines[name]),
        MASE_LINES: float(np.mean(known)) if known else float("nan"),
    }
    if name == CHAMPION:
        for label, (low, high) in COVERAGES.items():
            part = rows.drop_nulls([low, high])
            found[label] = coverage(part["actual"], part[low], part[high])
    return found


def _evaluated(rows: pl.DataFrame, models: list[str], notes: list[str], repeats: int = 200) -> Evaluation:
    """Measures per cutoff, averaged; intervals by drawing cutoffs, and product lines within them, anew."""
    names = [*models, BASELINE]
    parts = rows.partition_by("cutoff_day", maintain_order=True)
    tables = {name: [_measures(part, name) for part in parts] for name in names}
    scores, differences = [], []
    draws = np.random.default_rng(0).integers(len(parts), size=(repeats, len(parts)))
    values = {
        (name, metric): np.array([one[metric] for one in tables[name]])
        for name in names
        for metric in tables[name][0]
    }
    for (name, metric), found in values.items():
        for part, value in zip(parts, found, strict=True):
            day = to_date(part["cutoff_day"][0]).isoformat()
            scores.append(
                {"cutoff": day, "model": name, "metric": metric, "value": value, "rows": part.height}
            )
        estimate = _drawn(found, draws)
        scores.append({"cutoff": MEAN, "model": name, "metric": metric, "rows": rows.height} | estimate)
    for name in models:
        for metric in _LARGER:
            gain = values[BASELINE, metric] - values[name, metric]
            differences.append({"model": name, "baseline": BASELINE, "metric": metric} | _drawn(gain, draws))
    return Evaluation.of(
        pl.DataFrame(scores, infer_schema_length=None),
        pl.DataFrame(differences, infer_schema_length=None),
        rows,
        models,
        [BASELINE],
        notes,
    )


def _drawn(values: Floats, draws: np.ndarray) -> dict[str, float]:
    known = np.isfinite(values)
    if not known.any():
        return dict.fromkeys(("value", "low", "high", "standard_error"), float("nan"))
    sums = np.where(known[draws], values[draws], 0.0).sum(axis=1)
    counts = known[draws].sum(axis=1)
    estimate = Estimate.of(
        float(values[known].mean()), np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    )
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "standard_error": estimate.standard_error,
    }
