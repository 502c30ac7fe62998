"""What can be seen of a generated company: its tables, in the units of the world (days since its start)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from core.days import to_day
from core.errors import GenerateError
from core.generate.draws import Ints
from core.generate.orders import ORDERS_PER_CUSTOMER
from core.generate.places import COUNTRIES
from core.generate.products import Catalogue, make_catalogue
from core.generate.season import SeasonalClock, clock_group, clocks_of
from core.generate.world import World

BLOCK = 4_000  # customers whose order lines are held at once; no score depends on it


@dataclass(frozen=True)
class Observed:
    """The tables of a generated company and the world that made them.

    Attributes
    ----------
    customers
        ``customer_id``, ``country`` (index in `COUNTRIES`), ``clock``; in ascending order.
    orders
        ``customer_id``, ``order_id``, ``day``, ``shipped_day`` (null: not shipped), ``live`` (not cancelled);
        sorted by customer and day.
    start_day
        Days from 1970-01-01 to the start of the window.
    """

    folder: Path
    world: World
    clocks: tuple[SeasonalClock, ...]
    catalogue: Catalogue
    customers: pl.DataFrame
    orders: pl.DataFrame
    start_day: int

    def blocks(self) -> Iterator[Ints]:
        """Customer numbers in blocks, ascending."""
        numbers = self.customers["customer_id"].to_numpy()
        for first in range(0, len(numbers), BLOCK):
            yield numbers[first : first + BLOCK]

    def orders_of(self, customers: Ints) -> pl.DataFrame:
        """The orders of a block of customers."""
        return self.orders.filter(pl.col("customer_id").is_between(int(customers[0]), int(customers[-1])))

    def lines_of(self, customers: Ints) -> pl.DataFrame:
        """The order lines of a block of customers, sorted by customer, day and position in the order.

        ``customer_id``, ``order_id``, ``day``, ``live``, ``product`` (index), ``position``, ``quantity``,
        ``permille`` (discount on the list price), ``companion`` (whether it came with a bundle).
        """
        low = int(customers[0]) * ORDERS_PER_CUSTOMER
        high = (int(customers[-1]) + 1) * ORDERS_PER_CUSTOMER
        products = pl.DataFrame(
            {
                "productCode": self.catalogue.codes,
                "product": np.arange(len(self.catalogue.codes)),
                "msrp": self.catalogue.msrp,
            }
        )
        lines = (
            pl.scan_csv(self.folder / "orderdetails.csv")
            .filter(pl.col("orderNumber") >= low, pl.col("orderNumber") < high)
            .join(products.lazy(), on="productCode")
            .select(
                order_id="orderNumber",
                product="product",
                position=pl.col("orderLineNumber").cast(pl.Int64),
                quantity=pl.col("quantityOrdered").cast(pl.Int64),
                permille=(1000 - 100_000 * pl.col("priceEach") / pl.col("msrp")).round().cast(pl.Int64),
            )
            .collect()
        )
        orders = self.orders_of(customers).select("customer_id", "order_id", "day", "live")
        lines = lines.join(orders, on="order_id").sort("customer_id", "day", "position")
        return lines.with_columns(companion=self._companions(lines))

    def _companions(self, lines: pl.DataFrame) -> pl.Series:
        """Which lines stand at the end of their order and are companions of products before them."""
        pairs = np.flatnonzero(self.catalogue.companion >= 0)
        if not len(pairs):
            return pl.repeat(False, lines.height, dtype=pl.Boolean, eager=True)
        leads = pl.DataFrame({"lead": pairs, "product": self.catalogue.companion[pairs]})
        first = lines.select("order_id", lead="product", lead_position="position")
        brought = (
            lines.select("order_id", "product", "position")
            .join(leads, on="product")
            .join(first, on=["order_id", "lead"])
            .filter(pl.col("lead_position") < pl.col("position"))
            .select("order_id", "product", brought=pl.lit(True))
            .unique()
        )
        flagged = lines.select("order_id", "product", "position").join(
            brought, on=["order_id", "product"], how="left", maintain_order="left"
        )
        return flagged.select(
            pl.col("brought").fill_null(False).cast(pl.Int8).cum_min(reverse=True).over("order_id").cast(bool)
        ).to_series()


def read_observed(folder: Path, truth_folder: Path) -> Observed:
    """Read customers and orders of a generated company; order lines are read when they are asked for.

    Raises
    ------
    GenerateError
        When the folders do not hold what `generate` writes.
    """
    folder, truth_folder = Path(folder), Path(truth_folder)
    world = World.of_truth(truth_folder)
    start_day = to_day(world.start)
    try:
        customers = pl.read_csv(folder / "customers.csv", columns=["customerNumber", "country"])
        orders = pl.read_csv(
            folder / "orders.csv",
            columns=["orderNumber", "orderDate", "shippedDate", "status", "customerNumber"],
            schema_overrides={"orderDate": pl.Date, "shippedDate": pl.Date},
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise GenerateError(
            f"{folder} does not hold the tables of a generated company ({error}).",
            "Point to the folder that generate wrote.",
        ) from error
    places = {country.name: number for number, country in enumerate(COUNTRIES)}
    country = customers["country"].replace_strict(places, return_dtype=pl.Int64)
    group = clock_group(world, country.to_numpy())
    known = customers.select(customer_id="customerNumber", country=country).with_columns(
        clock=pl.Series(group)
    )
    epoch = pl.col("orderDate", "shippedDate").cast(pl.Int32).cast(pl.Int64) - start_day
    orders = orders.with_columns(epoch).select(
        customer_id="customerNumber",
        order_id="orderNumber",
        day="orderDate",
        shipped_day="shippedDate",
        live=pl.col("status") != "Cancelled",
    )
    return Observed(
        folder,
        world,
        clocks_of(world),
        make_catalogue(world),
        known.sort("customer_id"),
        orders.sort("customer_id", "day"),
        start_day,
    )
