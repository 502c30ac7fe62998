"""What to offer to whom: recommended products with prices and stock, campaigns, and what was bought after.

Frames in, frames out; only ``bought_after`` and ``recommender`` read from a database or a store.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from core.database.base import Database
from core.days import to_date, to_day
from core.errors import SalesError
from core.jobs.run import LoadedModel, active_model
from core.model_store import ModelStore
from core.models.recommend import Recommender
from core.predictions.backtests import StoredBacktest
from core.sales.frames import SalesData, id_text
from core.single_flight import SingleFlightCache

TASK = "recommend"
RANKINGS = {"value": "expected revenue", "profit": "expected gross profit", "score": "chance"}
"""By what customers of a campaign, and the products offered to each, can be ranked."""
MOST_OFFERS = 3
"""Products offered to one customer in a campaign."""
GROUPS = {"repeat": "Buy again", "novel": "New products", "joint": "Both together"}
_Z80 = 1.2816
_BOUGHT = """
SELECT s.customer_id, s.product_id, SUM(s.quantity) AS quantity, SUM(s.amount) AS revenue FROM stg_sales AS s
WHERE s.order_day >= :first_day AND s.order_day < :until_day AND s.is_cancelled = 0
  AND s.product_id IS NOT NULL AND (s.quantity IS NULL OR s.quantity > 0)
GROUP BY s.customer_id, s.product_id
"""
_AFTER: SingleFlightCache[pl.DataFrame] = SingleFlightCache(8)
_MODELS: SingleFlightCache[LoadedModel] = SingleFlightCache(3)


class UnreadableModelError(SalesError):
    """A stored model was written by another version of the program."""


def recommender(store: ModelStore) -> LoadedModel | None:
    """The recommender in use, read once for each version; ``None`` if none was trained.

    Raises
    ------
    UnreadableModelError
        Its pieces are not those that this program reads.
    """
    version = store.active(TASK)
    if version is None:
        return None

    def read() -> LoadedModel:
        try:
            return active_model(store, TASK)
        except (KeyError, TypeError, ValueError) as error:
            raise UnreadableModelError(
                "The stored recommendations model was written by another version of this program.",
                "Train it again above.",
            ) from error

    return _MODELS.get(version.version, read)


def product_facts(sales: SalesData) -> pl.DataFrame:
    """What is known of each product before the as-of date; stock and purchase price are current.

    Returns
    -------
    product (key as text), product_name, product_line, usual (mean amount of an order line, currency), pieces
    (mean pieces of an order line), price (usual amount of a piece, currency; the suggested one if never
    sold), margin (share of the price; null without a purchase price), line_profit (currency for a usual
    order line), stock (pieces), buyers (customers; null where only a sample of them is at hand).
    """

    def make() -> pl.DataFrame:
        sold = (
            sales.lines.filter(pl.col("quantity") > 0)
            .group_by("product")
            .agg(
                usual=pl.col("revenue").mean(),
                pieces=pl.col("quantity").mean(),
                buyers=pl.col("customer").n_unique(),
            )
        )
        known = sales.products.with_row_index("place").join(
            sold, left_on="place", right_on="product", how="left", maintain_order="left"
        )
        price = pl.coalesce(pl.col("usual") / pl.col("pieces"), pl.col("msrp").cast(pl.Float64))
        buyers = pl.lit(None, pl.Int64) if sales.is_sampled else pl.col("buyers").fill_null(0).cast(pl.Int64)
        return known.select(
            product="key",
            product_name=pl.coalesce("product_name", "key"),
            product_line=pl.col("product_line").cast(pl.String),
            usual="usual",
            pieces="pieces",
            price=price,
            margin=1 - pl.col("buy_price").cast(pl.Float64) / price,
            line_profit=pl.col("pieces") * (price - pl.col("buy_price").cast(pl.Float64)),
            stock=pl.col("quantity_in_stock").cast(pl.Int64),
            buyers=buyers,
        )

    return sales.once("facts of products to recommend", make)


def offers(recommended: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Recommended products with what they usually bring.

    ``recommended`` is the score table of the task, also with further columns; ``facts`` is from
    ``product_facts``.

    Returns
    -------
    The columns of both, and value, value_low, value_high (P(bought) × usual amount, and the 80 % ends of P),
    profit (P × profit of a usual line; currency), expected_pieces; null where P is not known.
    """
    frame = recommended.with_columns(product=id_text(recommended["product_id"]))
    return frame.join(facts, on="product", how="left", maintain_order="left").with_columns(
        product_name=pl.coalesce("product_name", "product"),
        value=pl.col("score") * pl.col("usual"),
        value_low=pl.col("low") * pl.col("usual"),
        value_high=pl.col("high") * pl.col("usual"),
        profit=pl.col("score") * pl.col("line_profit"),
        expected_pieces=pl.col("score") * pl.col("pieces"),
    )


def bought_after(database: Database, first: dt.date, horizon: int, data_end: dt.date) -> pl.DataFrame | None:
    """What every customer bought in the ``horizon`` days from ``first`` on; ``None`` while they are not over.

    ``data_end`` is the first day of which nothing is known.

    Returns
    -------
    customer, product (keys as text), quantity (pieces), revenue (currency): one row for each that was bought.
    """
    until = first + dt.timedelta(days=horizon)
    if until > data_end:
        return None

    def read() -> pl.DataFrame:
        rows = database.query(_BOUGHT, first_day=to_day(first), until_day=to_day(until))
        return rows.select(
            customer=id_text(rows["customer_id"]),
            product=id_text(rows["product_id"]),
            quantity=pl.col("quantity").cast(pl.Int64),
            revenue=pl.col("revenue").cast(pl.Float64),
        )

    return _AFTER.get((id(database), database.data_version(), first, horizon), read)


def with_outcome(frame: pl.DataFrame, bought: pl.DataFrame | None) -> pl.DataFrame:
    """``frame`` (customer_id, product) with ``bought``: true, false, or null while it is not known."""
    if bought is None:
        return frame.with_columns(bought=pl.lit(None, pl.Boolean))
    pairs = bought.select("customer", "product", bought=pl.lit(True))
    return (
        frame.with_columns(customer=id_text(frame["customer_id"]))
        .join(pairs, on=["customer", "product"], how="left", maintain_order="left")
        .with_columns(pl.col("bought").fill_null(False))
        .drop("customer")
    )


def campaign_offers(offered: pl.DataFrame, rank: str = "value", most: int = MOST_OFFERS) -> pl.DataFrame:
    """The products to offer to each customer, and for whom the stock lasts.

    Customers come in the order of the sum of ``rank`` (a key of ``RANKINGS``) over their products (of their
    best chance where ranked by that); customers without a chance come last.

    Returns
    -------
    The rows of ``offered`` (from ``offers`` and ``with_outcome``) that are chosen, best customer and best
    product first, and is_short: whether the expected pieces of all customers up to this one are more than
    the stock (null where the stock or the chance is not known).
    """
    if rank not in RANKINGS:
        raise ValueError(f"rank must be one of {', '.join(RANKINGS)}.")
    whole = pl.col(rank).max() if rank == "score" else pl.col(rank).sum()
    kept = (
        offered.sort("customer_id", rank, "rank", descending=[False, True, False], nulls_last=True)
        .group_by("customer_id", maintain_order=True)
        .head(most)
        .with_columns(total=pl.when(pl.col(rank).count() > 0).then(whole).over("customer_id"))
        .sort("total", "customer_id", descending=[True, False], nulls_last=True, maintain_order=True)
    )
    needed = pl.col("expected_pieces").fill_null(0.0).cum_sum().over("product")
    short = pl.when(pl.col("expected_pieces").is_not_null()).then(needed > pl.col("stock"))
    return kept.with_columns(is_short=short).drop("total")


def campaign_rows(chosen: pl.DataFrame) -> pl.DataFrame:
    """One row for each customer of ``campaign_offers``, in its order.

    Returns
    -------
    key, customer_name, owner, country, office; product_name, kind, chance, low, high, reason of the best
    product; products (all names), value, value_low, value_high, profit (sums, currency), pieces (expected),
    stock_state ("enough", "runs out", null if not known), after ("bought", "not bought", "1 of 3 bought").
    """

    def summed(name: str) -> pl.Expr:
        return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)

    made = pl.col("bought").sum()
    count = pl.len()
    rows = chosen.group_by("customer_id", maintain_order=True).agg(
        *(pl.col(name).first() for name in ("key", "customer_name", "owner", "country", "office")),
        *(pl.col(name).first() for name in ("product_name", "product_line", "kind", "low", "high")),
        chance=pl.col("score").first(),
        reason=pl.col("reasons").first(),
        products=pl.col("product_name").str.join("; "),
        **{name: summed(name) for name in ("value", "value_low", "value_high", "profit")},
        pieces=summed("expected_pieces"),
        is_short=pl.when(pl.col("is_short").count() > 0).then(pl.col("is_short").any()),
        is_known=pl.col("bought").count() > 0,
        made=made,
        offered=count,
    )
    several = pl.format("{} of {} bought", "made", "offered")
    single = pl.when(pl.col("made") > 0).then(pl.lit("bought")).otherwise(pl.lit("not bought"))
    return rows.with_columns(
        stock_state=pl.col("is_short").replace_strict({True: "runs out", False: "enough"}, default=None),
        after=pl.when("is_known").then(pl.when(pl.col("offered") == 1).then(single).otherwise(several)),
    ).drop("is_short", "is_known", "made", "offered")  # fmt: skip


@dataclass(frozen=True)
class Expected:
    """What offers are expected to bring, with 80 % intervals (low, high).

    Attributes
    ----------
    customers, offers
        How many; ``without_chance`` customers have no purchase yet, so that no chance is known.
    purchases, value
        Products bought, and what they usually bring (currency).
    profit
        Gross profit at current cost (currency); ``None`` without purchase prices.
    pieces
        Pieces.
    bought
        Offered products that were bought; ``None`` while it is not known.
    """

    customers: int
    without_chance: int
    offers: int
    purchases: tuple[float, float, float]
    value: tuple[float, float, float]
    profit: float | None
    pieces: float
    bought: int | None


def expected(chosen: pl.DataFrame) -> Expected:
    """What the offers are expected to bring.

    Intervals take customers as independent and what one customer buys as going together; the amount of an
    order line is taken as usual.
    """
    by_customer = chosen.group_by("customer_id").agg(
        known=pl.col("score").count() > 0,
        spread=_spread().sum(),
        value_spread=(pl.col("usual") * _spread()).sum(),
    )

    def around(mean: float, spread: str) -> tuple[float, float, float]:
        width = _Z80 * float((by_customer[spread] ** 2).sum()) ** 0.5
        return mean, max(mean - width, 0.0), mean + width

    has_profit = chosen["profit"].count() > 0
    return Expected(
        customers=by_customer.height,
        without_chance=int((~by_customer["known"]).sum()),
        offers=chosen.height,
        purchases=around(float(chosen["score"].sum()), "spread"),
        value=around(float(chosen["value"].sum()), "value_spread"),
        profit=float(chosen["profit"].sum()) if has_profit else None,
        pieces=float(chosen["expected_pieces"].sum()),
        bought=int(chosen["bought"].sum()) if chosen["bought"].count() else None,
    )


def _spread() -> pl.Expr:
    """The standard deviation of whether a product is bought."""
    return (pl.col("score") * (1 - pl.col("score"))).sqrt()


def stock_needed(chosen: pl.DataFrame) -> pl.DataFrame:
    """Expected pieces of each offered product against its stock, the scarcest first.

    Returns
    -------
    product, product_name, product_line, customers, pieces, pieces_high (upper end of the 80 % interval,
    customers independent), stock, share (pieces of the stock; null without stock), state ("enough", "tight":
    the upper end is more than the stock, "short"; null where the stock is not known).
    """
    spread = (pl.col("pieces") * _spread()) ** 2
    rows = chosen.filter(pl.col("score").is_not_null()).group_by(
        "product", "product_name", "product_line", "stock", maintain_order=True
    ).agg(
        customers=pl.len().cast(pl.Int64),
        pieces=pl.col("expected_pieces").sum(),
        width=_Z80 * spread.sum().sqrt(),
    )  # fmt: skip
    high = pl.col("pieces") + pl.col("width")
    state = (
        pl.when(pl.col("pieces") > pl.col("stock"))
        .then(pl.lit("short"))
        .when(high > pl.col("stock"))
        .then(pl.lit("tight"))
        .when(pl.col("stock").is_not_null())
        .then(pl.lit("enough"))
    )
    share = pl.when(pl.col("stock") > 0).then(pl.col("pieces") / pl.col("stock"))
    return (
        rows.with_columns(pieces_high=high, share=share, state=state)
        .drop("width")
        .sort("share", "pieces", descending=True, nulls_last=False, maintain_order=True)
    )


def expected_of_products(offered: pl.DataFrame) -> pl.DataFrame:
    """What is expected of each product among the customers to whom it is recommended.

    Returns
    -------
    product, customers, purchases with purchases_low and purchases_high (expected buyers, 80 %, customers
    independent), value (expected revenue, currency), bought (buyers among them; null while not known).
    """
    width = _Z80 * (_spread() ** 2).sum().sqrt()
    mean = pl.col("score").sum()
    return offered.group_by("product", maintain_order=True).agg(
        customers=pl.len().cast(pl.Int64),
        purchases=mean,
        purchases_low=(mean - width).clip(lower_bound=0.0),
        purchases_high=mean + width,
        value=pl.col("value").sum(),
        bought=pl.when(pl.col("bought").count() > 0).then(pl.col("bought").sum().cast(pl.Int64)),
    )


def only_products(
    offered: pl.DataFrame, lines: Collection[str] = (), products: Collection[str] = ()
) -> pl.DataFrame:
    """The rows of these product lines and of these products (keys); empty: all."""
    if lines:
        offered = offered.filter(pl.col("product_line").is_in(list(lines)))
    if products:
        offered = offered.filter(pl.col("product").is_in(list(products)))
    return offered


def past_hits(chosen: pl.DataFrame) -> pl.DataFrame:
    """How many recommended products were expected to be bought, and were.

    ``chosen`` has as_of, kind, customer_id, score and bought, of customers with a known chance.

    Returns
    -------
    as_of, kind, customers, recommended, expected with low and high (80 %), bought, hit_share: one row for
    each date and kind, the latest date first.
    """
    by_customer = (
        chosen.filter(pl.col("score").is_not_null(), pl.col("bought").is_not_null())
        .group_by("as_of", "kind", "customer_id")
        .agg(
            recommended=pl.len().cast(pl.Int64),
            expected=pl.col("score").sum(),
            spread=_spread().sum(),
            bought=pl.col("bought").sum().cast(pl.Int64),
        )
    )
    width = _Z80 * (pl.col("spread") ** 2).sum().sqrt()
    return (
        by_customer.group_by("as_of", "kind")
        .agg(
            customers=pl.len().cast(pl.Int64),
            recommended=pl.col("recommended").sum(),
            expected=pl.col("expected").sum(),
            low=(pl.col("expected").sum() - width).clip(lower_bound=0.0),
            high=pl.col("expected").sum() + width,
            bought=pl.col("bought").sum(),
        )
        .with_columns(hit_share=pl.col("bought") / pl.col("recommended"))
        .sort("as_of", "kind", descending=[True, False])
    )


def cold_start(recommended: pl.DataFrame, sales: SalesData) -> pl.DataFrame:
    """What customers get by what is known of them: the steps of the ladder, the most known first.

    ``recommended`` is the score table of one day.

    Returns
    -------
    step, gets (both in words), customers.
    """
    rows = recommended.group_by(customer=id_text(recommended["customer_id"])).agg(
        again=(pl.col("kind") == "buy again").any(),
        scored=pl.col("score").count() > 0,
        country=pl.col("reasons").str.contains("(?i)^popular in ").any(),
    )
    own = pl.col("again") | pl.col("scored")
    counts = rows.select(
        own=own.sum(),
        country=(~own & pl.col("country")).sum(),
        nothing=(~own & ~pl.col("country")).sum(),
    ).row(0, named=True)
    without = sales.customers.height - rows.height
    steps = [
        ("Bought before", "buy again and new products by their own purchases", counts["own"]),
        ("No purchase yet, country known", "what sells in their country", counts["country"]),
        ("No purchase yet, country without sales", "what sells at all", counts["nothing"]),
    ]
    if without > 0:
        steps.append(("Became a customer after the scores were made", "nothing yet", without))
    return pl.DataFrame(steps, schema=["step", "gets", "customers"], orient="row")


def ranking_quality(stored: StoredBacktest) -> pl.DataFrame:
    """NDCG@10 of each ranking, averaged over past dates, for repeat, novel and all products.

    Returns
    -------
    group (key of ``GROUPS``), model, is_model (false: a baseline), value, low, high (95 %), better,
    better_low, better_high (how much better the first model is than this one, paired; null for itself).
    """
    first = stored.models[0]
    rows = []
    for group in GROUPS:
        metric = f"NDCG@10 {group}"
        for name in (*stored.models, *stored.baselines):
            found = stored.score(name, metric)
            if found.value != found.value:
                continue
            paired = stored.differences.filter(
                pl.col("model") == first, pl.col("baseline") == name, pl.col("metric") == metric
            )
            better = paired.select("value", "low", "high").row(0) if paired.height else (None,) * 3
            rows.append((group, name, name in stored.models, found.value, found.low, found.high, *better))
    names = ("value", "low", "high", "better", "better_low", "better_high")
    schema = {"group": pl.String, "model": pl.String, "is_model": pl.Boolean} | dict.fromkeys(
        names, pl.Float64
    )
    return pl.DataFrame(rows, schema=schema, orient="row")


@dataclass(frozen=True)
class Associations:
    """Which products are bought by the same customers, and in the same orders, up to a day."""

    model: Recommender
    known_until: dt.date
    is_of_lines: bool

    def also_bought(self, key: str, facts: pl.DataFrame) -> pl.DataFrame:
        """Others that buyers of a product bought, the surest first.

        Returns
        -------
        product (key), customers (who bought both), lift, low (95 %) and the columns of ``facts``.
        """
        ids = self.model.catalogue_.ids
        place = (id_text(ids) == key).arg_true()
        if place.is_empty():
            return facts.clear()
        found = self.model.also_bought(ids[int(place[0])])
        keyed = found.select("customers", "lift", "low", product=id_text(found["product_id"]))
        return keyed.join(facts, on="product", how="left", maintain_order="left").with_columns(
            product_name=pl.coalesce("product_name", "product")
        )

    def bundles(self) -> pl.DataFrame:
        """Products ordered together: products (keys), product_names, orders, lift, low (95 %)."""
        found = self.model.bundles()
        return found.select(
            pl.col("product_ids").cast(pl.List(pl.String)).alias("products"),
            "product_names", "orders", "lift", "low",
        )  # fmt: skip


def associations(sales: SalesData, loaded: LoadedModel | None) -> Associations | None:
    """Those of the model in use, or where it knows more than the as-of date, those of the lines before it.

    ``None`` where there is no such model and only the lines of a sample are at hand.
    """
    if loaded is not None and isinstance(loaded.model, Recommender):
        until = to_date(loaded.version.card.as_of_day)
        if until <= sales.as_of:
            return Associations(loaded.model, until, False)
    if sales.is_sampled or sales.lines.is_empty():
        return None
    return sales.once("associations of products", lambda: _of_lines(sales))


def _of_lines(sales: SalesData) -> Associations:
    from core.models.recommend.bundles import bundles
    from core.models.recommend.cooccurrence import also_bought
    from core.models.recommend.purchases import Catalogue, histories, purchases

    lines = sales.lines.select(
        "order_id",
        "quantity",
        customer_id=pl.col("customer").cast(pl.Int64),
        product_id=sales.products["key"].gather(sales.lines["product"]),
        order_day=pl.col("order_date").cast(pl.Date).to_physical().cast(pl.Int64),
    )
    products = sales.products.select(
        "product_name", product_id="key", product_line=pl.col("product_line").cast(pl.String)
    )
    model = Recommender()
    model.catalogue_ = Catalogue.of(lines, products)
    people = histories(purchases(lines), model.catalogue_, to_day(sales.as_of))
    model.also_bought_ = also_bought(people, model.catalogue_.size)
    model.bundles_ = bundles(lines, model.catalogue_)
    return Associations(model, sales.as_of, True)
