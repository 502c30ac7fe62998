"""Gradient-boosted trees on lags, one model for all series (XGBoost, Chen & Guestrin 2016)."""

import numpy as np

from core.models.sales.periods import Floats

FEATURES = (
    "step", "place in the year (sine)", "place in the year (cosine)", "last", "before last", "mean of 3",
    "a year before", "two years before", "growth over a year", "series",
)  # fmt: skip
_ROUNDS = 120
_SETTINGS = {
    "objective": "reg:absoluteerror",
    "max_depth": 3,
    "eta": 0.06,
    "subsample": 0.8,
    "min_child_weight": 5,
    "lambda": 3.0,
    "nthread": 1,
    "seed": 0,
}


def least_periods(season: int) -> int:
    """Periods without which lags of a year have nothing to learn from."""
    return 2 * season


def _scale(values: Floats, end: int, season: int) -> float:
    return float(max(np.abs(values[max(0, end - season) : end]).mean(), 1e-9))


def _inputs(values: Floats, end: int, step: int, season: int, first: int, series: int) -> list[float]:
    """What is known of one series after ``end`` periods about the period ``step`` (from 1) ahead."""
    target = end + step - 1
    scale = _scale(values, end, season)
    angle = 2 * np.pi * ((first + target) % season) / season
    year, two = target - season, target - 2 * season
    span = min(3, end - season)
    before = values[end - season - span : end - season].sum() if span > 0 else 0.0
    growth = values[end - span : end].sum() / before if span > 0 and before > 0 else np.nan
    return [
        step, np.sin(angle), np.cos(angle), values[end - 1] / scale, values[end - 2] / scale,
        values[end - 3 : end].mean() / scale, values[year] / scale if 0 <= year < end else np.nan,
        values[two] / scale if 0 <= two < end else np.nan, min(growth, 5.0), series,
    ]  # fmt: skip


def train(values: Floats, season: int, first: int, steps: int) -> bytes:
    """A booster learned on all series (rows), in XGBoost's own format; ``first`` numbers the first period."""
    import xgboost

    rows, targets = [], []
    for series, row in enumerate(values):
        for end in range(season, values.shape[1]):
            scale = _scale(row, end, season)
            for step in range(1, min(steps, values.shape[1] - end, season) + 1):
                rows.append(_inputs(row, end, step, season, first, series))
                targets.append(np.clip(row[end + step - 1] / scale, -20, 20))
    matrix = xgboost.DMatrix(np.array(rows), label=np.array(targets), nthread=1)
    booster = xgboost.train(_SETTINGS, matrix, num_boost_round=_ROUNDS)
    return bytes(booster.save_raw("ubj"))


def foretell(raw: bytes, values: Floats, season: int, first: int, steps: int) -> Floats:
    """The next periods of all series."""
    import xgboost

    booster = xgboost.Booster(model_file=bytearray(raw))
    booster.set_param({"nthread": 1})
    end = values.shape[1]
    rows = [
        _inputs(row, end, min(step, season), season, first, series)
        for series, row in enumerate(values)
        for step in range(1, steps + 1)
    ]
    found = booster.inplace_predict(np.array(rows)).reshape(len(values), steps)
    scales = np.array([_scale(row, end, season) for row in values])
    return np.asarray(found * scales[:, None], dtype=np.float64)
