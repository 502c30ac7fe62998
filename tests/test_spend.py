"""Spend: expected revenue that adds up to what is bought, ranges that hold, explanations that add up."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluation.metrics import absolute_bias, coverage, gini
from core.models.ladder import Rung
from core.models.spend import SpendModel
from core.models.spend.candidates import SIMPLE, WITH_TREES
from core.models.spend.judged import Judgement, Ranges, shortest_range
from tests.simulated_purchases import DESCRIBED, Purchases, purchases

HORIZON = 90


def trained(company: Purchases) -> tuple[SpendModel, int]:
    day = company.last_day + 1 - HORIZON
    model = SpendModel(horizon=HORIZON)
    model.fit(company.snapshot(day), company.past(day), company.daily, as_of_day=day, described=DESCRIBED)
    return model, day


@pytest.fixture(scope="module")
def company() -> Purchases:
    return purchases(2_500, seed=4)


@pytest.fixture(scope="module")
def fitted(company: Purchases) -> tuple[SpendModel, int]:
    return trained(company)


def forced(model: SpendModel, champion: str) -> SpendModel:
    """The same model with another champion."""
    other = SpendModel.load(model.save())
    other.judgement_ = Judgement(champion=champion, ranges=model.judgement_.ranges)
    return other


def test_expected_revenue_ranks_and_adds_up(company: Purchases, fitted: tuple[SpendModel, int]) -> None:
    model, day = fitted
    truth = model.members(company.labelled(day))
    actual, scores = truth["window_revenue"], model.score(company.snapshot(day))
    assert gini(actual, scores["score"]) > gini(actual, truth["revenue_365"]) + 0.02
    assert absolute_bias(actual, scores["score"]) < 0.12


def test_ranges_hold_what_they_promise(company: Purchases, fitted: tuple[SpendModel, int]) -> None:
    model, day = fitted
    truth = model.members(company.labelled(day))
    scores = model.score(company.snapshot(day))
    assert (scores["low"] <= scores["high"]).all()
    assert 0.75 <= coverage(truth["window_revenue"], scores["low"], scores["high"]) <= 0.86


@pytest.mark.parametrize("champion", [SIMPLE, WITH_TREES])
def test_explanations_add_up_to_the_logarithm(
    company: Purchases, fitted: tuple[SpendModel, int], champion: str
) -> None:
    model, day = fitted
    chosen = forced(model, champion)
    frame = company.snapshot(day).head(300)
    scores = chosen.score(frame)
    for why, score, reasons in zip(chosen.explain(frame), scores["score"], scores["reasons"], strict=True):
        assert why.base + sum(part.value for part in why.contributions) == pytest.approx(
            np.log(score), abs=1e-5
        )
        assert why.reasons[0] in reasons


def test_what_was_saved_scores_alike(company: Purchases, fitted: tuple[SpendModel, int]) -> None:
    model, day = fitted
    parts = model.save()
    plain = {name: part for name, part in parts.items() if not isinstance(part, bytes)}
    again = SpendModel.load(json.loads(json.dumps(plain)) | {"trees": parts["trees"]})
    frame = company.snapshot(day)
    assert again.score(frame).equals(model.score(frame))


def test_few_events_give_the_mean_and_no_range() -> None:
    company = purchases(10, seed=6)
    model, day = trained(company)
    scores = model.score(company.snapshot(day))
    assert model.rung_ == Rung.BASE_RATE
    assert (
        scores["score"].to_list()
        == [pytest.approx(model.members(company.past(day))["window_revenue"].mean())] * scores.height
    )
    assert scores["low"].null_count() == scores.height
    assert SpendModel.load(model.save()).score(company.snapshot(day)).equals(scores)


def test_thin_data_use_the_simple_model_alone() -> None:
    model, _day = trained(purchases(90, seed=8))
    assert model.rung_ == Rung.SIMPLE
    assert model.champion == SIMPLE
    assert model.judgement_.decision is None


def test_returns_do_no_harm(company: Purchases) -> None:
    day = company.last_day + 1 - HORIZON
    negative = pl.when(pl.col("customer_id") % 5 == 0).then(-pl.col("revenue")).otherwise(pl.col("revenue"))
    model = SpendModel(horizon=HORIZON).fit(
        company.snapshot(day).with_columns(revenue=negative),
        company.past(day).with_columns(revenue=negative, window_revenue=pl.col("window_revenue") - 300.0),
        company.daily,
        as_of_day=day,
        described=DESCRIBED,
    )
    scores = model.score(company.snapshot(day).with_columns(revenue=negative))
    assert scores["score"].is_finite().all()
    assert (scores["score"] >= 0).all()


def test_only_returns_are_no_data(company: Purchases) -> None:
    day = company.last_day + 1 - HORIZON
    model = SpendModel(horizon=HORIZON).fit(
        company.snapshot(day).with_columns(revenue=pl.lit(-5.0)),
        company.past(day),
        company.daily,
        as_of_day=day,
        described=DESCRIBED,
    )
    assert model.rung_ == Rung.BASE_RATE
    assert model.candidates_ is None


def test_later_rows_are_refused(company: Purchases) -> None:
    day = company.last_day + 1 - HORIZON
    with pytest.raises(ValueError, match="as-of day"):
        SpendModel(horizon=HORIZON).fit(
            company.snapshot(day), company.past(day + 5), company.daily, as_of_day=day, described=DESCRIBED
        )


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40), st.floats(0.05, 0.99))
def test_the_shortest_range_is_the_shortest(values: list[float], level: float) -> None:
    low, high = shortest_range(np.array(values), level)
    needed = min(int(np.ceil(level * (len(values) + 1))), len(values))
    assert sum(low <= value <= high for value in values) >= needed
    for start in values:  # no shorter one begins at any value
        assert sum(start <= value < start + (high - low) * (1 - 1e-9) for value in values) < max(needed, 2)


def test_ranges_begin_at_nothing_where_most_buy_nothing() -> None:
    draw = np.random.default_rng(2)
    expected = np.repeat([1.0, 100.0], 3_000)
    actual = np.where(expected > 1, draw.gamma(50, 2, 6_000), np.where(draw.random(6_000) < 0.1, 10.0, 0.0))
    low, high = Ranges.measured(expected, actual).around(np.array([1.0, 100.0]))
    assert (low[0], high[0]) == (0.0, 0.0)
    assert 60 < low[1] < 100 < high[1] < 140
    assert np.isnan(Ranges().around(expected)[0]).all()
