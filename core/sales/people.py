"""Counts and sums over customers, at a cost that hardly grows with their number.

Customers of the same country and sales representative make a *place*. As long as nothing but places is
restricted, figures are added up from sums by place that are made once; else only the customers concerned are
looked at.
"""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.sales.frames import SalesData

_LARGEST_TABLE = 4_000_000


@dataclass(frozen=True)
class Places:
    """The place of each customer, and country and sales representative of each place."""

    of_customer: np.ndarray
    country: np.ndarray
    sales_rep: np.ndarray

    @property
    def count(self) -> int:
        """Places."""
        return len(self.country)

    def passing(self, allowed: Mapping[str, np.ndarray]) -> np.ndarray:
        """For each place, whether the restrictions let it pass."""
        mask = np.ones(self.count, dtype=bool)
        for name, codes in (("country", self.country), ("sales_rep", self.sales_rep)):
            if name in allowed:
                mask &= allowed[name][codes]
        return mask


def places_of(sales: SalesData) -> Places:
    """The places of the customers."""

    def make() -> Places:
        country, sales_rep = (
            sales.customers[name].to_physical().to_numpy().astype(np.int64)
            for name in ("country", "sales_rep")
        )
        reps = sales.sales_reps.height
        found, of_customer = np.unique(country * reps + sales_rep, return_inverse=True)
        return Places(of_customer.astype(np.int32), found // reps, found % reps)

    return sales.once("places", make)


@dataclass(frozen=True)
class Buyers:
    """The customers of a selection: those that pass and, where period or products are restricted, bought.

    Attributes
    ----------
    places
        Which places pass.
    rows
        Row numbers of the customers; ``None`` for all customers of the places.
    scale
        What counts and sums are multiplied by: above 1 where only the lines of a sample are at hand.
    """

    sales: SalesData
    places: np.ndarray
    rows: np.ndarray | None = None
    scale: float = 1.0

    def mask(self) -> np.ndarray:
        """For each customer, whether it belongs to the selection."""
        of_customer = places_of(self.sales).of_customer
        if self.rows is None:
            passes: np.ndarray = self.places[of_customer]
            return passes
        mask = np.zeros(len(of_customer), dtype=bool)
        mask[self.rows] = True
        return mask

    def sums(
        self,
        name: Hashable,
        weights: Callable[[], np.ndarray] | None = None,
        cells: Callable[[], np.ndarray] | None = None,
        size: int = 1,
    ) -> np.ndarray:
        """The number of customers in each of ``size`` cells, or the sum of their weights; not scaled.

        Parameters
        ----------
        name
            Names weights, cells and size together: they are made once.
        weights, cells
            Give one value for each customer; by default 1, and all in one cell. A cell below 0 is left out.
        """
        sales, places = self.sales, places_of(self.sales)
        weight = None if weights is None else sales.once((name, "weights"), weights)
        cell = None if cells is None else sales.once((name, "cells"), cells)
        rows = self.rows
        if rows is None and places.count * size > _LARGEST_TABLE:
            rows = np.flatnonzero(self.mask())
        if rows is not None:
            return _summed(
                None if cell is None else cell[rows],
                None if weight is None else weight[rows],
                len(rows),
                size,
            )

        def by_place() -> np.ndarray:
            flat = places.of_customer.astype(np.int64) * size
            flat = flat if cell is None else np.where(cell < 0, -1, flat + cell)
            return _summed(flat, weight, len(flat), places.count * size).reshape(places.count, size)

        table = sales.once((name, "by place"), by_place)
        if self.places.all():
            return sales.once((name, "in all"), lambda: table.sum(axis=0))
        return table[self.places].sum(axis=0)


def _summed(cell: np.ndarray | None, weight: np.ndarray | None, count: int, size: int) -> np.ndarray:
    if cell is None:
        return np.array([float(count) if weight is None else weight.sum()])
    inside = cell >= 0
    if not inside.all():
        cell = cell[inside]
        weight = None if weight is None else weight[inside]
    return np.bincount(cell, weights=weight, minlength=size)


def passing(sales: SalesData, allowed: Mapping[str, np.ndarray]) -> Buyers:
    """The customers that the restrictions (``Selection.allowed``) let pass, whether they bought or not."""
    places = places_of(sales)
    of_places = places.passing(allowed)
    if "customer" not in allowed:
        return Buyers(sales, of_places)
    rows = np.flatnonzero(allowed["customer"])
    return Buyers(sales, of_places, rows if of_places.all() else rows[of_places[places.of_customer[rows]]])


def values_of(sales: SalesData, column: str) -> np.ndarray:
    """A number of each customer, NaN where it is not known."""
    return sales.once(("customers", column), lambda: sales.customers[column].cast(float).to_numpy())


def customers_with(sales: SalesData, keys: Collection[str]) -> np.ndarray:
    """The row numbers of the customers with these keys; keys that nobody has are left out."""
    order = sales.once("order of keys", lambda: sales.customers["key"].arg_sort())
    ordered = sales.once("ordered keys", lambda: sales.customers["key"].gather(order))
    wanted = pl.Series(list(keys), dtype=pl.String)
    places = ordered.search_sorted(wanted, side="left")
    inside = places < len(ordered)
    places, wanted = places.filter(inside), wanted.filter(inside)
    found: np.ndarray = order.gather(places.filter(ordered.gather(places) == wanted)).to_numpy()
    return found
