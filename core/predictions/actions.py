"""What to do about whom: the joint rule (grow, hold, collect) and the lists of sales, marketing and finance.

Every list has one row per customer with ``owner`` (sales representative), ``reason``, ``value`` (what is at
stake, currency) and ``step`` (what is suggested). Frames in, frames out.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import param
import polars as pl

GROW, HOLD, COLLECT = "grow", "hold", "collect"

_CHURN = {
    "score": "p_no_order", "low": "p_low", "high": "p_high", "next_order_date": "next_order_date",
    "reasons": "churn_reason",
}  # fmt: skip
_SPEND = {"score": "expected_spend", "low": "spend_low", "high": "spend_high", "reasons": "spend_reason"}
_CREDIT = {
    "score": "p_default", "low": "default_low", "high": "default_high", "late": "p_late",
    "exposure": "exposure", "overdue": "overdue", "open_default": "open_default",
    "expected_loss": "expected_loss", "reasons": "credit_reason",
}  # fmt: skip
_CERTAIN = 0.995
_DATES, _TEXTS = {"next_order_date"}, {"churn_reason", "spend_reason", "credit_reason"}


class ActionRules(param.Parameterized):
    """The thresholds of the joint rule and of the lists."""

    collect_default = param.Number(
        default=0.25, bounds=(0, 1), doc="Collect: something is overdue and what is open defaults so likely."
    )
    grow_default = param.Number(
        default=0.03, bounds=(0, 1), doc="Grow: an invoice defaults with at most this chance."
    )
    grow_reorder = param.Number(
        default=0.5, bounds=(0, 1), doc="Grow: an order within the horizon is at least so likely."
    )
    call_risk = param.Number(
        default=0.6, bounds=(0, 1), doc="Sales calls customers whose chance of no order is at least this."
    )
    campaign_risk = param.Number(
        default=0.35, bounds=(0, 1), doc="Below the risk of a call: a campaign from this chance of no order."
    )
    watch_default = param.Number(
        default=0.05, bounds=(0, 1), doc="Finance watches customers whose chance of default is at least this."
    )
    high_default = param.Number(
        default=0.2, bounds=(0, 1), doc="From this chance of default on the risk is called high."
    )
    offers = param.Integer(default=3, bounds=(1, 10), doc="Products offered to one customer at once.")


RULES = ActionRules()


def joined(
    people: pl.DataFrame,
    *,
    churn: pl.DataFrame | None = None,
    spend: pl.DataFrame | None = None,
    credit: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Customers with their scores of several tasks, nulls where there are none.

    ``people`` is ``core.predictions.people.selected_customers``, the others are score tables of one day.

    Returns
    -------
    The columns of ``people`` and p_no_order, p_low, p_high, next_order_date, churn_reason, expected_spend,
    spend_low, spend_high, spend_reason, p_default (of the next invoice), default_low, default_high, p_late,
    exposure, overdue, open_default (of what is open), expected_loss, credit_reason.
    """
    frame = people
    for scores, names in ((churn, _CHURN), (spend, _SPEND), (credit, _CREDIT)):
        if scores is None or scores.is_empty():
            frame = frame.with_columns(pl.lit(None, _type_of(new)).alias(new) for new in names.values())
            continue
        known = scores.select(
            pl.col("customer_id").cast(people.schema["customer_id"]),
            *(
                (pl.col(old).cast(_type_of(new)) if old in scores.columns else pl.lit(None, _type_of(new)))
                .alias(new)
                for old, new in names.items()
            ),
        )  # fmt: skip
        frame = frame.join(known, on="customer_id", how="left", maintain_order="left")
    return frame


def _type_of(name: str) -> type[pl.DataType]:
    return pl.Date if name in _DATES else pl.String if name in _TEXTS else pl.Float64


def advice(rules: ActionRules = RULES) -> pl.Expr:
    """The joint recommendation for each row of ``joined``: "collect", "grow" or "hold".

    Collect: money is overdue, and what is open will likely default or what is overdue is more than the
    customer is expected to buy. Grow: nothing is overdue, a default is unlikely, an order likely and the
    credit limit kept. Hold: all others, also those of whom payments or orders cannot be predicted.
    """
    overdue = pl.col("overdue").fill_null(0.0)
    at_risk = pl.col("open_default").fill_null(0.0) >= rules.collect_default
    beyond = overdue > pl.col("expected_spend").fill_null(0.0)
    safe = pl.col("p_default") <= rules.grow_default
    buying = 1 - pl.col("p_no_order") >= rules.grow_reorder
    within = pl.col("exposure").fill_null(0.0) <= pl.col("credit_limit").fill_null(float("inf"))
    return (
        pl.when((overdue > 0) & (at_risk | beyond))
        .then(pl.lit(COLLECT))
        .when((overdue == 0) & safe & buying & within)
        .then(pl.lit(GROW))
        .otherwise(pl.lit(HOLD))
        .alias("advice")
    )


def advice_reasons(
    row: Mapping[str, Any], *, horizon: int, currency: str, rules: ActionRules = RULES
) -> list[str]:
    """Why, in plain sentences: first what is owed, then how payments go, then orders, then the limit.

    ``row`` is one row of ``joined``.
    """
    told: list[str] = []
    overdue, exposure = row["overdue"] or 0.0, row["exposure"] or 0.0
    if row["p_default"] is None:
        told.append("Nothing is known of how this customer pays, so more credit cannot be recommended.")
    else:
        if overdue > 0:
            chance = row["open_default"]
            if chance is None:
                defaults = ""
            elif chance >= _CERTAIN:
                defaults = " and counts as a default already"
            else:
                defaults = f"; what is open defaults with a chance of {chance:.0%}"
            told.append(
                f"{money(overdue, currency)} of the {money(exposure, currency)} open is overdue{defaults}."
            )
            if overdue > (row["expected_spend"] or 0.0) and row["expected_spend"] is not None:
                told.append(
                    f"That is more than the {money(row['expected_spend'], currency)} they are expected to "
                    f"buy in the {horizon} days."
                )
        elif exposure > 0:
            told.append(f"{money(exposure, currency)} is open and nothing of it is overdue.")
        else:
            told.append("Nothing is open.")
        word = (
            "unlikely" if row["p_default"] <= rules.grow_default
            else "likely enough to watch" if row["p_default"] >= rules.watch_default
            else "possible"
        )  # fmt: skip
        told.append(
            f"That their next invoice defaults is {word}: {row['p_default']:.1%}"
            f"{_between(row['default_low'], row['default_high'], '.1%')}."
        )
    if row["p_no_order"] is None:
        told.append("No order in the last 365 days: whether they will order again is not predicted.")
    else:
        again = 1 - row["p_no_order"]
        word = "likely" if again >= rules.grow_reorder else "unlikely"
        told.append(
            f"An order in the {horizon} days is {word}: {again:.0%}"
            f"{_between(_less(row['p_high']), _less(row['p_low']), '.0%')}."
        )
    limit = row["credit_limit"]
    if limit is not None and exposure > limit:
        told.append(
            f"What is open exceeds the credit limit of {money(limit, currency)} by "
            f"{money(exposure - limit, currency)}."
        )
    elif limit is not None and row["expected_spend"] is not None and limit - exposure < row["expected_spend"]:
        told.append(
            f"The credit limit leaves {money(limit - exposure, currency)}, less than the "
            f"{money(row['expected_spend'], currency)} they are expected to buy."
        )
    return told


def _less(share: float | None) -> float | None:
    return None if share is None else 1 - share


def _between(low: float | None, high: float | None, form: str) -> str:
    """(46% to 67%), or nothing where the ends are not known."""
    return "" if low is None or high is None else f" ({low:{form}} to {high:{form}})"


def money(value: float, currency: str) -> str:
    """An amount in a sentence: USD 12,345."""
    return f"{currency} {value:,.0f}"


def _money(column: str | pl.Expr, currency: str) -> pl.Expr:
    """The same of a column; thousands are set apart without Python."""
    whole = (pl.col(column) if isinstance(column, str) else column).fill_null(0.0).round().cast(pl.Int64)
    text = whole.cast(pl.String)
    for _ in range(4):
        text = text.str.replace(r"^(-?\d+)(\d{3})", "$1,$2")
    return pl.concat_str(pl.lit(f"{currency} "), text)


def churn_value() -> pl.Expr:
    """What is lost where an order fails to come: P(no order) × expected spend in the horizon."""
    return pl.col("p_no_order") * pl.col("expected_spend")


def limit_at_risk() -> pl.Expr:
    """Chance of default × the larger of credit limit and exposure: the order of the finance list."""
    amounts = (pl.col(name).fill_null(0.0) for name in ("credit_limit", "exposure"))
    return pl.max_horizontal("p_default", "open_default") * pl.max_horizontal(*amounts)


def sales_actions(
    customers: pl.DataFrame,
    offers: pl.DataFrame | None = None,
    *,
    currency: str,
    rules: ActionRules = RULES,
) -> pl.DataFrame:
    """Whom sales turns to: customers who may not order again, by what is lost then.

    Parameters
    ----------
    customers
        As from ``joined``; those whose orders are not predicted are left out.
    offers
        As from ``best_offers``: what to speak about.

    Returns
    -------
    The columns of ``customers``, and value (P(no order) × expected spend in the horizon; null without the
    latter), risk ("high", "medium", "low"), advice, reason, step; the largest value first.
    """
    frame = customers.filter(pl.col("p_no_order").is_not_null())
    if offers is not None and offers.height:
        names = offers.select(pl.col("customer_id").cast(frame.schema["customer_id"]), "product_name")
        frame = frame.join(names, on="customer_id", how="left", maintain_order="left")
    else:
        frame = frame.with_columns(product_name=pl.lit(None, pl.String))
    risk = pl.col("p_no_order")
    offer = pl.when(pl.col("product_name").is_not_null()).then(
        pl.concat_str(pl.lit(", offer "), "product_name")
    ).otherwise(pl.lit(""))  # fmt: skip
    step = (
        pl.when(pl.col("advice") == COLLECT)
        .then(
            pl.concat_str(pl.lit("Speak about the "), _money("overdue", currency), pl.lit(" overdue first"))
        )
        .when(risk >= rules.call_risk)
        .then(pl.concat_str(pl.lit("Call this week"), offer))
        .when(risk >= rules.campaign_risk)
        .then(pl.concat_str(pl.lit("Include in a campaign"), offer))
        .otherwise(pl.lit("Leave: an order is likely anyway"))
    )
    return (
        frame.with_columns(advice(rules), value=churn_value())
        .with_columns(
            risk=_level(risk, rules.campaign_risk, rules.call_risk), reason=pl.col("churn_reason"), step=step
        )
        .sort("value", "p_no_order", descending=True, nulls_last=True, maintain_order=True)
    )


def finance_actions(customers: pl.DataFrame, *, currency: str, rules: ActionRules = RULES) -> pl.DataFrame:
    """Whom finance reviews: high risk × high limit first.

    Customers without exposure and with less than ``watch_default`` chance of default are left out.

    Returns
    -------
    The columns of ``customers``, and chance (of default: of what is open, else of the next invoice), at_risk
    (chance × the larger of limit and exposure: the order of the list), value (expected loss, else overdue ×
    chance; currency), risk ("high", "medium", "low"), advice, reason, step.
    """
    chance = pl.max_horizontal("p_default", "open_default")
    limit, exposure = pl.col("credit_limit").fill_null(0.0), pl.col("exposure").fill_null(0.0)
    overdue = pl.col("overdue").fill_null(0.0)
    step = (
        pl.when(pl.col("advice") == COLLECT)
        .then(
            pl.concat_str(
                pl.lit("Collect "), _money("overdue", currency), pl.lit("; no new credit until it is paid")
            )
        )
        .when(overdue > 0)
        .then(pl.concat_str(pl.lit("Remind of "), _money("overdue", currency), pl.lit(" overdue")))
        .when((limit > 0) & (exposure > limit))
        .then(
            pl.concat_str(pl.lit("Over the limit by "), _money(exposure - limit, currency),
                          pl.lit(": agree a plan or review the limit"))
        )
        .when(pl.col("chance") >= rules.watch_default)
        .then(
            pl.concat_str(pl.lit("Review the limit of "), _money(limit, currency),
                          pl.lit(" before the next order"))
        )
        .otherwise(pl.lit("Nothing to do: within terms"))
    )  # fmt: skip
    return (
        customers.filter(pl.col("p_default").is_not_null())
        .with_columns(advice(rules), chance=chance)
        .filter((exposure > 0) | (pl.col("chance") >= rules.watch_default))
        .with_columns(
            at_risk=limit_at_risk(),
            value=pl.when(pl.col("expected_loss") > 0)
            .then(pl.col("expected_loss"))
            .otherwise(overdue * pl.col("chance")),
            risk=_level(pl.col("chance"), rules.watch_default, rules.high_default),
            reason=pl.col("credit_reason"),
            step=step,
        )
        .sort("at_risk", descending=True, nulls_last=True, maintain_order=True)
    )


def priced_offers(
    recommended: pl.DataFrame, prices: pl.DataFrame, *, customer_type: pl.DataType | None = None
) -> pl.DataFrame:
    """Recommended products with what they bring.

    Parameters
    ----------
    recommended
        The score table of the task recommend.
    prices
        product (key as text), product_name, usual (mean amount of an order line, currency).

    Returns
    -------
    The columns of ``recommended``, product, product_name, usual, and value (P(bought) × usual; null without a
    probability).
    """
    kind = customer_type or recommended.schema["customer_id"]
    return recommended.with_columns(
        pl.col("customer_id").cast(kind), product=pl.col("product_id").cast(pl.String)
    ).join(prices, on="product", how="left", maintain_order="left").with_columns(
        product_name=pl.coalesce("product_name", "product"), value=pl.col("score") * pl.col("usual")
    )  # fmt: skip


def best_offers(offers: pl.DataFrame, rules: ActionRules = RULES) -> pl.DataFrame:
    """The best offers of each customer, of both kinds together.

    ``offers`` is from ``priced_offers``; those without a value are left out.

    Returns
    -------
    customer_id, product_name (the best), reason (of the best), chance (of the best), products (all names, one
    text), new (how many of them the customer never bought), value (sum; currency).
    """
    return (
        offers.filter(pl.col("value").is_not_null())
        .sort("customer_id", "value", descending=[False, True], maintain_order=True)
        .group_by("customer_id", maintain_order=True)
        .head(rules.offers)
        .group_by("customer_id", maintain_order=True)
        .agg(
            pl.col("product_name").first(),
            reason=pl.col("reasons").first(),
            chance=pl.col("score").first(),
            products=pl.col("product_name").str.join("; "),
            new=(pl.col("kind") == "new").sum(),
            value=pl.col("value").sum(),
        )
    )


def marketing_actions(
    customers: pl.DataFrame, offers: pl.DataFrame, *, rules: ActionRules = RULES
) -> pl.DataFrame:
    """Whom marketing turns to with which products: the largest expected purchase value first.

    ``customers`` is from ``joined``, ``offers`` from ``best_offers``. Customers to collect from are left out.

    Returns
    -------
    The columns of ``customers`` and of ``offers``, advice, and step.
    """
    best = offers.with_columns(pl.col("customer_id").cast(customers.schema["customer_id"]))
    step = (
        pl.when(pl.col("new") == 0)
        .then(pl.lit("Remind of what they buy"))
        .when(pl.col("p_no_order").is_null())
        .then(pl.lit("Win back with these products"))
        .otherwise(pl.lit("Show what is new to them beside what they buy"))
    )
    return (
        customers.with_columns(advice(rules))
        .filter(pl.col("advice") != COLLECT)
        .join(best, on="customer_id", how="inner", maintain_order="left")
        .with_columns(step=step)
        .sort("value", descending=True, nulls_last=True, maintain_order=True)
    )


def forecast_beside(
    forecast: pl.DataFrame, sold: pl.DataFrame, *, as_of: dt.date, data_end: dt.date, back: int = 12
) -> pl.DataFrame:
    """The forecast of one series beside what was sold, by month.

    Parameters
    ----------
    forecast
        Rows of the score table of the task sales of one series.
    sold
        month (first day) and sold (revenue, currency) of all that is known by ``data_end`` (exclusive).
    back
        Months before the as-of date.

    Returns
    -------
    month, sold (whole months before the as-of date; 0 where nothing was), after (whole months from it on, and
    the one before so that the line goes on), forecast, low80, high80 (currency); nulls where it is not.
    """
    start = as_of.replace(day=1)
    first = pl.select(pl.lit(start).dt.offset_by(f"-{back}mo")).item()
    begun = sold["month"].min()
    first = max(first, begun) if isinstance(begun, dt.date) else start
    ahead = forecast["month"].max()
    last = max(ahead, start) if isinstance(ahead, dt.date) else start
    months = pl.DataFrame({"month": pl.date_range(first, last, "1mo", eager=True)})
    is_whole = pl.col("month").dt.offset_by("1mo") <= data_end
    before = pl.col("month") < start
    last_before = pl.col("month") == pl.lit(start).dt.offset_by("-1mo")
    return (
        months.join(sold.select("month", "sold"), on="month", how="left", maintain_order="left")
        .with_columns(amount=pl.when(is_whole).then(pl.col("sold").fill_null(0.0)))
        .with_columns(
            sold=pl.when(before).then("amount"),
            after=pl.when(~before | last_before).then("amount"),
        )
        .drop("amount")
        .join(
            forecast.select("month", "forecast", "low80", "high80"),
            on="month",
            how="left",
            maintain_order="left",
        )
    )


def _level(chance: pl.Expr, medium: float, high: float) -> pl.Expr:
    return (
        pl.when(chance >= high)
        .then(pl.lit("high"))
        .when(chance >= medium)
        .then(pl.lit("medium"))
        .otherwise(pl.lit("low"))
    )
