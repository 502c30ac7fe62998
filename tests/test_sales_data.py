"""The figures behind the charts, against sums over the raw order lines."""

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_companies import random_company, write_sqlite
from sql_reference import Company

from core.database import open_database
from core.days import to_day
from core.filters import SalesFilters
from core.sales_data import (
    NO_SALES_REP,
    SALES_DIMENSIONS,
    SalesData,
    credit_limit_histogram,
    customer_density,
    customer_points,
    dead_stock,
    key_figures,
    order_rows,
    payments_and_invoices,
    price_against_msrp,
    purchasing_power,
    read_sales,
    receivable_totals,
    revenue_by_month,
    sales_by_dimension,
    sales_by_product,
    seasonality,
    stock_cover,
)

AS_OF = date(2024, 11, 20)
EMPTY = SalesFilters(countries=["Narnia"])
CENT = pytest.approx


@cache
def _sales(seed: int, max_lines: int = 300_000) -> SalesData:
    with TemporaryDirectory() as folder:
        file = write_sqlite(random_company(seed), Path(folder) / "company.sqlite")
        with open_database(str(file)) as database:
            return read_sales(database, AS_OF, max_lines=max_lines)


@cache
def _lines(seed: int) -> pl.DataFrame:
    """All live order lines before the as-of date with every attribute that can be filtered."""
    day = to_day(AS_OF)
    company = Company(random_company(seed), day, 30, day - 500, day)
    offices = company.raw["employees"].join(company.raw["offices"], on="officeCode", how="left")
    office = offices.select(sales_rep_id="employeeNumber", office=pl.col("city"))
    spend = company.sales.filter(company.year).group_by("customer_id").agg(spend=pl.col("revenue").sum())
    credit = company.people.select("customer_id", "credit_limit")
    return (
        company.sales.join(office, on="sales_rep_id", how="left")
        .join(credit, on="customer_id", how="left")
        .join(spend, on="customer_id", how="left")
        .with_columns(
            date=pl.lit(date(1970, 1, 1)) + pl.duration(days="order_day"),
            country=pl.col("country").fill_null("Unknown"),
            product_line=pl.col("product_line").fill_null("Unknown"),
            sales_rep=pl.col("sales_rep_id").cast(pl.String).fill_null(NO_SALES_REP),
            office=pl.when(pl.col("sales_rep_id").is_null())
            .then(pl.lit(NO_SALES_REP))
            .otherwise(pl.col("office").fill_null("No office")),
            spend=pl.col("spend").fill_null(0.0),
        )
        .with_columns(month=pl.col("date").dt.truncate("1mo"))
    )


COLUMNS = {
    "period": "date",
    "country": "country",
    "product_line": "product_line",
    "office": "office",
    "sales_rep": "sales_rep",
    "product": "product_id",
    "customer": "customer_id",
    "credit_limit": "credit_limit",
    "spend": "spend",
}


def _some(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.just([]) | st.lists(st.sampled_from(values), min_size=1, max_size=4, unique=True)


@st.composite
def filters(draw: st.DrawFn) -> SalesFilters:
    start = draw(st.dates(date(2022, 1, 1), date(2025, 2, 1)))
    period = (start, start + timedelta(days=draw(st.integers(0, 700))))
    wide = st.booleans()
    return SalesFilters(
        period=period if draw(wide) else None,
        countries=draw(_some(["France", "USA", "Japan", "Norway", "Unknown", "Narnia"])),
        product_lines=draw(_some(["Cars", "Ships", "Unknown"])),
        offices=draw(_some(["City 0", "City 1", "City 2", "No office", NO_SALES_REP])),
        sales_reps=draw(_some(["0", "1", "2", "99", NO_SALES_REP])),
        products=draw(_some(["P0", "P1", "P5", "P99"])),
        customers=draw(_some([str(i) for i in range(31)])),
        credit_limit=draw(st.none() | st.just((0, 50_000.0))),
        spend=draw(st.none() | st.just((100.0, 1e9))),
    )


SEEDS = st.sampled_from([1, 2])
SKIPS = st.lists(st.sampled_from([*COLUMNS]), max_size=2).map(tuple)


def _chosen(seed: int, chosen: SalesFilters, skip: tuple[str, ...] = ()) -> pl.DataFrame:
    keep = chosen.expression(COLUMNS, skip)
    return _lines(seed).filter(keep.fill_null(False))


@settings(deadline=None, max_examples=150)
@given(SEEDS, filters(), SKIPS)
def test_any_selection_sums_the_lines_it_stands_for(
    seed: int, chosen: SalesFilters, skip: tuple[str, ...]
) -> None:
    sales, expected = _sales(seed), _chosen(seed, chosen, skip)
    total, profit = expected["revenue"].sum(), expected["gross_profit"].sum()

    months = revenue_by_month(sales, chosen, skip)
    by_month = expected.group_by("month").agg(pl.col("revenue", "quantity").sum()).sort("month")
    found = months.join(by_month.select("month"), on="month", how="semi")
    assert found["revenue"].to_list() == CENT(by_month["revenue"].to_list(), abs=0.005)
    assert found["quantity"].to_list() == by_month["quantity"].to_list()
    assert months["gross_profit"].sum() == CENT(profit, abs=0.005)
    assert months["revenue"].sum() == CENT(total, abs=0.005)

    for dimension in SALES_DIMENSIONS:
        parts = sales_by_dimension(sales, chosen, dimension, skip)
        wanted = expected.group_by(pl.col(dimension).alias("value")).agg(
            pl.col("revenue").sum(),
            pl.col("quantity").sum(),
            pl.col("customer_id").n_unique().alias("customers"),
            pl.col("order_id").n_unique().alias("orders"),
        )
        both = parts.join(wanted, on="value", suffix="_wanted")
        assert len(both) == len(parts) == len(wanted)
        assert both["revenue"].to_list() == CENT(both["revenue_wanted"].to_list(), abs=0.005)
        assert both["quantity"].to_list() == both["quantity_wanted"].to_list()
        assert both["customers"].to_list() == both["customers_wanted"].to_list()
        assert parts["revenue"].sum() == CENT(total, abs=0.005)
        assert parts["revenue"].is_sorted(descending=True)
        # orders without lines are orders too, so counts from the order cube may be higher
        assert (both["orders"] >= both["orders_wanted"]).all()

    products = sales_by_product(sales, chosen, skip)
    wanted = expected.group_by(pl.col("product_id").alias("key")).agg(pl.col("revenue").sum())
    both = products.join(wanted, on="key", suffix="_wanted")
    assert len(both) == len(products) == len(wanted)
    assert both["revenue"].to_list() == CENT(both["revenue_wanted"].to_list(), abs=0.005)

    rows = order_rows(sales, chosen, skip)
    assert rows.height == expected.height
    assert rows["revenue"].sum() == CENT(total, abs=0.005)
    assert rows["order_date"].is_sorted(descending=True)


@settings(deadline=None, max_examples=60)
@given(SEEDS, filters())
def test_a_skipped_dimension_is_as_if_it_were_not_restricted(seed: int, chosen: SalesFilters) -> None:
    sales = _sales(seed)
    for dimension in SALES_DIMENSIONS:
        free = chosen.copy()
        free.clear(dimension)
        skipped = sales_by_dimension(sales, chosen, dimension, skip=(dimension,))
        assert skipped.equals(sales_by_dimension(sales, free, dimension))
    assert revenue_by_month(sales, chosen, ("period",)).equals(
        revenue_by_month(sales, SalesFilters.from_query(chosen.without("period").to_query())[0])
    )


@settings(deadline=None, max_examples=60)
@given(SEEDS, filters())
def test_of_a_sample_only_what_needs_customers_is_estimated(seed: int, chosen: SalesFilters) -> None:
    whole, sampled = _sales(seed), _sales(seed, 100)
    assert sampled.is_sampled
    assert sampled.lines.height <= 100
    assert 0 < sampled.sampled_share < 1
    exact = chosen.copy()
    for dimension in ("product", "customer", "credit_limit", "spend"):
        exact.clear(dimension)
    for dimension in SALES_DIMENSIONS:
        columns = ["value", "revenue", "gross_profit", "quantity"]
        one = sales_by_dimension(whole, exact, dimension).select(columns).sort("value")
        other = sales_by_dimension(sampled, exact, dimension).select(columns).sort("value")
        assert one["value"].to_list() == other["value"].to_list()
        assert one["revenue"].to_list() == CENT(other["revenue"].to_list(), abs=0.005)
    figures = key_figures(sampled, exact)
    assert not figures["revenue"].is_estimate
    assert figures["revenue"].value == CENT(key_figures(whole, exact)["revenue"].value, abs=0.005)
    for figure in key_figures(sampled, chosen).figures:
        assert figure.value is None or figure.value == figure.value  # not NaN


def test_counts_of_a_sample_are_scaled_and_flagged() -> None:
    whole, sampled = _sales(1), _sales(1, 100)
    everyone = SalesFilters(period=(date(2022, 1, 1), date(2024, 12, 31)))
    figure = key_figures(sampled, everyone)["active_customers"]
    assert figure.is_estimate
    assert figure.value == CENT(whole.customers.filter(pl.col("order_lines") > 0).height, abs=1)
    in_sample = sampled.customers.filter("in_sample")["key"].to_list()
    known = key_figures(sampled, SalesFilters(period=everyone.period, customers=in_sample[:1]))
    assert (known["active_customers"].value, known["active_customers"].is_estimate) == (1, False)
    elsewhere = sampled.customers.filter(~pl.col("in_sample"), pl.col("order_lines") > 0)["key"].to_list()
    unknown = key_figures(sampled, SalesFilters(customers=elsewhere[:1]))
    assert unknown["revenue"].value is None
    assert unknown["active_customers"].value is None


def test_the_sample_is_the_same_every_time() -> None:
    first = _sales(1, 100).lines
    _sales.cache_clear()
    assert _sales(1, 100).lines.equals(first)


ALL_FRAMES = [
    revenue_by_month,
    *(lambda s, f, d=d: sales_by_dimension(s, f, d) for d in SALES_DIMENSIONS),
    sales_by_product,
    price_against_msrp,
    seasonality,
    purchasing_power,
    payments_and_invoices,
    order_rows,
]


@pytest.mark.parametrize("max_lines", [300_000, 100])
@pytest.mark.parametrize("number", range(len(ALL_FRAMES)))
def test_an_empty_selection_gives_an_empty_frame_with_the_same_columns(number: int, max_lines: int) -> None:
    sales, chart = _sales(1, max_lines), ALL_FRAMES[number]
    nothing = SalesFilters(period=(date(2030, 1, 1), date(2030, 2, 1)), countries=["Narnia"])
    for chosen in (EMPTY, nothing, SalesFilters(countries=["Narnia"], products=["P1"], customers=["1"])):
        found = chart(sales, chosen)
        assert found.is_empty()
        assert found.schema == chart(sales, SalesFilters()).schema


@settings(deadline=None, max_examples=60)
@given(SEEDS, filters(), st.sampled_from([300_000, 100]))
def test_no_figure_is_ever_nan_or_infinite(seed: int, chosen: SalesFilters, max_lines: int) -> None:
    sales = _sales(seed, max_lines)
    frames = [chart(sales, chosen) for chart in ALL_FRAMES]
    frames += [chart(sales, chosen) for chart in (stock_cover, dead_stock, customer_points, customer_density)]
    frames.append(credit_limit_histogram(sales, chosen))
    for frame in frames:
        for column in frame.select(pl.col(pl.Float64)).get_columns():
            assert column.is_finite().all(ignore_nulls=True), column.name
    key_figures(sales, chosen)
    receivable_totals(sales, chosen)


def test_an_empty_selection_has_zero_figures() -> None:
    figures = key_figures(_sales(1), EMPTY)
    assert [figure.value for figure in figures.figures] == [0, 0, 0, 0, 0, 0]
    assert all(figure.change is None for figure in figures.figures)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_last_month_end_is_the_balance_at_the_as_of_date(seed: int) -> None:
    sales = _sales(seed)
    figures = key_figures(sales, SalesFilters(period=(sales.first_day, sales.last_day)))
    totals = receivable_totals(sales, SalesFilters())
    for name in ("outstanding", "overdue"):
        assert figures[name].sparkline[-1] == CENT(getattr(totals, name), abs=0.02)
        assert len(figures[name].sparkline) == len(figures["revenue"].sparkline)
        assert all(value >= 0 for value in figures[name].sparkline)
    by_country = [
        key_figures(sales, SalesFilters(countries=[country]))["outstanding"].sparkline[-1]
        for country in sales.countries
    ]
    assert sum(by_country) == CENT(totals.outstanding, abs=0.02)
    assert key_figures(sales, SalesFilters(credit_limit=(0, 1e9)))["outstanding"].sparkline == ()
