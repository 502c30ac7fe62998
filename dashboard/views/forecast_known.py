"""What the views of the Sales page share: the stored forecast, what was sold, and the words on both."""

import datetime as dt

import polars as pl

from core.filters import SalesFilters
from core.model_store import open_model_store
from core.models.card import ModelCard
from core.models.sales.periods import TOTAL
from core.predictions import Scores, stored_backtest
from core.predictions.forecast import HORIZON, measured_coverage, series_of
from core.sales_data import SalesData, load_sales, revenue_by_month
from dashboard import theme
from dashboard.session import Session


def card_of(session: Session, task: str) -> ModelCard | None:
    """The card of the model in use."""
    version = open_model_store(session.settings, session.database).active(task)
    return version.card if version else None


def horizon_of(session: Session, task: str) -> int:
    """The days ahead that the model in use looks."""
    card = card_of(session, task)
    if card is not None:
        return card.horizon_days
    judged = stored_backtest(session.database, task)
    return judged.horizon if judged else HORIZON


def bears_forecast(session: Session, task: str) -> bool:
    """Whether the data bear predictions; where they do not, only what was is shown."""
    card = card_of(session, task)
    return card is None or card.bears_predictions


def newest_sales(session: Session, sales: SalesData) -> SalesData:
    """All that is known by now, for what came after the as-of date."""
    return load_sales(session.database, None, terms_days=sales.terms_days)


def sold_by_series(newest: SalesData) -> pl.DataFrame:
    """series ("total" and product lines), month and sold (revenue, currency) of all that is known."""

    def make() -> pl.DataFrame:
        wanted = {TOTAL: SalesFilters()} | {
            line: SalesFilters(product_lines=[line]) for line in newest.product_lines
        }
        parts = [
            revenue_by_month(newest, filters).select(
                pl.lit(name).alias("series"), "month", pl.col("revenue").alias("sold")
            )
            for name, filters in wanted.items()
        ]
        return pl.concat(parts)

    return newest.once(("sold by series",), make)


def shown_series(found: Scores, filters: SalesFilters) -> str:
    """The series that the filters choose."""
    return series_of(found.frame, filters.values_of("product_line"))


def name_of(series: str) -> str:
    """A series as people call it."""
    return "all product lines" if series == TOTAL else series


def unused_filters(filters: SalesFilters, series: str) -> str:
    """Which filters the forecast of a series leaves out, in a sentence."""
    told = []
    lines = filters.values_of("product_line")
    if series == TOTAL and len(lines) > 1:
        told.append("Several product lines are chosen: the total is shown; choose one to see its forecast.")
    elif series == TOTAL and lines:
        told.append(f"There is no forecast of {lines[0]} of this date: the total is shown.")
    names = " or ".join(name.replace("_", " ") for name in filters.active() if name != "product_line")
    if names:
        told.append(f"Not filtered by {names}: forecasts are made for the total and for product lines.")
    return " ".join(told)


def coverage_said(session: Session, series: str) -> str:
    """How often the bands held in the backtest, in a sentence; empty if it was not measured."""
    judged = stored_backtest(session.database, "sales")
    if judged is None:
        return ""
    found = {
        level: pair for level, pair in measured_coverage(judged.predictions, series).items() if pair[1] > 0
    }
    if not found:
        return ""
    parts = [f"the {level} % band held {held} of {months}" for level, (held, months) in found.items()]
    return f"Measured on past dates: {' and '.join(parts)} months."


def between(low: float | None, high: float | None) -> str:
    """``1.90 M to 2.93 M``; says so where there is no interval."""
    if low is None or high is None:
        return "no interval: too few past forecasts"
    return f"{theme.compact_number(low)} to {theme.compact_number(high)}"


def has_seasons(sold: pl.DataFrame, predicted_on: dt.date) -> bool:
    """Whether there was a year of sales before a day, so that the baseline is last year's months."""
    begun = sold["month"].min()
    return isinstance(begun, dt.date) and begun <= predicted_on.replace(day=1, year=predicted_on.year - 1)
