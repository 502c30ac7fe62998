"""Sales forecasts from and to the database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import polars as pl

from core.database.base import Database
from core.days import to_date
from core.errors import MissingDataError
from core.evaluation import Evaluation
from core.jobs.registry import JobError, Progress
from core.models.card import Decision, ModelCard, fingerprint
from core.models.ladder import Rung, badge
from core.models.model import Model
from core.models.sales import LEAST_PERIODS, SalesForecaster, backtest_sales
from core.models.sales.backtest import month_cutoffs
from core.models.sales.periods import SETTLED_DAYS
from core.snapshots import order_span

_DAYS_PER_MONTH = 30


def train(
    database: Database,
    *,
    as_of_day: int,
    horizon: int,
    terms_days: int,  # noqa: ARG001 - all jobs take the same
    progress: Progress,
) -> tuple[SalesForecaster, ModelCard]:
    """A forecaster of as many months as the horizon has, trained on the sales before the as-of day."""
    progress("Reading sales", 0.0)
    daily = database.query("models/revenue_daily", as_of_day=as_of_day)
    model = SalesForecaster(periods=months_of(horizon)).fit(
        daily, as_of_day=as_of_day, by_first_month=_by_first_month(database, as_of_day), progress=progress
    )
    choice = model.choices_[0]
    known = model.history_.periods
    step = _rung(known)
    quality = model.quality().row(0, named=True)
    decision = None
    if choice.challenger is not None:
        decision = Decision(
            choice.champion, choice.challenger, choice.simple, "WAPE", choice.difference.as_dict(),
            choice.reason(),
        )  # fmt: skip
    card = ModelCard(
        task=SalesForecaster.task,
        horizon_days=horizon,
        as_of_day=as_of_day,
        trained_rows=daily.height,
        events=known,
        rung=int(step),
        badge=badge(step),
        champion=choice.champion,
        decision=decision,
        metrics={
            "WAPE total": _value(quality["wape"]),
            "coverage 80 %": _value(quality["coverage80"]),
            "coverage 95 %": _value(quality["coverage95"]),
        },
        baselines={choice.simple: {"WAPE total": _value(quality["wape_simple"])}},
        features=model.names_,
        fingerprint=fingerprint(daily, settings={"as_of_day": as_of_day, "horizon": horizon}),
        notes=tuple(_notes(model)),
    )
    return model, card


def score(
    database: Database,
    model: Model,
    *,
    as_of_day: int,
    terms_days: int,  # noqa: ARG001
    progress: Progress,
) -> pl.DataFrame:
    """The forecast of the total and of each product line; see ``SalesForecaster.score``."""
    if not isinstance(model, SalesForecaster):
        raise TypeError(f"A sales forecaster was expected, not {type(model).__name__}.")
    progress("Forecasting", 0.5)
    return model.score(database.query("models/revenue_daily", as_of_day=as_of_day), as_of_day=as_of_day)


def backtest(
    database: Database,
    *,
    horizon: int,
    cutoffs: Sequence[int] | None,
    terms_days: int,  # noqa: ARG001
    progress: Progress,
) -> Evaluation:
    """Forecasts at past cutoffs (by default first days of months) beside what came."""
    first, last = order_span(database)
    periods = months_of(horizon)
    days = sorted(cutoffs) if cutoffs else month_cutoffs(first, last, periods)
    if not days:
        raise JobError(
            f"The orders reach from {to_date(first)} to {to_date(last)}: a backtest needs a year and "
            f"{periods} whole months.",
            "Choose a shorter --horizon, or give --cutoffs.",
        )
    daily = database.query("models/revenue_daily", as_of_day=last + 1)
    return backtest_sales(daily, days, periods, progress=progress)


def months_of(horizon: int) -> int:
    """Whole months that a horizon in days is about."""
    return max(1, round(horizon / _DAYS_PER_MONTH))


def _by_first_month(database: Database, as_of_day: int) -> pl.DataFrame | None:
    try:
        return database.query("models/revenue_by_first_month", as_of_day=as_of_day)
    except MissingDataError:
        return None


def _rung(periods: int) -> Rung:
    """The step of the ladder, by whole months: two years bear fitted seasons, half a year anything."""
    if periods < LEAST_PERIODS:
        return Rung.BASE_RATE
    return Rung.SIMPLE if periods < 24 else Rung.MEAN


def _value(value: float | None) -> Mapping[str, float | None]:
    return {"value": value, "low": None, "high": None}


def _notes(model: SalesForecaster) -> Iterator[str]:
    known = model.history_
    yield (
        f"{known.periods} whole months from {known.grain.start(known.first):%Y-%m}; {known.names[0]} and "
        f"{len(known.names) - 1} product lines."
    )
    yield model.choices_[0].reason()
    if known.periods < 24:
        yield "Less than two years: no seasons are fitted; last year's values are shown if there is a year."
    yield (
        f"Orders of the last {SETTLED_DAYS} days count with {known.kept_share:.1%}, the share of what is "
        "ordered that is not cancelled later: the status of an order is not known as of a day."
    )
    if known.is_within_period:
        yield (
            f"The as-of day lies within a month, of which {known.remaining:.0%} of sales usually follow: "
            "what is known of it is added to the forecast of the rest."
        )
    share = asdict(model.new_share_)
    if share["windows"]:
        yield (
            f"New customers bring {share['mean']:.1%} of the sales of {share['months']} months "
            f"({share['low']:.1%} to {share['high']:.1%} in {share['windows']} past windows)."
        )
