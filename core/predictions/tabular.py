"""Predict any table: what its columns can do, what a training found in plain values, and what-if rows."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from core.evaluation import Evaluation
from core.models.explanation import Explanation
from core.models.tabular import Report, TabularModel
from core.models.tabular.model import BASE, LINEAR, TREES
from core.models.tabular.target import as_text

MOST_CHOICES = 60
_LEAST_FOR_KEYS = 30
_KEY_SHARE = 0.95
_DENSE = 3
_DAY_FORMAT = "%Y-%m-%d"
HINTS = {
    "AUC": "share of pairs in the right order: 0.5 is chance, 1 is perfect",
    "Brier": "mean squared error of the probabilities: smaller is better",
    "ECE": "how far probabilities are from what happened, on average: smaller is better",
    "lift at 10 %": "how much more often it is the case among the highest tenth",
    "MAE": "mean absolute error, in units of the target: smaller is better",
    "R²": "share of the variation that is explained: 0 is none, 1 is all",
}
NAMES = {LINEAR: "simple model", TREES: "trees (XGBoost)", BASE: "always the mean (baseline)"}


@dataclass(frozen=True)
class ColumnFacts:
    """One column of a table: ``kind`` is number, text, date, boolean or other.

    ``reason`` says why it is not proposed for predicting, empty if it is; ``usable`` whether it can be used
    all the same. ``is_key`` marks columns that tell rows apart.
    """

    name: str
    kind: str
    missing: int
    distinct: int
    examples: tuple[str, ...]
    reason: str = ""
    usable: bool = True
    is_key: bool = False


@dataclass(frozen=True)
class TargetChoices:
    """What can be predicted of a column: its amount, one of its values, or (``problem``) nothing."""

    amount: bool
    values: tuple[tuple[str, int], ...]
    chosen: str
    unknown: int
    problem: str = ""


def with_dates(frame: pl.DataFrame) -> pl.DataFrame:
    """The table with dates where every text of a column is one (YYYY-MM-DD)."""
    changed = []
    for name, dtype in frame.schema.items():
        known = frame[name].drop_nulls() if dtype == pl.String else None
        if known is None or known.is_empty() or known.str.len_chars().max() != 10:
            continue
        if known.str.to_date(_DAY_FORMAT, strict=False).null_count() == 0:
            changed.append(pl.col(name).str.to_date(_DAY_FORMAT))
    return frame.with_columns(changed)


def describe_columns(frame: pl.DataFrame) -> list[ColumnFacts]:
    """The columns in order, with those that cannot or should not predict explained."""
    return [_described(frame[name]) for name in frame.columns]


def _described(series: pl.Series) -> ColumnFacts:
    kind = kind_of(series.dtype)
    known = series.drop_nulls()
    missing = len(series) - len(known)
    if kind == "other":
        return ColumnFacts(
            series.name, kind, missing, 0, (), f"values of the type {series.dtype} cannot be used", False
        )
    distinct = known.n_unique()
    examples = tuple(_short(value) for value in known.unique(maintain_order=True).head(3).to_list())
    reason, usable = "", True
    many = len(known) > _LEAST_FOR_KEYS
    if known.is_empty():
        reason, usable = "it is empty", False
    elif distinct == 1 and not missing:
        reason, usable = "it is the same in every row", False
    elif kind == "text" and many and distinct > _KEY_SHARE * len(known):
        reason, usable = "nearly every row has a value of its own, as keys and names have", False
    elif many and series.dtype.is_integer() and distinct == len(known) and _is_dense(known):
        reason = "every row has a number of its own, as keys have: it tells rows apart, not why they differ"
    is_key = kind in ("text", "number") and bool(reason) and distinct == len(series) and distinct > 1
    return ColumnFacts(series.name, kind, missing, distinct, examples, reason, usable, is_key)


def _is_dense(numbers: pl.Series) -> bool:
    low, high = numbers.min(), numbers.max()
    return isinstance(low, int) and isinstance(high, int) and high - low < _DENSE * len(numbers)


def kind_of(dtype: pl.DataType) -> str:
    """number, text, date, boolean or other."""
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return "date"
    return "text" if isinstance(dtype, pl.String | pl.Categorical | pl.Enum) else "other"


def target_choices(frame: pl.DataFrame, column: str) -> TargetChoices:
    """What can be predicted of a column; proposes the amount, the rarer of two values, or the commonest."""
    series = frame[column]
    known, unknown = series.drop_nulls(), series.null_count()
    if kind_of(series.dtype) in ("other", "date"):
        return TargetChoices(False, (), "", unknown, "Neither an amount nor one of a few values.")
    distinct = known.n_unique()
    if distinct < 2:
        problem = "It has one value only" if distinct else "It is empty"
        return TargetChoices(False, (), "", unknown, f"{problem}: nothing can be learned.")
    is_amount = series.dtype.is_numeric() and distinct > 2
    if not is_amount and len(known) > _LEAST_FOR_KEYS and distinct > _KEY_SHARE * len(known):
        problem = "Nearly every row has a value of its own, as keys and names have."
        return TargetChoices(False, (), "", unknown, problem)
    values: tuple[tuple[str, int], ...] = ()
    if not is_amount or distinct <= MOST_CHOICES:
        counts = as_text(known).value_counts().sort("count", column, descending=[True, False])
        values = tuple(counts.head(MOST_CHOICES).iter_rows())
    chosen = "" if is_amount else values[1][0] if distinct == 2 else values[0][0]
    if distinct == 2 and values[0][1] == values[1][1]:
        chosen = max(value for value, _count in values)
    return TargetChoices(is_amount, values, chosen, unknown)


@dataclass(frozen=True)
class Measured:
    """A figure of one model on the test rows with its 95 % interval; ``None`` where it is not defined."""

    metric: str
    model: str
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Findings:
    """What a training found, as plain values that are stored with the model.

    ``against_base`` and ``against_simple`` are paired improvements in ``metric`` (positive is better) of the
    model that is used over the mean, and of the trees over the simple model. ``inputs`` describe the columns
    that are used: kind, and values or range in the training rows.
    """

    label: str
    column: str
    kind: str
    badge: str
    events: int
    rows: int
    test_rows: int
    split: str
    champion: str
    metric: str
    against_base: Mapping[str, float | None]
    against_simple: Mapping[str, float | None]
    figures: tuple[Measured, ...]
    importance: tuple[tuple[str, float], ...]
    left_out: tuple[tuple[str, str], ...]
    suspects: tuple[tuple[str, str], ...]
    inputs: tuple[Mapping[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Findings":
        """The findings that ``as_dict`` described."""
        pairs = {name: tuple(map(tuple, plain[name])) for name in ("importance", "left_out", "suspects")}
        figures = tuple(Measured(**figure) for figure in plain["figures"])
        return cls(**{**plain, **pairs, "figures": figures, "inputs": tuple(plain["inputs"])})

    @property
    def is_better(self) -> bool:
        """Whether the model is shown to be better than always predicting the mean."""
        low = self.against_base.get("low")
        return low is not None and low > 0

    @property
    def verdict(self) -> str:
        """Whether the model is worth using, in words."""
        if self.is_better:
            told = f"Better than always predicting the mean: {self._gain(self.against_base)}."
        else:
            told = (
                f"Not shown to be better than always predicting the mean: {self._gain(self.against_base)}. "
                "Do not act on these predictions."
            )
        if self.suspects:
            told += " But do not trust this before the warning above is settled."
        return told

    @property
    def choice(self) -> str:
        """Which of the two models is used, and why, in words."""
        gain = self._gain(self.against_simple)
        if self.champion == TREES:
            return f"The trees are used: they beat the simple model ({gain})."
        return f"The simple model is used: the trees are not shown to be better ({gain})."

    def _gain(self, fields: Mapping[str, float | None]) -> str:
        value, low, high = (fields.get(name) for name in ("value", "low", "high"))
        told = f"improvement in {self.metric} {figure(value)}"
        return told if low is None else f"{told}, 95 % interval {figure(low)} to {figure(high)}"


def figure(value: float | None) -> str:
    """A number as people read it; – where there is none."""
    if value is None or value != value:
        return "–"
    size = abs(value)
    shown = f"{size:,.0f}" if size >= 1000 else f"{size:,.1f}" if size >= 100 else f"{size:.3g}"
    shown = f"{size:.4f}" if 0 < size < 0.01 and size >= 0.00005 else shown if size >= 0.00005 else "0"
    return f"−{shown}" if value < 0 and shown != "0" else shown


def findings_of(report: Report, model: TabularModel, frame: pl.DataFrame) -> Findings:
    """The findings of a training on the rows of ``frame``."""
    found, champion, metric = report.evaluation, report.decision.champion, report.decision.metric
    simple = found.difference(TREES, LINEAR, metric)
    return Findings(
        label=report.target.label,
        column=report.target.column,
        kind=report.target.kind,
        badge=report.badge,
        events=report.events,
        rows=report.rows,
        test_rows=report.test_rows,
        split=report.split,
        champion=champion,
        metric=metric,
        against_base=found.difference(champion, BASE, metric).as_dict(),
        against_simple=simple.as_dict(),
        figures=tuple(_figures(found)),
        importance=tuple((name, float(size)) for name, size in report.importance.iter_rows()),
        left_out=tuple((left.column, left.reason) for left in report.left_out),
        suspects=tuple((suspect.column, suspect.sentence) for suspect in report.suspects),
        inputs=tuple(inputs_of(model, frame)),
    )


def _figures(found: Evaluation) -> list[Measured]:
    result = []
    for metric in found.scores["metric"].unique(maintain_order=True):
        for model in (*found.models, *found.baselines):
            fields = found.score(model, metric).as_dict()
            result.append(Measured(metric, model, fields["value"], fields["low"], fields["high"]))
    return result


def calibration(test: pl.DataFrame, bins: int = 10) -> pl.DataFrame:
    """Rows of ``actual`` (0 or 1) and ``predicted`` in groups of equal size: means, share, its interval.

    Columns: ``predicted``, ``happened``, ``low``, ``high`` (95 %, Wilson), ``rows``.
    """
    z = 1.96
    if test.is_empty():
        return pl.DataFrame(
            schema=dict.fromkeys(("predicted", "happened", "low", "high"), pl.Float64) | {"rows": pl.Int64}
        )
    count = max(1, min(bins, test.height // 10))
    n, p = pl.col("rows"), pl.col("happened")
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (p * (1 - p) / n + z**2 / (4 * n**2)).sqrt()
    return (
        test.sort("predicted")
        .with_columns(bin=(pl.int_range(pl.len()) * count // pl.len()))
        .group_by("bin", maintain_order=True)
        .agg(
            predicted=pl.col("predicted").mean(),
            happened=pl.col("actual").mean(),
            rows=pl.len().cast(pl.Int64),
        )
        .with_columns(low=(middle - half).clip(0, 1), high=(middle + half).clip(0, 1))
        .select("predicted", "happened", "low", "high", "rows")
    )


def inputs_of(model: TabularModel, frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The columns that a model uses, as inputs of a form: name, kind, and values or range of the rows."""
    encoder = model.encoder
    found: list[dict[str, Any]] = []
    for name in frame.columns:
        known = frame[name].drop_nulls() if name in encoder.columns else None
        if known is None:
            continue
        if name in encoder.numbers:
            numbers = known.cast(pl.Float64)
            numbers = numbers.filter(numbers.is_finite())
            whole = bool(known.dtype.is_integer())
            found.append(
                {"name": name, "kind": "number", "low": _float(numbers.min()), "high": _float(numbers.max()),
                 "whole": whole}
            )  # fmt: skip
        elif name in encoder.codes:
            found.append({"name": name, "kind": "choice", "values": list(encoder.codes[name])})
        else:
            days = known.cast(pl.Date)
            found.append({"name": name, "kind": "date", "low": str(days.min()), "high": str(days.max())})
    return found


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def what_if_values(row: pl.DataFrame, inputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values of one row as a form holds them: numbers, texts, ISO dates; ``None`` where missing."""
    values: dict[str, Any] = {}
    for given in inputs:
        series = row[given["name"]]
        if given["kind"] == "number":
            value: Any = series.cast(pl.Float64)[0]
            value = None if value is None or value != value else value
        else:
            value = series.cast(pl.Date if given["kind"] == "date" else pl.String)[0]
            value = value.isoformat() if isinstance(value, dt.date) else value
        values[given["name"]] = value
    return values


def what_if_row(values: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """One row to be scored, from the values of a form; what cannot be read counts as missing."""
    types = {"number": pl.Float64(), "choice": pl.String(), "date": pl.Date()}
    row = {}
    for given in inputs:
        value = values.get(given["name"])
        if given["kind"] == "number":
            read: Any = float(value) if isinstance(value, int | float) else None
        elif given["kind"] == "date":
            read = _day(value)
        else:
            read = None if value is None else str(value)
        row[given["name"]] = pl.Series([read], dtype=types[given["kind"]])
    return pl.DataFrame(row)


def _day(value: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


def outside(values: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sentences on the values that no row had: what is predicted there is a guess."""
    told = []
    for given in inputs:
        value = values.get(given["name"])
        if value is None or given["kind"] == "choice" or given.get("low") is None:
            continue
        if given["low"] <= value <= given["high"]:
            continue
        ends = [
            figure(given[end]) if given["kind"] == "number" else str(given[end]) for end in ("low", "high")
        ]
        told.append(f"{given['name']}: the rows have {ends[0]} to {ends[1]}.")
    return told


def told_score(score: float, low: float, high: float, kind: str) -> tuple[str, str]:
    """A score and its interval as people read them."""
    if kind == "chance":
        return f"{score:.1%}", f"{low:.1%} to {high:.1%}"
    return figure(score), f"{figure(low)} to {figure(high)}"


def interval_meaning(kind: str) -> str:
    """What the interval of a score says."""
    if kind == "chance":
        return "The interval is the mean error of such probabilities on the test rows."
    return "The interval held 80 % of the test rows."


def main_reasons(explanation: Explanation, most: int = 3) -> str:
    """The strongest reasons of a score as one text."""
    told = [part.sentence for part in explanation.contributions[:most] if abs(part.value) > 0]
    return " ".join(told)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else text[:23].rstrip() + "…"
