"""The sales forecast: total and product lines by month or week, with intervals, and how good it was."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np
import param
import polars as pl

from core.errors import MissingDataError
from core.models.model import Model, Part, Parts, array, values
from core.models.sales import boosted, newcomers
from core.models.sales.intervals import LEVELS, Misses, adapted, recent_level, units
from core.models.sales.methods import BOOSTED, COMBINED, METHODS, candidates, simple_method
from core.models.sales.periods import GRAINS, TOTAL, Floats, Grain, History, history
from core.models.sales.reconcile import Reconciled, reconcile
from core.models.sales.rolling import Choice, choose, combination, is_constant, learn, roll

LEAST_PERIODS = 6
"""Whole periods without which a forecast is only the mean of the latest, without interval."""


class SalesForecaster(Model):
    """Forecasts of the total and of each product line.

    For each series the simple method (last year's value; before a year the mean of the last three periods)
    stays unless ETS, theta, growth, boosted lags or their mean beat it in a rolling backtest with an interval
    above zero. Total and product lines are then reconciled, and conformal intervals laid around them.
    """

    task: ClassVar[str] = "sales"

    grain: param.Selector = param.Selector(
        default="month", objects=list(GRAINS), doc="Length of the periods: month or week."
    )
    periods = param.Integer(default=3, bounds=(1, 36), doc="Whole periods to forecast.")

    def fit(
        self,
        daily: pl.DataFrame,
        *,
        as_of_day: int,
        by_first_month: pl.DataFrame | None = None,
        progress: Callable[[str, float], None] = lambda _what, _fraction: None,
    ) -> Self:
        """Learn from the sales before ``as_of_day``.

        Parameters
        ----------
        daily
            order_day, product_line, revenue (without cancelled orders) and ``ordered`` (with them).
        by_first_month
            order_month, first_order_month (yyyymm), revenue: for the share of new customers.

        Raises
        ------
        MissingDataError
            There is no whole period before the as-of day.
        """
        known = history(daily, as_of_day, self._grain)
        if known.periods == 0:
            raise MissingDataError(
                f"There is no whole {self.grain} with sales before the as-of date, so there is nothing to "
                "forecast from.",
                "Choose a later date, or load more orders.",
                ("stg_sales",),
            )
        progress("Testing methods on past periods", 0.1)
        season, steps = self._grain.season, self.periods + 1
        self.names_: tuple[str, ...] = known.names
        self.history_ = known
        self.has_returns_ = bool((known.values < 0).any())
        rolled = roll(known.values, season, known.first, steps)
        self.choices_ = [choose(rolled, row, season, known.periods) for row in range(len(known.names))]
        progress("Learning from all periods", 0.7)
        self.parameters_ = [self._learn(choice, row) for choice, row in self._pairs(known.values)]
        needs_trees = any(choice.champion in (BOOSTED, COMBINED) for choice in self.choices_)
        self.booster_ = (
            boosted.train(known.values, season, known.first, steps)
            if needs_trees and known.periods >= boosted.least_periods(season)
            else b""
        )
        base = np.stack(
            [
                rolled.forecasts[choice.champion][:, row]
                if choice.champion in rolled.forecasts
                else np.full(rolled.actual[:, row].shape, np.nan)
                for row, choice in enumerate(self.choices_)
            ],
            axis=1,
        )
        errors = base - rolled.actual
        counts = np.isfinite(errors).sum(axis=(0, 2))
        self.variance_ = np.where(counts > 1, np.nansum(errors**2, axis=(0, 2)) / np.maximum(counts, 1), 0.0)
        self.misses_ = self._misses(base, rolled.actual, rolled.ends, known.values)
        self.radii_, self.coverage_, self.judged_ = adapted(self.misses_)
        self.new_share_ = (
            newcomers.new_customer_share(by_first_month, _month_of(known), self._months())
            if by_first_month is not None
            else newcomers.NewShare(self._months(), np.nan, np.nan, np.nan, 0)
        )
        return self

    @property
    def _grain(self) -> Grain:
        return GRAINS[self.grain]

    def _months(self) -> int:
        return self.periods if self.grain == "month" else max(1, round(self.periods * 7 / 30.4))

    def _pairs(self, table: Floats) -> list[tuple[Choice, Floats]]:
        return list(zip(self.choices_, table, strict=True))

    def _learn(self, choice: Choice, row: Floats) -> dict[str, dict[str, Any]]:
        """Parameters of the champion, or of all that the mean of all needs, by method."""
        names = [choice.champion]
        if choice.champion == COMBINED:
            names = [method.name for method in candidates(len(row), self._grain.season)]
        return {name: learn(name, row, self._grain.season) for name in names}

    def _misses(self, base: Floats, actual: Floats, ends: tuple[int, ...], table: Floats) -> Misses:
        score = np.full((len(table), len(ends), actual.shape[2]), np.nan)
        for place, end in enumerate(ends):
            if not np.isfinite(base[place]).all():
                continue
            forecast = self._reconciled(base[place]).values
            level = recent_level(table[:, :end], self._grain.season)[:, None]
            score[:, place] = np.abs(actual[place] - forecast) / units(forecast, level)
        return Misses(score, ends)

    def _reconciled(self, base: Floats) -> Reconciled:
        return reconcile(base, self.variance_, nonnegative=not self.has_returns_)

    def _base(self, known: History, steps: int) -> Floats:
        """Forecasts of the champions from a history, before they are reconciled."""
        season = self._grain.season
        trees = (
            boosted.foretell(self.booster_, known.values, season, known.first, steps)
            if self.booster_ and known.periods >= boosted.least_periods(season)
            else None
        )
        found = np.zeros((len(known.names), steps))
        for row, (choice, table) in enumerate(self._pairs(known.values)):
            if is_constant(table):
                found[row] = table[-1]
            elif choice.champion == BOOSTED and trees is not None:
                found[row] = trees[row]
            else:
                parts = [
                    METHODS[name].foretell(table, season, parameters, steps)
                    for name, parameters in sorted(self.parameters_[row].items())
                    if name in METHODS and known.periods >= METHODS[name].least(season)
                ] or [simple_method(known.periods, season).foretell(table, season, {}, steps)]
                if choice.champion == COMBINED and trees is not None:
                    parts.append(trees[row])
                mixed = combination(parts)
                found[row] = parts[0] if mixed is None else mixed
        return found

    def forecast(self, daily: pl.DataFrame, *, as_of_day: int) -> tuple[pl.DataFrame, Reconciled]:
        """The forecast from all sales before a day, and how it was reconciled; see ``score``."""
        known = self._aligned(history(daily, as_of_day, self._grain))
        steps = self.periods + int(known.is_within_period)
        season = self._grain.season
        result = self._reconciled(self._base(known, steps))
        simple = simple_method(known.periods, season)
        baseline = np.stack([simple.foretell(row, season, {}, steps) for row in known.values])
        level = recent_level(known.values, season)[:, None]
        # Of the current period only what is left of it is uncertain.
        left = np.ones(steps)
        done = np.zeros_like(result.values)
        if known.is_within_period:
            left[0], done[:, 0] = known.remaining, known.observed
        centre = done + left * result.values
        reach = self.radii_
        columns: dict[str, Any] = {
            "series": np.repeat(known.names, steps),
            "month": [self._grain.start(known.next + step) for step in range(steps)] * len(known.names),
            "as_of_day": np.full(centre.size, as_of_day),
            "forecast": centre.ravel(),
        }
        for column, share in enumerate(LEVELS):
            wide = left * units(result.values, level) * reach[:, column][:, None]
            low = centre - wide
            if not self.has_returns_:
                low = np.maximum(low, np.minimum(done, centre))
            columns[f"low{share:.0%}".rstrip("%")] = low.ravel()
            columns[f"high{share:.0%}".rstrip("%")] = (centre + wide).ravel()
        columns["baseline"] = (done + left * baseline).ravel()
        columns["observed"] = done.ravel()
        columns["method"] = np.repeat([choice.champion for choice in self.choices_], steps)
        return pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None)), result

    def score(self, daily: pl.DataFrame, *, as_of_day: int) -> pl.DataFrame:  # type: ignore[override]
        """The forecast of every series and period from the as-of day on.

        Parameters
        ----------
        daily
            As for ``fit``; rows on or after the as-of day are ignored.

        Returns
        -------
        polars.DataFrame
            series ("total" first, then product lines, which add up to it), month (first day of the period),
            as_of_day, forecast, low80, high80, low95, high95 (null with too few past forecasts), baseline
            (the simple method), observed (what the current period already brought; it is part of the
            forecast) and method. The current period comes first if the as-of day is not its first day.
        """
        return self.forecast(daily, as_of_day=as_of_day)[0]

    def _aligned(self, known: History) -> History:
        """The history with the series this model knows; product lines that came later count in the total."""
        if known.names == self.names_:
            return known
        place = {name: row for row, name in enumerate(known.names)}
        width = known.periods
        table = np.zeros((len(self.names_), width))
        observed = np.zeros(len(self.names_))
        for row, name in enumerate(self.names_):
            if name in place:
                table[row], observed[row] = known.values[place[name]], known.observed[place[name]]
        return History(
            known.grain, self.names_, known.first, table, observed, known.remaining, known.kept_share,
            known.as_of_day,
        )  # fmt: skip

    def quality(self) -> pl.DataFrame:
        """How good the forecast of each series was in the past.

        Returns
        -------
        polars.DataFrame
            series, method, simple, reason, wape and wape_simple (over past origins; null if not compared),
            coverage80 and coverage95 (measured), judged80 and judged95 (past forecasts they come from).
        """
        rows = []
        for row, (name, choice) in enumerate(zip(self.names_, self.choices_, strict=True)):
            rows.append(
                {
                    "series": name,
                    "method": choice.champion,
                    "simple": choice.simple,
                    "reason": choice.reason(),
                    "wape": choice.errors.get(choice.champion),
                    "wape_simple": choice.errors.get(choice.simple),
                    "coverage80": float(self.coverage_[row, 0]),
                    "coverage95": float(self.coverage_[row, 1]),
                    "judged80": int(self.judged_[row, 0]),
                    "judged95": int(self.judged_[row, 1]),
                }
            )
        return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col(pl.Float64).fill_nan(None))

    def save(self) -> Parts:
        """Plain values, arrays, and the booster in XGBoost's own format where there is one."""
        choices = [_plain(asdict(choice)) for choice in self.choices_]
        share = _plain(asdict(self.new_share_))
        parts: Parts = {
            "parameters": {
                "grain": self.grain, "periods": self.periods, "names": list(self.names_),
                "has_returns": self.has_returns_, "choices": choices, "learned": self.parameters_,
                "new_share": share, "as_of_day": self.history_.as_of_day,
            },
            "variance": self.variance_,
            "radii": self.radii_,
            "coverage": self.coverage_,
            "judged": self.judged_,
        }  # fmt: skip
        if self.booster_:
            parts["booster"] = self.booster_
        return parts

    @classmethod
    def load(cls, parts: Mapping[str, Part]) -> Self:
        """The model that ``save`` took apart."""
        from core.evaluation import Estimate

        plain = values(parts["parameters"])
        model = cls(grain=plain["grain"], periods=plain["periods"])
        model.names_ = tuple(plain["names"])
        model.has_returns_ = plain["has_returns"]
        model.choices_ = [
            Choice(**_missing_to_nan(one) | {"difference": Estimate(**_missing_to_nan(one["difference"]))})
            for one in plain["choices"]
        ]
        model.parameters_ = [dict(one) for one in plain["learned"]]
        model.new_share_ = newcomers.NewShare(**_missing_to_nan(plain["new_share"]))
        model.variance_ = array(parts["variance"])
        model.radii_ = array(parts["radii"])
        model.coverage_, model.judged_ = array(parts["coverage"]), array(parts["judged"])
        raw = parts.get("booster", b"")
        model.booster_ = raw if isinstance(raw, bytes) else b""
        return model


def _month_of(known: History) -> int:
    """The month that the next period begins in."""
    start = known.grain.start(known.next)
    return start.year * 12 + start.month - 1


def _plain(value: Any) -> Any:
    """A value for JSON, in which what is not a number is null."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _missing_to_nan(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: float("nan") if value is None and name != "challenger" else value
        for name, value in plain.items()
    }


__all__ = ["TOTAL", "SalesForecaster"]
