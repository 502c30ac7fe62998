"""Order lines: which products, how many, at what price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.generate.customers import Latent
from core.generate.draws import Draws, Ints
from core.generate.orders import Orders
from core.generate.products import Catalogue
from core.generate.urn import MOST_LINES, draw_products
from core.generate.world import World

MOST_DISCOUNT_PERMILLE = 200


@dataclass(frozen=True)
class Lines:
    """Order lines of a block; prices in cents. `order` points to the order in the block."""

    order: Ints
    product: Ints
    quantity: Ints
    price: Ints
    position: Ints

    def table(self, orders: Orders, catalogue: Catalogue) -> pl.DataFrame:
        """The orderdetails table of the block."""
        return pl.DataFrame(
            {
                "orderNumber": orders.number[self.order],
                "productCode": pl.Series(catalogue.codes).gather(self.product),
                "quantityOrdered": self.quantity,
                "priceEach": self.price / 100,
                "orderLineNumber": self.position,
            }
        )

    def order_amounts(self, count: int) -> Ints:
        """Amount of each order in cents."""
        amounts = np.zeros(count, dtype=np.int64)
        np.add.at(amounts, self.order, self.quantity * self.price)
        return amounts


def make_lines(world: World, catalogue: Catalogue, latent: Latent, orders: Orders) -> Lines:
    """The lines of a block's orders; `core.generate.urn` chooses the products."""
    chosen, counts = draw_products(world, catalogue, latent, orders, _line_counts(world, latent, orders))
    in_order = np.arange(MOST_LINES) < counts[:, None]
    order, place = np.nonzero(in_order)
    product = chosen[order, place]

    customer, sequence = latent.index[orders.row[order]], orders.sequence[order]
    mean_quantity = latent.segment_values("quantity")[orders.row[order]]
    spread = np.exp(0.42 * Draws(world.seed, "quantity").normal(customer, sequence, place))
    quantity = np.clip(np.round(mean_quantity * spread), 4, 99).astype(np.int64)

    bargaining = Draws(world.seed, "bargaining").integers(41, latent.index) - 20
    agreed = latent.segment_values("discount_permille").astype(np.int64) + bargaining
    volume = np.where(quantity >= 60, 40, np.where(quantity >= 40, 20, 0))
    haggled = 10 * (Draws(world.seed, "haggling").integers(5, customer, sequence, place) - 2)
    discount = np.clip(agreed[orders.row[order]] + volume + haggled, 0, MOST_DISCOUNT_PERMILLE)
    price = (catalogue.msrp[product] * (1000 - discount) + 500) // 1000
    return Lines(order, product, quantity, price, place + 1)


def _line_counts(world: World, latent: Latent, orders: Orders) -> Ints:
    habit = np.exp(0.18 * Draws(world.seed, "lines habit").normal(latent.index))
    usual = (latent.segment_values("lines_per_order") * habit)[orders.row]
    spread = 0.35 + 1.3 * Draws(world.seed, "lines").uniform(latent.index[orders.row], orders.sequence)
    return np.clip(np.round(usual * spread), 1, MOST_LINES).astype(np.int64)
