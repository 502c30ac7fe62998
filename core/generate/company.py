"""A Classic-Models-like company with known truth, written block by block."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from core.generate.customers import customer_table, make_latent
from core.generate.draws import Ints
from core.generate.lines import make_lines
from core.generate.orders import make_orders
from core.generate.payments import make_payments
from core.generate.products import make_catalogue
from core.generate.season import clocks_of
from core.generate.staff import make_staff
from core.generate.world import World
from core.generate.write import CsvFolder

BLOCK = 2_000  # customers held in memory at once; no number depends on it
TABLES = (
    "customers", "employees", "offices", "orderdetails", "orders", "payments", "productlines", "products",
)  # fmt: skip
TRUTH_TABLES = ("customers", "invoices", "calendar", "products")
DEFAULT_START = date(2023, 7, 1)


@dataclass(frozen=True)
class GeneratedCompany:
    """What was written: row counts and paths by table name, the truth folder, first and last order date."""

    folder: Path
    truth_folder: Path
    rows: Mapping[str, int]
    paths: Mapping[str, Path]
    first_order: date | None
    last_order: date | None


def generate_company(
    out: Path,
    *,
    customers: int = 500,
    years: int = 3,
    seed: int = 1,
    start: date = DEFAULT_START,
    world: str = "bgnbd",
    progress: Callable[[int, int], None] | None = None,
    overwrite: bool = False,
) -> GeneratedCompany:
    """Write the eight tables of a made-up company to `out`, and the truth to `<out>-truth` beside it.

    The same arguments give the same bytes, and a customer (with orders, lines and payments) is the same for
    every number of customers.

    Parameters
    ----------
    out
        Folder for the tables; new or empty, or with `overwrite` holding only tables of these names.
    customers, years, seed, start
        Size of the company, length and first day of the window, and the seed.
    world
        Names of `core.generate.world.VARIANTS`, joined by commas.
    progress
        Called after each block with the customers done and the customers in all.
    overwrite
        Whether tables of an earlier run in these folders are replaced.

    Raises
    ------
    GenerateError
        When a number is out of range, a world is unknown or a folder holds files that are not to be replaced.
    """
    model = World.named(world, seed=seed, customers=customers, years=years, start=start)
    out = Path(out)
    data = CsvFolder(out, TABLES)
    truth = CsvFolder(out.with_name(out.name + "-truth"), TRUTH_TABLES)
    data.refuse_other_files(overwrite=overwrite)
    truth.refuse_other_files(beside=("parameters.json",), overwrite=overwrite)

    clocks = clocks_of(model)
    clock = clocks[0]
    catalogue, staff = make_catalogue(model), make_staff(seed)
    first_day, last_day = model.days, -1
    with data, truth:
        for name, frame in (
            ("productlines", catalogue.product_lines),
            ("products", catalogue.products),
            ("offices", staff.offices),
            ("employees", staff.employees),
        ):
            data.append(name, frame)
        truth.append("calendar", pl.concat([c.table(group) for group, c in enumerate(clocks)]))
        truth.append("products", catalogue.truth(clock))
        for index in _blocks(customers):
            latent = make_latent(model, clocks, index)
            orders, death_day = make_orders(model, clocks, latent)
            lines = make_lines(model, catalogue, latent, orders)
            amounts = lines.order_amounts(len(orders.row))
            payments, invoices = make_payments(model, clock, latent, orders, amounts)
            data.append("customers", customer_table(model, staff, latent))
            data.append("orders", orders.table(model, clock, latent))
            data.append("orderdetails", lines.table(orders, catalogue))
            data.append("payments", payments)
            truth.append("customers", latent.truth(clocks, death_day))
            truth.append("invoices", invoices.truth(clock, orders))
            first_day = min(first_day, int(orders.day.min(initial=first_day)))
            last_day = max(last_day, int(orders.day.max(initial=last_day)))
            if progress is not None:
                progress(int(index[-1]) + 1, customers)
    parameters = json.dumps(model.parameters(), indent=2, sort_keys=True)
    (truth.folder / "parameters.json").write_text(parameters + "\n", encoding="utf-8")
    has_orders = last_day >= 0
    return GeneratedCompany(
        folder=data.folder,
        truth_folder=truth.folder,
        rows=data.rows,
        paths=data.paths(),
        first_order=start + timedelta(days=first_day) if has_orders else None,
        last_order=start + timedelta(days=last_day) if has_orders else None,
    )


def _blocks(customers: int) -> Iterator[Ints]:
    for first in range(0, customers, BLOCK):
        yield np.arange(first, min(first + BLOCK, customers), dtype=np.int64)
