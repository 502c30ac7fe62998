"""The joint rule and the action lists, on customers whose figures can be checked by hand."""

import datetime as dt
from typing import Any

import polars as pl
import pytest

from core.predictions.actions import (
    COLLECT,
    GROW,
    HOLD,
    ActionRules,
    advice,
    advice_reasons,
    best_offers,
    finance_actions,
    joined,
    marketing_actions,
    priced_offers,
    sales_actions,
)

PEOPLE = pl.DataFrame(
    {
        "customer_id": [1, 2, 3, 4, 5],
        "key": ["1", "2", "3", "4", "5"],
        "customer_name": ["Amber", "Birch", "Cedar", "Dune", "Elm"],
        "country": ["France"] * 5,
        "credit_limit": [50_000.0, 100_000.0, 20_000.0, None, 10_000.0],
        "owner": ["Ann", "Ann", "Bob", "Bob", "Cid"],
    }
)
CHURN = pl.DataFrame(
    {
        "customer_id": [1, 2, 3],
        "score": [0.2, 0.7, 0.4],
        "low": [0.1, 0.6, 0.3],
        "high": [0.3, 0.8, 0.5],
        "next_order_date": [dt.date(2026, 8, 1)] * 3,
        "reasons": ["Risk down: a.", "Risk up: b.", "Risk up: c."],
    }
)
SPEND = pl.DataFrame(
    {
        "customer_id": [1, 2, 3],
        "score": [30_000.0, 10_000.0, 20_000.0],
        "low": [0.0] * 3,
        "high": [60_000.0] * 3,
        "reasons": ["s"] * 3,
    }
)
CREDIT = pl.DataFrame(
    {
        "customer_id": [1, 2, 3, 5],
        "score": [0.01, 0.3, 0.06, 0.02],
        "low": [0.0, 0.2, 0.03, 0.01],
        "high": [0.03, 0.4, 0.1, 0.04],
        "late": [0.1] * 4,
        "exposure": [5_000.0, 40_000.0, 8_000.0, 12_000.0],
        "overdue": [0.0, 15_000.0, 1_000.0, 0.0],
        "open_default": [0.01, 0.5, 0.1, 0.02],
        "expected_loss": [20.0, 9_000.0, 0.0, 100.0],
        "reasons": ["pays", "late", "late once", "pays"],
    }
)


@pytest.fixture
def customers() -> pl.DataFrame:
    """Five customers: one to grow, one to collect from, one to hold, two of whom little is known."""
    return joined(PEOPLE, churn=CHURN, spend=SPEND, credit=CREDIT)


def of(frame: pl.DataFrame, key: str) -> dict[str, Any]:
    """The row of a customer."""
    return frame.row(by_predicate=pl.col("key") == key, named=True)


def test_the_joint_rule_weighs_orders_and_payments(customers: pl.DataFrame) -> None:
    given = dict(customers.with_columns(advice()).select("key", "advice").iter_rows())
    assert given == {"1": GROW, "2": COLLECT, "3": HOLD, "4": HOLD, "5": HOLD}


def test_overdue_money_is_collected_where_it_exceeds_what_will_be_bought(customers: pl.DataFrame) -> None:
    poor = customers.with_columns(expected_spend=pl.lit(500.0))
    assert of(poor.with_columns(advice()), "3")["advice"] == COLLECT


def test_who_exceeds_the_limit_is_not_grown(customers: pl.DataFrame) -> None:
    tight = customers.with_columns(credit_limit=pl.lit(1_000.0))
    assert of(tight.with_columns(advice()), "1")["advice"] == HOLD


def test_thresholds_can_be_set(customers: pl.DataFrame) -> None:
    strict = customers.with_columns(advice(ActionRules(grow_default=0.005)))
    assert of(strict, "1")["advice"] == HOLD
    lenient = customers.with_columns(advice(ActionRules(collect_default=0.9)), expected_spend=pl.lit(1e6))
    assert of(lenient, "2")["advice"] == COLLECT
    spending = customers.with_columns(expected_spend=pl.lit(1e6))
    assert of(spending.with_columns(advice(ActionRules(collect_default=0.9))), "2")["advice"] == HOLD


def test_without_scores_everybody_is_held() -> None:
    alone = joined(PEOPLE).with_columns(advice())
    assert set(alone["advice"]) == {HOLD}
    told = advice_reasons(alone.row(0, named=True), horizon=90, currency="USD")
    assert any("cannot be recommended" in sentence for sentence in told)


def test_reasons_say_the_figures_and_their_intervals(customers: pl.DataFrame) -> None:
    told = advice_reasons(of(customers, "2"), horizon=90, currency="EUR")
    assert told[0] == (
        "EUR 15,000 of the EUR 40,000 open is overdue; what is open defaults with a chance of 50%."
    )
    assert told[1].startswith("That is more than the EUR 10,000")
    assert "30.0% (20.0% to 40.0%)" in told[2]
    assert "unlikely: 30% (20% to 40%)" in told[3]
    over = advice_reasons(of(customers, "5"), horizon=90, currency="EUR")
    assert over[-1] == "What is open exceeds the credit limit of EUR 10,000 by EUR 2,000."
    assert any("not predicted" in sentence for sentence in over)


def test_sales_sees_the_largest_value_at_stake_first(customers: pl.DataFrame) -> None:
    found = sales_actions(customers, currency="USD")
    assert found["key"].to_list() == ["3", "2", "1"]  # .4 × 20,000; .7 × 10,000; .2 × 30,000
    assert found["value"].to_list() == pytest.approx([8_000.0, 7_000.0, 6_000.0])
    assert found["risk"].to_list() == ["medium", "high", "low"]
    assert of(found, "2")["step"] == "Speak about the USD 15,000 overdue first"
    assert of(found, "3")["step"] == "Include in a campaign"
    assert of(found, "1")["step"].startswith("Leave")
    assert found["reason"].to_list() == ["Risk up: c.", "Risk up: b.", "Risk down: a."]


def test_sales_speaks_about_the_best_offer(customers: pl.DataFrame) -> None:
    offers = pl.DataFrame({"customer_id": [3], "product_name": ["1928 Ford"]})
    found = sales_actions(customers, offers, currency="USD", rules=ActionRules(call_risk=0.4))
    assert of(found, "3")["step"] == "Call this week, offer 1928 Ford"
    assert of(found, "1")["owner"] == "Ann"


def test_finance_sees_high_risk_times_high_limit_first(customers: pl.DataFrame) -> None:
    found = finance_actions(customers, currency="USD")
    assert found["key"].to_list() == ["2", "3", "1", "5"]  # 50,000; 2,000; 500; 240
    assert found["at_risk"].to_list() == pytest.approx([50_000.0, 2_000.0, 500.0, 240.0])
    assert found["value"].to_list() == pytest.approx([9_000.0, 100.0, 20.0, 100.0])
    assert found["risk"].to_list() == ["high", "medium", "low", "low"]
    assert of(found, "2")["step"] == "Collect USD 15,000; no new credit until it is paid"
    assert of(found, "3")["step"] == "Remind of USD 1,000 overdue"
    assert of(found, "5")["step"].startswith("Over the limit by USD 2,000")


def test_a_large_limit_at_risk_comes_before_a_small_debt() -> None:
    people = PEOPLE.head(2).with_columns(credit_limit=pl.Series([200_000.0, 5_000.0]))
    credit = CREDIT.head(2).with_columns(
        open_default=pl.Series([None, 0.3], dtype=pl.Float64), score=pl.Series([0.1, 0.3]),
        exposure=pl.Series([0.0, 5_000.0]), overdue=pl.Series([0.0, 500.0]),
    )  # fmt: skip
    found = finance_actions(joined(people, credit=credit), currency="USD")
    assert found["key"].to_list() == ["1", "2"]
    assert found["step"][0] == "Review the limit of USD 200,000 before the next order"


RECOMMENDED = pl.DataFrame(
    {
        "customer_id": [1, 1, 1, 2, 3, 3],
        "product_id": ["A", "B", "C", "A", "B", "C"],
        "kind": ["buy again", "buy again", "new", "buy again", "buy again", "new"],
        "score": [0.5, 0.2, 0.3, 0.9, 0.4, None],
        "reasons": ["bought 4 times", "x", "because you bought A", "y", "z", "w"],
    }
)
PRICES = pl.DataFrame(
    {"product": ["A", "B", "C"], "product_name": ["Car", "Boat", None], "usual": [100.0, 1_000.0, 500.0]}
)


def test_offers_are_worth_chance_times_usual_amount() -> None:
    priced = priced_offers(RECOMMENDED, PRICES)
    assert priced["value"].to_list() == pytest.approx([50.0, 200.0, 150.0, 90.0, 400.0, None])
    best = best_offers(priced, ActionRules(offers=2))
    assert best["customer_id"].to_list() == [1, 2, 3]
    assert best["products"].to_list() == ["Boat; C", "Car", "Boat"]
    assert best["value"].to_list() == pytest.approx([350.0, 90.0, 400.0])
    assert best["new"].to_list() == [1, 0, 0]


def test_marketing_leaves_out_whom_finance_collects_from(customers: pl.DataFrame) -> None:
    found = marketing_actions(
        customers, best_offers(priced_offers(RECOMMENDED, PRICES), ActionRules(offers=2))
    )
    assert found["key"].to_list() == ["3", "1"]  # 2 is to pay first
    assert found["step"].to_list() == [
        "Remind of what they buy", "Show what is new to them beside what they buy"
    ]  # fmt: skip
