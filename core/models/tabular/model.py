"""A model of any table: trees or a linear model, whichever the test rows justify."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import param
import polars as pl

from core.evaluation import Evaluation, evaluate
from core.evaluation.metrics import CLASSIFICATION, Metric
from core.models.boosting import Booster, train_classifier, train_regression
from core.models.card import Decision, decide
from core.models.explanation import Explanation, explanations, grouped
from core.models.ladder import Rung, badge, rung
from core.models.model import Model, Part, Parts, array, values
from core.models.tabular.columns import Encoder, LeftOut, make_encoder
from core.models.tabular.leaks import Suspect, suspects
from core.models.tabular.linear import Linear, train_linear
from core.models.tabular.split import split_rows
from core.models.tabular.target import Target, TargetError, make_target

Floats = npt.NDArray[np.float64]
TREES, LINEAR, BASE = "trees", "linear", "mean of the training rows"
LEAST_ROWS = 40


def _mean_absolute_error(y: Floats, p: Floats):  # type: ignore[no-untyped-def]
    error = np.abs(y - p)
    return lambda w: float((w * error).sum() / w.sum()) if w.sum() > 0 else float("nan")


def _r_squared(y: Floats, p: Floats):  # type: ignore[no-untyped-def]
    def measure(w: Floats) -> float:
        mean = (w * y).sum() / w.sum()
        spread = (w * (y - mean) ** 2).sum()
        return float(1 - (w * (y - p) ** 2).sum() / spread) if spread > 0 else float("nan")

    return measure


MAE = Metric("MAE", _mean_absolute_error, larger_is_better=False)
R_SQUARED = Metric("R²", _r_squared, larger_is_better=True)


@dataclass(frozen=True)
class Report:
    """What was found when a model of a table was trained.

    ``evaluation`` is that of the test rows; ``importance`` has ``column`` and ``importance``, the mean size
    of a column's contribution on the scale of the explanations, the largest first.
    """

    target: Target
    evaluation: Evaluation
    decision: Decision
    badge: str
    events: int
    rows: int
    test_rows: int
    split: str
    importance: pl.DataFrame
    left_out: tuple[LeftOut, ...]
    suspects: tuple[Suspect, ...]


class TabularModel(Model):
    """Predicts a column of a table from other columns.

    The linear model is used unless trees are better on the test rows with an interval above zero. The test
    rows are the latest quarter where the table has a date.
    """

    task: ClassVar[str] = "tabular"
    seed = param.Integer(default=0, bounds=(0, None), doc="Seed of everything drawn at random.")

    def __init__(self, **params: object) -> None:
        super().__init__(**params)
        self.target: Target
        self.encoder: Encoder
        self.linear: Linear
        self.trees: Booster | None = None
        self.champion = LINEAR
        self.tree_base = 0.0
        self.spread: Floats = np.zeros(2)

    def fit(
        self,
        frame: pl.DataFrame,
        target: str,
        columns: Sequence[str] | None = None,
        *,
        positive: object | None = None,
        date: str | None = None,
        group: str | None = None,
    ) -> Report:
        """Train on the table and say how good the model is.

        Parameters
        ----------
        columns
            Those to predict from; default: all but the target. ``date`` and ``group`` are used only if named.
        positive
            The value of the target whose probability is predicted.
        date, group
            The column that orders the rows in time, and the one whose rows belong together (a customer).

        Raises
        ------
        TargetError
            The target cannot be predicted: too few rows or events, one value, or no usable column.
        """
        known = frame.filter(pl.col(target).is_not_null()) if target in frame.columns else frame
        self.target = make_target(known, target, positive)
        y = self.target.values(known)
        events = int(min((y > 0).sum(), (y <= 0).sum())) if self.target.kind == "chance" else len(y)
        _require_enough(self.target, len(y), events)
        split = split_rows(known, date=date, group=group, seed=self.seed)
        chosen = [name for name in columns or known.columns if name not in (target, date, group)]
        chosen += [name for name in columns or () if name in (date, group) and name not in chosen]
        self.encoder, left_out = make_encoder(known[split.train], chosen)
        if not self.encoder.columns:
            raise TargetError("No column can be used to predict.", "Choose columns with more than one value.")
        x, names = self.encoder.encode(known)
        owner = known[group].rank("dense").fill_null(0).to_numpy() if group else np.arange(len(y))
        evaluation, decision = self._judged(x, y, names, owner, split.train, split.test)
        self.champion = decision.champion
        flagged = suspects(x, y, names, self.encoder, self.target.kind)
        # The figures above are of a model that never saw the test rows; the model that is used has seen all.
        self.linear, self.trees = self._trained(x, y, names, owner)
        self.tree_base = self.trees.contributions(x[:1])[1]
        return Report(
            self.target,
            evaluation,
            decision,
            badge(rung(events)),
            events,
            len(y),
            len(split.test),
            split.sentence,
            self._importance(x[split.test]),
            tuple(left_out),
            tuple(flagged),
        )

    def score(self, frame: pl.DataFrame) -> pl.DataFrame:
        """``score`` with ``low`` and ``high`` for each row.

        Of amounts the interval holds 80 % of outcomes like those of the test rows (split conformal, Lei et
        al. 2018); of chances it is the mean error of calibration on them.
        """
        x, _names = self.encoder.encode(frame)
        found = self._predict(self.linear, self.trees, x)
        low, high = found - self.spread[0], found + self.spread[1]
        if self.target.kind == "chance":
            low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
        return pl.DataFrame({"score": found, "low": low, "high": high})

    def explain(self, frame: pl.DataFrame) -> list[Explanation]:
        """Contributions by column that add up to each score: to its log-odds for a chance."""
        x, names = self.encoder.encode(frame)
        base, contributions = self._contributions(x)
        group_of = {name: self.encoder.column_of(name) for name in names}
        groups, sums = grouped(contributions, names, group_of)
        unit = self.target.column if self.target.kind == "amount" else "log-odds"
        given = {group: frame[group] for group in groups}
        return explanations(
            base,
            sums,
            groups,
            lambda row, group, by: _sentence(group, given[group][row], by, self.target),
            unit,
        )

    def save(self) -> Parts:
        about = {
            "target": self.target.as_dict(),
            "encoder": self.encoder.as_dict(),
            "champion": self.champion,
            "tree_base": self.tree_base,
            "seed": self.seed,
        }
        trees: Parts = {}
        if self.trees is not None:
            trees = {"trees": self.trees.raw, "tree_names": {"names": list(self.trees.names)}}
        return {"model": about, "spread": self.spread, **self.linear.save(), **trees}

    @classmethod
    def load(cls, parts: Mapping[str, Part]) -> Self:
        about = values(parts["model"])
        model = cls(seed=about["seed"])
        model.target = Target.from_dict(about["target"])
        model.encoder = Encoder.from_dict(about["encoder"])
        model.champion, model.tree_base = about["champion"], about["tree_base"]
        model.linear = Linear.load(parts, model.target.kind)
        model.spread = array(parts["spread"])
        if "trees" in parts:
            raw = parts["trees"]
            assert isinstance(raw, bytes)
            model.trees = Booster(raw, tuple(values(parts["tree_names"])["names"]))
        return model

    def _judged(
        self,
        x: Floats,
        y: Floats,
        names: tuple[str, ...],
        owner: npt.NDArray[np.int64],
        train: npt.NDArray[np.int64],
        test: npt.NDArray[np.int64],
    ) -> tuple[Evaluation, Decision]:
        linear, trees = self._trained(x[train], y[train], names, owner[train])
        frame = pl.DataFrame(
            {
                "cutoff_day": np.zeros(len(test), dtype=np.int64),
                "customer_id": owner[test],
                "actual": y[test],
                LINEAR: linear.predict(x[test]),
                TREES: trees.predict(x[test]),
                BASE: np.full(len(test), y[train].mean()),
            }
        )
        is_chance = self.target.kind == "chance"
        metrics = CLASSIFICATION if is_chance else {metric.name: metric for metric in (MAE, R_SQUARED)}
        evaluation = evaluate(
            frame, models=[LINEAR, TREES], baselines=[BASE], metrics=metrics, seed=self.seed
        )
        decision = decide(evaluation, simple=LINEAR, challenger=TREES, metric="Brier" if is_chance else "MAE")
        predicted = frame[decision.champion].to_numpy()
        if is_chance:
            error = evaluation.score(decision.champion, "ECE").value
            self.spread = np.array([error, error])
        else:
            size = float(np.quantile(np.abs(y[test] - predicted), 0.8)) if len(test) else 0.0
            self.spread = np.array([size, size])
        return evaluation, decision

    def _trained(
        self, x: Floats, y: Floats, names: tuple[str, ...], owner: npt.NDArray[np.int64]
    ) -> tuple[Linear, Booster]:
        train = train_classifier if self.target.kind == "chance" else train_regression
        return train_linear(x, y, self.target.kind), train(x, y, names, owner, seed=self.seed)

    def _predict(self, linear: Linear, trees: Booster | None, x: Floats) -> Floats:
        return trees.predict(x) if self.champion == TREES and trees is not None else linear.predict(x)

    def _contributions(self, x: Floats) -> tuple[float, Floats]:
        if self.champion == TREES and self.trees is not None:
            found, base = self.trees.contributions(x)
            return base, found
        return self.linear.intercept, self.linear.contributions(x)

    def _importance(self, x: Floats) -> pl.DataFrame:
        _base, contributions = self._contributions(x)
        names = self.encoder.encode(pl.DataFrame(schema=self._schema()))[1]
        groups, sums = grouped(contributions, names, {name: self.encoder.column_of(name) for name in names})
        sizes = np.abs(sums).mean(axis=0) if len(sums) else np.zeros(len(groups))
        return pl.DataFrame({"column": groups, "importance": sizes}).sort("importance", descending=True)

    def _schema(self) -> dict[str, pl.DataType]:
        """The columns that are needed, with types that will do."""
        return (
            dict.fromkeys(self.encoder.numbers, pl.Float64())
            | dict.fromkeys(self.encoder.codes, pl.String())
            | dict.fromkeys(self.encoder.dates, pl.Date())
        )


def _require_enough(target: Target, rows: int, events: int) -> None:
    if target.kind == "chance" and rung(events) == Rung.BASE_RATE:
        raise TargetError(
            f"Not enough data: {target.label} or not in only {events:,} rows, and 20 are needed of each.",
            "Choose another target, or collect more rows.",
        )
    if rows < LEAST_ROWS:
        raise TargetError(
            f"Not enough data: {rows:,} rows have a {target.column}, and {LEAST_ROWS} are needed.",
            "Choose another target, or collect more rows.",
        )


def _sentence(column: str, value: object, contribution: float, target: Target) -> str:
    way = "raises" if contribution >= 0 else "lowers"
    what = f"the chance that {target.label}" if target.kind == "chance" else f"the {target.column} expected"
    amount = f" by {_shown(abs(contribution))}" if target.kind == "amount" else ""
    given = "missing" if value is None else _shown(value)
    return f"{column} is {given}: {way} {what}{amount}."


def _shown(value: object) -> str:
    """A value as people write it; whole numbers below 10,000 may be years and have no separator."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if value == round(value, 0) or abs(value) >= 1_000:
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.0f}"
    return f"{value:.4g}"
