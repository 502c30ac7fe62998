"""What the Sales page says: forecasts beside what came, spend of customers, and how the two agree."""

import datetime as dt
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.days import to_day
from core.models.sales.newcomers import new_customer_share
from core.models.sales.periods import TOTAL
from core.models.sales.reconcile import CustomerFactor, reconcile_customers
from core.models.sales.window import sales_within
from core.predictions.reasons import first_reasons

HORIZON = 90
"""Days ahead where nothing else is known."""

SLOWER, FASTER = 0.5, 1.25
"""Against the pace of the last year: below the first a customer is called slower, above the second faster."""

BANDS = ("low80", "high80", "low95", "high95")
_EDGES = (0.0, *(step * 10.0**power for power in range(1, 9) for step in (1, 2.5, 5)))


def series_of(forecast: pl.DataFrame, lines: Sequence[str]) -> str:
    """The series to show: the product line that is chosen, if it is one and is forecast; else the total."""
    known = set(forecast["series"].to_list()) if forecast.height else set()
    return lines[0] if len(lines) == 1 and lines[0] in known else TOTAL


def forecast_beside_sales(
    forecast: pl.DataFrame, sold: pl.DataFrame, *, predicted_on: dt.date, data_end: dt.date, back: int = 24
) -> pl.DataFrame:
    """The forecast of one series, the months before it, and what came after it.

    Parameters
    ----------
    forecast
        Rows of one series of the score table of the task sales.
    sold
        month (first day) and sold (revenue, currency) of all that is known by ``data_end`` (exclusive).
    back
        Months before the day of the prediction.

    Returns
    -------
    month, sold (whole months before the day of the prediction; 0 where nothing was), after (whole months from
    it on, and the one before so that a line goes on), forecast, low80, high80, low95, high95, baseline and
    observed (what the month had brought by that day; null in later months); nulls where there is nothing.
    """
    start = predicted_on.replace(day=1)
    first = _months_later(start, -back)
    begun = sold["month"].min()
    first = max(first, begun) if isinstance(begun, dt.date) else start
    ahead = forecast["month"].max()
    last = max(ahead, start) if isinstance(ahead, dt.date) else start
    months = pl.DataFrame({"month": pl.date_range(first, last, "1mo", eager=True)})
    before = pl.col("month") < start
    is_whole = pl.col("month").dt.offset_by("1mo") <= data_end
    amount = pl.when(is_whole).then(pl.col("sold").fill_null(0.0))
    begun_by_then = (pl.col("month") == start) & (predicted_on > start)
    joins_on = pl.col("month") == _months_later(start, -1)
    return (
        months.join(sold.select("month", "sold"), on="month", how="left", maintain_order="left")
        .join(
            forecast.select("month", "forecast", *BANDS, "baseline", "observed"),
            on="month",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            sold=pl.when(before).then(amount),
            after=pl.when(~before | joins_on).then(amount),
            observed=pl.when(begun_by_then).then("observed"),
        )
    )


def months_hit(shown: pl.DataFrame) -> dict[str, tuple[int, int]]:
    """How many of the months that are over came within the bands: by level ("80", "95") (within, months)."""
    over = shown.filter(pl.col("forecast").is_not_null(), pl.col("after").is_not_null())
    found = {}
    for level in ("80", "95"):
        rows = over.drop_nulls([f"low{level}"])
        inside = rows["after"].is_between(rows[f"low{level}"], rows[f"high{level}"])
        found[level] = (int(inside.sum()), rows.height)
    return found


def series_ahead(forecast: pl.DataFrame, sold: pl.DataFrame, *, data_end: dt.date) -> pl.DataFrame:
    """The months ahead of each series taken together.

    Parameters
    ----------
    forecast
        The score table of the task sales of one day.
    sold
        series, month and sold of all that is known by ``data_end`` (exclusive).

    Returns
    -------
    series, first and last (months), months, forecast, low80, high80 (the bounds of the months added up: at
    least as wide as an 80 % interval of the sum), baseline, came (null until all months are over), method;
    the largest forecast first, without the total.
    """
    came = (
        forecast.select("series", "month")
        .join(sold.select("series", "month", "sold"), on=["series", "month"], how="left")
        .with_columns(
            sold=pl.when(pl.col("month").dt.offset_by("1mo") <= data_end).then(pl.col("sold").fill_null(0.0))
        )
    )
    sums = [_whole_sum(name) for name in ("forecast", "low80", "high80", "baseline")]
    return (
        forecast.join(came, on=["series", "month"], how="left")
        .group_by("series", maintain_order=True)
        .agg(
            pl.col("month").min().alias("first"),
            pl.col("month").max().alias("last"),
            pl.len().alias("months"),
            *sums,
            _whole_sum("sold").alias("came"),
            pl.col("method").first(),
        )
        .filter(pl.col("series") != TOTAL)
        .sort("forecast", descending=True)
    )


def _whole_sum(name: str) -> pl.Expr:
    """The sum, null if a part is."""
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name)


def measured_coverage(predictions: pl.DataFrame, series: str = TOTAL) -> dict[str, tuple[int, int]]:
    """How many months of the backtest fell within the bands of a series: by level (within, months)."""
    found = {}
    for level in ("80", "95"):
        names = [f"low{level}", f"high{level}"]
        if not {"series", "actual", *names} <= set(predictions.columns):
            continue
        rows = predictions.filter(pl.col("series") == series).drop_nulls(["actual", *names])
        found[level] = (int(rows["actual"].is_between(rows[names[0]], rows[names[1]]).sum()), rows.height)
    return found


def new_share_by_month(by_first_month: pl.DataFrame, *, as_of: dt.date, months: int = 3) -> pl.DataFrame:
    """The share of revenue that customers bring who order for the first time within a window of months.

    Parameters
    ----------
    by_first_month
        order_month, first_order_month (yyyymm) and revenue, as ``models/revenue_by_first_month`` gives them.

    Returns
    -------
    month (the last of the window), revenue, new_revenue (currency), share; whole months before ``as_of``,
    from a year after the first order on, since before that everybody is new.
    """
    number = {
        name: (pl.col(name) // 100) * 12 + pl.col(name) % 100 - 1
        for name in ("order_month", "first_order_month")
    }
    rows = by_first_month.select(
        *(value.cast(pl.Int64).alias(name) for name, value in number.items()),
        pl.col("revenue").fill_null(0.0),
    )
    if rows.is_empty():
        return _no_shares()
    begun = int(rows["order_month"].min()) + 12  # type: ignore[arg-type]
    ends = range(begun + months - 1, as_of.year * 12 + as_of.month - 1)
    found = []
    for end in ends:
        start = end - months + 1
        inside = rows.filter(pl.col("order_month").is_between(start, end))
        whole = float(inside["revenue"].sum())
        fresh = float(inside.filter(pl.col("first_order_month") >= start)["revenue"].sum())
        found.append(
            (dt.date(end // 12, end % 12 + 1, 1), whole, fresh, fresh / whole if whole > 0 else None)
        )
    return pl.DataFrame(found, schema=_no_shares().schema, orient="row")


def _no_shares() -> pl.DataFrame:
    return pl.DataFrame(
        schema={"month": pl.Date, "revenue": pl.Float64, "new_revenue": pl.Float64, "share": pl.Float64}
    )


@dataclass(frozen=True)
class Agreement:
    """The expected spend of customers beside the sales forecast of the same days.

    ``factor`` holds the forecast, the share of new customers, the sum over customers and what it is
    multiplied by; ``new_low`` and ``new_high`` bound the share of new customers in past windows (nan where
    unknown).
    """

    factor: CustomerFactor
    new_low: float
    new_high: float
    horizon: int

    @property
    def is_known(self) -> bool:
        """Whether there is a forecast that reaches to the end of the horizon."""
        return not math.isnan(self.factor.sales)


def agreement(
    spend: pl.DataFrame, forecast: pl.DataFrame, by_first_month: pl.DataFrame | None, *, as_of: dt.date,
    horizon: int,
) -> tuple[pl.DataFrame, Agreement]:  # fmt: skip
    """``spend`` (score of each customer) with ``adjusted``, which agrees with the forecast, and by what.

    The share of new customers is that of past windows as long as the horizon; where it is not known, none.
    ``adjusted`` is null where the forecast does not reach to the end of the horizon.
    """
    day = to_day(as_of)
    months = max(1, round(horizon / 30.4))
    sales = sales_within(forecast, day, horizon) if forecast.height else math.nan
    share = (
        new_customer_share(by_first_month, as_of.year * 12 + as_of.month - 1, months)
        if by_first_month is not None and by_first_month.height
        else None
    )
    mean, low, high = (share.mean, share.low, share.high) if share else (math.nan, math.nan, math.nan)
    known_share = 0.0 if math.isnan(mean) else mean
    if math.isnan(sales):
        expected = float(spend["score"].fill_nan(None).fill_null(0.0).sum())
        unknown = CustomerFactor(sales, known_share, expected, math.nan)
        return spend.with_columns(adjusted=pl.lit(None, pl.Float64)), Agreement(unknown, low, high, horizon)
    adjusted, factor = reconcile_customers(
        spend.with_columns(adjusted=pl.col("score")), sales, known_share, "adjusted"
    )
    return adjusted, Agreement(factor, low, high, horizon)


def spend_to_act_on(spend: pl.DataFrame, outcomes: pl.DataFrame | None, *, horizon: int) -> pl.DataFrame:
    """The list of customers by expected spend.

    Parameters
    ----------
    spend
        Scores of the task spend beside what is known of each customer (``with_customers``) and ``adjusted``.
    outcomes
        ``outcomes_after`` of the day of the prediction, or None while the horizon is not over.

    Returns
    -------
    key, customer_name, country, owner, last_order (date), score, interval (text), low, high, adjusted,
    expected_orders, expected_order_value, pace (spend of the last year in as many days, currency),
    against_pace (ratio), step, reasons, reason (the first) and came (revenue after; null while not over);
    the largest score first.
    """
    frame = spend.with_columns(
        last_order=pl.from_epoch(pl.col("last_order_day").cast(pl.Int32), time_unit="d"),
        pace=pl.col("revenue_365") * horizon / 365,
    ).with_columns(against_pace=pl.when(pl.col("pace") > 0).then(pl.col("score") / pl.col("pace")))
    ratio = pl.col("against_pace")
    step = (
        pl.when(ratio.is_null())
        .then(pl.lit("Welcome: nothing was bought in the last year"))
        .when(ratio < SLOWER)
        .then(pl.lit("Call: expected to buy much less than last year"))
        .when(ratio > FASTER)
        .then(pl.lit("Offer: expected to buy more than last year"))
        .otherwise(pl.lit("Keep: about as last year"))
    )
    interval = pl.concat_str(_amount("low"), pl.lit(" to "), _amount("high"))
    frame = frame.with_columns(step=step, interval=interval, reason=first_reasons("reasons"))
    if outcomes is None:
        frame = frame.with_columns(came=pl.lit(None, pl.Float64))
    else:
        keys = pl.col("customer_id").cast(frame.schema["customer_id"])
        came = outcomes.select(keys, came="revenue")
        frame = frame.join(came, on="customer_id", how="left", maintain_order="left")
    return frame.sort("score", descending=True)


def _amount(name: str) -> pl.Expr:
    def told(value: float) -> str:
        return f"{value:,.0f}"

    return pl.col(name).map_elements(told, return_dtype=pl.String)


def spend_classes(scores: pl.Series, most: int = 14) -> pl.DataFrame:
    """How many customers are expected to spend how much, in classes of 1, 2.5, 5, 10, …

    Returns
    -------
    place, label, low, high (currency, high exclusive), customers, amount (sum expected).
    """
    values = scores.drop_nulls().to_numpy()
    if not len(values):
        return pl.DataFrame(schema={"label": pl.String, "customers": pl.Int64, "amount": pl.Float64})
    top = next((place for place, edge in enumerate(_EDGES) if edge > values.max()), len(_EDGES) - 1)
    edges = np.array(_EDGES[: top + 1])
    if len(edges) - 1 > most:  # the smallest classes are taken together
        edges = np.concatenate([[0.0], edges[-most:]])
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    count = len(edges) - 1
    counted = np.bincount(places, minlength=count)
    first = int(np.flatnonzero(counted)[0])
    return pl.DataFrame(
        {
            "place": np.arange(count),
            "label": [_between(low, high) for low, high in itertools.pairwise(edges)],
            "low": edges[:-1],
            "high": edges[1:],
            "customers": counted,
            "amount": np.bincount(places, weights=values, minlength=count),
        }
    )[first:]


def _between(low: float, high: float) -> str:
    return f"{_short(low)}–{_short(high)}"


def _short(value: float) -> str:
    for divisor, suffix in ((1e6, " M"), (1e3, " K")):
        if value >= divisor:
            return f"{value / divisor:g}{suffix}"
    return f"{value:g}"


def spend_by_country(people: pl.DataFrame) -> pl.DataFrame:
    """Expected spend by country: country, customers, expected, pace (currency), came; the largest first.

    ``people`` has the columns of ``spend_to_act_on``.
    """
    return (
        people.group_by("country")
        .agg(
            pl.len().alias("customers"),
            pl.col("score").sum().alias("expected"),
            pl.col("pace").sum(),
            pl.when(pl.col("came").null_count() < pl.len()).then(pl.col("came").sum()).alias("came"),
        )
        .sort("expected", "country", descending=[True, False])
    )


def spend_tenths(people: pl.DataFrame) -> pl.DataFrame:
    """Expected and actual spend per customer in tenths of the customers by expectation.

    Returns
    -------
    tenth ("1" is the lowest), customers, expected, came (means, currency); none while it is not over.
    """
    known = people.drop_nulls("came")
    if known.is_empty():
        return pl.DataFrame()
    groups = min(10, known.height)
    rank = pl.col("score").rank("ordinal") - 1
    return (
        known.with_columns(tenth=rank.cast(pl.Int64) * groups // known.height + 1)
        .group_by("tenth")
        .agg(
            pl.len().alias("customers"),
            pl.col("score").mean().alias("expected"),
            pl.col("came").mean(),
        )
        .sort("tenth")
        .with_columns(pl.col("tenth").cast(pl.String))
    )


def _months_later(day: dt.date, months: int) -> dt.date:
    number = day.year * 12 + day.month - 1 + months
    return dt.date(number // 12, number % 12 + 1, 1)
