"""What a feature of a customer says in plain words: one statement each, without the verdict on it.

Everything is an expression over a snapshot, so that a million customers are told in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import polars as pl

from core.models.purchases.wording import (
    counted,
    days,
    decimal,
    equals,
    filled,
    finite,
    money,
    named,
    percent,
    times,
    whole,
    with_unit,
)

Described = Mapping[str, tuple[str, str, str]]
"""Features by name: label that reads well within a sentence, unit, group."""

CLOCK_FEATURES: Described = {
    "clock_recency": ("days since the last order, by the season", "days", "recency"),
    "clock_tenure": ("days since the first order, by the season", "days", "recency"),
    "clock_ahead": ("average days' worth of orders in the season ahead", "days", "season"),
    "clock_orders": ("orders to expect from the rhythm alone", "ratio", "rhythm"),
    "clock_silence": ("risk of silence from the rhythm alone", "share", "rhythm"),
}
"""What the operational clock of ``Rhythm`` adds to a snapshot."""

_NO_SECOND = "Has ordered on one day only"
_NO_ORDER = "No order in the last year"
_NONE_DUE = "No invoice has fallen due yet"
_NO_DATES = "No shipping dates are known"
_UNKNOWN = {
    "orders_trend": _NO_ORDER,
    "revenue_trend": "Bought nothing in the last year",
    "mean_order_value_365": _NO_ORDER,
    "order_value_cv": _NO_SECOND,
    "mean_gap_days": _NO_SECOND,
    "last_gap_days": _NO_SECOND,
    "recency_to_gap": _NO_SECOND,
    "gap_cv": "Has ordered on fewer than three days",
    "season_share": "Too few years of orders to tell the customer's season",
    "returned_share": "Nothing bought that could be returned",
    "open_orders": _NO_DATES,
    "unshipped_orders": _NO_DATES,
    "unshipped_share": "No order was due to be shipped yet",
    "mean_shipping_days": "Nothing was shipped yet",
    "last_shipping_days": "The last order is not shipped yet",
    "last_days_overdue": _NO_DATES,
    "late_delivery_share": "Nothing was shipped yet",
    "line_concentration": "No product line is known of what was bought",
    "main_line_share": "No product line is known of what was bought",
    "main_product_line": "No product line is known of what was bought",
    "discount": "No suggested prices are known of what was bought",
    "discount_365": "No suggested prices are known of what was bought in the last year",
    "late_share": _NONE_DUE,
    "late_share_365": "No invoice fell due in the last year",
    "mean_days_to_pay": "No invoice was paid yet",
    "mean_days_late": _NONE_DUE,
    "longest_days_late": _NONE_DUE,
    "overdue_share": "Nothing is unpaid",
    "days_since_payment": "No payment so far",
    "country": "The country is not known",
    "office_id": "No sales office is known",
    "credit_limit": "No credit limit is known",
    "calendar_sine": "Too few years of orders to tell the season",
    "calendar_cosine": "Too few years of orders to tell the season",
}
"""What is said where a value is null."""


def statement(
    names: Collection[str], described: Described, columns: Collection[str], horizon: int
) -> pl.Expr:
    """What features of the columns of a frame say, as one statement: "Last ordered 36 days ago".

    Features that belong together are told together: "Ordered 12 times so far, 3 times in the last year".
    A feature that is not known says so, unless another one is.

    Parameters
    ----------
    names
        Features to speak about; those that are not among ``columns`` are left out.
    described
        Features that are none of this product's are told by label and unit.
    horizon
        Days ahead that are predicted.

    Returns
    -------
    An expression; null where nothing is to be said.
    """
    told = [name for name in names if name in columns]
    together = _TOGETHER.get(tuple(told))
    if together is not None:
        return together()
    known = [_told(name, described, horizon) for name in told if name in described or name in CLOCK_FEATURES]
    return pl.concat_str(known, separator="; ", ignore_nulls=True) if known else pl.lit(None, pl.String)


def _told(name: str, described: Described, horizon: int) -> pl.Expr:
    label, unit, _group = (described if name in described else CLOCK_FEATURES)[name]
    value = pl.col(name)
    if name in _STATEMENTS:
        said = _STATEMENTS[name](value)
    elif name in _AHEAD:
        said = _AHEAD[name](value, horizon)
    else:
        said = pl.concat_str(pl.lit(f"{_capital(label)} is "), with_unit(value, unit))
    return pl.coalesce(said, pl.lit(_UNKNOWN.get(name, f"{_capital(label)} not known")))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


Told = Callable[[pl.Expr], pl.Expr]


def _as(template: str, form: Told = whole, zero: str = "", one: str = "") -> Told:
    """A feature told by a template; ``zero`` and ``one`` are said instead where the value is that."""

    def told(value: pl.Expr) -> pl.Expr:
        said = filled(template, form(value))
        for number, instead in ((0, zero), (1, one)):
            if instead:
                said = pl.when(equals(value, number)).then(pl.lit(instead)).otherwise(said)
        return said

    return told


def _either(above: str, below: str) -> Told:
    """One of two statements by the sign."""

    def told(value: pl.Expr) -> pl.Expr:
        number = finite(value)
        return pl.when(number > 0).then(pl.lit(above)).when(number <= 0).then(pl.lit(below))

    return told


def _compared(nothing: str, begun: str, template: str) -> Told:
    """Half a year against the one before, from their difference over their sum.

    ``nothing``: there was none in the last half year; ``begun``: none in the half year before.
    """

    def told(value: pl.Expr) -> pl.Expr:
        trend = finite(value)
        change = (2 * trend / (1 - trend) * 100).round(0)
        amount = whole(change.abs())
        return (
            pl.when(trend <= -1)
            .then(pl.lit(nothing))
            .when(trend >= 1)
            .then(pl.lit(begun))
            .when(change == 0)
            .then(filled(template, pl.lit("as much")))
            .when(change > 0)
            .then(filled(template, pl.concat_str(amount, pl.lit("% more"))))
            .when(change < 0)
            .then(filled(template, pl.concat_str(amount, pl.lit("% less"))))
        )

    return told


def _discount(template: str) -> Told:
    def told(value: pl.Expr) -> pl.Expr:
        share = (finite(value) * 100).round(0)
        return (
            pl.when(share == 0)
            .then(filled(template, pl.lit("as much as")))
            .when(share > 0)
            .then(filled(template, pl.concat_str(whole(share), pl.lit("% less than"))))
            .when(share < 0)
            .then(filled(template, pl.concat_str(whole(-share), pl.lit("% more than"))))
        )

    return told


def _lines(value: pl.Expr) -> pl.Expr:
    """Of the sum of squared shares: how many equal product lines would be as concentrated."""
    number = finite(value)
    count = decimal(1 / pl.when(number > 0).then(number))
    return (
        pl.when(count == "1.0")
        .then(pl.lit("All purchases are of one product line"))
        .otherwise(filled("Purchases are spread over about {} product lines", count))
    )


def _within(days: str, window: str) -> dict[str, Told]:
    return {
        f"orders_{days}": _as(
            f"Ordered {{}} times in the last {window}",
            zero=f"No order in the last {window}",
            one=f"Ordered once in the last {window}",
        ),
        f"revenue_{days}": _as(
            f"Bought for {{}} in the last {window}", money, zero=f"Bought nothing in the last {window}"
        ),
    }


_STATEMENTS: dict[str, Told] = {
    "recency_days": _as("Last ordered {} ago", days, zero="Ordered today"),
    "tenure_days": _as("First ordered {} ago", days, zero="First ordered today"),
    "orders": _as("Ordered {} times so far", zero="Has not ordered yet", one="Ordered once so far"),
    "order_days": _as(
        "Ordered on {} different days so far", zero="Has not ordered yet", one="Ordered on one day so far"
    ),
    **_within("30", "30 days"),
    **_within("90", "90 days"),
    **_within("180", "180 days"),
    **_within("365", "year"),
    "order_lines": _as("Ordered {} so far", lambda value: counted(value, "1 line", "lines")),
    "orders_trend": _compared(
        "No order in the last half year, but some in the half year before",
        "Ordered in the last half year, but not in the half year before",
        "Ordered {} in the last half year compared with the half year before",
    ),
    "revenue": _as("Bought for {} so far", money, zero="Bought nothing so far"),
    "mean_order_value": _as("An order comes to {} on average", money),
    "mean_order_value_365": _as("An order of the last year comes to {} on average", money),
    "last_order_value": _as("The last order came to {}", money),
    "largest_order_value": _as("The largest order came to {}", money),
    "order_value_cv": _as("Amounts of orders vary by {} around their mean", percent),
    "revenue_trend": _compared(
        "Bought nothing in the last half year, but something in the half year before",
        "Bought in the last half year, but nothing in the half year before",
        "Bought {} in the last half year compared with the half year before",
    ),
    "mean_gap_days": _as("Usually orders every {} days", zero="Usually orders every day",
                         one="Usually orders every day"),
    "last_gap_days": _as("The last two orders lie {} apart", days),
    "gap_cv": _as("Days between orders vary by {} around their mean", percent),
    "recency_to_gap": _as("Silent for {} times the usual gap between orders", decimal),
    "season_share": _as("{} of earlier orders fell into the season ahead", percent),
    "returned_amount": _as("Returned goods for {} so far", money, zero="Returned nothing so far"),
    "returned_share": _as("Returned {} of the amount bought", percent),
    "open_orders": _as("{} orders wait to be shipped", zero="No order waits to be shipped",
                       one="1 order waits to be shipped"),
    "unshipped_orders": _as("{} orders were never shipped", zero="Every due order was shipped",
                            one="1 order was never shipped"),
    "unshipped_share": _as("{} of due orders were never shipped", percent),
    "mean_shipping_days": _as("Orders are shipped after {} on average", days,
                              zero="Orders are shipped on the same day"),
    "last_shipping_days": _as("The last order was shipped after {}", days,
                              zero="The last order was shipped on the same day"),
    "last_days_overdue": _as("The last delivery was {} late", days, zero="The last delivery was in time"),
    "late_delivery_share": _as("{} of deliveries were late", percent),
    "product_lines": _as("Bought from {} product lines so far", one="Bought from 1 product line so far"),
    "product_lines_365": _as(
        "Bought from {} product lines in the last year", zero="Bought from no product line in the last year",
        one="Bought from 1 product line in the last year",
    ),
    "line_concentration": _lines,
    "main_line_share": _as("{} of the amount bought is of one product line", percent),
    "main_product_line": _as("Buys mostly {}", named),
    "discount": _discount("Paid {} today's suggested prices"),
    "discount_365": _discount("In the last year paid {} today's suggested prices"),
    "late_share": _as("{} of invoices were paid late", percent),
    "late_share_365": _as("{} of the last year's invoices were paid late", percent),
    "mean_days_to_pay": _as("Pays {} after the invoice on average", days,
                            zero="Pays on the day of the invoice"),
    "mean_days_late": _as("Pays {} past due on average", days, zero="Pays in time on average"),
    "longest_days_late": _as("At worst paid {} past due", days, zero="Never paid past due"),
    "outstanding": _as("Owes {}", money, zero="Owes nothing"),
    "overdue": _as("{} is past due", money, zero="Nothing is past due"),
    "overdue_share": _as("{} of the unpaid amount is past due", percent),
    "oldest_overdue_days": _as("The oldest unpaid invoice is {} past due", days,
                               zero="No unpaid invoice is past due"),
    "paid_365": _as("Paid {} in the last year", money, zero="Paid nothing in the last year"),
    "days_since_payment": _as("Last paid {} ago", days, zero="Paid today"),
    "country": _as("Based in {}", named),
    "office_id": _as("Served by sales office {}", named),
    "credit_limit": _as("The credit limit is {} today", money),
    "calendar_sine": _either("The days ahead lie in the first half of the year",
                             "The days ahead lie in the second half of the year"),
    "calendar_cosine": _either("The days ahead lie between October and March",
                               "The days ahead lie between April and September"),
    "clock_recency": _as("By the season the silence counts as {}", days),
    "clock_tenure": _as("By the season the first order lies {} back", days),
}  # fmt: skip


def _season(value: pl.Expr, horizon: int) -> pl.Expr:
    """How many average days the days ahead are worth."""
    start = f"The next {horizon} days are"
    ratio = finite(value) / horizon
    return (
        pl.when(ratio < 0.97)
        .then(filled(f"{start} a quiet season, worth {{}}", counted(value, "1 average day", "average days")))
        .when(ratio > 1.03)
        .then(filled(f"{start} a busy season, worth {{}}", counted(value, "1 average day", "average days")))
        .when(ratio.is_not_null())
        .then(pl.lit(f"{start} an average season"))
    )


_AHEAD: dict[str, Callable[[pl.Expr, int], pl.Expr]] = {
    "clock_ahead": _season,
    "clock_orders": lambda value, horizon: filled(
        f"The rhythm of earlier orders makes {{}} likely in the next {horizon} days",
        pl.concat_str(decimal(value), pl.lit(" orders")),
    ),
    "clock_silence": lambda value, horizon: filled(
        f"By the rhythm of earlier orders none follows in the next {horizon} days with a chance of {{}}",
        percent(value),
    ),
}
"""Features of the days ahead."""


def _since() -> pl.Expr:
    last, first = pl.col("recency_days"), pl.col("tenure_days")
    return (
        pl.when(last == first)
        .then(filled("Ordered on one day only, {} ago", days(last)))
        .otherwise(
            pl.concat_str(filled("Last ordered {} ago", days(last)), filled(", first {} ago", days(first)))
        )
    )


def _how_often() -> pl.Expr:
    year, every = pl.col("orders_365"), pl.col("orders")
    recent = (
        pl.when(year == every).then(pl.when(every > 1).then(pl.lit(", always in the last year"))
                                    .otherwise(pl.lit(", in the last year")))
        .when(year == 0).then(pl.lit(", but not in the last year"))
        .otherwise(filled(", {} in the last year", times(year)))
    )  # fmt: skip
    return pl.concat_str(filled("Ordered {} so far", times(every)), recent)


def _how_much() -> pl.Expr:
    year, mean = pl.col("revenue_365"), pl.col("mean_order_value")
    return pl.concat_str(
        pl.when(equals(year, 0)).then(pl.lit("Bought nothing in the last year"))
        .otherwise(filled("Bought for {} in the last year", money(year))),
        pl.coalesce(filled("; an order comes to {} on average", money(mean)), pl.lit("")),
    )  # fmt: skip


def _how_regular() -> pl.Expr:
    gap, silence = pl.col("mean_gap_days"), pl.col("recency_to_gap")
    return pl.coalesce(
        pl.concat_str(
            pl.when(finite(gap).round(0) <= 1).then(pl.lit("Usually orders every day"))
            .otherwise(filled("Usually orders every {} days", whole(gap))),
            filled(", silent for {} times as long", decimal(silence)),
        ),
        pl.lit(_NO_SECOND),
    )  # fmt: skip


_TOGETHER: dict[tuple[str, ...], Callable[[], pl.Expr]] = {
    ("recency_days", "tenure_days"): _since,
    ("orders", "orders_365"): _how_often,
    ("revenue_365", "mean_order_value"): _how_much,
    ("mean_gap_days", "recency_to_gap"): _how_regular,
}
"""Features that make one statement."""
