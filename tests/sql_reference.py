"""What the queries should give, calculated with Polars from the raw tables and nothing else."""

from collections.abc import Callable
from datetime import date

import polars as pl
from sql_companies import COLUMNS, Tables

_POLARS = {"BIGINT": pl.Int64, "TEXT": pl.String, "DOUBLE": pl.Float64}
_EPOCH = date(1970, 1, 1)


class Company:
    """The raw tables of a company with the few joins that all reference calculations share."""

    def __init__(
        self, tables: Tables, as_of_day: int, terms_days: int, from_day: int, until_day: int
    ) -> None:
        self.as_of, self.terms, self.first, self.until = as_of_day, terms_days, from_day, until_day
        raw = {
            name: pl.DataFrame(tables[name], schema={c: _POLARS[t] for c, t in columns.items()})
            for name, columns in COLUMNS.items()
        }
        self.raw = raw
        self.people = raw["customers"].select(
            customer_id="customerNumber",
            customer_name="customerName",
            country=pl.col("country").str.strip_chars(),
            sales_rep_id="salesRepEmployeeNumber",
            credit_limit="creditLimit",
        )
        self.goods = raw["products"].select(
            product_id="productCode",
            product_name="productName",
            product_line="productLine",
            vendor="productVendor",
            scale="productScale",
            buy_price="buyPrice",
            msrp="MSRP",
            quantity_in_stock="quantityInStock",
        )
        dated = raw["orders"].select(
            order_id="orderNumber",
            customer_id="customerNumber",
            order_day=_day("orderDate"),
            shipped_day=_day("shippedDate"),
            order_month=pl.col("orderDate").str.slice(0, 4).cast(pl.Int64) * 100
            + pl.col("orderDate").str.slice(5, 2).cast(pl.Int64),
            cancelled=pl.col("status") == "Cancelled",
        )
        self.orders = dated
        lines = raw["orderdetails"].select(
            order_id="orderNumber",
            line_number="orderLineNumber",
            product_id="productCode",
            quantity="quantityOrdered",
            revenue=pl.col("quantityOrdered") * pl.col("priceEach"),
        )
        sales = (
            lines.join(dated, on="order_id")
            .join(
                self.goods.select("product_id", "product_name", "product_line", "buy_price"),
                on="product_id",
                how="left",
            )
            .join(self.people.select("customer_id", "country", "sales_rep_id"), on="customer_id", how="left")
            .with_columns(
                gross_profit=(pl.col("revenue") - pl.col("quantity") * pl.col("buy_price")).fill_null(0)
            )
        )
        self.all_lines = sales
        self.sales = sales.filter(~pl.col("cancelled"), pl.col("order_day") < as_of_day)
        self.period = sales.filter(
            ~pl.col("cancelled"), pl.col("order_day").is_between(from_day, until_day - 1)
        )
        self.live = dated.filter(~pl.col("cancelled"), pl.col("order_day") < as_of_day)
        self.payments = raw["payments"].select(
            customer_id="customerNumber", payment_id="checkNumber", day=_day("paymentDate"), amount="amount"
        )
        self.paid = self.payments.filter(pl.col("day") < as_of_day)
        shipped_before = pl.col("shipped_day").is_not_null() & (pl.col("shipped_day") < as_of_day)
        self.invoices = (
            self.sales.group_by("order_id")
            .agg(amount=pl.col("revenue").sum())
            .join(self.live, on="order_id")
            .with_columns(day=pl.when(shipped_before).then("shipped_day").otherwise("order_day"))
        )

    @property
    def year(self) -> pl.Expr:
        """Whether an order lies in the 365 days before the as-of date."""
        return pl.col("order_day") >= self.as_of - 365


def _day(column: str) -> pl.Expr:
    return (pl.col(column).str.slice(0, 10).str.to_date("%Y-%m-%d") - _EPOCH).dt.total_days()


_MEASURES = [pl.col("revenue").sum(), pl.col("gross_profit").sum(), pl.col("quantity").sum()]
_COUNTS = [
    pl.col("customer_id").n_unique().alias("customers"),
    pl.col("order_id").n_unique().alias("orders"),
]


def _sales_daily(c: Company) -> pl.DataFrame:
    by = ["order_day", "country", "sales_rep_id", "product_line"]
    return c.sales.group_by(by).agg(*_MEASURES, order_lines=pl.len())


def _orders_daily(c: Company) -> pl.DataFrame:
    amounts = c.sales.group_by("order_id").agg(pl.col("revenue").sum())
    joined = c.live.join(amounts, on="order_id", how="left").join(c.people, on="customer_id", how="left")
    return joined.group_by("order_day", "country", "sales_rep_id").agg(
        orders=pl.len(), revenue=pl.col("revenue").sum()
    )


def _product_month(c: Company) -> pl.DataFrame:
    return c.sales.group_by("order_month", "product_id", "country", "sales_rep_id").agg(_MEASURES)


def _customers(c: Company) -> pl.DataFrame:
    orders = c.live.group_by("customer_id").agg(
        first_order_day=pl.col("order_day").min(),
        last_order_day=pl.col("order_day").max(),
        orders=pl.len(),
        orders_365=c.year.sum(),
    )
    sales = c.sales.group_by("customer_id").agg(
        pl.col("revenue").sum(), order_lines=pl.len(), revenue_365=pl.col("revenue").filter(c.year).sum()
    )
    names = c.raw["customers"].select(
        customer_id="customerNumber",
        contact_name=pl.concat_str(
            pl.col("contactFirstName", "contactLastName").fill_null(""), separator=" "
        ).str.strip_chars(),
        city="city",
    )
    return (
        c.people.join(orders, on="customer_id", how="full", coalesce=True)
        .join(sales, on="customer_id", how="left")
        .join(names, on="customer_id", how="left")
        .with_columns(pl.col("orders", "orders_365", "order_lines", "revenue", "revenue_365").fill_null(0))
    )


def _products(c: Company) -> pl.DataFrame:
    sold = c.sales.group_by("product_id").agg(
        pl.col("quantity", "revenue").sum(),
        quantity_365=pl.col("quantity").filter(c.year).sum(),
        revenue_365=pl.col("revenue").filter(c.year).sum(),
        last_sold_day=pl.col("order_day").filter(pl.col("quantity") > 0).max(),
    )
    result = c.goods.join(sold, on="product_id", how="full", coalesce=True).with_columns(
        pl.col("quantity", "revenue", "quantity_365", "revenue_365").fill_null(0)
    )
    recently = pl.col("last_sold_day").fill_null(-(10**9)) >= c.as_of - 365
    return result.with_columns(
        average_price=pl.when(pl.col("quantity") > 0).then(pl.col("revenue") / pl.col("quantity")),
        stock_cover_days=pl.when(pl.col("quantity_365") > 0).then(
            pl.col("quantity_in_stock") / (pl.col("quantity_365") / 365)
        ),
        is_dead_stock=((pl.col("quantity_in_stock") > 0) & ~recently).fill_null(False).cast(pl.Int64),
    )


def _movements(c: Company) -> pl.DataFrame:
    return pl.concat(
        [
            c.invoices.select("customer_id", "day", invoiced="amount", received=0.0),
            c.paid.select("customer_id", "day", invoiced=0.0, received="amount"),
        ]
    )


def _receivables_daily(c: Company) -> pl.DataFrame:
    placed = _movements(c).join(c.people, on="customer_id", how="left")
    return placed.group_by("day", "country", "sales_rep_id").agg(pl.col("invoiced", "received").sum())


def _customer_movements(c: Company) -> pl.DataFrame:
    credit_note = (pl.col("invoiced") < 0).cast(pl.Int64).alias("is_credit_note")
    return _movements(c).group_by("customer_id", "day", credit_note).agg(pl.col("invoiced", "received").sum())


def _customer_receivables(c: Company) -> pl.DataFrame:
    """One customer at a time, in plain Python."""
    everyone = {
        *c.people["customer_id"].to_list(),
        *c.invoices["customer_id"].to_list(),
        *c.paid["customer_id"].to_list(),
    }
    rows = []
    for customer in everyone:
        bills = c.invoices.filter(pl.col("customer_id") == customer).select("day", "amount").rows()
        paid = sum(c.paid.filter(pl.col("customer_id") == customer)["amount"].to_list())
        invoiced = sum(amount for _, amount in bills)
        due = sum(amount for day, amount in bills if amount < 0 or day + c.terms < c.as_of)
        rows.append(
            {
                "customer_id": customer,
                "invoiced": invoiced,
                "due": due,
                "paid": paid,
                "outstanding": max(0.0, invoiced - paid),
                "overdue": max(0.0, due - paid),
                "on_account": max(0.0, paid - invoiced),
            }
        )
    floats = ("invoiced", "due", "paid", "outstanding", "overdue", "on_account")
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(floats, pl.Float64))


def _sales_reps(c: Company) -> pl.DataFrame:
    offices = c.raw["offices"].select("officeCode", "territory", office_name="city")
    return (
        c.raw["employees"]
        .join(offices, on="officeCode", how="left")
        .select(
            employee_id="employeeNumber",
            employee_name=pl.format("{} {}", "firstName", "lastName"),
            job_title="jobTitle",
            office_id="officeCode",
            office_name="office_name",
            territory="territory",
        )
    )


def _data_status(c: Company) -> pl.DataFrame:
    orders = c.orders.filter(pl.col("order_day") < c.as_of)
    return pl.DataFrame(
        {
            **{name: [c.raw[name].height] for name in ("customers", "employees", "offices", "products")},
            "orders": [orders.height],
            "cancelled_orders": [orders["cancelled"].sum()],
            "order_lines": [c.all_lines.filter(pl.col("order_day") < c.as_of).height],
            "payments": [c.paid.height],
            "first_order_day": [orders["order_day"].min()],
            "last_order_day": [orders["order_day"].max()],
            "first_payment_day": [c.paid["day"].min()],
            "last_payment_day": [c.paid["day"].max()],
        }
    )


def _offices_and_employees(c: Company) -> pl.DataFrame:
    known = _sales_reps(c).select("employee_name", "office_name", sales_rep_id="employee_id")
    sums = c.period.group_by("sales_rep_id").agg(*_MEASURES, *_COUNTS)
    return sums.join(known, on="sales_rep_id", how="left")


def _seasonality(c: Company) -> pl.DataFrame:
    months = (
        c.period.group_by("order_month")
        .agg(pl.col("revenue").sum())
        .with_columns(order_year=pl.col("order_month") // 100, month_of_year=pl.col("order_month") % 100)
    )
    means = months.group_by("order_year").agg(mean=pl.col("revenue").mean())
    return months.join(means, on="order_year").with_columns(
        year_index=pl.when(pl.col("mean") > 0).then(pl.col("revenue") / pl.col("mean"))
    )


def _pareto(c: Company) -> pl.DataFrame:
    sums = c.period.group_by("product_id", "product_name", "product_line").agg(_MEASURES)
    ordered = sums.sort("revenue", "product_id", descending=[True, False])
    total = pl.col("revenue").sum()
    return ordered.with_columns(cumulative_share=pl.when(total > 0).then(pl.col("revenue").cum_sum() / total))


def _price_against_msrp(c: Company) -> pl.DataFrame:
    sums = c.period.group_by("product_id").agg(pl.col("quantity", "revenue").sum())
    average = pl.when(pl.col("quantity") > 0).then(pl.col("revenue") / pl.col("quantity"))
    return sums.join(c.goods, on="product_id").with_columns(
        average_price=average, price_to_msrp=pl.when(pl.col("msrp") > 0).then(average / pl.col("msrp"))
    )


def _customers_by_country(c: Company) -> pl.DataFrame:
    recent = c.sales.filter(c.year).group_by("customer_id").agg(revenue_365=pl.col("revenue").sum())
    return (
        c.people.join(recent, on="customer_id", how="left")
        .group_by("country")
        .agg(
            customers=pl.len(),
            active_customers=pl.col("revenue_365").count(),
            credit_limit=pl.col("credit_limit").sum(),
            revenue_365=pl.col("revenue_365").sum(),
        )
    )


REFERENCES: dict[str, Callable[[Company], pl.DataFrame]] = {
    "marts/sales_daily": _sales_daily,
    "marts/orders_daily": _orders_daily,
    "marts/sales_by_product_month": _product_month,
    "marts/order_lines": lambda c: c.sales,
    "marts/customers": _customers,
    "marts/products": _products,
    "marts/receivables_daily": _receivables_daily,
    "marts/customer_movements": _customer_movements,
    "marts/customer_receivables": _customer_receivables,
    "marts/invoices": lambda c: c.invoices.rename({"order_id": "invoice_id", "day": "invoice_day"}),
    "marts/payments": lambda c: c.paid.rename({"day": "payment_day"}),
    "marts/sales_reps": _sales_reps,
    "marts/data_status": _data_status,
    "marts/order_dates": lambda c: _data_status(c).select("first_order_day", "last_order_day"),
    "eda/revenue_by_country": lambda c: c.period.group_by("country").agg(*_MEASURES, *_COUNTS),
    "eda/revenue_by_product_line": lambda c: c.period.group_by("product_line").agg(*_MEASURES, *_COUNTS),
    "eda/offices_and_employees": _offices_and_employees,
    "eda/revenue_by_month": lambda c: c.period.group_by("order_month").agg(_MEASURES),
    "eda/seasonality": _seasonality,
    "eda/pareto_products": _pareto,
    "eda/price_against_msrp": _price_against_msrp,
    "eda/customers_by_country": _customers_by_country,
    "eda/credit_limits": lambda c: c.people,
    "eda/payments_and_invoices": lambda c: (
        _movements(c).group_by("day").agg(pl.col("invoiced", "received").sum())
    ),
}
