"""Ageing and days to pay: the frames behind them, filters, clicks, and what the cards say."""

import datetime as dt
import sqlite3
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_companies import literal_company, random_company, write_sqlite

from core.database import Database, open_database
from core.days import to_day
from core.filters import SalesFilters
from core.receivables import load_matching
from core.sales import invoices
from core.sales.invoices import BUCKETS, ageing, days_to_pay, load_invoices, read_invoices
from core.sales_data import SalesData, load_sales, read_sales, receivable_totals
from core.settings import Settings
from dashboard.session import Session
from dashboard.views.receivables import Ageing, DaysToPay

ALL = SalesFilters()


@pytest.fixture(scope="module")
def sales(demo_database: Database) -> SalesData:
    """The demo company at its default as-of date."""
    return load_sales(demo_database)


@pytest.fixture
def session(demo_database: Database, sales: SalesData) -> Session:
    """A session that has its data."""
    opened = Session(demo_database, Settings())
    opened.sales = sales
    return opened


def test_a_small_company_by_hand(tmp_path: Path) -> None:
    # at 2024-03-01: order 100 (200.00, shipped 2023-01-15) has 150.00 paid and a credit note of 20.00,
    # so 30.00 are open; 103 (28.50 of 2024-02-01) is open and not yet due; 102 is paid
    with open_database(str(write_sqlite(literal_company(), tmp_path / "company.sqlite"))) as database:
        known = read_sales(database, dt.date(2024, 3, 1))
        found = read_invoices(database, known)
    rows = ageing(known, found, ALL)
    assert rows["bucket"].to_list() == list(BUCKETS)
    assert rows["open_amount"].to_list() == [28.5, 0, 0, 0, 30.0]
    assert rows["customers"].to_list() == [1, 0, 0, 0, 1]
    paid = days_to_pay(known, found, ALL)
    assert paid.select("month", "median_days", "invoices").rows() == [(dt.date(2024, 1, 1), 12.0, 1)]


def test_what_is_open_is_what_is_outstanding(demo_database: Database, sales: SalesData) -> None:
    found = load_invoices(demo_database, sales)
    assert load_invoices(demo_database, sales) is found
    for chosen in (ALL, SalesFilters(countries=["France"]), SalesFilters(credit_limit=(0, 50_000))):
        rows = ageing(sales, found, chosen)
        totals = receivable_totals(sales, chosen)
        assert rows["open_amount"].sum() == pytest.approx(totals.outstanding, abs=0.05)
        assert 0 < rows["open_amount"][1:].sum() < rows["open_amount"].sum()
        assert rows["share"].sum() == pytest.approx(1)


def test_days_to_pay_of_a_month_and_country(demo_database: Database, sales: SalesData) -> None:
    found = load_invoices(demo_database, sales)
    chosen = SalesFilters(countries=["USA"], period=(dt.date(2025, 1, 1), dt.date(2025, 1, 31)))
    row = days_to_pay(sales, found, chosen).row(0, named=True)
    settled = load_matching(demo_database, to_day(sales.as_of), sales.terms_days).invoices
    people = sales.customers.select("customer_id", pl.col("country").cast(pl.String))
    january = (to_day(dt.date(2025, 1, 1)), to_day(dt.date(2025, 1, 31)))
    mine = settled.join(people, on="customer_id").filter(
        pl.col("country") == "USA", pl.col("settled_day").is_between(*january), pl.col("amount") > 0
    )
    assert row["invoices"] == mine.height > 10
    assert row["median_days"] == mine["days_to_pay"].median()
    assert row["late_share"] == pytest.approx((mine["days_past_due"] > 0).mean())


def test_an_empty_selection_keeps_the_columns(demo_database: Database, sales: SalesData) -> None:
    found = load_invoices(demo_database, sales)
    nobody = SalesFilters(customers=["no such customer"])
    assert ageing(sales, found, nobody)["open_amount"].sum() == 0
    assert days_to_pay(sales, found, nobody).columns == days_to_pay(sales, found, ALL).columns
    assert days_to_pay(sales, found, nobody).is_empty()


def test_of_a_large_company_a_sample_is_scaled_up(demo_database: Database, sales: SalesData) -> None:
    sampled = read_sales(demo_database, sales.as_of, max_lines=20_000)
    assert sampled.is_sampled
    part, whole = read_invoices(demo_database, sampled), load_invoices(demo_database, sales)
    assert part.paid.height < whole.paid.height
    estimate, exact = (
        ageing(of, found, ALL)["open_amount"].sum() for of, found in ((sampled, part), (sales, whole))
    )
    assert estimate == pytest.approx(exact, rel=0.5)


def test_a_company_without_any_payment(tmp_path: Path) -> None:
    company = random_company(3) | {"payments": []}
    with open_database(str(write_sqlite(company, tmp_path / "company.sqlite"))) as database:
        known = read_sales(database, dt.date(2025, 1, 1))
        found = read_invoices(database, known)
    assert found.paid.is_empty()
    rows = ageing(known, found, ALL)
    assert rows["open_amount"].sum() == rows["open_amount"][-1] + rows["open_amount"][:-1].sum() > 0


def test_invoices_of_strangers_are_left_out(tmp_path: Path) -> None:
    with open_database(str(write_sqlite(random_company(2), tmp_path / "company.sqlite"))) as database:
        known = read_sales(database, dt.date(2025, 1, 1))
        found = read_invoices(database, known)
    assert found.open["customer"].max() < known.customers.height  # type: ignore[operator]


def test_a_click_on_a_bucket_chooses_those_who_owe_there(session: Session, sales: SalesData) -> None:
    view = Ageing(session)
    view.refresh()
    source = view._front[0].data_source
    before = list(source.data["open_amount"])
    source.selected.indices = [4]
    chosen = session.filters.values_of("customer")
    assert 0 < len(chosen) <= 50
    assert source.selected.indices == []
    view.refresh()
    assert list(source.data["open_amount"]) == before  # it skips what it set itself
    assert source.data["mark_alpha"][4] == 1
    assert max(source.data["mark_alpha"][:4]) < 1
    assert "at most 50" in view.card.note
    found = load_invoices(session.database, sales)
    assert ageing(sales, found, session.filters)["customers"][4] == len(chosen)
    source.selected.indices = [4]
    assert session.filters.values_of("customer") == ()


def test_ageing_of_a_customer_chosen_elsewhere(session: Session, sales: SalesData) -> None:
    view = Ageing(session)
    view.refresh()
    total = view.frame["open_amount"].sum()
    found = load_invoices(session.database, sales)
    key = invoices.owing_in(sales, found, BUCKETS[0])[0]
    session.filters.customers = [key]
    view.refresh()
    assert 0 < view.frame["open_amount"].sum() < total
    assert view.card.note == "Paid invoices were all matched by amount."


def test_days_to_pay_say_what_does_not_apply(session: Session) -> None:
    view = DaysToPay(session)
    view.refresh()
    before = view.frame
    session.filters.product_lines = ["Ships"]
    view.refresh()
    assert_frame_equal(view.frame, before)
    assert view.card.note == "Not filtered by product line: these figures are not split that way."
    session.filters.clear()
    session.filters.countries = ["France"]
    view.refresh()
    assert not view.frame.equals(before)
    assert view.card.note == ""


def test_without_payments_the_cards_say_what_they_need(tmp_path: Path) -> None:
    file = write_sqlite(random_company(1), tmp_path / "company.sqlite")
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE payments")
    connection.close()
    with open_database(str(file)) as database:
        opened = Session(database, Settings())
        opened.sales = load_sales(database)
        for view in (Ageing(opened), DaysToPay(opened)):
            view.refresh()
            assert view.card.state == "empty"
            assert view.card.message.startswith("Needs payments")
