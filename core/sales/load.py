"""Sales read from the database through the marts, once for all sessions."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from core.database.base import Database, Queries
from core.days import LAST_DAY, to_date, to_day
from core.errors import DatabaseError, MissingDataError
from core.mapping.copied import quick_reader
from core.sales import frames
from core.sales.balance_history import balance_history
from core.sales.frames import SalesData, codes, id_text, named, names_enum, summed
from core.single_flight import SingleFlightCache
from core.sql_files import column_type, read_sql

_CACHE: SingleFlightCache[SalesData] = SingleFlightCache(8)
_SUMS = ["revenue", "gross_profit", "quantity"]
_DAILY = ["order_date", "month", "country", "sales_rep", "product_line"]
_IDS_PER_QUERY = 2_000
_TYPES = {"integer": pl.Int64, "day": pl.Int64, "number": pl.Float64, "date": pl.Date}


def load_sales(database: Database, as_of: date | None = None, terms_days: int = 30) -> SalesData:
    """The sales before ``as_of`` (default: the day after the last order), cached for the whole process.

    Raises
    ------
    MissingDataError
        The database lacks tables, or holds no order before ``as_of``.
    DatabaseError
        Two customers, products or employees have the same key.
    """
    source = getattr(database, "url", None) or getattr(database, "file", None) or database
    version = database.data_version()
    if as_of is None:
        key = (source, version, None, terms_days)
        return _CACHE.get(key, lambda: load_sales(database, _default_as_of(database), terms_days))
    return _CACHE.get((source, version, as_of, terms_days), lambda: read_sales(database, as_of, terms_days))


def forget_sales() -> None:
    """Empty the cache, for tests and after data were replaced."""
    _CACHE.clear()


def _default_as_of(database: Database) -> date:
    last = quick_reader(database).query("marts/order_dates", as_of_day=LAST_DAY)["last_order_day"].item()
    if last is None:
        raise MissingDataError("The database holds no orders.", "Load some first.", ("orders",))
    return to_date(last) + timedelta(days=1)


@dataclass(frozen=True)
class _Codes:
    """How keys and names of the marts become codes."""

    sales_reps: pl.DataFrame
    country: pl.Enum
    product_line: pl.Enum

    def coded(self, frame: pl.DataFrame) -> pl.DataFrame:
        """``frame`` with country and product_line as Enum and sales_rep in place of sales_rep_id."""
        nobody = self.sales_reps.height - 1
        columns = [
            named(frame["country"]).cast(self.country).alias("country"),
            codes(id_text(frame["sales_rep_id"]), self.sales_reps["key"], nobody).alias("sales_rep"),
        ]
        if "product_line" in frame.columns:
            columns.append(named(frame["product_line"]).cast(self.product_line).alias("product_line"))
        return frame.with_columns(columns).drop("sales_rep_id")


def read_sales(
    database: Database, as_of: date, terms_days: int = 30, max_lines: int = frames.MAX_LINES
) -> SalesData:
    """As ``load_sales``, read anew; ``max_lines`` bounds the order lines that are kept."""
    day = to_day(as_of)
    source = quick_reader(database)
    missing: dict[str, None] = {}

    def optional(name: str, **params: Any) -> pl.DataFrame:
        try:
            return source.query(name, **params)
        except MissingDataError as error:
            missing.update(dict.fromkeys(error.needs))
            return _empty(name)

    orders = source.query("marts/orders_daily", as_of_day=day)
    if orders.is_empty():
        raise MissingDataError(
            f"The database holds no orders before {as_of}.", "Choose a later date.", ("orders",)
        )
    customers = _with_key(source.query("marts/customers", as_of_day=day), "customer")
    products = _with_key(source.query("marts/products", as_of_day=day), "product")
    employees = _with_key(optional("marts/sales_reps"), "employee").drop("key")
    movements = optional("marts/receivables_daily", as_of_day=day)
    coding = _Codes(
        frames.sales_rep_frame(employees, customers["sales_rep_id"]),
        names_enum(pl.concat([customers["country"], movements["country"]])),
        names_enum(products["product_line"]),
    )
    customers = coding.coded(customers)
    products = products.with_columns(named(products["product_line"]).cast(coding.product_line))

    orders_daily = frames.as_dates(coding.coded(_summable(orders)), "order_day", "order_date").sort(
        "order_date"
    )
    receivables = frames.as_dates(coding.coded(_summable(movements)), "day", "day").sort("day")

    line_count = int(customers["order_lines"].sum())
    sample = None
    if line_count > max_lines:
        sample = frames.sampled_customers(customers["key"], customers["order_lines"], max_lines)
    with_lines = int((customers["order_lines"] > 0).sum())
    in_sample = np.ones(customers.height, dtype=bool)
    if sample is not None:
        in_sample[:] = False
        in_sample[sample] = True
    customers = customers.with_columns(pl.Series("in_sample", in_sample) & (pl.col("order_lines") > 0))
    lines = _described_lines(_read_lines(source, day, customers, sample), customers, products)
    if sample is None:  # the lines are all here: summing them costs less than asking the database again
        daily = summed(lines.with_columns(order_lines=1), _DAILY, [*_SUMS, "order_lines"])
        product_monthly = summed(lines, ["month", "product", "country", "sales_rep", "product_line"], _SUMS)
    else:
        daily = _summable(coding.coded(source.query("marts/sales_daily", as_of_day=day)))
        daily = frames.as_dates(daily, "order_day", "order_date").sort("order_date")
        product_monthly = _product_months(source, day, coding, products)
    first_day, last_day = orders_daily["order_date"].min(), orders_daily["order_date"].max()
    assert isinstance(first_day, date)
    assert isinstance(last_day, date)
    year_before = as_of - timedelta(days=365)
    data = SalesData(
        as_of=as_of,
        first_day=first_day,
        last_day=last_day,
        terms_days=terms_days,
        daily=daily,
        monthly=summed(daily, _DAILY[1:], [*_SUMS, "order_lines"]),
        orders_daily=orders_daily,
        orders_monthly=summed(orders_daily, ["month", "country", "sales_rep"], ["orders", "revenue"]),
        product_monthly=product_monthly,
        lines=lines,
        customers=customers,
        products=products,
        sales_reps=coding.sales_reps,
        receivables=receivables,
        customer_receivables=_balances(
            optional("marts/customer_receivables", as_of_day=day, terms_days=terms_days), customers
        ),
        receivables_year_before=_balances(
            optional("marts/customer_receivables", as_of_day=to_day(year_before), terms_days=terms_days),
            customers,
        )
        if first_day <= year_before
        else None,
        balance_history=balance_history(
            _of_customers(optional("marts/customer_movements", as_of_day=day), customers),
            customers,
            first_day,
            as_of,
            terms_days,
        ),
        line_count=line_count,
        sampled_share=1.0 if sample is None else len(sample) / with_lines,
        missing=tuple(missing),
    )
    _ = data.cubes  # while one thread loads, not when the first charts ask at once
    return data


def _summable(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with amounts and quantities that are not given as 0."""
    names = ("revenue", "gross_profit", "quantity", "order_lines", "orders", "invoiced", "received")
    return frame.with_columns(pl.col(name).fill_null(0) for name in names if name in frame.columns)


def _empty(name: str) -> pl.DataFrame:
    columns = read_sql(name).columns
    return pl.DataFrame(schema={c: _TYPES.get(column_type(d), pl.String) for c, d in columns.items()})


def _with_key(frame: pl.DataFrame, what: str) -> pl.DataFrame:
    """``frame`` with its id as text in ``key``; refuses repeated keys, which would multiply revenue."""
    keys = id_text(frame[f"{what}_id"])
    repeated = keys.filter(keys.is_duplicated()).unique(maintain_order=True).to_list()
    if repeated:
        shown = ", ".join(map(str, repeated[:3]))
        raise DatabaseError(
            f"{len(repeated)} {what} keys occur more than once ({shown}), so sums would be too high.",
            f"Remove the repeated rows of the table behind stg_{what}s.",
        )
    return frame.with_columns(keys.alias("key"))


def _product_months(source: Queries, day: int, coding: _Codes, products: pl.DataFrame) -> pl.DataFrame:
    cube = coding.coded(_summable(source.query("marts/sales_by_product_month", as_of_day=day)))
    cube = frames.months_as_dates(cube)
    product = codes(cube["product_id"], products["product_id"]).alias("product")
    cube = cube.drop("product_id").with_columns(product, products["product_line"].gather(product))
    return cube.sort("month")


def _read_lines(
    source: Queries, day: int, customers: pl.DataFrame, sample: np.ndarray | None
) -> pl.DataFrame:
    """The order lines of the customers in ``sample`` (row numbers), or all."""
    if sample is None:
        return source.query("marts/order_lines", as_of_day=day)
    text = read_sql("marts/order_lines").text
    ids = customers["customer_id"].gather(sample).to_list()
    parts = [
        source.query(
            f"SELECT * FROM ({text}) AS l WHERE l.customer_id IN ({', '.join(map(_literal, some))})",
            as_of_day=day,
        )
        for some in (ids[i : i + _IDS_PER_QUERY] for i in range(0, len(ids), _IDS_PER_QUERY))
    ]
    if not parts:
        return _empty("marts/order_lines")
    amounts = {"revenue": pl.Float64, "gross_profit": pl.Float64}  # 0 where there is no cost
    return pl.concat(parts, how="vertical_relaxed").cast(amounts)  # type: ignore[arg-type]


def _literal(key: object) -> str:
    """A key as it is written in SQL."""
    return str(key) if isinstance(key, int) else "'" + str(key).replace("'", "''") + "'"


def _described_lines(lines: pl.DataFrame, customers: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    customer = codes(lines["customer_id"], customers["customer_id"]).alias("customer")
    product = codes(lines["product_id"], products["product_id"]).alias("product")
    dated = frames.as_dates(_summable(lines), "order_day", "order_date")
    return (
        dated.with_columns(
            (pl.col("order_id").rank("dense") - 1).cast(pl.UInt32).alias("order"),
            customer,
            product,
            customers["country"].gather(customer),
            customers["sales_rep"].gather(customer),
            products["product_line"].gather(product),
        )
        .sort("order_date", "order_id", "line_number")
        .select(
            *("order_date", "month", "order_id", "order", "customer", "product", "country", "sales_rep"),
            *("product_line", "quantity", "revenue", "gross_profit"),
        )
    )


def _of_customers(movements: pl.DataFrame, customers: pl.DataFrame) -> pl.DataFrame:
    """Movements of known customers, with ``customer`` in place of the id."""
    customer = codes(movements["customer_id"], customers["customer_id"])
    return _summable(movements.with_columns(customer.alias("customer")).drop_nulls(["customer", "day"]))


def _balances(balances: pl.DataFrame, customers: pl.DataFrame) -> pl.DataFrame:
    """Balances of known customers, with ``customer`` in place of the id.

    Payments of someone who is neither a customer nor ever ordered cannot be owed and are left out.
    """
    customer = codes(balances["customer_id"], customers["customer_id"])
    columns = ["customer", "invoiced", "due", "paid", "outstanding", "overdue", "on_account"]
    return balances.with_columns(customer.alias("customer")).drop_nulls("customer").select(columns)
