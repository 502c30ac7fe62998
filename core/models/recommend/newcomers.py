"""What to offer customers without a purchase: what sells in their country, else what sells at all."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.models.recommend.purchases import Catalogue, Floats, Ints
from core.models.recommend.ranking import Mask, top

PRIOR_PURCHASES = 200.0
_FEW_PURCHASES = 50.0


@dataclass(frozen=True)
class Newcomers:
    """Shares of all products in the purchases of each country, shrunk to those of all countries.

    A country with few purchases is left out: its newcomers get what is popular with all.
    """

    countries: tuple[str, ...]
    shares: Floats
    popularity: Floats

    @classmethod
    def of(cls, by_country: pl.DataFrame | None, catalogue: Catalogue, popularity: Floats) -> "Newcomers":
        """From country, product_id and purchases; ``None`` where countries are unknown."""
        nothing = cls((), np.zeros((0, len(popularity))), popularity)
        if by_country is None or by_country.is_empty():
            return nothing
        position = pl.DataFrame({"product_id": catalogue.ids, "product": np.arange(catalogue.size)})
        known = (
            by_country.with_columns(
                pl.col("product_id").cast(catalogue.ids.dtype),
                pl.col("country").cast(pl.String).str.strip_chars(),
            )
            .drop_nulls(["country", "product_id"])
            .join(position, on="product_id", how="inner")
            .filter(pl.col("purchases").sum().over("country") >= _FEW_PURCHASES)
            .sort("country")
        )
        countries = known["country"].unique(maintain_order=True).to_list()
        counts = np.zeros((len(countries), catalogue.size))
        row = known["country"].rank("dense").to_numpy().astype(np.int64) - 1
        np.add.at(counts, (row, known["product"].to_numpy()), known["purchases"].to_numpy())
        total = counts.sum(axis=1, keepdims=True) + PRIOR_PURCHASES
        return cls(tuple(countries), (counts + PRIOR_PURCHASES * popularity) / total, popularity)

    def offers(
        self, customers: pl.DataFrame, count: int, allowed: Mask | None, worth: Floats | None
    ) -> tuple[Ints, Ints, Ints, Floats, pl.Series]:
        """For customers (customer_id, optional country) the best ``count`` products: position of the
        customer, product, rank, share and reason.
        """
        row = np.full(customers.height, len(self.countries))
        if "country" in customers.columns and self.countries:
            place = {name: code for code, name in enumerate(self.countries)}
            names = customers["country"].cast(pl.String).str.strip_chars().to_list()
            row = np.array([place.get(name, len(self.countries)) for name in names], dtype=np.int64)
        table = np.concatenate([self.shares, self.popularity[None, :]])
        candidates = np.broadcast_to(
            (self.popularity > 0) & (True if allowed is None else allowed), table.shape
        )
        ranked, filled = top(table if worth is None else table * worth, candidates, count)
        who, column = np.nonzero(filled[row])
        product = ranked[row[who], column]
        said = pl.Series([*(f"Popular in {name}" for name in self.countries), "Popular with all customers"])
        return who, product, column + 1, table[row[who], product], said.gather(row[who])
