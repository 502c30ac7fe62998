"""What a mapping would give, counted on the data before anything is stored."""

from core.database.base import Database, TableInfo
from core.days import to_date
from core.mapping.dialect import dialect_of
from core.mapping.fields import ENTITIES, Field
from core.mapping.findings import Findings, LineCounts, Severity, Validation, counted
from core.mapping.model import Mapping, TableMapping
from core.mapping.shape import check_shape, resolved
from core.mapping.staging_sql import staging_views, table_part
from core.single_flight import SingleFlightCache

_CACHE: SingleFlightCache[Validation] = SingleFlightCache(16)
_ESSENTIAL = ("customer_id", "order_date", "order_id")
_COUNTS = """
SELECT
    COUNT(*) AS line_count,
    COUNT(DISTINCT order_id) AS orders,
    COUNT(DISTINCT customer_id) AS customers,
    COUNT(DISTINCT product_id) AS products,
    SUM(CASE WHEN is_cancelled = 0 THEN amount ELSE 0 END) AS revenue,
    COALESCE(SUM(CASE WHEN amount IS NULL THEN 1 ELSE 0 END), 0) AS unpriced,
    COALESCE(SUM(CASE WHEN amount < 0 THEN 1 ELSE 0 END), 0) AS negative,
    MIN(order_day) AS first_day,
    MAX(order_day) AS last_day
FROM stg_sales"""
_UNLIKE_ORDERS = """
SELECT COUNT(*) AS number FROM (
    SELECT order_id FROM stg_sales GROUP BY order_id
    HAVING MIN(customer_id) <> MAX(customer_id) OR MIN(order_day) <> MAX(order_day)
) AS r"""
_REFERENCES = (
    ("sales", "customer_id", "customers", "customer_id", "a customer"),
    ("sales", "product_id", "products", "product_id", "a product"),
    ("orders", "customer_id", "customers", "customer_id", "a customer"),
    ("payments", "customer_id", "customers", "customer_id", "a customer"),
    ("customers", "sales_rep_id", "employees", "employee_id", "an employee"),
    ("employees", "office_id", "offices", "office_id", "an office"),
)


def validate_mapping(database: Database, mapping: Mapping) -> Validation:
    """Check a mapping against the data: what is missing, unreadable, repeated or refers to nothing.

    The answer is kept until the data change, since counting millions of rows takes a while.

    Raises
    ------
    MappingError
        A table or column is not in the database.
    QueryError
        Tables cannot be mapped on this engine.
    """
    source = getattr(database, "file", None) or database
    key = (source, database.data_version(), mapping)
    return _CACHE.get(key, lambda: _validated(database, mapping))


def _validated(database: Database, mapping: Mapping) -> Validation:
    tables = {table.name: table for table in database.tables()}
    mapping = resolved(mapping, tables.values())
    findings = Findings()
    check_shape(mapping, tables, findings)
    if findings.failed:
        return Validation(tuple(findings.said))
    check = _Check(database, mapping, tables, findings)
    for own in mapping.tables:
        check.cells(own)
        check.key(own)
    counts = check.lines() if mapping.entity("sales") is not None else None
    check.references()
    return Validation(tuple(findings.said), counts)


class _Check:
    """One validation under way."""

    def __init__(
        self, database: Database, mapping: Mapping, tables: dict[str, TableInfo], findings: Findings
    ) -> None:
        self.database, self.mapping, self.tables = database, mapping, tables
        self.say = findings.say
        self.quoted = dialect_of(database.engine).quoted
        self.views = staging_views(mapping, tables.values(), database.engine)

    def ask(self, query: str) -> dict[str, int]:
        """The one row of a query over the views as they would be; nulls are 0."""
        views = ", ".join(f"{name} AS ({text})" for name, text in self.views.items() if name in query)
        row = self.database.query(f"WITH {views} {query}").row(0, named=True)
        return {name: value or 0 for name, value in row.items()}

    def cells(self, own: TableMapping) -> None:
        """Missing and unreadable dates, numbers and keys of one table."""
        blank = [_sum_of(self._is_blank(own.table, column), name) for name, column in own.columns]
        before = f"SELECT COUNT(*) AS rows_read, {', '.join(blank)} FROM {self.quoted(own.table)}"
        part = table_part(self.mapping, self.tables.values(), self.database.engine, own)
        null = ", ".join(_sum_of(f"{name} IS NULL", name) for name, _ in own.columns)
        after = f"WITH {part} SELECT {null} FROM mapped_{own.entity}"
        empty = self.database.query(before).row(0, named=True)
        lost = self.database.query(after).row(0, named=True)
        rows = int(empty["rows_read"])
        if not rows:
            self.say("error", f"{own.table} has no rows.", "Load some first.")
            return
        for name, column in own.columns:
            field = ENTITIES[own.entity].field(name)
            assert field is not None
            missing = int(empty[name])
            self._tell_cells(field, f"{own.table}.{column}", rows, missing, int(lost[name]) - missing)

    def _tell_cells(self, field: Field, place: str, rows: int, missing: int, unreadable: int) -> None:
        if unreadable > 0 and field.kind in ("date", "number", "integer"):
            what = "date" if field.kind == "date" else "number"
            severity: Severity = "error" if unreadable == rows - missing else "warning"
            remedy = f"Load the file again and make the column a {what}; such cells count as missing."
            self.say(severity, f"{place} holds no {what} in {counted(unreadable, 'row')}.", remedy)
        essential = field.required or field.name in _ESSENTIAL
        if missing == rows:
            gravity: Severity = "error" if essential else "warning"
            self.say(gravity, f"{place} is empty in every row.", "Choose another column.")
        elif missing and essential:
            self.say(
                "warning", f"{place} is empty in {counted(missing, 'row')} of {rows:,}: they are left out."
            )

    def _is_blank(self, table: str, column: str) -> str:
        name = self.quoted(column)
        blank = f" OR TRIM({name}) = ''" if self.tables[table].columns[column] == "text" else ""
        return f"{name} IS NULL{blank}"

    def key(self, own: TableMapping) -> None:
        """A key that comes twice in a table of its own, which would multiply every sum."""
        if own.entity in ("sales", "payments"):
            return
        entity = ENTITIES[own.entity]
        key = entity.fields[0].name
        row = self.ask(
            f"SELECT COUNT(*) AS number, MIN(repeated) AS example FROM (SELECT {key} AS repeated "
            f"FROM {entity.view} GROUP BY {key} HAVING COUNT(*) > 1) AS r"
        )
        if row["number"]:
            what = f"{counted(row['number'], 'value')} such as {row['example']} come more than once."
            remedy = "Choose the column that is different in every row."
            self.say("error", f"{own.table}.{own.column(key)} is no key: {what}", remedy)

    def lines(self) -> LineCounts:
        """Counts of the order lines, and findings on rows left out, amounts and orders."""
        sales = self.mapping.entity("sales")
        assert sales is not None
        rows = int(self.database.query(f"SELECT COUNT(*) AS n FROM {self.quoted(sales.table)}").item())
        row = self.ask(_COUNTS)
        lines = row["line_count"]
        if not lines:
            self.say("error", "no row has both a customer and a readable date.", "Choose other columns.")
            return LineCounts(rows)
        if self.mapping.entity("orders") is not None and lines < rows:
            why = "their order is unknown or has no customer or readable date"
            self.say("warning", f"{counted(rows - lines, 'line')} of {rows:,} are left out: {why}.")
        if row["unpriced"]:
            severity: Severity = "error" if row["unpriced"] == lines else "warning"
            what = f"{counted(row['unpriced'], 'line')} of {lines:,} have no amount and count as 0."
            self.say(severity, what, "Check the columns of amount, quantity and unit price.")
        if row["negative"]:
            what = f"{counted(row['negative'], 'line')} of {lines:,} have an amount below 0"
            self.say("info", f"{what}: they lower revenue, as returns do.")
        if sales.column("order_id") is not None and self.mapping.entity("orders") is None:
            self._tell_orders(self.ask(_UNLIKE_ORDERS)["number"])
        return LineCounts(
            *(rows, lines, row["orders"], row["customers"], row["products"], float(row["revenue"])),
            first_day=to_date(row["first_day"]),
            last_day=to_date(row["last_day"]),
        )

    def _tell_orders(self, number: int) -> None:
        if number:
            what = f"{counted(number, 'order')} have lines of several customers or days."
            self.say("warning", what, "Check that the column for the order is the order number.")

    def references(self) -> None:
        """Rows that refer to a row of another mapped table that is not there."""
        for child, key, parent, referred, what in _REFERENCES:
            own = self.mapping.entity(child)
            if own is None or self.mapping.entity(parent) is None or own.column(key) is None:
                continue
            here, there = ENTITIES[child], ENTITIES[parent]
            number = self.ask(
                f"SELECT COUNT(*) AS number FROM {here.view} AS c WHERE c.{key} IS NOT NULL "
                f"AND c.{key} NOT IN (SELECT p.{referred} FROM {there.view} AS p)"
            )["number"]
            if number:
                named = f"{counted(number, 'row')} of {here.title.lower()} name {what}"
                self.say("warning", f"{named} that is not among the {there.title.lower()}.",
                         "They count, but without its details.")  # fmt: skip


def _sum_of(condition: str, name: str) -> str:
    return f"COALESCE(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END), 0) AS {name}"
