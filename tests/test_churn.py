"""Churn: ladder, champion rule, honest probabilities, explanations that add up, what would flip it."""

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from core.errors import SalesError
from core.evaluation.metrics import auc, brier
from core.models.calibration import expit, logit
from core.models.churn import ChurnModel
from core.models.churn.candidates import SIMPLE, TREES, WITH_LOGISTIC, WITH_TREES, Candidates
from core.models.churn.flip import with_order_now, with_recency
from core.models.churn.judged import Judgement, Margins
from core.models.ladder import Rung
from core.models.purchases.clock import CalendarClock
from core.models.purchases.rhythm import Rhythm
from core.models.purchases.windows import held_out_days
from tests.simulated_purchases import DESCRIBED, Purchases, purchases

HORIZON = 90


def trained(company: Purchases, day: int | None = None, **params: object) -> tuple[ChurnModel, int]:
    day = company.last_day + 1 - HORIZON if day is None else day
    model = ChurnModel(horizon=HORIZON, **params)
    model.fit(company.snapshot(day), company.past(day), company.daily, as_of_day=day, described=DESCRIBED)
    return model, day


@pytest.fixture(scope="module")
def company() -> Purchases:
    return purchases(1_500, seed=3)


@pytest.fixture(scope="module")
def fitted(company: Purchases) -> tuple[ChurnModel, int]:
    return trained(company)


def forced(model: ChurnModel, champion: str) -> ChurnModel:
    """The same model with another champion."""
    other = ChurnModel.load(model.save())
    other.judgement_ = Judgement(champion=champion, margins=model.judgement_.margins)
    return other


def test_probabilities_are_right_on_average_and_rank_well(
    company: Purchases, fitted: tuple[ChurnModel, int]
) -> None:
    model, day = fitted
    truth = model.members(company.labelled(day))
    gone = 1.0 - truth["ordered"].to_numpy()
    scores = model.score(company.snapshot(day))
    assert scores["customer_id"].to_list() == truth["customer_id"].to_list()
    assert scores["score"].mean() == pytest.approx(gone.mean(), abs=0.04)
    assert auc(gone, scores["score"]) > auc(gone, truth["recency_days"]) + 0.02
    assert brier(gone, scores["score"]) < gone.mean() * (1 - gone.mean()) - 0.02
    assert (scores["low"] <= scores["score"]).all()
    assert (scores["score"] <= scores["high"]).all()
    assert (scores["next_order_date"].drop_nulls() >= pl.Series([day]).cast(pl.Date)[0]).all()


def test_where_bg_nbd_is_true_it_stays_champion(fitted: tuple[ChurnModel, int]) -> None:
    model, _day = fitted
    assert model.champion == SIMPLE
    assert model.judgement_.decision is not None
    assert model.judgement_.decision.challenger == WITH_TREES


def test_where_leaving_depends_on_the_country_trees_win() -> None:
    company = purchases(2_500, seed=5, dropout_by_country=True)
    model, day = trained(company)
    assert model.champion in (WITH_TREES, TREES)
    truth = model.members(company.labelled(day))
    gone, found = 1.0 - truth["ordered"].to_numpy(), model.predict(truth)
    assert brier(gone, found["champion"]) < brier(gone, found[SIMPLE])
    assert model.candidates_ is not None
    assert model.candidates_.trees is not None
    assert model.candidates_.trees.important["profile"] == "country"


@pytest.mark.parametrize(
    ("customers", "step", "challenger"),
    [(12, Rung.BASE_RATE, None), (90, Rung.SIMPLE, WITH_LOGISTIC), (400, Rung.MEAN, WITH_TREES)],
)
def test_the_ladder_decides_what_is_tried(customers: int, step: Rung, challenger: str | None) -> None:
    company = purchases(customers, seed=8)
    model, day = trained(company)
    assert model.rung_ == step
    tried = model.candidates_.challenger if model.candidates_ is not None else None
    assert tried == challenger
    scores = model.score(company.snapshot(day))
    assert scores["score"].is_between(0, 1).all()
    if step == Rung.BASE_RATE:
        assert model.badge == "not enough data"
        assert scores["score"].n_unique() == 1
        assert scores["high"][0] - scores["low"][0] > 0.02
        assert all(why.contributions == () for why in model.explain(company.snapshot(day)))


@pytest.mark.parametrize("champion", [SIMPLE, WITH_TREES, TREES])
def test_explanations_add_up_to_the_score(
    company: Purchases, fitted: tuple[ChurnModel, int], champion: str
) -> None:
    model, day = fitted
    chosen = forced(model, champion)
    frame = company.snapshot(day)
    scores = chosen.score(frame)
    told = chosen.explain(frame)
    assert len(told) == scores.height
    for why, score, reasons in zip(told, scores["score"], scores["reasons"], strict=True):
        total = why.base + sum(part.value for part in why.contributions)
        assert total == pytest.approx(float(logit(score)), abs=1e-5)
        assert why.score == pytest.approx(total)
        assert why.reasons[0] in reasons
    first = chosen.explain(frame)[0].contributions
    said = {part.group: part.sentence for part in first}
    row = chosen.members(frame).row(0, named=True)
    assert f"{row['recency_days']} day" in said["recency"]
    up = [part.value > 0 for part in first if part.sentence]
    assert [part.sentence.endswith(": raises the risk.") for part in first if part.sentence] == up


def test_what_was_saved_scores_alike_without_training_libraries(
    company: Purchases, fitted: tuple[ChurnModel, int], tmp_path
) -> None:
    model, day = fitted
    chosen = forced(model, WITH_TREES)
    parts = chosen.save()
    plain = {name: part for name, part in parts.items() if not isinstance(part, bytes)}
    again = ChurnModel.load(json.loads(json.dumps(plain)) | {"trees": parts["trees"]})
    frame = company.snapshot(day)
    assert again.score(frame).equals(chosen.score(frame))
    (tmp_path / "plain.json").write_text(json.dumps(plain))
    (tmp_path / "trees.ubj").write_bytes(parts["trees"])  # type: ignore[arg-type]
    code = (
        "import json, sys; from pathlib import Path; from core.models.churn import ChurnModel;"
        f"at = Path({str(tmp_path)!r}); parts = json.loads((at / 'plain.json').read_text());"
        "parts['trees'] = (at / 'trees.ubj').read_bytes(); ChurnModel.load(parts);"
        "heavy = ('sklearn', 'scipy', 'statsmodels', 'xgboost', 'core.database');"
        "print([name for name in heavy if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_an_order_now_lowers_the_risk_and_the_silence_that_flips_is_found(
    company: Purchases, fitted: tuple[ChurnModel, int]
) -> None:
    model, day = fitted
    frame = company.snapshot(day).head(400)
    found = model.counterfactual(frame, threshold=0.5)
    rows = model.members(frame)
    assert found["score"].to_list() == pytest.approx(model.predict(rows)["champion"].tolist())
    often = found.join(rows, on="customer_id").filter(pl.col("order_days") > 3)
    assert (often["score_after_order"] <= often["score"] + 0.02).mean() > 0.95
    above = found.filter(pl.col("score") >= 0.5).join(rows, on="customer_id", maintain_order="left")
    flipped = above.filter(pl.col("flip_recency_days").is_not_null())
    assert flipped.height > 5
    assert (flipped["flip_recency_days"] < flipped["recency_days"]).all()
    asked = rows.filter(pl.col("customer_id").is_in(flipped["customer_id"].to_list())).sort("customer_id")
    at = flipped.sort("customer_id")["flip_recency_days"].cast(pl.Float64).to_numpy()
    assert (model.predict(with_recency(asked, at))["champion"] < 0.5).all()
    assert all("already below" in s for s in found.filter(pl.col("score") < 0.5)["flip"])
    assert f"at most {flipped['flip_recency_days'][0]} days ago" in flipped["flip"][0]


def test_an_order_now_changes_what_it_would() -> None:
    frame = purchases(50, seed=2).snapshot(19_600)
    after = with_order_now(frame)
    assert after.schema == frame.schema
    assert (after["recency_days"] == 0).all()
    assert (after["order_days"] == frame["order_days"] + 1).all()
    assert after["revenue"].to_list() == pytest.approx(
        (frame["revenue"] + frame["mean_order_value"]).to_list()
    )


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_trees_correct_what_bg_nbd_misses_and_nothing_else(company: Purchases, shift: float) -> None:
    day = company.last_day + 1 - HORIZON
    past = company.past(day)
    rhythm = Rhythm.learned(company.snapshot(day), company.daily, day)
    own = pl.col("country") == company.snapshot(day)["country"].mode().sort()[0]
    at_home = past.select(own).to_series().to_numpy()
    risk = expit(logit(np.clip(rhythm.no_order(past, HORIZON), 1e-6, 1 - 1e-6)) + shift * at_home)
    drawn = np.random.default_rng(1).random(past.height) >= risk
    found = Candidates.learned(
        rhythm, past.with_columns(ordered=pl.Series(drawn)), Rung.BOOSTED, HORIZON, DESCRIBED
    )
    truth = company.labelled(day)
    predicted = found.predict(truth)
    moved = logit(np.clip(predicted[TREES], 1e-6, 1 - 1e-6)) - logit(
        np.clip(predicted[SIMPLE], 1e-6, 1 - 1e-6)
    )
    home = truth.select(own).to_series().to_numpy()
    assert np.mean(moved[home]) - np.mean(moved[~home]) == pytest.approx(shift, abs=0.15 + 0.25 * shift)
    assert np.sqrt(np.mean(moved[~home] ** 2)) < 0.25


def test_a_model_of_an_earlier_version_asks_for_training(fitted: tuple[ChurnModel, int]) -> None:
    parts = fitted[0].save()
    earlier = {"trees" if k == "corrections" else k: v for k, v in parts["candidates"].items()}
    with pytest.raises(SalesError, match="earlier version"):
        ChurnModel.load(parts | {"candidates": earlier})


def test_later_rows_are_refused(company: Purchases) -> None:
    day = company.last_day + 1 - HORIZON
    model = ChurnModel(horizon=HORIZON)
    late = company.past(day + 10)
    with pytest.raises(ValueError, match="as-of day"):
        model.fit(company.snapshot(day), late, company.daily, as_of_day=day, described=DESCRIBED)
    with pytest.raises(ValueError, match="as-of day"):
        model.fit(
            company.snapshot(day + 1), company.past(day), company.daily, as_of_day=day, described=DESCRIBED
        )


@pytest.mark.parametrize("ordered", [0, 1])
def test_one_outcome_only_is_no_data(company: Purchases, ordered: int) -> None:
    day = company.last_day + 1 - HORIZON
    past = company.past(day).with_columns(ordered=pl.lit(ordered))
    model = ChurnModel(horizon=HORIZON).fit(
        company.snapshot(day), past, company.daily, as_of_day=day, described=DESCRIBED
    )
    assert model.rung_ == Rung.BASE_RATE
    score = model.score(company.snapshot(day))["score"][0]
    assert score == pytest.approx(1 - ordered, abs=0.01)


def test_odd_columns_do_no_harm(company: Purchases) -> None:
    day = company.last_day + 1 - HORIZON
    odd = {
        "revenue": -pl.col("revenue"),
        "revenue_365": pl.lit(None, pl.Float64),
        "mean_order_value": pl.lit(7.0),
        "country": pl.lit(None, pl.String),
    }
    model = ChurnModel(horizon=HORIZON).fit(
        company.snapshot(day).with_columns(**odd),
        company.past(day).with_columns(**odd),
        company.daily,
        as_of_day=day,
        described=DESCRIBED,
    )
    scores = forced(model, WITH_TREES).score(company.snapshot(day).with_columns(**odd))
    assert scores["score"].is_between(0, 1).all()
    assert scores["reasons"].str.len_chars().min() > 0


def test_all_customers_seen_can_be_predicted(company: Purchases, fitted: tuple[ChurnModel, int]) -> None:
    model, day = fitted
    everyone = ChurnModel.load(model.save())
    everyone.population = "seen"
    frame = company.snapshot(day)
    assert everyone.score(frame).height == frame.height > model.score(frame).height


def test_held_out_days_keep_the_embargo() -> None:
    learned, judged = held_out_days([0, 60, 120, 180, 240, 300, 360], 90)
    assert (learned, judged) == ([0, 60, 120], [240, 300, 360])
    assert held_out_days([0, 60, 120, 180], 90) == ([0, 60], [180])
    assert held_out_days([0, 60, 120], 90) == ([0], [120])
    assert held_out_days([0, 60], 90) == ([], [])
    assert held_out_days([], 90) == ([], [])


def test_margins_shrink_with_evidence() -> None:
    draw = np.random.default_rng(1)
    widths = []
    for count in (100, 10_000):
        p = draw.uniform(0.05, 0.95, count)
        margins = Margins.measured(p, (draw.random(count) < p).astype(float), count)
        low, high = margins.around(np.zeros(1), np.zeros(1))
        assert low[0] <= 0.5 <= high[0]
        widths.append(float(high[0] - low[0]))
    assert widths[1] < widths[0] / 2
    assert Margins.from_dict(margins.as_dict()) == margins


def test_a_strong_season_ahead_is_counted_on() -> None:
    november = (1.0,) * 10 + (4.0, 1.0)
    company = purchases(2_000, seed=9, years=3.0, months=november)
    # 19 000 is a day in January 2022: judge from September 2024, when two Novembers have been seen.
    model, day = trained(company, day=19_000 + 985)
    assert model.candidates_ is not None
    clock = model.candidates_.rhythm.clock
    assert clock.month_factors[10] > 2.0
    truth = model.members(company.labelled(day))
    gone = 1.0 - truth["ordered"].mean()  # type: ignore[operator]
    assert model.predict(truth)["champion"].mean() == pytest.approx(gone, abs=0.04)
    flat = Rhythm(model.candidates_.rhythm.fit, CalendarClock(day), model.candidates_.rhythm.reference)
    assert flat.no_order(truth, HORIZON).mean() > gone + 0.04
    why = {part.group: part for part in model.explain(truth.head(1))[0].contributions}
    assert why["season"].value < 0
    assert why["season"].sentence.endswith(": lowers the risk.")
