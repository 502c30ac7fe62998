"""The recommendation model: buy again, new for you, also bought, bundles, and what to offer newcomers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import param
import polars as pl

from core.models.model import Model, Part, Parts, array, values
from core.models.recommend.bundles import Bundles
from core.models.recommend.chance import AGAIN, Chance, season_factor
from core.models.recommend.cooccurrence import AlsoBought
from core.models.recommend.neighbours import Neighbours
from core.models.recommend.newcomers import Newcomers
from core.models.recommend.purchases import Catalogue, Floats, Histories, histories, purchases
from core.models.recommend.ranking import Mask
from core.models.recommend.reasons import because, bought_before
from core.models.recommend.shortlist import KINDS, Shortlist, shares_of, shortlist
from core.models.recommend.tastes import Tastes
from core.models.recommend.training import fitted
from core.models.recommend.tuning import Settings

COLUMNS = {
    "as_of_day": pl.Int64(),
    "rank": pl.Int64(),
    "kind": pl.String(),
    "score": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "share": pl.Float64(),
    "reasons": pl.String(),
}


class Recommender(Model):
    """What each customer is likely to buy again, and what may be new for them.

    Buy again is empirical Bayes: a customer's own (decayed) purchases added to a prior made of popularity,
    product lines, SVD factors and EASE. New for you ranks what was never bought by a mixture of the same
    components, of which EASE (Steck 2019) and the product lines carry most.
    """

    task: ClassVar[str] = "recommend"

    horizon = param.Integer(default=90, bounds=(1, 3650), doc="Days within which a purchase is expected.")
    shown = param.Integer(
        default=10, bounds=(1, 200), doc="Products recommended to a customer, of each kind."
    )
    margin_weight = param.Number(
        default=0.0, bounds=(0.0, 1.0), doc="How much the margin counts in the ranking: 0 not, 1 in full."
    )
    least_stock = param.Integer(
        default=1, bounds=(0, None), doc="Pieces in stock below which nothing is offered."
    )
    neighbours_kept = param.Integer(default=100, bounds=(1, None), doc="Neighbours kept for each product.")

    def fit(
        self,
        lines: pl.DataFrame,
        products: pl.DataFrame | None = None,
        *,
        as_of_day: int,
        by_country: pl.DataFrame | None = None,
        progress: Callable[[str, float], None] = lambda _what, _fraction: None,
    ) -> Self:
        """Learn from all purchases before ``as_of_day``.

        Parameters
        ----------
        lines
            customer_id, product_id, order_day; optional order_id, quantity (returns are left out) and
            is_cancelled (0/1; counts in what is foretold, not in what customers showed interest in).
        products
            product_id; optional product_name, product_line.
        by_country
            country, product_id, purchases: what newcomers of a country may like.

        Raises
        ------
        MissingDataError
            No customer has bought a product before the as-of day.
        """
        learned = fitted(lines, products, as_of_day, self.horizon, self.neighbours_kept, by_country, progress)
        self.catalogue_: Catalogue = learned.catalogue
        self.tastes_: Tastes = learned.tastes
        self.settings_: Settings = learned.settings
        self.chance_: Chance = learned.chance
        self.newcomers_: Newcomers = learned.newcomers
        self.also_bought_: AlsoBought = learned.also_bought
        self.bundles_: Bundles = learned.bundles
        self.judged_ = learned.judged
        return self

    def score(  # type: ignore[override]  # the histories of customers, not a row for each
        self,
        lines: pl.DataFrame,
        *,
        as_of_day: int,
        newcomers: pl.DataFrame | None = None,
        products: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """The products to offer to each customer, best first, apart for "buy again" and "new".

        Parameters
        ----------
        lines
            The histories of the customers to score, as for ``fit``; rows from the as-of day on are ignored.
        newcomers
            Customers without a purchase: customer_id, optional country.
        products
            product_id with quantity_in_stock, msrp and buy_price where they are known: nothing out of stock
            is recommended, and margins are weighed.

        Returns
        -------
        polars.DataFrame
            customer_id, as_of_day, product_id, rank (from 1, within kind), kind, score (P(bought within the
            horizon), null where it cannot be said), low, high (80 %), share of the customer's purchases, and
            reasons.
        """
        allowed, worth = self._constraints(products)
        bought = purchases(lines.filter(pl.col("order_day") < as_of_day))
        people = histories(bought, self.catalogue_, as_of_day, self.settings_.half_life)
        season = season_factor(self.chance_.profile, as_of_day, self.chance_.horizon)
        found = []
        for block in people.blocks(self.catalogue_.size):
            shares = shares_of(self.tastes_, self.settings_, block)
            for kind in KINDS:
                best = shortlist(shares, kind, block, self.chance_, season, self.shown, allowed, worth)
                found.append(self._rows(best, block, as_of_day))
        if newcomers is not None and newcomers.height:
            known = newcomers.filter(~pl.col("customer_id").is_in(people.customers.implode()))
            found.append(self._for_newcomers(known, allowed, worth, as_of_day))
        return pl.concat(found) if found else self._empty(lines.schema["customer_id"])

    def also_bought(self, product_id: object) -> pl.DataFrame:
        """What buyers of a product also bought: product_id, product_name, customers, lift, low (95 %)."""
        place = (self.catalogue_.ids == product_id).arg_true()
        found = self.also_bought_
        part = slice(0, 0)
        if len(place):
            part = slice(int(found.starts[place[0]]), int(found.starts[place[0] + 1]))
        product = found.product[part]
        return pl.DataFrame(
            {
                "product_id": self.catalogue_.ids.gather(product),
                "product_name": pl.Series(self.catalogue_.names, dtype=pl.String).gather(product),
                "customers": found.count[part],
                "lift": found.lift[part],
                "low": found.low[part],
            }
        )

    def bundles(self) -> pl.DataFrame:
        """Products ordered together: product_ids and product_names (lists), orders, lift, low (95 %)."""
        found = self.bundles_
        ids, names = self.catalogue_.ids, self.catalogue_.names
        rows = [[p for p in row if p >= 0] for row in found.product.tolist()]
        return pl.DataFrame(
            {
                "product_ids": pl.Series(
                    [ids.gather(row).to_list() for row in rows], dtype=pl.List(ids.dtype)
                ),
                "product_names": pl.Series(
                    [[names[p] for p in row] for row in rows], dtype=pl.List(pl.String)
                ),
                "orders": found.count,
                "lift": found.lift,
                "low": found.low,
            }
        )

    def _constraints(self, products: pl.DataFrame | None) -> tuple[Mask | None, Floats | None]:
        """Which products may be recommended, and what margins are worth; ``None`` where nothing is known."""
        if products is None or products.is_empty():
            return None, None
        ids = self.catalogue_.ids
        known = pl.DataFrame({"product_id": ids}).join(
            products.with_columns(pl.col("product_id").cast(ids.dtype)).unique("product_id"),
            on="product_id", how="left", maintain_order="left",
        )  # fmt: skip
        allowed = worth = None
        if "quantity_in_stock" in known.columns and known["quantity_in_stock"].null_count() < known.height:
            stock = known["quantity_in_stock"].cast(pl.Float64)
            allowed = (stock.is_null() | (stock >= self.least_stock)).to_numpy()
        if self.margin_weight > 0 and {"msrp", "buy_price"} <= set(known.columns):
            margin = (1 - pl.col("buy_price") / pl.col("msrp")).clip(0.01, 1.0)
            share = known.select(margin.fill_nan(None).alias("margin"))["margin"]
            if share.null_count() < len(share):
                worth = share.fill_null(strategy="mean").to_numpy() ** self.margin_weight
        return allowed, worth

    def _rows(self, best: Shortlist, block: Histories, as_of_day: int) -> pl.DataFrame:
        if best.kind == AGAIN:
            count = block.dense(block.count, self.catalogue_.size)
            last = block.dense(block.last_day.astype(np.float64), self.catalogue_.size)
            at = best.owner, best.product
            text = bought_before(count[at], last[at].astype(np.int64))
        else:
            mix = np.array(self.settings_.novel_mix)
            text = because(self.tastes_, mix, block, best.owner, best.product, self.catalogue_.names)
        return pl.DataFrame(
            {
                "customer_id": block.customers.gather(best.owner),
                "as_of_day": np.full(len(best.owner), as_of_day),
                "product_id": self.catalogue_.ids.gather(best.product),
                "rank": best.rank,
                "kind": pl.repeat(best.kind, len(best.owner), dtype=pl.String, eager=True),
                "score": best.score,
                "low": best.low,
                "high": best.high,
                "share": best.share,
                "reasons": text,
            }
        ).with_columns(pl.col("score", "low", "high").fill_nan(None))

    def _for_newcomers(
        self, newcomers: pl.DataFrame, allowed: Mask | None, worth: Floats | None, as_of_day: int
    ) -> pl.DataFrame:
        who, product, rank, share, reasons = self.newcomers_.offers(newcomers, self.shown, allowed, worth)
        nothing = pl.repeat(None, len(who), dtype=pl.Float64, eager=True)
        return pl.DataFrame(
            {
                "customer_id": newcomers["customer_id"].gather(who),
                "as_of_day": np.full(len(who), as_of_day),
                "product_id": self.catalogue_.ids.gather(product),
                "rank": rank,
                "kind": pl.repeat("new", len(who), dtype=pl.String, eager=True),
                "score": nothing,
                "low": nothing,
                "high": nothing,
                "share": share,
                "reasons": reasons,
            }
        )

    def _empty(self, customer: pl.DataType) -> pl.DataFrame:
        schema = {"customer_id": customer, "as_of_day": COLUMNS["as_of_day"]}
        return pl.DataFrame(schema=schema | {"product_id": self.catalogue_.ids.dtype} | COLUMNS)

    def save(self) -> Parts:
        """Plain values and arrays; texts are arrays of fixed width, so that they can be memory-mapped."""
        ids = self.catalogue_.ids
        return {
            "parameters": {
                "horizon": self.horizon, "shown": self.shown, "margin_weight": self.margin_weight,
                "least_stock": self.least_stock, "neighbours_kept": self.neighbours_kept,
                "line_names": list(self.catalogue_.line_names),
                "line_strength": self.tastes_.line_strength,
                "settings": asdict(self.settings_),
                "chance": self.chance_.as_dict(),
                "countries": list(self.newcomers_.countries),
                "text_ids": ids.dtype == pl.String,
                "judged": self.judged_,
            },
            "product_ids": _ids_array(ids),
            "product_names": np.array(self.catalogue_.names, dtype=np.str_),
            "line": self.catalogue_.line,
            "popularity": self.tastes_.popularity,
            "sold": self.tastes_.sold,
            "factors": self.tastes_.factors.astype(np.float32),
            "neighbour_starts": self.tastes_.neighbours.starts,
            "neighbour_targets": self.tastes_.neighbours.target.astype(np.int32),
            "neighbour_values": self.tastes_.neighbours.value.astype(np.float32),
            "by_country": self.newcomers_.shares.astype(np.float32),
            **_arrays("also", self.also_bought_, ("starts", "product", "count", "lift", "low")),
            **_arrays("bundle", self.bundles_, ("product", "count", "lift", "low")),
        }  # fmt: skip

    @classmethod
    def load(cls, parts: Mapping[str, Part]) -> Self:
        """The model that ``save`` took apart."""
        plain = values(parts["parameters"])
        model = cls(**{name: plain[name] for name in ("horizon", "shown", "margin_weight", "least_stock")})
        model.neighbours_kept = plain["neighbours_kept"]
        ids = array(parts["product_ids"])
        names = tuple(array(parts["product_names"]).tolist())
        texts = (
            pl.Series("product_id", ids.tolist(), dtype=pl.String)
            if plain["text_ids"]
            else pl.Series("product_id", ids)
        )
        line = array(parts["line"])
        model.catalogue_ = Catalogue(texts, names, line, tuple(plain["line_names"]))
        popularity = array(parts["popularity"])
        model.tastes_ = Tastes(
            popularity, line, plain["line_strength"], array(parts["factors"]),
            Neighbours(
                array(parts["neighbour_starts"]), array(parts["neighbour_targets"]),
                array(parts["neighbour_values"]),
            ),
            array(parts["sold"]),
        )  # fmt: skip
        settings = plain["settings"]
        model.settings_ = Settings(
            **settings | {"mix": tuple(settings["mix"]), "novel_mix": tuple(settings["novel_mix"])}
        )
        model.chance_ = Chance.from_dict(plain["chance"])
        model.newcomers_ = Newcomers(tuple(plain["countries"]), array(parts["by_country"]), popularity)
        model.also_bought_ = AlsoBought(
            *(array(parts[f"also_{name}"]) for name in ("starts", "product", "count", "lift", "low"))
        )
        model.bundles_ = Bundles(*(array(parts[f"bundle_{n}"]) for n in ("product", "count", "lift", "low")))
        model.judged_ = plain["judged"]
        return model


def _arrays(prefix: str, holder: object, names: Sequence[str]) -> dict[str, Any]:
    return {f"{prefix}_{name}": getattr(holder, name) for name in names}


def _ids_array(ids: pl.Series) -> npt.NDArray[Any]:
    """Keys of products as an array; texts with the fixed width of the longest."""
    return np.array(ids.to_list(), dtype=np.str_) if ids.dtype == pl.String else ids.to_numpy()
