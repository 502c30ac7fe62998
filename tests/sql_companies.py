"""Small companies for tests: a literal one to check by hand and random ones with every oddity."""

import random
import re
import sqlite3
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl

from core.sql_files import SqlFile, column_type, read_sql, staging_files

Tables = dict[str, list[dict[str, object]]]

COLUMNS: dict[str, dict[str, str]] = {
    "customers": {
        "customerNumber": "BIGINT",
        "customerName": "TEXT",
        "contactLastName": "TEXT",
        "contactFirstName": "TEXT",
        "city": "TEXT",
        "country": "TEXT",
        "salesRepEmployeeNumber": "BIGINT",
        "creditLimit": "DOUBLE",
    },
    "employees": {
        "employeeNumber": "BIGINT",
        "lastName": "TEXT",
        "firstName": "TEXT",
        "officeCode": "TEXT",
        "reportsTo": "BIGINT",
        "jobTitle": "TEXT",
    },
    "offices": {"officeCode": "TEXT", "city": "TEXT", "country": "TEXT", "territory": "TEXT"},
    "orderdetails": {
        "orderNumber": "BIGINT",
        "productCode": "TEXT",
        "quantityOrdered": "BIGINT",
        "priceEach": "DOUBLE",
        "orderLineNumber": "BIGINT",
    },
    "orders": {
        "orderNumber": "BIGINT",
        "orderDate": "TEXT",
        "requiredDate": "TEXT",
        "shippedDate": "TEXT",
        "status": "TEXT",
        "customerNumber": "BIGINT",
    },
    "payments": {
        "customerNumber": "BIGINT",
        "checkNumber": "TEXT",
        "paymentDate": "TEXT",
        "amount": "DOUBLE",
    },
    "products": {
        "productCode": "TEXT",
        "productName": "TEXT",
        "productLine": "TEXT",
        "productScale": "TEXT",
        "productVendor": "TEXT",
        "quantityInStock": "BIGINT",
        "buyPrice": "DOUBLE",
        "MSRP": "DOUBLE",
    },
}
_DATES = {"orderDate", "requiredDate", "shippedDate", "paymentDate"}


def _rows(table: str, *values: tuple[object, ...]) -> list[dict[str, object]]:
    return [dict(zip(COLUMNS[table], row, strict=True)) for row in values]


def literal_company() -> Tables:
    """Four customers and six orders; see the comments for what is odd about each."""
    return {
        "offices": _rows("offices", ("1", "Paris", "France", "EMEA"), ("2", "Boston", "USA", "NA")),
        "employees": _rows(
            "employees",
            (10, "Martin", "Anne", "1", None, "Sales Rep"),
            (20, "Smith", "Bob", "2", 10, "Sales Rep"),
        ),
        "customers": _rows(
            "customers",
            (1, "Alpha", "A", "Al", "Lyon", "France", 10, 1000.0),
            (2, "Beta", "B", "Be", "Boston", "USA", 20, 2000.0),
            (3, "Gamma", "C", "Ce", "Oslo", "Norway ", None, 0.0),  # no sales representative
            (4, "Delta", "D", "De", "Lyon", "France", 10, 500.0),  # never ordered
        ),
        "products": _rows(
            "products",
            ("P1", "Car", "Cars", "1:10", "V", 100, 6.0, 12.0),
            ("P2", "Ship", "Ships", "1:18", "V", 50, 30.0, 60.0),
            ("P3", "Plane", "Planes", "1:18", "V", 7, 20.0, 40.0),  # never sold
        ),
        "orders": _rows(
            "orders",
            (100, "2023-01-10", "2023-01-20", "2023-01-15", "Shipped", 1),
            (101, "2023-03-01", "2023-03-10", None, "Cancelled", 2),
            (102, "2024-01-05 10:30:00", "2024-01-15", "2024-01-08", "Shipped", 2),
            (103, "2024-02-01", "2024-02-10", None, "In Process", 3),
            (104, "2024-02-10", "2024-02-20", None, "In Process", 1),  # has no lines
            (105, "2024-02-20", "2024-03-01", "2024-02-25", "Shipped", 1),  # a return
        ),
        "orderdetails": _rows(
            "orderdetails",
            (100, "P1", 10, 10.0, 1),
            (100, "P2", 2, 50.0, 2),
            (101, "P1", 5, 11.0, 1),
            (102, "P2", 4, 55.0, 1),
            (103, "P1", 3, 9.5, 1),
            (105, "P1", -2, 10.0, 1),
        ),
        "payments": _rows(
            "payments",
            (1, "A1", "2022-12-01", 50.0),  # before any order
            (1, "A2", "2023-02-01", 100.0),
            (2, "B1", "2024-01-20", 300.0),  # more than invoiced
        ),
    }


def random_company(seed: int, customers: int = 30, orders: int = 160) -> Tables:
    """Random orders of two and a half years, with cancellations, returns and rows that match nothing."""
    draw = random.Random(seed)
    start = date(2022, 6, 1)
    products = [f"P{i}" for i in range(12)]

    def day(after: date, days: int) -> date:
        return after + timedelta(days=draw.randrange(days))

    tables: Tables = {
        "offices": _rows("offices", *((str(i), f"City {i}", "USA", "NA") for i in range(3))),
        "employees": _rows(
            "employees", *((i, f"Last{i}", f"First{i}", str(i % 3), None, "Sales Rep") for i in range(5))
        ),
        "customers": _rows(
            "customers",
            *(
                (
                    i,
                    f"Customer {i}",
                    "L",
                    None,
                    "City",
                    draw.choice(["France", "USA", "Japan", "Norway  ", None]),
                    draw.choice([0, 1, 2, 3, 4, None, 99]),
                    draw.choice([0.0, None, float(draw.randrange(100_000))]),
                )
                for i in range(customers)
            ),
        ),
        "products": _rows(
            "products",
            *(
                (
                    p,
                    f"Product {p}",
                    draw.choice(["Cars", "Ships", None]),
                    "1:10",
                    "V",
                    draw.randrange(50),
                    5.25,
                    11.0,
                )
                for p in products
            ),
        ),
        "orders": [],
        "orderdetails": [],
        "payments": [],
    }
    for number in range(orders):
        ordered = day(start, 900)
        shipped = day(ordered, 20) if draw.random() < 0.8 else None
        status = "Cancelled" if draw.random() < 0.1 else "Shipped"
        customer = draw.randrange(customers + 1)  # the last one is in no customer table
        text = ordered.isoformat() + draw.choice(["", " 23:59:59"])
        required = (ordered + timedelta(days=7)).isoformat()
        sent = shipped.isoformat() if shipped else None
        tables["orders"] += _rows("orders", (number, text, required, sent, status, customer))
        sold = draw.sample([*products[:-2], "P99"], draw.randrange(5))  # two are never sold, one is unknown
        for line, product in enumerate(sold):
            quantity = draw.choice([1, 2, 3, 25, -1])
            price = draw.randrange(100, 5_000) / 100
            tables["orderdetails"] += _rows("orderdetails", (number, product, quantity, price, line))
        if draw.random() < 0.7:
            paid = (day(ordered, 90) - timedelta(days=10)).isoformat()
            amount = draw.randrange(100, 200_000) / 100
            tables["payments"] += _rows("payments", (customer, f"C{number}", paid, amount))
    return tables


def before(tables: Tables, as_of: date) -> Tables:
    """The company without any row dated on or after ``as_of``."""
    limit = as_of.isoformat()
    orders = [row for row in tables["orders"] if str(row["orderDate"])[:10] < limit]
    numbers = {row["orderNumber"] for row in orders}
    return tables | {
        "orders": orders,
        "orderdetails": [row for row in tables["orderdetails"] if row["orderNumber"] in numbers],
        "payments": [row for row in tables["payments"] if str(row["paymentDate"])[:10] < limit],
    }


def write_sqlite(tables: Tables, path: Path) -> Path:
    """The company as an SQLite file, dates as text."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    for table, columns in COLUMNS.items():
        connection.execute(f"CREATE TABLE {table} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
        marks = ", ".join("?" * len(columns))
        rows = [tuple(row[column] for column in columns) for row in tables[table]]
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    connection.commit()
    connection.close()
    return path


def open_duckdb(tables: Tables) -> duckdb.DuckDBPyConnection:
    """The company in DuckDB with dates as timestamps, and the staging views."""
    connection = duckdb.connect()
    for table, columns in COLUMNS.items():
        types = {c: "TIMESTAMP" if c in _DATES else t for c, t in columns.items()}
        connection.execute(f"CREATE TABLE {table} ({', '.join(f'{c} {t}' for c, t in types.items())})")
        rows = [tuple(row[column] for column in columns) for row in tables[table]]
        if rows:
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)
    for file in staging_files("duckdb"):
        connection.execute(f"CREATE VIEW {file.stem} AS {file.text}")
    return connection


def query_duckdb(connection: duckdb.DuckDBPyConnection, name: str, **params: int) -> pl.DataFrame:
    """The rows of a query by DuckDB; only the parameters it declares are used."""
    file = read_sql(name)
    text = re.sub(r":(\w+)", r"$\1", file.text)
    found = connection.execute(text, {key: params[key] for key in file.parameters})
    names = [column[0] for column in found.description]
    return pl.DataFrame(found.fetchall(), schema=names, orient="row", infer_schema_length=None)


_DTYPES = {"integer": pl.Int64, "day": pl.Int64, "number": pl.Float64, "text": pl.String, "id": pl.String}


def comparable(frame: pl.DataFrame, file: SqlFile) -> pl.DataFrame:
    """The frame with declared types, keys as text, sorted by everything, numbers to the cent last."""
    typed = frame.select(pl.col(name).cast(_DTYPES[column_type(text)]) for name, text in file.columns.items())
    exact = [name for name, text in file.columns.items() if column_type(text) != "number"]
    return typed.sort(exact or typed.columns)
