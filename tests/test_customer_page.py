"""One customer: found by name, what they bought and owe, and what happened after; on rows checked by hand."""

import datetime as dt

import polars as pl
import pytest

from core.database import Database
from core.days import to_date, to_day
from core.filters import SalesFilters
from core.jobs.prepare import Preparation
from core.jobs.run import default_as_of
from core.predictions import dates_scored, outcomes_after
from core.predictions.actions import forecast_beside
from core.predictions.customer import (
    Ledger,
    account,
    afterwards,
    as_steps,
    balance_steps,
    customer_row,
    find_customers,
    ledger,
    next_order_window,
    only_customer,
    payment_delays,
    purchases_by_month,
    usual_amounts,
)
from core.receivables import load_matching
from core.sales_data import SalesData, load_sales, read_sales
from core.settings import Settings
from dashboard.session import Session
from dashboard.view import REGISTRY, View
from dashboard.views import action_parts, actions
from dashboard.views.actions import FinanceActions, MarketingActions, SalesActions, TopChurnRisks
from dashboard.views.actions_forecast import SalesOutlook
from dashboard.views.customer_cards import (
    BuyAgain,
    Expectations,
    JointRecommendation,
    NewForYou,
    Picker,
    WhoTheyAre,
)
from dashboard.views.customer_charts import Balance, PaymentDelays, Purchases
from dashboard.views.customer_picture import customer_key, picture

JAN, FEB, MAR = (dt.date(2026, month, 1) for month in (1, 2, 3))


@pytest.fixture
def rows() -> Ledger:
    """Two orders of 100 and 50 + 20; the first was paid 10 days after it was due, the second not yet."""
    lines = pl.DataFrame(
        {
            "order_id": [1, 2, 2],
            "order_day": [to_day(JAN), to_day(MAR), to_day(MAR)],
            "product": ["A", "A", "B"],
            "product_name": ["Car", "Car", "Boat"],
            "product_line": ["Cars", "Cars", "Ships"],
            "quantity": [10, 5, 1],
            "revenue": [100.0, 50.0, 20.0],
        }
    )
    shipped = pl.DataFrame({"order_id": [1, 2], "shipped_day": [to_day(JAN) + 2, None]})
    payments = pl.DataFrame(
        {"customer_id": [7], "payment_id": ["p"], "payment_day": [to_day(JAN) + 42], "amount": [100.0]}
    )
    return Ledger(lines, shipped, payments)


def test_purchases_stand_on_top_of_each_other_and_later_ones_are_told(rows: Ledger) -> None:
    found = purchases_by_month(rows, FEB)
    assert found.select("month", "product_line", "bottom", "top", "after").rows() == [
        (JAN, "Cars", 0.0, 100.0, 0),
        (MAR, "Cars", 0.0, 50.0, 1),
        (MAR, "Ships", 50.0, 70.0, 1),
    ]


def test_an_account_knows_only_what_was_known(rows: Ledger) -> None:
    before = account(rows, 7, dt.date(2026, 2, 5), 30)
    assert before is not None
    (owed,) = payment_delays(before).iter_rows(named=True)
    assert (owed["state"], owed["open_amount"], owed["days_past_due"]) == ("overdue", 100.0, 3)
    after = account(rows, 7, dt.date(2026, 3, 2), 30)
    assert after is not None
    paid, new = payment_delays(after).iter_rows(named=True)
    assert (paid["state"], paid["days_past_due"], paid["settled_date"]) == (
        "paid late", 10, dt.date(2026, 2, 12),
    )  # fmt: skip
    assert (new["state"], new["open_amount"]) == ("open", 70.0)


def test_the_balance_rises_with_invoices_and_falls_with_payments(rows: Ledger) -> None:
    matched = account(rows, 7, dt.date(2026, 3, 2), 30)
    assert matched is not None
    found = balance_steps(matched)
    assert found.rows() == [
        (dt.date(2026, 1, 3), 100.0, 0.0),
        (dt.date(2026, 2, 3), 100.0, 100.0),
        (dt.date(2026, 2, 12), 0.0, 0.0),
        (dt.date(2026, 3, 1), 70.0, 0.0),
        (dt.date(2026, 3, 2), 70.0, 0.0),
    ]
    corners = as_steps(found)
    assert corners.height == 2 * found.height - 1
    assert corners.rows()[1:3] == [(dt.date(2026, 2, 3), 100.0, 0.0), (dt.date(2026, 2, 3), 100.0, 100.0)]


def test_without_payments_there_is_no_account(rows: Ledger) -> None:
    assert account(Ledger(rows.lines, rows.shipped, None), 7, MAR, 30) is None


def test_what_happened_after_counts_the_window_only(rows: Ledger) -> None:
    found = afterwards(rows, FEB, 60, dt.date(2026, 5, 1))
    assert (found.orders, found.revenue, found.first_order, found.is_over) == (1, 70.0, MAR, True)
    assert set(found.products) == {"Car", "Boat"}
    nothing = afterwards(rows, FEB, 28, MAR)  # the window ends on the day before the order
    assert not nothing.ordered
    assert nothing.is_over
    assert not afterwards(rows, FEB, 60, MAR).is_over


def test_the_next_order_lies_in_an_interval_around_its_middle() -> None:
    first, last = next_order_window(JAN, JAN + dt.timedelta(days=100)) or (JAN, JAN)
    # exponential with median 100 days: one tenth within 15.2 days, nine tenths within 332.2
    assert ((first - JAN).days, (last - JAN).days) == (15, 332)
    assert next_order_window(JAN, None) is None
    assert next_order_window(JAN, JAN) is None


def test_a_forecast_stands_beside_what_was_sold() -> None:
    forecast = pl.DataFrame(
        {
            "month": [MAR, dt.date(2026, 4, 1)],
            "forecast": [5.0, 6.0],
            "low80": [4.0, 4.0],
            "high80": [6.0, 8.0],
        }
    )
    sold = pl.DataFrame({"month": [JAN, MAR], "sold": [1.0, 3.0]})
    found = forecast_beside(forecast, sold, as_of=MAR, data_end=dt.date(2026, 4, 10))
    assert found.select("month", "sold", "after", "forecast").rows() == [
        (JAN, 1.0, None, None),
        (FEB, 0.0, 0.0, None),  # nothing was sold; the later line begins here
        (MAR, None, 3.0, 5.0),
        (dt.date(2026, 4, 1), None, None, 6.0),  # not over: not compared
    ]


@pytest.fixture(scope="module")
def sales(predicted_database: Database) -> SalesData:
    """The prepared company at its default as-of date."""
    return load_sales(predicted_database)


@pytest.fixture(scope="module")
def earlier(predicted_database: Database) -> SalesData:
    """The same when the last horizon had just begun."""
    return load_sales(predicted_database, dates_scored(predicted_database, "churn")[-2])


def opened(database: Database, settings: Settings, sales: SalesData, newest: SalesData, key: str) -> Session:
    """A session on the page of a customer."""
    session = Session(database, settings, f"?page=customer&id={key}")
    session.newest_as_of = newest.as_of
    session.sales = sales
    return session


@pytest.fixture
def session(predicted_database: Database, predicted_settings: Settings, sales: SalesData) -> Session:
    """A session on the page of a customer with a prediction."""
    key = predicted_customer(sales)
    return opened(predicted_database, predicted_settings, sales, sales, key)


def predicted_customer(sales: SalesData) -> str:
    """The key of a customer with much revenue, who is in all score tables."""
    return str(sales.customers.sort("revenue_365", descending=True)["key"][0])


def test_the_prepared_company_has_scores_of_today_and_of_the_past(
    predicted_database: Database, preparation: Preparation
) -> None:
    assert not preparation.failed
    for task in preparation.ready:
        assert len(dates_scored(predicted_database, task)) == 3, task


def test_customers_are_found_by_name_and_number(sales: SalesData) -> None:
    row = sales.customers.row(3, named=True)
    assert find_customers(sales, row["key"])["key"][0] == row["key"]
    name = row["customer_name"]
    assert row["key"] in find_customers(sales, name.upper()[:12])["key"]
    assert find_customers(sales, "  ").is_empty()
    assert find_customers(sales, "no such name (").is_empty()
    assert customer_row(sales, "no such key") is None


def test_filters_that_leave_one_customer_name_it(sales: SalesData) -> None:
    key = sales.customers["key"][5]
    assert only_customer(sales, SalesFilters()) is None
    assert only_customer(sales, SalesFilters(customers=[key])) == key
    assert only_customer(sales, SalesFilters(customers=list(sales.customers["key"][:2]))) is None
    spent = float(sales.customers["revenue_365"].max())
    alone = only_customer(sales, SalesFilters(spend=(spent, spent)))
    assert alone == sales.customers.sort("revenue_365", descending=True)["key"][0]


def test_one_customer_agrees_with_what_all_pages_say(
    predicted_database: Database, sales: SalesData, earlier: SalesData
) -> None:
    key = predicted_customer(sales)
    for known in (sales, earlier):
        row = customer_row(known, key)
        assert row is not None
        rows = ledger(predicted_database, known, row["customer_id"], sales.as_of)
        before = rows.lines.filter(pl.col("order_day") < to_day(known.as_of))
        assert before["revenue"].sum() == pytest.approx(row["revenue"])
        own = account(rows, row["customer_id"], known.as_of, known.terms_days)
        assert own is not None
        everyone = load_matching(predicted_database, to_day(known.as_of), known.terms_days).invoices
        theirs = everyone.filter(pl.col("customer_id") == row["customer_id"])
        assert own.invoices["open_amount"].sum() == pytest.approx(theirs["open_amount"].sum())
        last = balance_steps(own).row(-1, named=True)
        assert last["open"] == pytest.approx(theirs["open_amount"].sum(), abs=0.05)
        late = theirs.filter(pl.col("due_day") < to_day(known.as_of))
        assert last["overdue"] == pytest.approx(late["open_amount"].sum(), abs=0.05)


def test_what_happened_after_agrees_with_the_labels(
    predicted_database: Database, sales: SalesData, earlier: SalesData
) -> None:
    labels = outcomes_after(predicted_database, earlier.as_of, 90)
    assert labels is not None
    for row in labels.sort("revenue", descending=True).head(3).iter_rows(named=True):
        rows = ledger(predicted_database, earlier, row["customer_id"], sales.as_of)
        found = afterwards(rows, earlier.as_of, 90, sales.as_of)
        assert (found.orders, found.is_over) == (row["orders"], True)
        assert found.revenue == pytest.approx(row["revenue"])
        assert found.first_order is not None
        assert found.first_order >= to_date(to_day(earlier.as_of))


def test_usual_amounts_are_means_of_lines(sales: SalesData) -> None:
    amounts = usual_amounts(sales)
    sold = sales.lines.filter(pl.col("quantity") > 0).group_by("product").agg(pl.col("revenue").mean())
    product, mean = sold.row(0)
    assert amounts["usual"][product] == pytest.approx(mean)


ALL = (
    Picker,
    Expectations,
    JointRecommendation,
    WhoTheyAre,
    Purchases,
    Balance,
    PaymentDelays,
    BuyAgain,
    NewForYou,
)


@pytest.mark.parametrize("kind", ALL)
def test_every_card_of_a_customer_shows(session: Session, kind: type[View]) -> None:
    view = kind(session)
    view.refresh()
    assert view.card.state == "ready", view.card.message


def test_another_customer_is_shown_without_a_new_card(session: Session, sales: SalesData) -> None:
    view = Picker(session)
    view.refresh()
    first = view.picker.heading
    session.extra = {"id": str(sales.customers.sort("revenue_365", descending=True)["key"][1])}
    view.refresh()
    assert view.picker.heading != first
    session.extra = {"id": "nobody"}
    view.refresh()
    assert "There is no customer 'nobody'" in view.picker.message
    session.extra = {}
    view.refresh()
    assert "Choose a customer" in view.picker.message


def test_the_past_shows_what_was_predicted_and_what_came(
    predicted_database: Database, predicted_settings: Settings, sales: SalesData, earlier: SalesData
) -> None:
    labels = outcomes_after(predicted_database, earlier.as_of, 90)
    assert labels is not None
    bought = labels.sort("revenue", descending=True).row(0, named=True)
    session = opened(predicted_database, predicted_settings, earlier, sales, str(bought["customer_id"]))
    found = picture(session, earlier)
    assert found is not None
    assert found.predicted_on["churn"] == earlier.as_of
    view = JointRecommendation(session)
    view.refresh()
    assert view.frame is not None
    after = view.frame.filter(pl.col("section") == "What happened after")["line"].to_list()
    assert f"{bought['revenue']:,.0f}" in after[0]
    figures = Expectations(session)
    figures.refresh()
    notes = {row["key"]: row["note"] for row in figures.cards.figures}
    assert notes["p_reorder"].endswith("They did.")


@pytest.mark.parametrize(
    "kind", [SalesActions, MarketingActions, FinanceActions, TopChurnRisks, SalesOutlook]
)
def test_lists_and_forecast_follow_the_scores(session: Session, kind: type[View]) -> None:
    view = kind(session)
    view.refresh()
    assert view.card.state == "ready", view.card.message
    assert view.frame is not None
    assert view.frame.height > 0


def test_the_overview_names_those_of_whom_something_is_to_be_done(session: Session) -> None:
    short, whole = TopChurnRisks(session), SalesActions(session)
    for view in (short, whole):
        view.refresh()
    assert short.frame is not None
    assert whole.frame is not None
    at_risk = whole.frame.filter(pl.col("p_no_order") >= actions.RULES.campaign_risk)
    assert short.frame["key"].to_list() == at_risk["key"].head(5).to_list()


def test_a_list_follows_the_filters_on_customers(session: Session) -> None:
    view = SalesActions(session)
    view.refresh()
    assert view.frame is not None
    everybody, country = view.frame.height, view.frame["country"][0]
    session.filters.countries = [country]
    view.refresh()
    assert 0 < view.frame.height < everybody
    assert set(view.frame["country"]) == {country}


def test_of_large_companies_scores_are_joined_in_the_background(
    predicted_database: Database, predicted_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(action_parts, "AT_ONCE", 10)
    sales = read_sales(predicted_database, default_as_of(predicted_database))
    session = opened(predicted_database, predicted_settings, sales, sales, predicted_customer(sales))
    views = [kind(session) for kind in (TopChurnRisks, MarketingActions, JointRecommendation)]
    for view in views:
        view.refresh()
        assert view.drawn
        assert view.job is not None
    for view in views:
        assert view.job is not None
        view.job.result(60)
        assert view.card.state == "ready", view.card.message
    again = TopChurnRisks(session)
    again.refresh()
    assert again.job is None
    assert again.card.state == "ready"


def test_without_models_cards_say_so(demo_database: Database) -> None:
    session = Session(demo_database, Settings(), "?page=customer&id=1004")
    session.sales = load_sales(demo_database)
    session.newest_as_of = session.sales.as_of
    for kind in (SalesActions, MarketingActions, FinanceActions, TopChurnRisks, SalesOutlook, BuyAgain):
        view = kind(session)
        view.refresh()
        assert view.card.state == "empty"
        assert "rain" in view.card.message
    figures = Expectations(session)
    figures.refresh()
    told = {row["key"]: (row["value"], row["change"]) for row in figures.cards.figures}
    assert told["p_reorder"] == ("–", "no model yet")
    assert told["open"][0] != "–"
    for kind in (JointRecommendation, WhoTheyAre, Purchases, Balance, PaymentDelays):
        view = kind(session)
        view.refresh()
        assert view.card.state == "ready", view.card.message


def test_views_of_a_customer_are_registered() -> None:
    slugs = {kind.slug for kind in ALL if kind.slug}
    assert slugs <= set(REGISTRY)


def test_the_only_customer_of_the_filters_is_shown_without_being_named(
    predicted_database: Database, predicted_settings: Settings
) -> None:
    filtered = Session(predicted_database, predicted_settings, "?page=customer&customer=1475")
    assert customer_key(filtered) == "1475"
    named = Session(predicted_database, predicted_settings, "?page=customer&id=1060&customer=1475")
    assert customer_key(named) == "1060"
    several = Session(predicted_database, predicted_settings, "?page=customer&customer=1060,1475")
    assert customer_key(several) == ""
