"""A check-up of a database and its surroundings: what is wrong, where, and what to do about it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from core.database.base import Database, TableInfo
from core.database.schema import TableSchema, declared_tables
from core.errors import SalesError
from core.settings import Settings

Severity = Literal["ok", "warning", "error"]

_LOAD = "Load it with: sales-dashboard ingest PATH"
_GRANT = "Ask the administrator of the database for the right to SELECT from it."
_NEEDED = ("customers", "orders", "orderdetails", "products")
_STALE_DAYS = 45
_EARLY_PAYMENT_DAYS = 90


_RULES = [
    (
        "orderdetails",
        ["quantityOrdered"],
        "quantityOrdered <= 0",
        "with a quantity of zero or less",
        "Returns lower revenue.",
    ),
    ("orderdetails", ["priceEach"], "priceEach < 0", "with a negative price", ""),
    ("products", ["buyPrice", "MSRP"], "buyPrice < 0 OR MSRP < 0", "with a negative price", ""),
    ("products", ["quantityInStock"], "quantityInStock < 0", "with a negative stock", ""),
    ("customers", ["creditLimit"], "creditLimit < 0", "with a negative credit limit", ""),
    ("payments", ["amount"], "amount <= 0", "with an amount of zero or less", "Refunds are read as such."),
    ("orders", ["orderDate"], "orderDate > :today", "with a date in the future", ""),
    ("orders", ["orderDate", "shippedDate"], "shippedDate < orderDate", "shipped before the order", ""),
    ("payments", ["paymentDate"], "paymentDate > :today", "with a date in the future", ""),
]
"""Table, columns that are compared, condition of rows at fault, what is wrong with them, remark."""


@dataclass(frozen=True)
class Finding:
    """One result: ``check`` names what was looked at, ``remedy`` is empty where all is well."""

    severity: Severity
    check: str
    message: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding for JSON."""
        return asdict(self)


def examine(database: Database, settings: Settings, today: date | None = None) -> list[Finding]:
    """Everything that was checked, in order; a check that cannot be run is a finding itself.

    Parameters
    ----------
    today
        The day that dates are compared with; by default the present one.
    """
    today = today or datetime.now(UTC).date()
    health = database.health()
    findings = [_data_folder(settings.data_folder)]
    if not health.ok:
        return [Finding("error", "connection", health.message), *findings]
    findings.insert(0, Finding("ok", "connection", f"{health.message} ({health.seconds * 1000:.0f} ms)"))
    tables = {table.name.lower(): table for table in database.tables()}
    forbidden = database.unreadable_tables()
    checks: list[Callable[[], Iterator[Finding]]] = [
        lambda: _schema(tables, forbidden),
        lambda: _views(tables),
    ]
    for name, schema in declared_tables().items():
        if name in tables:
            checks.append(lambda schema=schema: _keys(database, schema, tables))  # type: ignore[misc]
            checks.append(lambda schema=schema: _references(database, schema, tables))  # type: ignore[misc]
    checks += [lambda: _ranges(database, tables, today), lambda: _freshness(database, tables, today)]
    for check in checks:
        try:
            findings += check()
        except SalesError as error:
            findings.append(Finding("error", "query", error.message, error.remedy))
    return findings


def _data_folder(folder: Path) -> Finding:
    nearest = next((p for p in (folder, *folder.parents) if p.exists()), folder)
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Finding("ok", "data folder", f"{folder} can be written")
    return Finding(
        "warning", "data folder", f"{folder} cannot be written", "Set SALES_DATA_DIR to a folder that can be."
    )


def _views(tables: dict[str, TableInfo]) -> Iterator[Finding]:
    for table in tables.values():
        if table.broken:
            message = f"the view {table.name} cannot be read: {table.broken.rstrip('.')}"
            yield Finding("warning", "views", message, "Correct its SQL, load what it reads, or drop it.")


def _schema(tables: dict[str, TableInfo], forbidden: frozenset[str]) -> Iterator[Finding]:
    for name, schema in declared_tables().items():
        table = tables.get(name)
        if table is None:
            severity: Severity = "error" if name in _NEEDED else "warning"
            if name in forbidden:
                yield Finding(severity, "schema", f"the table {name} may not be read", _GRANT)
                continue
            yield Finding(severity, "schema", f"there is no table {name}", _LOAD)
            continue
        kinds = {column.lower(): kind for column, kind in table.columns.items()}
        absent = [c.name for c in schema.columns if c.name.lower() not in kinds]
        needed = [c.name for c in schema.columns if c.required and c.name in absent]
        if absent:
            severity = "error" if needed else "warning"
            yield Finding(severity, "schema", f"{name} lacks the columns {', '.join(absent)}", _LOAD)
        for column in schema.columns:
            kind = kinds.get(column.name.lower(), column.kind)
            if not _alike(column.kind, kind):
                message = f"{name}.{column.name} is {kind}, expected {column.kind}"
                yield Finding(
                    "warning", "schema", message, "Load the table again to have its types enforced."
                )
        if not absent:
            yield Finding("ok", "schema", f"{name}: {table.rows or 0} rows, all columns")


def _alike(wanted: str, found: str) -> bool:
    same = ({"integer", "number"}, {"date", "datetime", "text"}, {"binary", "text"})
    return wanted == found or any({wanted, found} <= group for group in same)


def _keys(database: Database, schema: TableSchema, tables: dict[str, TableInfo]) -> Iterator[Finding]:
    present = {column.lower() for column in tables[schema.name].columns}
    required = [c.name for c in schema.columns if c.required and c.name.lower() in present]
    if required:
        counts = ", ".join(f"SUM(CASE WHEN {name} IS NULL THEN 1 ELSE 0 END) AS {name}" for name in required)
        nulls = database.query(f"SELECT {counts} FROM {schema.name}").row(0, named=True)
        for name, number in nulls.items():
            if number:
                message = f"{schema.name}.{name} is empty in {_rows(number)}"
                yield Finding("error", "required values", message, "Fill it at the source and load again.")
    key = schema.primary_key
    if not {name.lower() for name in key} <= present:
        return
    listed = ", ".join(key)
    repeated = (
        f"SELECT COUNT(*) AS number FROM (SELECT {listed} FROM {schema.name} "
        f"GROUP BY {listed} HAVING COUNT(*) > 1) AS repeated"
    )
    number = database.query(repeated).item()
    if number:
        message = f"{schema.name}: {number} values of {listed} come more than once"
        yield Finding("error", "keys", message, "Remove the repeated rows; they count twice in every figure.")
    else:
        yield Finding("ok", "keys", f"{schema.name}.{listed} is unique")


def _references(database: Database, schema: TableSchema, tables: dict[str, TableInfo]) -> Iterator[Finding]:
    for key in schema.foreign_keys:
        here, there = key.columns[0], key.references[0]
        parent = tables.get(key.table)
        columns = {column.lower() for column in tables[schema.name].columns}
        known = {column.lower() for column in parent.columns} if parent else set()
        if parent is None or here.lower() not in columns or there.lower() not in known:
            continue
        number = database.query(
            f"SELECT COUNT(*) AS number FROM {schema.name} AS child WHERE child.{here} IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {key.table} AS parent WHERE parent.{there} = child.{here})"
        ).item()
        if number:
            message = f"{schema.name}.{here}: {_rows(number)} refer to no row of {key.table}"
            yield Finding("error", "references", message, f"Load {key.table} and {schema.name} together.")
        else:
            yield Finding("ok", "references", f"{schema.name}.{here} is always in {key.table}")


def _ranges(database: Database, tables: dict[str, TableInfo], today: date) -> Iterator[Finding]:
    for table, columns, condition, what, remark in _RULES:
        if not _has(tables, table, *columns):
            continue
        number = database.query(
            f"SELECT COUNT(*) AS number FROM {table} WHERE {condition}", today=today
        ).item()
        if number:
            remedy = remark or "Correct them at the source."
            yield Finding("warning", "ranges", f"{table}: {_rows(number)} {what}", remedy)
    paid = _has(tables, "payments", "paymentDate", "customerNumber")
    if paid and _has(tables, "orders", "orderDate", "customerNumber"):
        yield from _early_payments(database)


def _early_payments(database: Database) -> Iterator[Finding]:
    rows = database.query(
        "SELECT p.paymentDate AS paid, f.first_order FROM payments AS p INNER JOIN "
        "(SELECT customerNumber, MIN(orderDate) AS first_order FROM orders GROUP BY customerNumber) AS f "
        "ON f.customerNumber = p.customerNumber WHERE p.paymentDate < f.first_order"
    )
    dated = [pair for pair in rows.iter_rows() if all(isinstance(day, date) for day in pair)]
    early = [(first - paid).days for paid, first in dated]
    long_before = [days for days in early if days > _EARLY_PAYMENT_DAYS]
    if long_before:
        count = "1 payment lies" if len(long_before) == 1 else f"{len(long_before)} payments lie"
        message = f"{count} up to {max(long_before)} days before the customer's first order"
        yield Finding("warning", "ranges", message, "They are kept on account; check their dates.")


def _freshness(database: Database, tables: dict[str, TableInfo], today: date) -> Iterator[Finding]:
    if _has(tables, "orders", "orderDate"):
        last = database.query("SELECT MAX(orderDate) AS last FROM orders").item()
        if isinstance(last, date):
            days = (today - (last.date() if isinstance(last, datetime) else last)).days
            old = days > _STALE_DAYS
            remedy = "Load newer data, or read every figure as of that day." if old else ""
            message = f"the last order is of {last:%Y-%m-%d}, {days} days ago"
            yield Finding("warning" if old else "ok", "freshness", message, remedy)
        else:
            yield Finding("error", "freshness", "there are no orders", _LOAD)
    if "sales_load_log" in tables:
        loaded = database.query("SELECT MAX(loaded_at) AS last FROM sales_load_log").item()
        yield Finding("ok", "freshness", f"the last load was at {loaded} UTC")


def _has(tables: dict[str, TableInfo], table: str, *columns: str) -> bool:
    """Whether the database has a table with these columns."""
    return table in tables and {c.lower() for c in columns} <= {c.lower() for c in tables[table].columns}


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"
