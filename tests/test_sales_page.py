"""What the Sales page computes: forecasts beside what came, agreement of customers, classes of spend."""

import datetime as dt

import polars as pl
import pytest

from core.database import Database
from core.days import to_day
from core.models.sales.newcomers import new_customer_share
from core.predictions import dates_scored, scores_on
from core.predictions.forecast import (
    agreement,
    forecast_beside_sales,
    measured_coverage,
    months_hit,
    new_share_by_month,
    series_ahead,
    series_of,
    spend_by_country,
    spend_classes,
    spend_tenths,
    spend_to_act_on,
)
from core.sales_data import load_sales
from core.settings import Settings
from dashboard.pages.sales_forecast import SalesForecast
from dashboard.session import Session
from dashboard.views.forecast_charts import LinesAhead, SalesOutlookChart
from dashboard.views.forecast_customers import SpendList

MARCH, APRIL = dt.date(2025, 3, 1), dt.date(2025, 4, 1)


def forecast(series: str = "total", observed: float = 0.0) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "series": [series, series],
            "month": [MARCH, APRIL],
            "forecast": [100.0, 200.0],
            "low80": [80.0, 150.0],
            "high80": [120.0, 250.0],
            "low95": [60.0, 100.0],
            "high95": [140.0, 300.0],
            "baseline": [90.0, 210.0],
            "observed": [observed, 0.0],
            "method": ["ETS", "ETS"],
        }
    )


SOLD = pl.DataFrame(
    {
        "month": [dt.date(2025, 1, 1), dt.date(2025, 2, 1), MARCH, APRIL],
        "sold": [50.0, 60.0, 130.0, 180.0],
    }
)


def test_a_forecast_stands_beside_what_was_sold_before_and_after() -> None:
    shown = forecast_beside_sales(
        forecast(observed=5.0), SOLD, predicted_on=dt.date(2025, 3, 4), data_end=dt.date(2025, 4, 20)
    )
    assert shown["month"].to_list() == SOLD["month"].to_list()
    assert shown["sold"].to_list() == [50, 60, None, None]
    assert shown["after"].to_list() == [None, 60, 130, None]  # April is not over
    assert shown["observed"].to_list() == [None, None, 5, None]
    assert shown["baseline"].to_list() == [None, None, 90, 210]


def test_months_that_are_over_are_held_against_the_bands() -> None:
    shown = forecast_beside_sales(forecast(), SOLD, predicted_on=MARCH, data_end=dt.date(2025, 5, 1))
    assert months_hit(shown) == {"80": (1, 2), "95": (2, 2)}
    open_months = forecast_beside_sales(forecast(), SOLD, predicted_on=MARCH, data_end=MARCH)
    assert months_hit(open_months) == {"80": (0, 0), "95": (0, 0)}


def test_product_lines_are_summed_over_the_months_ahead() -> None:
    rows = pl.concat([forecast(), forecast("Ships"), forecast("Planes").with_columns(low80=None)])
    sold = pl.concat([SOLD.with_columns(series=pl.lit(name)) for name in ("total", "Ships", "Planes")])
    over = series_ahead(rows, sold, data_end=dt.date(2025, 5, 1))
    assert over["series"].to_list() == ["Ships", "Planes"]
    ships = over.row(0, named=True)
    assert (ships["forecast"], ships["low80"], ships["high80"], ships["came"]) == (300, 230, 370, 310)
    assert over["low80"][1] is None  # no interval is no interval, not 0
    assert series_ahead(rows, sold, data_end=APRIL)["came"].to_list() == [None, None]


def test_one_product_line_chooses_its_series_and_several_the_total() -> None:
    rows = pl.concat([forecast(), forecast("Ships")])
    assert series_of(rows, ["Ships"]) == "Ships"
    assert series_of(rows, ["Ships", "Planes"]) == "total"
    assert series_of(rows, ["Planes"]) == "total"
    assert series_of(pl.DataFrame(), ["Ships"]) == "total"


def test_coverage_is_counted_from_the_backtest() -> None:
    past = pl.DataFrame(
        {
            "series": ["total", "total", "Ships"],
            "actual": [10.0, 30.0, 99.0],
            "low80": [5.0, 5.0, 0.0],
            "high80": [20.0, 20.0, 1.0],
            "low95": [0.0, 0.0, 0.0],
            "high95": [40.0, 40.0, 1.0],
        }
    )
    assert measured_coverage(past) == {"80": (1, 2), "95": (2, 2)}
    assert measured_coverage(past.drop("low80")) == {"95": (2, 2)}


def test_the_share_of_new_customers_is_that_of_the_model(predicted_database: Database) -> None:
    as_of = dates_scored(predicted_database, "sales")[-1]
    rows = predicted_database.query("models/revenue_by_first_month", as_of_day=to_day(as_of))
    shares = new_share_by_month(rows, as_of=as_of)
    said = new_customer_share(rows, as_of.year * 12 + as_of.month - 1, 3)
    assert shares["share"].tail(12).mean() == pytest.approx(said.mean)
    assert (shares["new_revenue"] <= shares["revenue"] + 1e-9).all()
    assert new_share_by_month(rows.clear(), as_of=as_of).is_empty()


def test_customers_are_multiplied_so_that_they_agree_with_the_forecast() -> None:
    spend = pl.DataFrame({"customer_id": [1, 2], "score": [60.0, 90.0]})
    adjusted, agreed = agreement(spend, forecast(), None, as_of=MARCH, horizon=61)
    assert agreed.factor.sales == pytest.approx(300)
    assert agreed.factor.factor == pytest.approx(2)
    assert adjusted["adjusted"].to_list() == pytest.approx([120, 180])
    unknown, none = agreement(spend, forecast(), None, as_of=MARCH, horizon=90)  # reaches to April only
    assert not none.is_known
    assert unknown["adjusted"].to_list() == [None, None]


PEOPLE = pl.DataFrame(
    {
        "customer_id": [1, 2, 3],
        "key": ["1", "2", "3"],
        "customer_name": ["Ada", "Bo", "Cy"],
        "country": ["France", "France", "Spain"],
        "owner": ["Lee", "Lee", "Kim"],
        "last_order_day": [20_000, 20_010, None],
        "revenue_365": [365.0, 3650.0, 0.0],
        "score": [400.0, 100.0, 5.0],
        "low": [0.0, 50.0, 0.0],
        "high": [900.0, 150.0, 9.0],
        "adjusted": [400.0, 100.0, 5.0],
        "reasons": ["Spend up: recent. More.", None, ""],
    }
)


def test_the_list_suggests_a_step_by_the_pace_of_last_year() -> None:
    rows = spend_to_act_on(PEOPLE, None, horizon=90)
    assert [step.split(":")[0] for step in rows["step"]] == ["Offer", "Call", "Welcome"]
    assert rows["pace"].to_list() == pytest.approx([90, 900, 0])
    assert rows["came"].null_count() == 3
    assert rows["reason"][0] == "Spend up: recent."
    after = pl.DataFrame({"customer_id": [1, 2], "revenue": [300.0, 0.0]})
    assert spend_to_act_on(PEOPLE, after, horizon=90)["came"].to_list() == [300, 0, None]


def test_countries_and_tenths_add_up() -> None:
    after = pl.DataFrame({"customer_id": [1, 2, 3], "revenue": [300.0, 80.0, 0.0]})
    rows = spend_to_act_on(PEOPLE, after, horizon=90)
    countries = spend_by_country(rows)
    assert countries["country"].to_list() == ["France", "Spain"]
    assert countries["expected"].to_list() == [500, 5]
    assert countries["came"].to_list() == [380, 0]
    tenths = spend_tenths(rows)
    assert tenths["expected"].to_list() == [5, 100, 400]
    assert tenths["came"].to_list() == [0, 80, 300]
    assert spend_tenths(spend_to_act_on(PEOPLE, None, horizon=90)).is_empty()


def test_classes_of_spend_hold_every_customer() -> None:
    scores = pl.Series([0.0, 3.0, 26.0, 49.0, 50.0, 1_200.0])
    classes = spend_classes(scores)
    assert classes["customers"].sum() == scores.len()
    assert classes["amount"].sum() == pytest.approx(scores.sum())
    named = dict(zip(classes["label"], classes["customers"], strict=True))
    assert named["0–10"] == 2
    assert named["25–50"] == 2
    assert named["1 K–2.5 K"] == 1
    assert spend_classes(pl.Series([], dtype=pl.Float64)).is_empty()


@pytest.fixture
def session(predicted_database: Database, predicted_settings: Settings) -> Session:
    opened = Session(predicted_database, predicted_settings, "?page=sales")
    opened.sales = load_sales(predicted_database)
    return opened


def test_a_click_on_a_line_shows_its_forecast_and_a_second_all_again(session: Session) -> None:
    chart, lines = SalesOutlookChart(session), LinesAhead(session)
    for view in (chart, lines):
        view.refresh()
        assert view.card.state == "ready", view.card.message
    whole = chart.frame["forecast"].sum()
    source = lines._front[0].data_source
    line = source.data["series"][1]
    source.selected.indices = [1]
    assert session.filters.product_lines == [line]
    chart.refresh()
    assert line in chart.card.title
    stored = scores_on(session.database, "sales", session.as_of).frame.filter(pl.col("series") == line)
    assert chart.frame["forecast"].sum() == pytest.approx(stored["forecast"].sum())
    assert chart.frame["forecast"].sum() < whole
    source.selected.indices = [1]
    assert session.filters.product_lines == []


def test_an_earlier_date_shows_what_was_predicted_then_and_what_came(session: Session) -> None:
    first = dates_scored(session.database, "sales")[0]
    session.as_of = first + dt.timedelta(days=3)
    session.sales = load_sales(session.database, session.as_of)
    chart, people = SalesOutlookChart(session), SpendList(session)
    for view in (chart, people):
        view.refresh()
        assert view.card.state == "ready", view.card.message
    assert chart.predicted_on == first
    over = chart.frame.drop_nulls(["forecast", "after"])
    assert over.height >= 2
    assert f"{over.height} months are over" in chart.card.note
    assert people.frame["came"].null_count() == 0
    assert people.frame["came"].sum() > 0


def test_both_chapters_draw_with_any_filter(session: Session) -> None:
    for country in ([], ["France"]):
        session.filters.countries = country
        for _title, views in SalesForecast.chapters.values():
            for view in [kind(session) for kind in views]:
                view.refresh()
                if view.panel() is view.card:
                    assert view.card.state in ("ready", "empty"), (view.slug, view.card.message)
    session.filters.clear()
    session.filters.period = (dt.date(2024, 1, 1), dt.date(2024, 2, 1))
    chart = SalesOutlookChart(session)
    chart.refresh()
    assert "Not filtered by period" in chart.card.note
