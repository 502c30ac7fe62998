"""Whether a mapping is complete and its columns are of fitting types, before any row is read."""

import difflib
from collections.abc import Iterable

from core.database.base import TableInfo
from core.mapping.fields import ENTITIES
from core.mapping.findings import Findings
from core.mapping.model import Mapping, MappingError, TableMapping

_NEEDED = ("stg_sales", "stg_orders", "stg_customers", "stg_products")
_CHOOSE = "Choose the column."


def resolved(mapping: Mapping, tables: Iterable[TableInfo]) -> Mapping:
    """``mapping`` with tables and columns spelled as the database spells them.

    Raises
    ------
    MappingError
        A table or column is not there; the nearest names are given.
    """
    known = {table.name: table for table in tables}
    found = []
    for own in mapping.tables:
        table = known[_spelled(own.table, list(known), "table")]
        columns, where = list(table.columns), f"column of {table.name}"
        pairs = tuple((field, _spelled(column, columns, where)) for field, column in own.columns)
        found.append(TableMapping(own.entity, table.name, pairs))
    return Mapping(tuple(found))


def _spelled(name: str, known: list[str], what: str) -> str:
    alike = [other for other in known if other.lower() == name.lower()]
    if name in alike:
        return name
    if alike:
        return alike[0]
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"Nearest names: {', '.join(nearest)}." if nearest else f"There are: {', '.join(known[:12])}."
    raise MappingError(f"There is no {what} called {name!r}.", hint)


def check_shape(mapping: Mapping, tables: dict[str, TableInfo], findings: Findings) -> None:
    """Add findings on what is not mapped, and on columns that cannot hold what they are mapped to."""
    if not mapping.tables:
        findings.say("error", "no table is mapped.", "Choose a table and its columns.")
        return
    for own in mapping.tables:
        _check_columns(own, tables[own.table], findings)
    if mapping.entity("sales") is not None:
        _check_sales(mapping, tables, findings)
        return
    given = {ENTITIES[own.entity].view for own in mapping.tables}
    working = {table.name for table in tables.values() if not table.broken}
    if absent := [view for view in _NEEDED if view not in working and view not in given]:
        findings.say(
            "error", f"the database would still lack {', '.join(absent)}.", "Map order lines as well."
        )


def _check_columns(own: TableMapping, table: TableInfo, findings: Findings) -> None:
    entity = ENTITIES[own.entity]
    absent = [f.title.lower() for f in entity.fields if f.required and own.column(f.name) is None]
    if absent:
        what = f"{entity.title.lower()} in {own.table} need a column for {', '.join(absent)}."
        findings.say("error", what, _CHOOSE)
    for name, column in own.columns:
        field, kind = entity.field(name), table.columns[column]
        if field is not None and not field.fits(kind):
            what = f"{own.table}.{column} is {kind} and cannot be the {field.title.lower()}."
            remedy = "Choose another column, or load the file again and correct the column's type."
            findings.say("error", what, remedy)


def _check_sales(mapping: Mapping, tables: dict[str, TableInfo], findings: Findings) -> None:
    sales, orders = mapping.entity("sales"), mapping.entity("orders")
    assert sales is not None
    if orders is None or sales.column("order_id") is None:
        for name, title in (("customer_id", "customer"), ("order_date", "order date")):
            if sales.column(name) is None:
                what = f"order lines in {sales.table} need a column for the {title}."
                findings.say("error", what, f"{_CHOOSE[:-1]}, or map the order number and a table of orders.")
    if sales.column("amount") is None and not (sales.column("quantity") and sales.column("unit_price")):
        what = f"order lines in {sales.table} need an amount, or a quantity and a unit price."
        findings.say("error", what, "Choose the columns.")
    if mapping.entity("products") is not None and sales.column("product_id") is None:
        what = "products are mapped, but order lines do not say which product was sold."
        findings.say("error", what, "Choose the product column of the order lines.")
    for name in ("payments", "employees", "offices"):
        entity = ENTITIES[name]
        if mapping.entity(name) is None and entity.view in tables:
            remedy = f"Map {entity.title.lower()} too if they belong to other data."
            findings.say("warning", f"{entity.view} is not mapped and stays as it is.", remedy)
