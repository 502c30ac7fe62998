"""The figures behind the charts, against sums over the raw order lines."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_companies import Tables, literal_company, random_company, write_sqlite
from sql_reference import Company

from core.database import Database, open_database
from core.days import to_day
from core.errors import DatabaseError, MissingDataError
from core.filters import SalesFilters
from core.sales import customers as customer_charts
from core.sales.debtors import largest_debtors
from core.sales_data import (
    NO_SALES_REP,
    SALES_DIMENSIONS,
    SalesData,
    credit_limit_histogram,
    customer_density,
    customer_points,
    dead_stock,
    forget_sales,
    ignored_filters,
    key_figures,
    load_sales,
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


# --- a company to check by hand -------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Database]:
    with open_database(str(write_sqlite(literal_company(), tmp_path / "small.sqlite"))) as database:
        yield database
    forget_sales()


def test_the_default_as_of_date_is_the_day_after_the_last_order(small: Database) -> None:
    sales = load_sales(small)
    assert sales.as_of == date(2024, 2, 21)
    assert (sales.first_day, sales.last_day) == (date(2023, 1, 10), date(2024, 2, 20))
    assert load_sales(small, date(2024, 2, 21)) is sales
    assert load_sales(small, terms_days=60) is not sales


def test_cancelled_orders_returns_and_missing_sales_reps(small: Database) -> None:
    sales = load_sales(small)
    countries = sales_by_dimension(sales, SalesFilters(), "country").rows_by_key(
        "label", named=True, unique=True
    )
    assert countries["France"]["revenue"] == 180.0  # 100 + 100 - 20 returned
    assert countries["France"]["gross_profit"] == 180.0 - (60 + 60 - 12)
    assert countries["France"]["quantity"] == 10
    assert countries["France"]["orders"] == 3  # one of them has no lines
    assert countries["France"]["customers"] == 1
    assert countries["USA"]["revenue"] == 220.0  # the cancelled order is left out
    assert countries["Norway"]["value"] == "Norway"  # stored with a space behind it
    offices = sales_by_dimension(sales, SalesFilters(), "office")
    assert offices["label"].to_list() == ["Boston", "Paris", NO_SALES_REP]
    alone = SalesFilters(sales_reps=[NO_SALES_REP])
    assert sales_by_dimension(sales, alone, "sales_rep")["label"].to_list() == [NO_SALES_REP]
    assert sales_by_dimension(sales, alone, "country")["revenue"].to_list() == [28.5]


def test_months_without_sales_are_zero(small: Database) -> None:
    months = revenue_by_month(load_sales(small), SalesFilters())
    assert months.height == 14
    assert months["month"][0] == date(2023, 1, 1)
    assert dict(months.filter(pl.col("revenue") != 0).select("month", "revenue").iter_rows()) == {
        date(2023, 1, 1): 200.0,
        date(2024, 1, 1): 220.0,
        date(2024, 2, 1): 8.5,
    }


def test_receivables(small: Database) -> None:
    sales = load_sales(small)
    # Alpha: 200 invoiced, 20 returned, 150 paid; Beta: 220 invoiced, 300 paid; Gamma: 28.50 invoiced
    totals = receivable_totals(sales, SalesFilters())
    assert (totals.invoiced, totals.paid) == (428.5, 450.0)
    assert totals.outstanding == CENT(30.0 + 28.5)
    assert totals.overdue == CENT(30.0)  # Alpha's 50 past due less the 20 returned; Gamma's is not due yet
    assert totals.on_account == CENT(80.0)
    assert (totals.customers_owing, totals.customers_overdue) == (2, 1)
    by_product = SalesFilters(products=["P1"], countries=["USA"])
    assert receivable_totals(sales, by_product).ignored_filters == ("product",)
    assert receivable_totals(sales, by_product).outstanding == 0
    assert ignored_filters(by_product, "sales") == ()
    months = payments_and_invoices(sales, SalesFilters())
    assert months["month"][0] == date(2022, 12, 1)  # a payment before any order
    assert months["received"].sum() == 450.0
    assert months["invoiced"].sum() == 428.5


def test_key_figures_of_the_trailing_year(small: Database) -> None:
    figures = key_figures(load_sales(small), SalesFilters())
    assert (figures.first, figures.last) == (date(2023, 2, 21), date(2024, 2, 20))
    assert figures["revenue"].value == 228.5
    assert figures["orders"].value == 4
    assert figures["active_customers"].value == 3
    assert figures.previous is None  # the data begin in January 2023: nothing to compare with
    assert figures["revenue"].previous is None
    assert figures["revenue"].sparkline[-2:] == (220.0, 8.5)
    assert figures["outstanding"].sparkline[-2:] == (50.0, 58.5)  # Alpha 200 - 150, then - 20; Gamma 28.50


def test_key_figures_of_a_chosen_period(small: Database) -> None:
    sales = load_sales(small)
    figures = key_figures(sales, SalesFilters(period=(date(2024, 2, 1), date(2024, 2, 29))))
    assert (figures.first, figures.last) == (date(2024, 2, 1), date(2024, 2, 20))
    assert figures.previous == (date(2024, 1, 12), date(2024, 1, 31))
    assert (figures["revenue"].value, figures["revenue"].previous) == (8.5, 0.0)
    assert figures["revenue"].change is None
    january = key_figures(sales, SalesFilters(period=(date(2024, 1, 1), date(2024, 1, 31))))
    assert (january["revenue"].value, january["orders"].value) == (220.0, 1)
    assert key_figures(sales, SalesFilters(period=(date(2030, 1, 1), date(2030, 1, 2))))["revenue"].value == 0


def test_products(small: Database) -> None:
    sales = load_sales(small)
    products = sales_by_product(sales, SalesFilters())
    assert products.select("key", "revenue", "quantity").rows() == [("P2", 320.0, 6), ("P1", 108.5, 11)]
    assert products["cumulative_share"].to_list() == CENT([320 / 428.5, 1.0])
    prices = price_against_msrp(sales, SalesFilters(products=["P2"]))
    assert prices.select("average_price", "price_to_msrp").rows() == [CENT((320 / 6, 320 / 360))]
    assert dead_stock(sales, SalesFilters()).select("key", "stock_value", "last_sold").rows() == [
        ("P3", 140.0, None)
    ]
    cover = stock_cover(sales, SalesFilters(product_lines=["Ships"], countries=["USA"]))
    assert cover.select("key", "stock_cover_days").rows() == [("P2", 50 * 365 / 4)]


def test_customers(small: Database) -> None:
    sales = load_sales(small)
    points = customer_points(sales, SalesFilters(countries=["France"]))
    assert points.select("customer_name", "selected").rows() == [
        ("Alpha", 1),
        ("Beta", 0),
        ("Gamma", 0),
        ("Delta", 1),
    ]
    power = purchasing_power(sales, SalesFilters()).rows_by_key("country", named=True, unique=True)
    assert power["France"] == {
        "customers": 2,
        "credit_limit": 1500.0,
        "revenue_365": -20.0,
        "active_customers": 1,
    }
    bins = credit_limit_histogram(sales, SalesFilters(countries=["France"]), bins=4)
    every = credit_limit_histogram(sales, SalesFilters(), bins=4)
    assert bins["bin_start"].to_list() == every["bin_start"].to_list()
    assert (bins["customers"].sum(), every["customers"].sum()) == (2, 4)


def test_a_period_or_products_leave_the_customers_that_bought(small: Database) -> None:
    """January 2024: only Beta bought; ships: Alpha and Beta; Delta never ordered."""
    sales = load_sales(small)

    def selected(chosen: SalesFilters) -> list[str]:
        points = customer_points(sales, chosen)
        names = points.filter(pl.col("selected") == 1)["customer_name"].to_list()
        assert credit_limit_histogram(sales, chosen)["customers"].sum() == len(names)
        assert purchasing_power(sales, chosen)["customers"].sum() == len(names)
        return names

    assert selected(SalesFilters(period=(date(2024, 1, 1), date(2024, 1, 31)))) == ["Beta"]
    assert selected(SalesFilters(product_lines=["Ships"])) == ["Alpha", "Beta"]
    assert selected(SalesFilters(product_lines=["Ships"], countries=["USA"])) == ["Beta"]
    assert selected(SalesFilters(products=["P3"])) == []
    assert selected(SalesFilters()) == ["Alpha", "Beta", "Gamma", "Delta"]


def test_the_largest_debtors_come_first(small: Database) -> None:
    sales = load_sales(small)
    owing = largest_debtors(sales, SalesFilters())
    totals = receivable_totals(sales, SalesFilters())
    assert owing["outstanding"].to_list() == sorted(owing["outstanding"].to_list(), reverse=True)
    assert owing["outstanding"].sum() == CENT(totals.outstanding)
    assert owing["overdue"].sum() == CENT(totals.overdue)
    assert largest_debtors(sales, SalesFilters(), limit=1).height == 1
    assert largest_debtors(sales, SalesFilters(countries=["Narnia"])).is_empty()


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


def test_a_balance_is_never_below_zero(small: Database) -> None:
    """January 2024: Beta paid 300 for an invoice of 220 and owes nothing; Alpha owes 200 less 150."""
    sales = load_sales(small)
    january = sales.balance_history.filter(pl.col("month") == date(2024, 1, 1))
    assert january["outstanding"].sum() == CENT(50)
    assert (sales.balance_history["outstanding"] >= sales.balance_history["overdue"]).all()


def test_many_customers_are_counted_in_bins(small: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    sales = load_sales(small)
    monkeypatch.setattr(customer_charts, "MAX_POINTS", 3)
    dense = customer_points(sales, SalesFilters(countries=["USA"]))
    assert dense.columns == customer_density(sales, SalesFilters()).columns
    assert (dense["customers"].sum(), dense["selected"].sum()) == (4, 1)


def test_rows_come_newest_first_and_by_page(small: Database) -> None:
    sales = load_sales(small)
    rows = order_rows(sales, SalesFilters())
    assert rows["order_id"].to_list() == [105, 103, 102, 100, 100]
    pages = pl.concat([order_rows(sales, SalesFilters(), limit=2, offset=offset) for offset in (0, 2, 4, 6)])
    assert pages.equals(rows)
    assert order_rows(sales, SalesFilters(), limit=1)["customer_name"].item() == "Alpha"


def test_the_as_of_date_hides_what_came_later(small: Database) -> None:
    sales = load_sales(small, date(2024, 1, 6))
    assert sales.last_day == date(2024, 1, 5)
    assert key_figures(sales, SalesFilters())["revenue"].value == 420.0
    with pytest.raises(MissingDataError, match="no orders before 2023-01-10"):
        load_sales(small, date(2023, 1, 10))


def test_known_values_feed_the_filters(small: Database) -> None:
    known = load_sales(small).known_values()
    query = {"country": "France,Narnia", "sales_rep": "10", "customer": "1", "product": "P1"}
    chosen, problems = SalesFilters.from_query(query, known)
    assert chosen == SalesFilters(countries=["France"], sales_reps=[10], customers=[1], products=["P1"])
    assert len(problems) == 1


def test_many_sessions_load_once(small: Database) -> None:
    forget_sales()
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: load_sales(small), range(8)))
    assert len({id(sales) for sales in loaded}) == 1


def _changed(tables: Tables, tmp_path: Path) -> Database:
    return open_database(str(write_sqlite(tables, tmp_path / "changed.sqlite")))


def test_repeated_keys_are_refused(tmp_path: Path) -> None:
    tables = literal_company()
    tables["customers"] += tables["customers"][:1]
    with (
        _changed(tables, tmp_path) as database,
        pytest.raises(DatabaseError, match="customer keys occur more than"),
    ):
        load_sales(database)


def test_no_orders_is_said(tmp_path: Path) -> None:
    tables = literal_company() | {"orders": [], "orderdetails": []}
    with _changed(tables, tmp_path) as database, pytest.raises(MissingDataError, match="holds no orders"):
        load_sales(database)


def test_text_keys_work(tmp_path: Path) -> None:
    tables = literal_company()
    renamed = {1: "c-1", 2: "c,2", 3: "c'3", 4: "4"}
    columns = {"customers": "customerNumber", "orders": "customerNumber", "payments": "customerNumber"}
    for table, column in columns.items():
        tables[table] = [row | {column: renamed[row[column]]} for row in tables[table]]  # type: ignore[index]
    with _changed(tables, tmp_path) as database:
        day = date(2024, 2, 21)
        sales, sampled = read_sales(database, day), read_sales(database, day, max_lines=4)
    assert sales.customers["key"].sort().to_list() == ["4", "c'3", "c,2", "c-1"]
    chosen = SalesFilters(customers=["c,2", "c'3"])
    assert revenue_by_month(sales, chosen)["revenue"].sum() == 248.5
    assert SalesFilters.from_query(chosen.to_query(), sales.known_values()) == (chosen, [])
    assert 0 < sampled.lines.height <= 4


@pytest.mark.parametrize("table", ["payments", "employees", "offices"])
def test_a_company_without_this_table_still_has_sales(table: str, tmp_path: Path) -> None:
    import sqlite3

    file = write_sqlite(literal_company(), tmp_path / "poor.sqlite")
    connection = sqlite3.connect(file)
    connection.execute(f"DROP TABLE {table}")
    connection.commit()
    connection.close()
    with open_database(str(file)) as database:
        sales = load_sales(database)
    assert table in sales.missing
    figures = key_figures(sales, SalesFilters())
    assert figures["revenue"].value == 228.5
    assert sales_by_dimension(sales, SalesFilters(), "office")["revenue"].sum() == 428.5
    payments_and_invoices(sales, SalesFilters())
