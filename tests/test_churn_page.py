"""The Churn page: cohorts, quality at past dates, the list, and what-if."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from core.database import Database
from core.days import to_day
from core.filters import SalesFilters
from core.jobs import active_model
from core.model_store import open_model_store
from core.models.churn import ChurnModel
from core.predictions import dates_scored, outcomes_after, scores_on, stored_backtest
from core.predictions.churn import (
    CAMPAIGN,
    LEAVE,
    OUTREACH,
    flip_sentence,
    in_band,
    risk_bands,
    risk_by_country,
    risk_list,
    with_inputs,
)
from core.predictions.churn_quality import AVERAGE, by_date, gains, reliability, then_and_after
from core.predictions.retention import active_customers, cohort_triangle, silence
from core.sales_data import SalesData, load_sales
from core.settings import Settings
from core.snapshots import snapshots
from dashboard.pages.churn import Churn
from dashboard.predictions.scored import NOT_SCORED
from dashboard.session import Session
from dashboard.views import churn_parts
from dashboard.views.churn_campaign import CampaignDesk, CampaignList, ProfitCurve
from dashboard.views.churn_risk import RiskFigures, RiskList
from dashboard.views.churn_what_if import WhatIf

DAY = 20_000

PEOPLE = pl.DataFrame(
    {
        "customer_id": [1, 2, 3],
        "key": ["1", "2", "3"],
        "customer_name": ["Amber", "Birch", "Cedar"],
        "country": ["France", "France", "Spain"],
        "credit_limit": [None, None, None],
        "owner": ["Ann", "Ann", "Bob"],
    },
    schema_overrides={"credit_limit": pl.Float64},
)
CHURN = pl.DataFrame(
    {
        "customer_id": [1, 2, 3],
        "score": [0.2, 0.6, 0.35],
        "low": [0.1, 0.5, 0.3],
        "high": [0.3, 0.8, 0.5],
        "next_order_date": [dt.date(2026, 8, 1)] * 3,
        "reasons": [
            "Last ordered 3 days ago, first 40 days ago: lowers the risk. Based in France: raises the risk.",
            "Never paid past due: raises the risk.",
            None,
        ],
    }
)
SPEND = pl.DataFrame(
    {"customer_id": [1, 2, 3], "score": [30_000.0, 10_000.0, 20_000.0], "low": [0.0] * 3, "high": [6e4] * 3,
     "reasons": ["s"] * 3}
)  # fmt: skip


def test_the_list_says_what_to_do_and_what_is_at_stake() -> None:
    after = pl.DataFrame({"customer_id": [1, 2], "ordered": [1, 0], "revenue": [500.0, 0.0]})
    found = risk_list(PEOPLE, CHURN, spend=SPEND, after=after, currency="USD")
    by_name = {row["customer_name"]: row for row in found.to_dicts()}
    assert found["customer_name"].to_list() == [
        "Cedar",
        "Birch",
        "Amber",
    ]  # 7 000, 6 000 (higher risk), 6 000
    assert [by_name[name]["way"] for name in ("Amber", "Birch", "Cedar")] == [LEAVE, OUTREACH, CAMPAIGN]
    assert by_name["Birch"]["step"] == "Sales outreach: call this week"
    assert by_name["Birch"]["value"] == pytest.approx(6_000)
    assert by_name["Birch"]["between"] == "50–80%"
    assert by_name["Amber"]["main_reason"] == "Last ordered 3 days ago, first 40 days ago: lowers the risk."
    assert (by_name["Amber"]["happened"], by_name["Amber"]["spent"]) == ("Ordered", 500.0)
    assert by_name["Birch"]["happened"] == "No order"
    assert by_name["Cedar"]["happened"] is None
    without = risk_list(PEOPLE, CHURN, currency="USD")
    assert without["value"].null_count() == 3
    assert without["happened"].null_count() == 3


def test_bands_and_countries_add_up_to_the_list() -> None:
    found = risk_list(PEOPLE, CHURN, spend=SPEND, currency="USD")
    bands = risk_bands(found)
    assert bands["customers"].to_list() == [0, 0, 1, 1, 0, 0, 1, 0, 0, 0]
    assert bands["value"].sum() == pytest.approx(found["value"].sum())
    assert in_band(found, [6])["customer_name"].to_list() == ["Birch"]
    assert in_band(found, []).height == 3
    countries = risk_by_country(found)
    assert countries.select("country", "customers").rows() == [("France", 2), ("Spain", 1)]
    assert countries["leaving"].to_list() == pytest.approx([0.8, 0.35])


@pytest.fixture(scope="module")
def sales(predicted_database: Database) -> SalesData:
    """The prepared company at its default as-of date."""
    return load_sales(predicted_database)


def test_cohorts_agree_with_counting_customers(sales: SalesData) -> None:
    orders = sales.lines.select("customer", "order_date").unique()
    number = {
        row: date.year * 4 + (date.month - 1) // 3 for row, date in enumerate(orders["order_date"].to_list())
    }
    seen: dict[int, set[int]] = {}
    for row, customer in enumerate(orders["customer"].to_list()):
        seen.setdefault(customer, set()).add(number[row])
    now = sales.as_of.year * 4 + (sales.as_of.month - 1) // 3
    found = cohort_triangle(sales, SalesFilters())
    for row in found.to_dicts():
        year, quarter = row["cohort"].split(" Q")
        first = int(year) * 4 + int(quarter) - 1
        cohort = [quarters for quarters in seen.values() if min(quarters) == first]
        assert first + row["quarter"] < now
        assert row["customers"] == len(cohort)
        assert row["ordered"] == sum(first + row["quarter"] in quarters for quarters in cohort)
    assert found.filter(pl.col("quarter") == 0)["share"].unique().to_list() == [1.0]


def test_active_customers_agree_with_counting(sales: SalesData) -> None:
    found = active_customers(sales, SalesFilters())
    orders = sales.lines.select("customer", "order_date").unique()
    for row in (found.row(place, named=True) for place in (3, found.height // 2, found.height - 1)):
        month: dt.date = row["month"]
        after = (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
        end = min(after, sales.as_of)
        for name, days in (("active", 365), ("recent", 90)):
            inside = orders.filter(
                pl.col("order_date") < end, pl.col("order_date") >= end - dt.timedelta(days=days)
            )
            assert row[name] == inside["customer"].n_unique(), (month, name)
    assert found["new"].sum() == orders["customer"].n_unique()


def test_silence_counts_every_customer_who_ordered_once(sales: SalesData) -> None:
    found = silence(sales, SalesFilters())
    assert found["customers"].sum() == sales.customers["last_order_day"].count()
    within = to_day(sales.as_of) - sales.customers["last_order_day"].drop_nulls()
    assert found["customers"][0] == int((within <= 30).sum())


def test_filters_on_customers_apply_to_retention(sales: SalesData) -> None:
    country = sales.customers["country"].cast(pl.String).mode()[0]
    only = SalesFilters(countries=[country])
    everybody, some = (
        silence(sales, SalesFilters())["customers"].sum(),
        silence(sales, only)["customers"].sum(),
    )
    assert 0 < some < everybody
    first = cohort_triangle(sales, only).filter(pl.col("quarter") == 0)["customers"].sum()
    assert first <= some


JUDGED = pl.DataFrame(
    {
        "customer_id": list(range(40)) * 2,
        "cutoff_day": [DAY] * 40 + [DAY + 90] * 40,
        "actual": ([0.0] * 30 + [1.0] * 10) + ([0.0] * 20 + [1.0] * 20),
        "model": [i / 40 for i in range(40)] * 2,
    }
)


def test_calibration_is_averaged_within_dates() -> None:
    found = reliability(JUDGED, "model")
    assert found["date"].unique(maintain_order=True).to_list()[-1] == AVERAGE
    mean = found.filter(pl.col("date") == AVERAGE)
    assert mean.height == 5  # 40 customers bear five groups of eight
    dates = found.filter(pl.col("date") != AVERAGE)
    for row in mean.to_dicts():
        same = dates.filter(pl.col("bin") == row["bin"])
        assert row["observed"] == pytest.approx(same["observed"].mean())
        assert row["low"] <= row["observed"] <= row["high"]
    assert mean["observed"].to_list() == pytest.approx([0, 0, 2 / 8 / 2 + 0 + 2 / 16, 0.625, 1.0], abs=0.2)
    assert dates["customers"].sum() == 80


def test_lift_of_a_perfect_model_meets_all_who_left_first() -> None:
    rows = JUDGED.with_columns(perfect=pl.col("actual"), useless=pl.lit(0.5))
    found = gains(rows, ["perfect", "useless"])
    at_half = found.filter(pl.col("share") == 0.5).row(0, named=True)
    assert at_half["perfect"] == pytest.approx(1.0)
    assert 0.2 < at_half["useless"] < 0.8
    assert found["perfect"][0] == 0
    assert found["perfect"][-1] == pytest.approx(1)
    assert gains(rows.with_columns(actual=pl.lit(1.0)), ["perfect"]).is_empty()


def test_then_and_after_counts_who_did_not_order() -> None:
    scores = pl.DataFrame({"customer_id": [1, 2, 3], "score": [0.5, 0.5, 1.0]})
    outcomes = pl.DataFrame({"customer_id": [1, 2, 9], "ordered": [1, 0, 1]})
    found = then_and_after([("2026-01-01", scores, outcomes), ("2026-04-01", scores, None)])
    assert found["happened"][0] == 2
    assert np.isnan(found["happened"][1])
    assert found["predicted"][0] == 2.0
    assert found["low"][0] == pytest.approx(2 - 1.96 * np.sqrt(0.5))
    assert found["high"][0] == 3  # no more than there are


def test_what_was_predicted_is_what_the_backtest_stored(predicted_database: Database) -> None:
    stored = stored_backtest(predicted_database, "churn")
    assert stored is not None
    found = by_date(stored, stored.predictions, "champion")
    assert found["date"][-1] == AVERAGE
    assert found["happened"][:-1].sum() == stored.predictions["actual"].sum()
    assert f"{stored.score('champion', 'AUC').value:.3f}" in found["auc"][-1]


@pytest.fixture(scope="module")
def model(predicted_database: Database, predicted_settings: Settings) -> ChurnModel:
    """The churn model in use."""
    loaded = active_model(open_model_store(predicted_settings, predicted_database), "churn").model
    assert isinstance(loaded, ChurnModel)
    return loaded


@pytest.fixture(scope="module")
def known(predicted_database: Database, sales: SalesData, model: ChurnModel) -> pl.DataFrame:
    """What is known of each active customer today."""
    return model.members(snapshots(predicted_database, [to_day(sales.as_of)]))


def same_inputs(row: pl.DataFrame) -> dict[str, float]:
    """The inputs as they are."""
    return {
        "recency_days": row["recency_days"][0],
        "orders_365": row["orders_365"][0],
        "order_value": row["mean_order_value"][0],
    }


def test_what_if_nothing_changes_gives_the_stored_score(
    predicted_database: Database, model: ChurnModel, known: pl.DataFrame
) -> None:
    scores = scores_on(predicted_database, "churn")
    assert scores is not None
    stored = dict(scores.frame.select("customer_id", "score").iter_rows())
    for place in range(0, known.height, 9):
        row = known[place]
        changed = with_inputs(row, **same_inputs(row))  # type: ignore[arg-type]
        assert changed.equals(row)
        assert model.score(changed)["score"][0] == pytest.approx(stored[row["customer_id"][0]], abs=1e-6)


def test_what_if_changes_what_follows_from_the_inputs(known: pl.DataFrame) -> None:
    row = known.filter(pl.col("orders_365") >= 3, pl.col("order_days") >= 4)[0]
    before = row.row(0, named=True)
    changed = with_inputs(
        row, recency_days=before["recency_days"], orders_365=before["orders_365"] + 2, order_value=1_000.0
    ).row(0, named=True)
    assert changed["orders"] == before["orders"] + 2
    assert changed["order_days"] == before["order_days"] + 2
    assert changed["revenue_365"] == 1_000.0 * (before["orders_365"] + 2)
    gap = (before["tenure_days"] - before["recency_days"]) / (before["order_days"] + 1)
    assert changed["mean_gap_days"] == pytest.approx(gap)
    assert changed["orders_90"] <= changed["orders_365"]
    longer = with_inputs(row, **{**same_inputs(row), "recency_days": 5_000})  # type: ignore[arg-type]
    assert longer["tenure_days"][0] == 5_000
    fewer = with_inputs(row, **{**same_inputs(row), "orders_365": 1})  # type: ignore[arg-type]
    assert fewer["orders_180"][0] <= 1
    assert with_inputs(row, **same_inputs(row)).schema == fewer.schema == longer.schema  # type: ignore[arg-type]


def test_longer_silence_after_many_orders_is_more_risk(model: ChurnModel, known: pl.DataFrame) -> None:
    row = known.sort("order_days", descending=True)[0]
    risks = [
        model.score(with_inputs(row, **{**same_inputs(row), "recency_days": days}))["score"][0]  # type: ignore[arg-type]
        for days in (5, 120, 360)
    ]
    assert risks[0] < risks[1] < risks[2]


def test_what_would_flip_it_agrees_with_the_model(model: ChurnModel, known: pl.DataFrame) -> None:
    for place in range(0, known.height, 13):
        row = known[place]
        told = flip_sentence(row, lambda rows: model.predict(rows)["champion"], 0.4)
        by_model = model.counterfactual(row, 0.4).row(0, named=True)
        if by_model["score"] < 0.4:
            assert told == by_model["flip"]
        else:
            first = f"An order now would change the risk from {by_model['score']:.0%} to "
            assert told.startswith(f"{first}{by_model['score_after_order']:.0%}")


@pytest.fixture
def session(predicted_database: Database, predicted_settings: Settings, sales: SalesData) -> Session:
    """A session of the Churn page that has its data."""
    opened = Session(predicted_database, predicted_settings, "?page=churn")
    opened.newest_as_of = opened.sales = None
    opened.newest_as_of, opened.sales = sales.as_of, sales
    return opened


VIEWS = [view for _title, views in Churn.chapters.values() for view in views]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.slug)
def test_every_card_shows_the_prepared_company(session: Session, view: type) -> None:
    shown = view(session)
    shown.refresh()
    assert shown.card.state == "ready", shown.card.message
    assert shown.frame.height
    session.filters.countries = [session.sales.customers["country"].cast(pl.String).mode()[0]]
    shown.refresh()
    assert shown.card.state == "ready", shown.card.message


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.slug)
def test_without_a_model_cards_say_so_and_retention_is_shown(demo_database: Database, view: type) -> None:
    opened = Session(demo_database, Settings(), "?page=churn")
    opened.sales = load_sales(demo_database)
    shown = view(opened)
    shown.refresh()
    if shown.slug in ("churn-cohorts", "churn-active", "churn-silence"):
        assert shown.card.state == "ready"
    else:
        assert (shown.card.state, shown.card.message) == ("empty", NOT_SCORED)


def test_too_few_events_show_their_number_instead_of_risks(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = churn_parts.model_of(session)
    assert version is not None
    from dataclasses import replace

    few = replace(version, card=replace(version.card, events=7, badge="not enough data"))
    monkeypatch.setattr(churn_parts, "model_of", lambda _session: few)
    shown = RiskList(session)
    shown.refresh()
    assert shown.card.state == "empty"
    assert "7 events" in shown.card.message


def test_the_list_follows_the_slider_and_the_address(session: Session) -> None:
    desk, curve, rows = CampaignDesk(session), ProfitCurve(session), CampaignList(session)
    for view in (desk, curve, rows):
        view.refresh()
    best = desk.campaign.threshold(session)
    assert rows.frame is not None
    everybody = scores_on(session.database, "churn")
    assert everybody is not None
    assert rows.frame.height == everybody.frame.filter(pl.col("score") >= best / 100 - 1e-9).height
    desk._asked({"kind": "set", "name": "threshold", "value": 80, "final": False})
    assert rows.frame.height == everybody.frame.filter(pl.col("score") >= 0.8 - 1e-9).height
    assert session.search() == "?page=churn"
    desk._asked({"kind": "set", "name": "threshold", "value": 75, "final": True})
    assert "threshold=75" in session.search()
    for view in (desk, curve, rows):
        view.refresh()
    assert rows.frame.height == everybody.frame.filter(pl.col("score") >= 0.75 - 1e-9).height
    assert rows.exported().height == rows.frame.height
    shown = {figure["key"]: figure["value"] for figure in desk.desk.figures}
    assert shown["today"] == f"{rows.frame.height:,}"


def test_a_dearer_contact_moves_the_best_threshold_up(session: Session) -> None:
    desk = CampaignDesk(session)
    desk.refresh()
    cheap = desk.campaign.threshold(session)
    usual = desk.campaign.usual_cost
    desk._asked({"kind": "set", "name": "cost", "value": usual * 6, "final": False})
    assert desk.campaign.threshold(session) > cheap


@pytest.mark.parametrize("text", ["", "nan", "-5", "1e9", "x", "inf"])
def test_anything_in_the_address_is_survived(session: Session, text: str) -> None:
    session.extra = dict.fromkeys(("threshold", "cost", "success", "margin", "band", "id"), text)
    for kind in (CampaignDesk, CampaignList, RiskList, WhatIf):
        shown = kind(session)
        shown.refresh()
        assert shown.card.state in ("ready", "empty"), shown.card.message


def test_a_past_date_shows_what_happened(
    predicted_database: Database, predicted_settings: Settings, sales: SalesData
) -> None:
    past = dates_scored(predicted_database, "churn")[0]
    opened = Session(predicted_database, predicted_settings, f"?page=churn&as_of={past}")
    opened.newest_as_of, opened.sales = sales.as_of, load_sales(predicted_database, past)
    shown, figures = RiskList(opened), RiskFigures(opened)
    shown.refresh()
    figures.refresh()
    outcomes = outcomes_after(predicted_database, past, 90)
    assert shown.frame is not None
    assert outcomes is not None
    ordered = set(outcomes.filter(pl.col("ordered") == 1)["customer_id"].to_list())
    told = dict(shown.frame.select("customer_id", "happened").iter_rows())
    assert {key for key, said in told.items() if said == "Ordered"} == ordered & told.keys()
    assert figures.cards.figures[-1]["key"] == "happened"
    what_if = WhatIf(opened)
    what_if.refresh()
    assert "hindsight" in what_if.card.message
