"""Whether customers are still those that a model was trained on."""

import numpy as np
import polars as pl

from core.database.base import Database
from core.single_flight import SingleFlightCache

STABLE, MOVED = 0.1, 0.25
"""Population stability index: below the first nothing has changed, above the second much has.

The usual rule of thumb in credit scoring (Siddiqi 2006).
"""
_CACHE: SingleFlightCache[pl.DataFrame] = SingleFlightCache(maxsize=8)
_LEAST = 1e-4


def stability_index(before: pl.Series, now: pl.Series, bins: int = 10) -> float:
    """Population stability index Σ (q − p) ln(q / p) over bins of equal size before.

    Nulls are a bin of their own. Text is compared value by value. Returns 0 where one side has no rows.
    """
    if before.is_empty() or now.is_empty():
        return 0.0
    if before.dtype.is_numeric():
        known = before.drop_nulls().cast(pl.Float64).to_numpy()
        if not len(known):
            return _index(_shares(before.is_null()), _shares(now.is_null()))
        edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1]))
        left, right = (_binned(series, edges) for series in (before, now))
        count = len(edges) + 2
        return _index(
            np.bincount(left, minlength=count) / len(left), np.bincount(right, minlength=count) / len(right)
        )
    values = pl.concat([before.cast(pl.String), now.cast(pl.String)]).unique()
    shares = []
    for series in (before, now):
        counted = series.cast(pl.String).value_counts(name="count")
        joined = values.to_frame("value").join(
            counted.rename({series.name: "value"}), on="value", how="left", nulls_equal=True
        )
        shares.append(joined["count"].fill_null(0).to_numpy() / len(series))
    return _index(*shares)


def _binned(series: pl.Series, edges: np.ndarray) -> np.ndarray:
    values = series.cast(pl.Float64).to_numpy()
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))


def _shares(flags: pl.Series) -> np.ndarray:
    share = float(flags.mean() or 0.0)  # type: ignore[arg-type]
    return np.array([share, 1 - share])


def _index(p: np.ndarray, q: np.ndarray) -> float:
    p, q = np.maximum(p, _LEAST), np.maximum(q, _LEAST)
    return float(((q - p) * np.log(q / p)).sum())


def feature_drift(database: Database, trained_day: int, now_day: int, terms_days: int) -> pl.DataFrame:
    """How far each feature of the customers has moved between two as-of days.

    Returns
    -------
    feature, label, group, psi, verdict ("stable", "moving", "moved"), before and now (means of numbers); the
    largest index first.
    """
    from core.snapshots import FEATURES, snapshots

    def compute() -> pl.DataFrame:
        rows = snapshots(database, sorted({trained_day, now_day}), terms_days=terms_days)
        before, now = (rows.filter(pl.col("as_of_day") == day) for day in (trained_day, now_day))
        found = []
        for name, feature in FEATURES.items():
            if name not in rows.columns or name.startswith("calendar"):  # the calendar moves by itself
                continue
            psi = stability_index(before[name], now[name])
            numeric = rows.schema[name].is_numeric()
            found.append(
                {
                    "feature": name,
                    "label": feature.label,
                    "group": feature.group,
                    "psi": psi,
                    "verdict": "stable" if psi < STABLE else "moving" if psi < MOVED else "moved",
                    "before": before[name].mean() if numeric else None,
                    "now": now[name].mean() if numeric else None,
                }
            )
        return pl.DataFrame(found, schema_overrides={"before": pl.Float64, "now": pl.Float64}).sort(
            "psi", descending=True
        )

    key = (id(database), database.data_version(), trained_day, now_day, terms_days)
    return _CACHE.get(key, compute)
