"""The staging views of a mapping as SQL that a person can read and keep under version control."""

from collections.abc import Iterable
from collections.abc import Mapping as AnyMapping

from core.database.base import TableInfo
from core.mapping.dialect import Dialect, dialect_of
from core.mapping.fields import ENTITIES, Field
from core.mapping.model import Mapping, TableMapping
from core.mapping.query_parts import Lines, described, without_unused
from core.sql_files import column_type

_CANCELLED = "('cancelled', 'canceled')"
_SEVERAL = "All products"
_UNKNOWN = "Unknown"


def staging_views(mapping: Mapping, tables: Iterable[TableInfo], engine: str) -> dict[str, str]:
    """SQL with its header for every staging view that a mapping gives, by the view's name.

    Order lines alone give order, customer and product views too: an order is then all that a customer bought
    on one day (unless order numbers are mapped), and customers and products are those that the lines name.

    Parameters
    ----------
    tables
        The tables of the database, for the types of their columns.
    engine
        ``sqlite`` or ``duckdb``.
    """
    return _Writer(mapping, {t.name: t for t in tables}, dialect_of(engine)).views()


class _Writer:
    def __init__(self, mapping: Mapping, tables: AnyMapping[str, TableInfo], dialect: Dialect) -> None:
        self.mapping, self.tables, self.dialect = mapping, tables, dialect
        self.textual = self._textual_domains()

    def views(self) -> dict[str, str]:
        made = {}
        for entity in ENTITIES.values():
            own = self.mapping.entity(entity.name)
            if entity.name == "sales" and own is not None:
                made[entity.view] = self._headed(entity.view, self._sales(), self._line_tables())
            elif own is not None:
                made[entity.view] = self._headed(entity.view, self._plain(own), [own.table])
            elif entity.name in _DERIVED and self.mapping.entity("sales") is not None:
                derived = getattr(self, f"_derived_{entity.name}")()
                made[entity.view] = self._headed(entity.view, derived, self._line_tables())
        return made

    def lines(self) -> Lines:
        """The order lines with all that is known of each, before those that cannot be used are left out."""
        sales, orders = self.mapping.entity("sales"), self.mapping.entity("orders")
        assert sales is not None
        own = {name: f"l.{name}" for name, _ in sales.columns} | {"line_number": "l.line_number"}
        ctes, source, fields = [self.part(sales)], "mapped_sales AS l", dict(own)
        wanted = ("customer_id", "order_date", "status")
        if orders is not None and sales.column("order_id") and any(name not in own for name in wanted):
            named = {name for name, _ in orders.columns}
            fields |= {name: f"o.{name}" for name in wanted if name in named and name not in own}
            needed = {"customer_id", "order_date"} - own.keys()
            ctes.append(self.part(orders))
            source += f"\n{'INNER' if needed else 'LEFT'} JOIN mapped_orders AS o ON o.order_id = l.order_id"
        products = self.mapping.entity("products")
        if (
            "unit_cost" not in own
            and "product_id" in own
            and products is not None
            and products.column("buy_price")
        ):
            ctes.append(self.part(products))
            source += "\nLEFT JOIN mapped_products AS p ON p.product_id = l.product_id"
            fields["unit_cost"] = "p.buy_price"
        if "order_date" in fields:
            fields["order_day"] = fields["order_date"].replace("order_date", "order_day")
        needed_fields = ("order_id", "customer_id", "order_day")
        known = [fields[name] for name in needed_fields if name in fields]
        return Lines(tuple(ctes), source, fields, " AND ".join(f"{field} IS NOT NULL" for field in known))

    def _sales(self) -> str:
        d, lines = self.dialect, self.lines()
        f = lines.fields
        quantity, price = f.get("quantity"), f.get("unit_price")
        product = f"{quantity} * {price}" if quantity and price else None
        amount = f.get("amount") or product or d.null("number")
        if f.get("amount") and product:
            amount = f"COALESCE({f['amount']}, {product})"
        if price is None and f.get("amount") and quantity:
            price = f"{f['amount']} / NULLIF({quantity}, 0)"
        cost = f"{quantity} * {f['unit_cost']}" if quantity and "unit_cost" in f else d.null("number")
        return self._select(
            "stg_sales",
            lines,
            {
                "order_id": self._order_id(lines),
                "line_number": f["line_number"],
                "customer_id": f["customer_id"],
                "product_id": self._product_id(lines),
                "order_day": f["order_day"],
                "order_month": d.month(f["order_date"]),
                "quantity": self._pieces("sales", "quantity", quantity) if quantity else d.null("integer"),
                "unit_price": price or d.null("number"),
                "amount": amount,
                "cost": cost,
                "is_cancelled": self._cancelled(f.get("status")),
            },
        )

    def _derived_orders(self) -> str:
        d, lines = self.dialect, self.lines()
        f = lines.fields
        numbered = "order_id" in f
        first = "MIN({})" if numbered else "{}"
        chosen = {
            "order_id": self._order_id(lines),
            "customer_id": self._first_customer(f["customer_id"]) if numbered else f["customer_id"],
            "order_day": first.format(f["order_day"]),
            "order_month": d.month(first.format(f["order_date"])),
            "status": f"MAX({f['status']})" if "status" in f else d.null("text"),
            "is_cancelled": f"MIN({self._cancelled(f['status'])})" if "status" in f else "0",
        }
        grouped = f["order_id"] if numbered else f"{f['customer_id']}, {f['order_date']}, {f['order_day']}"
        return self._select("stg_orders", lines, chosen, group_by=grouped)

    def _first_customer(self, customer: str) -> str:
        """The customer of a group of lines, declared as what the column is.

        Without a declared type SQLite makes no index to join by, and joins take hours instead of seconds.
        """
        least = f"MIN({customer})"
        return least if "customer" in self.textual else f"CAST({least} AS {self.dialect.integer_type})"

    def _derived_customers(self) -> str:
        lines = self.lines()
        f = lines.fields
        chosen = {
            "customer_id": f["customer_id"],
            "customer_name": self._last_known(lines, "customer_name", self.dialect.as_text(f["customer_id"])),
            "country": self._last_known(lines, "country"),
        }
        return self._select("stg_customers", lines, chosen, group_by=f["customer_id"])

    def _derived_products(self) -> str:
        lines, d = self.lines(), self.dialect
        key = self._product_id(lines)
        line = f"'{_SEVERAL}'" if key == f"'{_SEVERAL}'" else f"'{_UNKNOWN}'"
        chosen = {
            "product_id": key if key != f"'{_SEVERAL}'" else f"MIN({key})",
            "product_name": self._last_known(lines, "product_name", d.as_text(key)),
            "product_line": self._last_known(lines, "product_line", line),
            "buy_price": f"MAX({lines.fields['unit_cost']})"
            if "unit_cost" in lines.fields
            else d.null("number"),
        }
        return self._select("stg_products", lines, chosen, group_by=key)

    def _plain(self, own: TableMapping) -> str:
        """A canonical table from a table of its own: renamed and typed."""
        d, view = self.dialect, ENTITIES[own.entity].view
        given = {name: f"t.{name}" for name, _ in own.columns}
        chosen, key = dict(given), ""
        if own.entity == "orders":
            for what in ("order", "required", "shipped"):
                if chosen.pop(f"{what}_date", None):
                    chosen[f"{what}_day"] = f"t.{what}_day"
            chosen["order_month"] = d.month(given["order_date"])
            chosen["is_cancelled"] = self._cancelled(given.get("status"))
            key = "t.order_id IS NOT NULL AND t.customer_id IS NOT NULL AND t.order_day IS NOT NULL"
        elif own.entity == "payments":
            chosen["payment_day"] = "t.payment_day"
            chosen.setdefault("payment_id", d.as_text("t.line_number"))
            key = "t.customer_id IS NOT NULL AND t.payment_day IS NOT NULL"
        else:
            first = ENTITIES[own.entity].fields[0].name
            key = f"{given[first]} IS NOT NULL"
            for name in ("customer_name", "product_name", "employee_name", "office_name"):
                if name in described(view).columns and name not in chosen:
                    chosen[name] = d.as_text(given[first])
        if "quantity_in_stock" in chosen:
            chosen["quantity_in_stock"] = self._pieces(own.entity, "quantity_in_stock", "t.quantity_in_stock")
        return self._select(view, Lines((self.part(own),), f"mapped_{own.entity} AS t", given, key), chosen)

    def _select(self, view: str, lines: Lines, chosen: dict[str, str], group_by: str = "") -> str:
        """The SELECT of a view; columns that are not chosen are nulls of their type."""
        columns = ",\n    ".join(
            f"{chosen.get(name) or self.dialect.null(column_type(text))} AS {name}"
            for name, text in described(view).columns.items()
        )
        text = f"SELECT\n    {columns}\nFROM {lines.source}"
        text += f"\nWHERE {lines.condition}" if lines.condition else ""
        if group_by:
            text += "\nHAVING COUNT(*) > 0" if group_by.startswith("'") else f"\nGROUP BY {group_by}"
        return "WITH " + ",\n".join(without_unused(cte, text) for cte in lines.ctes) + f"\n{text}"

    def part(self, own: TableMapping) -> str:
        """The mapped columns of a table under their canonical names."""
        d, table = self.dialect, self.tables[own.table]
        columns = []
        for name, column in own.columns:
            field = ENTITIES[own.entity].field(name)
            assert field is not None
            typed = self.typed(field, f"t.{d.quoted(column)}", table.columns[column])
            columns.append(f"{typed} AS {name}")
            if field.kind == "date":
                columns.append(f"{d.day(typed)} AS {name.replace('_date', '_day')}")
        if own.entity in ("sales", "payments"):
            columns.append(f"{d.line_number(table.kind == 'table')} AS line_number")
        listed = ",\n        ".join(columns)
        return (
            f"mapped_{own.entity} AS (\n    SELECT\n        {listed}\n    FROM {d.quoted(own.table)} AS t\n)"
        )

    def typed(self, field: Field, expression: str, kind: str) -> str:
        if field.kind == "id":
            return self.dialect.identifier(expression, kind, textual=field.domain in self.textual)
        if field.kind == "integer":
            return expression if kind == "integer" else self.dialect.number(expression, kind)
        return getattr(self.dialect, field.kind)(expression, kind)

    def _pieces(self, entity: str, field: str, expression: str) -> str:
        """A quantity as a whole number; it may be stored with a fraction."""
        own = self.mapping.entity(entity)
        assert own is not None
        kind = self.tables[own.table].columns[own.column(field) or ""]
        return expression if kind == "integer" else self.dialect.rounded(expression)

    def _order_id(self, lines: Lines) -> str:
        """The order's number, or else a text for everything a customer bought on one day."""
        if "order_id" in lines.fields:
            return lines.fields["order_id"]
        customer, date = lines.fields["customer_id"], lines.fields["order_date"]
        return f"{self.dialect.as_text(customer)} || ' ' || {self.dialect.date_text(date)}"

    def _product_id(self, lines: Lines) -> str:
        """The product's key, or else its product line."""
        for name in ("product_id", "product_name", "product_line"):
            if name in lines.fields:
                return f"COALESCE({lines.fields[name]}, '{_UNKNOWN}')"
        return f"'{_SEVERAL}'"

    def _last_known(self, lines: Lines, name: str, otherwise: str = "") -> str:
        """The value of the latest line that has one: the greatest of date and value, without the date."""
        if name not in lines.fields:
            return otherwise
        date = self.dialect.date_text(lines.fields["order_date"])
        last = f"substr(MAX({date} || {lines.fields[name]}), 11)"
        return f"COALESCE({last}, {otherwise})" if otherwise else last

    def _cancelled(self, status: str | None) -> str:
        return f"CASE WHEN LOWER({status}) IN {_CANCELLED} THEN 1 ELSE 0 END" if status else "0"

    def _line_tables(self) -> list[str]:
        named = ("sales", "orders", "products")
        return [own.table for name in named if (own := self.mapping.entity(name)) is not None]

    def _textual_domains(self) -> set[str]:
        """Whose keys are compared as text: those of products, and others not numbered in every table."""
        kinds: dict[str, set[str]] = {}
        for own in self.mapping.tables:
            for name, column in own.columns:
                field = ENTITIES[own.entity].field(name)
                if field is not None and field.domain:
                    kinds.setdefault(field.domain, set()).add(self.tables[own.table].columns[column])
        return {"product"} | {domain for domain, found in kinds.items() if not found <= {"integer", "number"}}

    def _headed(self, view: str, text: str, tables: list[str]) -> str:
        """``text`` below the header that every SQL file has."""
        known = described(view)
        listed = ", ".join(" ".join(table.split()) for table in dict.fromkeys(tables))
        lines = [
            f"-- title: {known.title}, mapped from {listed}",
            f"-- grain: {known.grain}",
            f"-- needs: {listed}",
            "-- columns:",
            *(f"--   {name}: {description}" for name, description in known.columns.items()),
        ]
        return "\n".join(lines) + f"\n{text}\n"


_DERIVED = ("orders", "customers", "products")


def customer_index(mapping: Mapping, tables: Iterable[TableInfo], engine: str) -> tuple[str, str, str] | None:
    """Table, column and key expression to index by, so that the lines of some customers are found quickly."""
    writer = _Writer(mapping, {t.name: t for t in tables}, dialect_of(engine))
    own = mapping.entity("sales")
    column = own.column("customer_id") if own is not None else None
    if own is None or column is None or engine != "sqlite" or writer.tables[own.table].kind != "table":
        return None
    field = ENTITIES["sales"].fields[0]
    name = writer.dialect.quoted(column)
    return own.table, column, writer.typed(field, name, writer.tables[own.table].columns[column])


def table_part(mapping: Mapping, tables: Iterable[TableInfo], engine: str, own: TableMapping) -> str:
    """The common table expression ``mapped_<entity>`` of one mapped table: its columns, renamed and typed."""
    return _Writer(mapping, {t.name: t for t in tables}, dialect_of(engine)).part(own)
