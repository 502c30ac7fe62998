"""Purchases of made-up customers with known tastes, for tests of recommendations."""

import numpy as np
import polars as pl

FIRST_DAY = 19_000
DAYS = 720
PRODUCTS = 24
LINES = ("Cars", "Ships", "Planes", "Trains")


def catalogue() -> pl.DataFrame:
    """24 products in four lines, with stock and prices; the first is sold out."""
    return pl.DataFrame(
        {
            "product_id": [f"P{i:02d}" for i in range(PRODUCTS)],
            "product_name": [f"Product {i}" for i in range(PRODUCTS)],
            "product_line": [LINES[i % 4] for i in range(PRODUCTS)],
            "quantity_in_stock": [0, *[100] * (PRODUCTS - 1)],
            "msrp": [100.0] * PRODUCTS,
            "buy_price": [90.0 if i % 2 else 20.0 for i in range(PRODUCTS)],
        }
    )


def order_lines(customers: int = 150, seed: int = 0, orders: int = 10) -> pl.DataFrame:
    """Orders of customers who prefer one line each and come back to what they bought before."""
    draw = np.random.default_rng(seed)
    line = np.arange(PRODUCTS) % 4
    popularity = draw.gamma(1.0, size=PRODUCTS) + 0.1
    rows = []
    for customer in range(customers):
        weight = popularity * np.where(line == customer % 4, 8.0, 1.0)
        weight = weight / weight.sum() * 10
        days = np.sort(draw.choice(DAYS, size=orders, replace=False))
        for number, day in enumerate(days):
            chosen = draw.choice(PRODUCTS, size=4, replace=False, p=weight / weight.sum())
            weight[chosen] += 1.0
            rows += [
                (customer, f"P{product:02d}", FIRST_DAY + int(day), customer * 1_000 + number, 1, 0)
                for product in chosen
            ]
    names = ["customer_id", "product_id", "order_day", "order_id", "quantity", "is_cancelled"]
    return pl.DataFrame(rows, schema=names, orient="row")
