"""Past campaigns in money: counted as by hand, the best threshold, and what was known when."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from core.database import Database
from core.predictions import stored_backtest
from core.predictions.campaign import (
    Assumptions,
    PastCampaigns,
    customer_groups,
    economics,
    past_campaigns,
    round_amount,
    usual_margin,
)

DAY = 20_000
PAST = PastCampaigns(
    pl.DataFrame(
        {
            "customer_id": [1, 2, 3, 4, 1, 2],
            "cutoff_day": [DAY] * 4 + [DAY + 90] * 2,
            "risk": [0.9, 0.6, 0.6, 0.1, 0.7, 0.2],
            "gone": [1.0, 1.0, 0.0, 0.0, 1.0, 0.0],
            "order_value": [1_000.0, 500.0, 800.0, 900.0, 2_000.0, 500.0],
        }
    ),
    90,
)
ASSUMED = Assumptions(cost=50.0, success=0.2, margin=0.5)


def test_a_campaign_is_counted_as_by_hand() -> None:
    """From 60 % on: 1, 2, 3 at the first date and 1 at the second; 1 and 2, then 1 did not order."""
    curve = economics(PAST).curve(ASSUMED)
    at = curve.row(60, named=True)
    assert at["contacted"] == 4 / 2
    assert at["gone"] == 3 / 2
    assert at["saved"] == pytest.approx(0.2 * 3 / 2)
    assert at["cost"] == 50.0 * 2
    assert at["revenue"] == pytest.approx(0.2 * (1_000 + 500 + 2_000) / 2)
    assert at["profit"] == pytest.approx(0.5 * 0.2 * 3_500 / 2 - 100)
    assert curve["contacted"][0] == 3
    assert curve["profit"][100] == 0


def test_the_best_threshold_is_the_highest_of_the_most_profitable() -> None:
    counted = economics(PAST)
    profit = counted.curve(ASSUMED)["profit"].to_numpy()
    best = counted.optimum(ASSUMED)
    assert profit[best] == profit.max()
    assert not (profit[best + 1 :] == profit.max()).any()
    assert best == 70  # 1 at both dates; 2 and 3 bring 50 - 2 x 50 in one of two campaigns
    dear = Assumptions(cost=1e6, success=0.2, margin=0.5)
    assert counted.curve(dear)["contacted"][counted.optimum(dear)] == 0


def test_the_profit_of_dates_left_out_is_not_that_of_the_peak() -> None:
    counted = economics(PAST)
    profits = counted.value_by_date * 0.1 - counted.contacted_by_date * 50.0
    last = profits.shape[1] - 1
    from_other = [last - int(np.argmax(other[::-1])) for other in (profits[1], profits[0])]
    assert counted.left_out(ASSUMED) == pytest.approx(
        np.mean([profits[0, from_other[0]], profits[1, from_other[1]]])
    )
    one = PastCampaigns(PAST.rows.filter(pl.col("cutoff_day") == DAY), 90)
    assert np.isnan(economics(one).left_out(ASSUMED))


@pytest.mark.parametrize("seed", range(5))
def test_every_threshold_agrees_with_counting_rows(seed: int) -> None:
    draw = np.random.default_rng(seed)
    n = 60
    rows = pl.DataFrame(
        {
            "customer_id": draw.integers(1, 30, n),
            "cutoff_day": draw.choice([DAY, DAY + 90, DAY + 180], n),
            "risk": draw.random(n).round(2),
            "gone": (draw.random(n) < 0.4).astype(float),
            "order_value": draw.random(n) * 1_000,
        }
    ).unique(["customer_id", "cutoff_day"], maintain_order=True)
    curve = economics(PastCampaigns(rows, 90)).curve(ASSUMED)
    dates = rows["cutoff_day"].n_unique()
    for place in (0, 13, 50, 77, 100):
        part = rows.filter(pl.col("risk") >= place / 100 - 1e-9)
        lost = part.filter(pl.col("gone") == 1)
        wanted = (lost["order_value"].sum() * 0.1 - 50.0 * part.height) / dates
        assert curve["profit"][place] == pytest.approx(wanted)
        assert curve["low"][place] <= curve["profit"][place] + 1e-9 <= curve["high"][place] + 2e-9


def test_many_customers_share_groups_and_none_is_lost() -> None:
    numbers = customer_groups(pl.Series(["b", "a", "b", "c"]))
    assert numbers.tolist() == [1, 0, 1, 2]
    many = customer_groups(pl.Series(range(5_000)), most=1_000)
    assert np.bincount(many).tolist() == [5] * 1_000


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [(272.0, 200.0), (99.9, 50.0), (1.2, 1.0), (0.2, 1.0), (1_000.0, 1_000.0), (float("nan"), 1.0)],
)  # fmt: skip
def test_costs_start_at_a_round_amount(amount: float, rounded: float) -> None:
    assert round_amount(amount) == rounded


def test_the_margin_is_that_of_the_data_where_it_is_known() -> None:
    assert usual_margin(1_000.0, 420.0) == 0.42
    assert usual_margin(1_000.0, None) is None
    assert usual_margin(0.0, 10.0) is None
    assert usual_margin(1_000.0, 1.0) == 0.05


def test_past_campaigns_are_the_stored_backtest(predicted_database: Database) -> None:
    stored = stored_backtest(predicted_database, "churn")
    assert stored is not None
    past = past_campaigns(predicted_database)
    assert past is not None
    assert past.rows.height == stored.predictions.height
    assert past.scale == 1
    assert past.rows["gone"].sum() == stored.predictions["actual"].sum()
    assert past.usual_order > 0


def test_past_campaigns_know_nothing_after_the_as_of_date(predicted_database: Database) -> None:
    everything = past_campaigns(predicted_database)
    assert everything is not None
    days = sorted(everything.rows["cutoff_day"].unique().to_list())
    just_over = dt.date(1970, 1, 1) + dt.timedelta(days=days[0] + everything.horizon)
    first = past_campaigns(predicted_database, just_over)
    assert first is not None
    assert first.rows["cutoff_day"].unique().to_list() == days[:1]
    assert past_campaigns(predicted_database, just_over - dt.timedelta(days=1)) is None
