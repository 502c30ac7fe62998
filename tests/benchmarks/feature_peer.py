"""The features of ``sql/features/purchases.sql`` in Polars, as someone without SQL would write them."""

from collections.abc import Sequence

import polars as pl


def purchase_features(orders: pl.DataFrame, lines: pl.DataFrame, as_of_days: Sequence[int]) -> pl.DataFrame:
    """The same columns as the query.

    Parameters
    ----------
    orders
        ``order_id``, ``customer_id``, ``order_day``.
    lines
        ``order_id``, ``quantity``, ``unit_price``.
    """
    amount = pl.col("quantity") * pl.col("unit_price")
    amounts = (
        lines.lazy()
        .select("order_id", amount.alias("amount"))
        .group_by("order_id")
        .agg(
            order_lines=pl.len().cast(pl.Int64),
            amount=pl.col("amount").sum(),
            returned=-pl.col("amount").filter(pl.col("amount") < 0).sum(),
        )
    )
    spaced = (
        orders.lazy()
        .join(amounts, on="order_id", how="left")
        .group_by("customer_id", "order_day")
        .agg(
            orders=pl.len().cast(pl.Int64),
            order_lines=pl.col("order_lines").sum(),
            **_rounded("amount", "returned"),
        )
        .sort("customer_id", "order_day")
        .with_columns(
            gap_days=pl.col("order_day").diff().over("customer_id"),
            next_day=pl.col("order_day").shift(-1).over("customer_id"),
        )
    )
    days = pl.LazyFrame({"as_of_day": sorted(set(as_of_days))})
    age = pl.col("as_of_day") - pl.col("order_day")
    known = (
        spaced.join(days, how="cross")
        .filter(age > 0)
        .with_columns(age=age, is_last=~(pl.col("next_day") < pl.col("as_of_day")).fill_null(False))
    )
    totals = known.group_by("customer_id", "as_of_day").agg(
        recency_days=pl.col("age").min(),
        tenure_days=pl.col("age").max(),
        orders=pl.col("orders").sum(),
        order_days=pl.len().cast(pl.Int64),
        **{f"orders_{n}": _within("orders", n) for n in (30, 90, 180, 360, 365)},
        order_lines=pl.col("order_lines").sum(),
        revenue=pl.col("amount").sum().round(4),
        **{f"revenue_{n}": _within("amount", n).round(4) for n in (30, 90, 180, 360, 365)},
        squared_amounts=(pl.col("amount") ** 2).sum(),
        largest_order_value=pl.col("amount").max(),
        last_order_value=pl.col("amount").filter("is_last").sum(),
        last_gap_days=pl.col("gap_days").filter("is_last").first(),
        gaps=pl.col("gap_days").count().cast(pl.Int64),
        squared_gaps=(pl.col("gap_days") ** 2).sum().cast(pl.Float64),
        returned_amount=pl.col("returned").sum().round(4),
        **{
            f"season_{n}": ((pl.col("age") > 365 * n - 90) & (pl.col("age") <= 365 * n)).sum()
            for n in (1, 2, 3)
        },
        **{f"year_{n}": (pl.col("age") <= 365 * n).sum() for n in (1, 2, 3)},
    )
    return _derived(totals).collect()


def _rounded(*names: str) -> dict[str, pl.Expr]:
    return {name: pl.col(name).sum().round(4) for name in names}


def _within(name: str, days: int) -> pl.Expr:
    return pl.col(name).filter(pl.col("age") <= days).sum()


def _where(condition: pl.Expr, value: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(value)


def _derived(totals: pl.LazyFrame) -> pl.LazyFrame:
    c = pl.col
    span = c("tenure_days") - c("recency_days")
    number, spread = c("order_days"), c("squared_amounts") * c("order_days") - c("revenue") ** 2
    now, both = c("revenue_180"), c("revenue_360")
    years = (c("tenure_days") // 365).clip(0, 3)
    seasons = [pl.sum_horizontal(f"season_{n}" for n in range(1, y + 1)) / c(f"year_{y}") for y in (1, 2, 3)]
    bought = c("revenue") + c("returned_amount")
    return totals.select(
        *("customer_id", "as_of_day", "recency_days", "tenure_days", "orders", "order_days"),
        *(f"orders_{n}" for n in (30, 90, 180, 365)),
        "order_lines",
        "revenue",
        *(f"revenue_{n}" for n in (30, 90, 180, 365)),
        (c("revenue") / c("orders")).alias("mean_order_value"),
        _where(c("orders_365") > 0, c("revenue_365") / c("orders_365")).alias("mean_order_value_365"),
        "last_order_value",
        "largest_order_value",
        _where(
            (number > 1) & (c("revenue") > 0),
            (spread.clip(0) * number / ((number - 1) * c("revenue") ** 2)).round(6),
        ).alias("order_value_cv_squared"),
        _where(c("gaps") > 0, span / c("gaps")).alias("mean_gap_days"),
        "last_gap_days",
        _where(
            c("gaps") > 1,
            (c("squared_gaps") * c("gaps") - span**2) * c("gaps") / ((c("gaps") - 1) * span**2),
        ).alias("gap_cv_squared"),
        _where(c("gaps") > 0, c("recency_days") * c("gaps") / span).alias("recency_to_gap"),
        _where(c("orders_360") > 0, (2 * c("orders_180") - c("orders_360")) / c("orders_360")).alias(
            "orders_trend"
        ),
        pl.when((now < 0) & (both > now))
        .then(-1.0)
        .when((both < now) & (now > 0))
        .then(1.0)
        .when(both > 0)
        .then((2 * now - both) / both)
        .alias("revenue_trend"),
        pl.coalesce(_where((years == y) & (c(f"year_{y}") > 0), seasons[y - 1]) for y in (1, 2, 3)).alias(
            "season_share"
        ),
        "returned_amount",
        _where(bought > 0, c("returned_amount") / bought).alias("returned_share"),
    )
