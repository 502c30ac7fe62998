"""Who may not order again: the list to act on, how risk is spread, and what-if for one customer."""

from collections.abc import Callable, Collection

import numpy as np
import numpy.typing as npt
import polars as pl

from core.models.churn.flip import with_order_now, with_recency
from core.predictions.actions import COLLECT, RULES, ActionRules, joined, sales_actions
from core.predictions.reasons import first_reasons

BANDS = 10
"""Equal bands of the risk: 0 is 0–10 %, 9 is 90–100 %."""
_FLIP_STEPS = 40

OUTREACH, CAMPAIGN, LEAVE = "Sales outreach", "Campaign", "Leave"
_STEPS = {
    OUTREACH: "Sales outreach: call this week",
    CAMPAIGN: "Campaign",
    LEAVE: "Leave: an order is likely anyway",
}


def risk_list(
    people: pl.DataFrame,
    churn: pl.DataFrame,
    *,
    spend: pl.DataFrame | None = None,
    credit: pl.DataFrame | None = None,
    after: pl.DataFrame | None = None,
    currency: str,
    rules: ActionRules = RULES,
) -> pl.DataFrame:
    """Customers by what is at stake if they do not order.

    Parameters
    ----------
    people
        As from ``core.predictions.people.selected_customers``.
    churn, spend, credit
        Score tables of one day; the rule for what to do is that of the joint recommendation.
    after
        What happened in the horizon: customer_id, ordered (0 or 1), revenue. ``None`` while it is not over.

    Returns
    -------
    The columns of ``core.predictions.actions.sales_actions``, and way ("Sales outreach" from a risk of
    ``rules.call_risk``, "Campaign" from ``rules.campaign_risk``, else "Leave"), step (the same in words; who
    has money overdue that may not come is spoken to about that first), main_reason (the strongest),
    between (the 80 % interval as text), band (0 to 9), happened ("Ordered", "No order"; null while not
    known), spent (currency).
    """
    found = sales_actions(
        joined(people, churn=churn, spend=spend, credit=credit), currency=currency, rules=rules
    )
    risk = pl.col("p_no_order")
    found = found.with_columns(
        way=pl.when(risk >= rules.call_risk)
        .then(pl.lit(OUTREACH))
        .when(risk >= rules.campaign_risk)
        .then(pl.lit(CAMPAIGN))
        .otherwise(pl.lit(LEAVE)),
        main_reason=first_reasons("reason"),
        between=pl.format("{}–{}%", _per_cent("p_low"), _per_cent("p_high")),
        band=_band(risk),
    )
    said = pl.col("way").replace_strict(_STEPS, return_dtype=pl.String)
    found = found.with_columns(step=pl.when(pl.col("advice") == COLLECT).then(pl.col("step")).otherwise(said))
    if after is None:
        return found.with_columns(happened=pl.lit(None, pl.String), spent=pl.lit(None, pl.Float64))
    known = after.select(
        pl.col("customer_id").cast(found.schema["customer_id"]),
        happened=pl.when(pl.col("ordered") == 1).then(pl.lit("Ordered")).otherwise(pl.lit("No order")),
        spent=pl.col("revenue").cast(pl.Float64),
    )
    return found.join(known, on="customer_id", how="left", maintain_order="left")


def _per_cent(column: str) -> pl.Expr:
    return (pl.col(column) * 100).round(0).cast(pl.Int64)


def _band(risk: pl.Expr) -> pl.Expr:
    return (risk * BANDS + 1e-9).floor().clip(0, BANDS - 1).cast(pl.Int64)


def risk_bands(risks: pl.DataFrame) -> pl.DataFrame:
    """How many customers have which risk, from ``risk_list``.

    Returns
    -------
    band (0 to 9), label (``0–10%``), customers, value (at risk, currency), way (of the middle of the band).
    """
    counted = risks.group_by("band").agg(customers=pl.len(), value=pl.col("value").sum())
    middle = (pl.col("band") + 0.5) / BANDS
    return (
        pl.DataFrame({"band": range(BANDS)}, schema={"band": pl.Int64})
        .join(counted, on="band", how="left", maintain_order="left")
        .with_columns(
            pl.col("customers").fill_null(0).cast(pl.Int64),
            pl.col("value").fill_null(0.0),
            label=pl.format("{}–{}%", pl.col("band") * 10, pl.col("band") * 10 + 10),
            way=pl.when(middle >= RULES.call_risk)
            .then(pl.lit(OUTREACH))
            .when(middle >= RULES.campaign_risk)
            .then(pl.lit(CAMPAIGN))
            .otherwise(pl.lit(LEAVE)),
        )
    )


def risk_by_country(risks: pl.DataFrame) -> pl.DataFrame:
    """Customers expected not to order, by country, from ``risk_list``; the most first.

    Returns
    -------
    country, customers, leaving (the sum of their risks), share (leaving over customers), value (at risk,
    currency).
    """
    return (
        risks.group_by("country")
        .agg(customers=pl.len(), leaving=pl.col("p_no_order").sum(), value=pl.col("value").sum())
        .with_columns(share=pl.col("leaving") / pl.col("customers"))
        .sort("leaving", "country", descending=[True, False])
    )


def in_band(risks: pl.DataFrame, bands: Collection[int]) -> pl.DataFrame:
    """The rows in these bands; all rows for no bands."""
    return risks.filter(pl.col("band").is_in(list(bands))) if bands else risks


def with_inputs(row: pl.DataFrame, *, recency_days: int, orders_365: int, order_value: float) -> pl.DataFrame:
    """One customer of a snapshot as if these had been otherwise; other features stay as they are.

    Orders added or taken away are of the last 365 days and count in all figures that include these; amounts
    follow the number of orders and ``order_value`` (the mean amount of an order, currency).
    """
    known = row.row(0, named=True)
    changed = row
    if recency_days != known["recency_days"]:
        tenure = max(int(known["tenure_days"]), recency_days)
        changed = with_recency(
            changed.with_columns(_as(row, "tenure_days", tenure)),
            pl.Series([float(recency_days)]).to_numpy(),
        )
    more = orders_365 - int(known["orders_365"])
    mean = float(known["mean_order_value"] or 0.0)
    if more:
        days = max(int(known["order_days"]) + more, 1)
        figures = {
            "order_days": days,
            "orders": max(int(known["orders"]) + more, 1),
            "orders_365": orders_365,
        }
        for name in ("orders_30", "orders_90", "orders_180"):
            figures[name] = min(int(known[name]), orders_365)
        changed = changed.with_columns(_as(row, name, value) for name, value in figures.items())
        if days > 1:
            between = pl.col("tenure_days") - pl.col("recency_days")
            changed = changed.with_columns(mean_gap_days=between.cast(pl.Float64) / (days - 1)).with_columns(
                recency_to_gap=pl.when(pl.col("mean_gap_days") > 0)
                .then(pl.col("recency_days") / pl.col("mean_gap_days"))
                .otherwise(pl.col("recency_to_gap"))
            )
    if more or abs(order_value - mean) > 0.5:
        scale = order_value / mean if mean > 0 else 1.0
        amounts = {
            "revenue_365": orders_365 * order_value,
            "revenue": float(known["revenue"]) * scale + more * order_value,
            "mean_order_value": order_value,
            "mean_order_value_365": order_value,
            "last_order_value": float(known["last_order_value"] or 0.0) * scale,
            "largest_order_value": float(known["largest_order_value"] or 0.0) * scale,
        }
        for window in (30, 90, 180):
            before, now = int(known[f"orders_{window}"]), min(int(known[f"orders_{window}"]), orders_365)
            part = now / before if before else 0.0
            amounts[f"revenue_{window}"] = float(known[f"revenue_{window}"] or 0.0) * scale * part
        changed = changed.with_columns(_as(row, name, value) for name, value in amounts.items())
    return changed


def _as(row: pl.DataFrame, name: str, value: float) -> pl.Expr:
    return pl.lit(value).cast(row.schema[name]).alias(name)


def flip_sentence(
    row: pl.DataFrame, predict: Callable[[pl.DataFrame], npt.NDArray[np.float64]], threshold: float = 0.5
) -> str:
    """What would bring one customer below ``threshold``: an order now, or a last order so many days ago.

    The same as ``core.models.churn.flip.flips`` for one row, but with one call of ``predict``, so that it can
    answer while a slider moves. ``predict`` gives the risk of each row of snapshots.
    """
    silent = int(row["recency_days"][0])
    tried = np.unique(np.round(np.linspace(0, silent, _FLIP_STEPS)))[:-1]
    many = pl.concat([row] * len(tried)) if len(tried) else row.clear()
    found = predict(pl.concat([row, with_order_now(row), with_recency(many, tried)]))
    now, after, shorter = float(found[0]), float(found[1]), found[2:]
    limit = f"{threshold:.0%}"
    if now < threshold:
        return f"The risk of {now:.0%} is already below {limit}."
    told = f"An order now would change the risk from {now:.0%} to {after:.0%}"
    told += f", below {limit}." if after < threshold else f", still not below {limit}."
    if not (shorter < threshold).any():
        return f"{told} No shorter silence alone would bring it below."
    longest = tried[shorter < threshold].max()
    return f"{told} A last order at most {longest:.0f} days ago instead of {silent} would bring it below."
