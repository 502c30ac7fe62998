"""How good predictions were: per cutoff, then averaged, with intervals, beside baselines.

Values of different cutoffs are averaged, not pooled: pooling rewards a model for telling good
seasons from bad ones. Intervals come from a bootstrap over customers, who are drawn once for all cutoffs and
models, so that differences between models are paired (Efron & Tibshirani 1993).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from core.days import to_date
from core.evaluation.estimate import Estimate, Floats, customer_weights
from core.evaluation.metrics import Metric

MEAN = "mean"
SCORES = {
    "cutoff": pl.String(),
    "model": pl.String(),
    "metric": pl.String(),
    "value": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "standard_error": pl.Float64(),
    "rows": pl.Int64(),
}
DIFFERENCES = {
    "model": pl.String(),
    "baseline": pl.String(),
    "metric": pl.String(),
    "value": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "standard_error": pl.Float64(),
}


@dataclass(frozen=True)
class Evaluation:
    """What a backtest found.

    Attributes
    ----------
    scores
        ``cutoff`` (ISO date or "mean"), ``model``, ``metric``, ``value``, ``low``, ``high`` (95 %),
        ``standard_error``, ``rows``.
    differences
        ``model``, ``baseline``, ``metric`` and the paired improvement over the baseline, averaged over
        cutoffs: positive is better whatever the direction of the metric.
    predictions
        The rows that were judged: ``cutoff_day``, ``customer_id`` (or another key), ``actual`` and a column
        for each model.
    notes
        Sentences that a reader must know, such as how many events there were.
    """

    scores: pl.DataFrame
    differences: pl.DataFrame
    predictions: pl.DataFrame
    models: tuple[str, ...]
    baselines: tuple[str, ...]
    notes: tuple[str, ...] = ()
    champion: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        scores: pl.DataFrame,
        differences: pl.DataFrame,
        predictions: pl.DataFrame,
        models: Sequence[str],
        baselines: Sequence[str],
        notes: Sequence[str] = (),
        champion: str | None = None,
    ) -> "Evaluation":
        """An evaluation from tables made elsewhere; missing columns are filled with nulls."""
        return cls(
            _shaped(scores, SCORES),
            _shaped(differences, DIFFERENCES),
            predictions,
            tuple(models),
            tuple(baselines),
            tuple(notes),
            champion,
        )

    def score(self, model: str, metric: str, cutoff: str = MEAN) -> Estimate:
        """The value of a model, averaged over cutoffs or at one of them; nan if it was not measured."""
        return _estimate(
            self.scores.filter(
                pl.col("model") == model, pl.col("metric") == metric, pl.col("cutoff") == cutoff
            )
        )

    def difference(self, model: str, baseline: str, metric: str) -> Estimate:
        """The paired improvement of a model over a baseline, averaged over cutoffs."""
        return _estimate(
            self.differences.filter(
                pl.col("model") == model, pl.col("baseline") == baseline, pl.col("metric") == metric
            )
        )

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON; what is not defined is null."""
        return {
            "champion": self.champion,
            "models": list(self.models),
            "baselines": list(self.baselines),
            "notes": list(self.notes),
            "scores": self.scores.with_columns(pl.col(pl.Float64).fill_nan(None)).to_dicts(),
            "differences": self.differences.with_columns(pl.col(pl.Float64).fill_nan(None)).to_dicts(),
        }


def evaluate(
    frame: pl.DataFrame,
    *,
    models: Sequence[str],
    baselines: Sequence[str],
    metrics: Mapping[str, Metric],
    actual: str = "actual",
    customer: str = "customer_id",
    repeats: int = 200,
    seed: int = 0,
    notes: Sequence[str] = (),
    champion: str | None = None,
) -> Evaluation:
    """Judge predictions.

    Parameters
    ----------
    frame
        ``cutoff_day`` (days since 1970-01-01), the customer, ``actual`` and one column of predictions for
        each name in ``models`` and ``baselines``. A customer may have several rows at a cutoff, such as
        invoices; they are drawn together.
    metrics
        By the name that the tables give them.
    """
    names = [*models, *baselines]
    people = (
        frame[customer].rank("dense").to_numpy().astype(np.int64) - 1
        if frame.height
        else np.empty(0, np.int64)
    )
    days = frame["cutoff_day"].to_numpy()
    cutoffs = sorted(set(days.tolist()))
    rows = {day: np.flatnonzero(days == day) for day in cutoffs}
    truth = frame[actual].cast(pl.Float64).to_numpy()
    values = {name: frame[name].cast(pl.Float64).to_numpy() for name in names}
    count = int(people.max()) + 1 if frame.height else 0
    drawn = [np.ones(count), *(customer_weights(count, repeats, seed) if count else [])]
    measured: dict[tuple[str, str], Floats] = {}
    for name in names:
        for label, metric in metrics.items():
            at_cutoffs = [(metric.prepared(truth[at], values[name][at]), people[at]) for at in rows.values()]
            measured[name, label] = np.array(
                [[measure(weight[who]) for measure, who in at_cutoffs] for weight in drawn]
            ).reshape(len(drawn), len(cutoffs))
    found: list[dict[str, object]] = []
    for (name, label), table in measured.items():
        for column, day in enumerate(cutoffs):
            found.append(
                {"cutoff": to_date(day).isoformat(), "model": name, "metric": label, "rows": len(rows[day])}
                | _fields(Estimate.of(table[0, column], table[1:, column]))
            )
        average = _averaged(table)
        found.append(
            {"cutoff": MEAN, "model": name, "metric": label, "rows": frame.height}
            | _fields(Estimate.of(average[0], average[1:]))
        )
    compared: list[dict[str, object]] = []
    for name in models:
        for baseline in (other for other in names if other != name):
            for label, metric in metrics.items():
                mine, theirs = (_averaged(measured[who, label]) for who in (name, baseline))
                gain = mine - theirs if metric.larger_is_better else theirs - mine
                compared.append(
                    {"model": name, "baseline": baseline, "metric": label}
                    | _fields(Estimate.of(gain[0], gain[1:]))
                )
    return Evaluation.of(
        pl.DataFrame(found, schema=SCORES),
        pl.DataFrame(compared, schema=DIFFERENCES),
        frame,
        models,
        baselines,
        notes,
        champion,
    )


def _averaged(table: Floats) -> Floats:
    """The mean over the cutoffs where the metric is defined on the full data."""
    defined = np.isfinite(table[:1]).ravel()
    if not defined.any():
        return np.full(len(table), np.nan)
    return np.asarray(table[:, defined].mean(axis=1))


def _fields(estimate: Estimate) -> dict[str, object]:
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "standard_error": estimate.standard_error,
    }


def _estimate(rows: pl.DataFrame) -> Estimate:
    if rows.is_empty():
        return Estimate(*([float("nan")] * 4))
    row = rows.row(0, named=True)
    return Estimate(
        *(
            float("nan") if row[name] is None else float(row[name])
            for name in ("value", "low", "high", "standard_error")
        )
    )


def _shaped(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    missing = [
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns
    ]
    return frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in schema.items())
