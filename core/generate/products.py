"""Product lines and products: they depend on the seed only. Prices are in cents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.generate.catalogue import FEATURES, LINES, VENDORS, Line
from core.generate.draws import Draws, Floats, Ints
from core.generate.noise import with_noise
from core.generate.product_lives import product_lives
from core.generate.season import SeasonalClock
from core.generate.world import World

NEVER_SOLD = 4
SLOW_SELLERS = 7
NEARLY_SOLD_OUT = 8


@dataclass(frozen=True)
class Catalogue:
    """The product tables and what orders need of them, as arrays over the products.

    `line` is the index of the product line, `msrp` the list price in cents, `popularity` the weight within
    the line (0: nobody ever buys it). A product is sold on the days `first_day` ≤ day < `end_day` of the
    window. `successor` is the product that replaces it at its end (−1: none), `companion` the product that
    is bought with it (−1: none).
    """

    product_lines: pl.DataFrame
    products: pl.DataFrame
    codes: tuple[str, ...]
    line: Ints
    msrp: Ints
    popularity: Floats
    first_day: Ints
    end_day: Ints
    successor: Ints
    companion: Ints

    def truth(self, clock: SeasonalClock) -> pl.DataFrame:
        """Popularity of each product within its line (sums to 1 where all are always sold), and its life.

        Dates are null where a product is there from the start or to the end of the window.
        """
        codes = np.array([*self.codes, None], dtype=object)
        origin = np.datetime64(clock.start, "D")
        first, end = origin + self.first_day, origin + self.end_day
        return pl.DataFrame(
            {
                "productCode": self.codes,
                "productLine": [LINES[i].name for i in self.line.tolist()],
                "popularity": self.popularity,
                "firstDate": np.where(self.first_day > 0, first, np.datetime64("NaT", "D")),
                "endDate": np.where(self.end_day < clock.days, end, np.datetime64("NaT", "D")),
                "successor": pl.Series(codes[self.successor].tolist(), dtype=pl.String),
                "companion": pl.Series(codes[self.companion].tolist(), dtype=pl.String),
            }
        )


def make_catalogue(world: World) -> Catalogue:
    """About 110 scale models with list price, purchase price and stock."""
    seed = world.seed
    names, scales, line, base_price = [], [], [], []
    for index, product_line in enumerate(LINES):
        for name, scale, price in _models(seed, product_line):
            names.append(name)
            scales.append(scale)
            line.append(index)
            base_price.append(price)
    count = len(names)
    numbers = np.arange(count)
    codes = tuple(
        f"{LINES[i].prefix}{s}_{1001 + n}" for n, (i, s) in enumerate(zip(line, scales, strict=True))
    )

    endings = np.array([0, 50, 95, 99])[Draws(seed, "price ending").integers(4, numbers)]
    msrp = np.floor(np.array(base_price)).astype(np.int64) * 100 + endings
    cost_permille = 410 + Draws(seed, "cost").integers(210, numbers)
    buy_price = msrp * cost_permille // 1000

    # The four roles come from one shuffle, so that no product is both unsold and nearly sold out.
    ranks = Draws(seed, "product roles").shuffled(count)
    never, rest = ranks[:NEVER_SOLD], ranks[NEVER_SOLD:]
    slow, scarce = rest[:SLOW_SELLERS], rest[SLOW_SELLERS : SLOW_SELLERS + NEARLY_SOLD_OUT]
    popularity = np.exp(0.75 * Draws(seed, "popularity").normal(numbers))
    popularity[slow] = 0.02
    popularity[never] = 0.0
    line_index = np.array(line, dtype=np.int64)
    popularity /= np.bincount(line_index, weights=popularity)[line_index]
    stock = 350 + Draws(seed, "stock").integers(8200, numbers)
    stock[scarce] = 4 + Draws(seed, "scarce stock").integers(60, scarce)
    stock[slow] += 2000
    stock[never] += 2500

    products = pl.DataFrame(
        {
            "productCode": codes,
            "productName": names,
            "productLine": [LINES[i].name for i in line],
            "productScale": [f"1:{scale}" for scale in scales],
            "productVendor": [VENDORS[i] for i in Draws(seed, "vendor").integers(len(VENDORS), numbers)],
            "productDescription": _descriptions(seed, names, scales),
            "quantityInStock": stock,
            "buyPrice": buy_price / 100,
            "MSRP": msrp / 100,
        }
    )
    product_lines = pl.DataFrame(
        {"productLine": [row.name for row in LINES], "textDescription": [row.text for row in LINES]}
    )
    return Catalogue(
        product_lines,
        with_noise(world, "products", numbers, products),
        codes,
        line_index,
        msrp,
        *product_lives(world, line_index, popularity),
    )


def _models(seed: int, line: Line) -> list[tuple[str, int, float]]:
    """Name, scale and price in dollars of each product of a line; a maker builds a model only once."""
    pairs = Draws(seed, f"models {line.name}").shuffled(len(line.makers) * len(line.models))[: line.count]
    draws = Draws(seed, f"details {line.name}")
    first, last = line.years
    result = []
    for number, pair in enumerate(pairs.tolist()):
        maker, model = line.makers[pair // len(line.models)], line.models[pair % len(line.models)]
        year = first + int(draws.integers(last - first + 1, number, 0))
        size = int(draws.integers(len(line.scales), number, 1))
        # The larger the model (the smaller the scale's number), the dearer.
        price = line.price * (1.18 - 0.18 * size) * float(np.exp(0.30 * draws.normal(number, 2)))
        result.append((f"{year} {maker} {model}", line.scales[size], min(max(price, 29.0), 219.0)))
    return result


def _descriptions(seed: int, names: list[str], scales: list[int]) -> list[str]:
    draws = Draws(seed, "features")
    result = []
    for number, (name, scale) in enumerate(zip(names, scales, strict=True)):
        first = int(draws.integers(len(FEATURES), number, 0))
        second = (first + 1 + int(draws.integers(len(FEATURES) - 1, number, 1))) % len(FEATURES)
        result.append(f"{name} in scale 1:{scale} with {FEATURES[first]} and {FEATURES[second]}.")
    return result
