"""The Models page: past cutoffs beside what happened, drift by hand, and going back to an older version."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Page, expect

from core.database import Database, open_database
from core.evaluation import evaluate
from core.evaluation import metrics as m
from core.model_store import open_model_store
from core.predictions import StoredBacktest
from core.predictions.drift import MOVED, STABLE, feature_drift, stability_index
from core.predictions.theatre import cutoffs_of, groups_at, metric_by_cutoff, models_at, series_at, summary
from core.settings import Settings
from dashboard.views.rows import cell_text
from tests.conftest import RunningServer

DAYS = (19_905, 19_995)  # 2024-07-01 and 2024-09-29


@pytest.fixture(scope="module")
def backtest() -> StoredBacktest:
    random = np.random.default_rng(2)
    frames = []
    for day in DAYS:
        chance = random.uniform(0.02, 0.98, 500)
        frames.append(
            pl.DataFrame(
                {
                    "cutoff_day": np.full(500, day),
                    "customer_id": np.arange(500),
                    "actual": (random.uniform(size=500) < chance).astype(int),
                    "champion": chance,
                    "coin": random.uniform(size=500),
                }
            )
        )
    found = evaluate(
        pl.concat(frames), models=["champion"], baselines=["coin"], metrics={"AUC": m.AUC}, repeats=50
    )
    return StoredBacktest(
        "churn", 90, "2025-01-01T00:00:00Z", "champion", found.models, found.baselines, (),
        found.scores, found.differences, found.predictions,
    )  # fmt: skip


def test_the_theatre_shows_what_was_predicted_and_what_happened(backtest: StoredBacktest) -> None:
    assert cutoffs_of(backtest) == ["2024-07-01", "2024-09-29"]
    groups = groups_at(backtest, "2024-09-29")
    assert groups["group"].to_list() == list(range(1, 11))
    assert groups["customers"].sum() == 500
    assert groups["predicted"].is_sorted()
    by_hand = backtest.predictions.filter(pl.col("cutoff_day") == DAYS[1]).sort("champion").head(50)
    assert groups["actual"][0] == pytest.approx(by_hand["actual"].mean())
    inside = (groups["low"] <= groups["predicted"]) & (groups["predicted"] <= groups["high"])
    assert inside.sum() >= 8  # calibrated by construction
    assert groups_at(backtest, "2020-01-01").is_empty()


def test_figures_of_every_model_at_every_cutoff(backtest: StoredBacktest) -> None:
    over_time = metric_by_cutoff(backtest, "AUC")
    assert over_time["model"].to_list() == ["champion", "champion", "coin", "coin"]
    assert over_time["cutoff"].dtype == pl.Date
    table = summary(backtest)
    assert table["kind"].to_list() == ["model", "baseline"]
    assert table["AUC"][0].startswith(f"{backtest.score('champion', 'AUC').value:.3f} [")
    at = models_at(backtest, "2024-07-01", "AUC")
    assert at["name"].to_list() == ["champion", "coin"]
    assert at["actual"][0] == pytest.approx(backtest.score("champion", "AUC", "2024-07-01").value)
    assert series_at(backtest, "2024-07-01").is_empty()  # no series in a backtest of customers


def test_the_stability_index_by_hand() -> None:
    before = pl.Series([1.0] * 50 + [2.0] * 50)
    now = pl.Series([1.0] * 20 + [2.0] * 80)
    expected = (0.2 - 0.5) * np.log(0.2 / 0.5) + (0.8 - 0.5) * np.log(0.8 / 0.5)
    assert stability_index(before, now) == pytest.approx(expected, rel=1e-6)
    assert stability_index(before, before) == pytest.approx(0.0)
    texts = pl.Series(["a"] * 50 + ["b"] * 50), pl.Series(["a"] * 20 + ["b"] * 80)
    assert stability_index(*texts) == pytest.approx(expected, rel=1e-6)
    assert stability_index(pl.Series([1.0, None] * 50), pl.Series([1.0] * 100)) > MOVED
    assert stability_index(pl.Series([], dtype=pl.Float64), now) == 0.0
    random = np.random.default_rng(1)
    same = (pl.Series(random.normal(size=4000)) for _ in range(2))
    assert stability_index(*same) < STABLE


def test_customers_of_a_year_later_have_drifted_in_tenure(predicted_database: Database) -> None:
    found = feature_drift(predicted_database, 19_900, 20_265, 30)
    assert found["psi"].is_sorted(descending=True)
    verdict = dict(zip(found["feature"], found["verdict"], strict=True))
    assert verdict["tenure_days"] == "moved"
    same = feature_drift(predicted_database, 20_265, 20_265, 30)
    assert same["psi"].max() == pytest.approx(0.0)


def test_an_operator_looks_back_and_goes_back_to_an_older_version(
    watched: Callable[..., Page], predicted_server: RunningServer, predicted_settings: Settings
) -> None:
    with open_database(predicted_settings.resolved_database_url, read_only=False) as database:
        store = open_model_store(predicted_settings, database)
        older = store.active("churn")
        assert older is not None
        newer = store.put("churn", store.read("churn", older.version), older.card)
    try:
        page = watched(predicted_server.url + "/?page=models&tab=churn")
        theatre = page.locator('.sd-card[aria-label^="Predicted then"]')
        expect(theatre.locator("canvas").first).to_be_visible(timeout=60_000)
        slider = theatre.get_by_label("As of")
        shown = theatre.locator("output")
        before = shown.inner_text()
        slider.focus()
        page.keyboard.press("ArrowLeft")
        expect(shown).not_to_have_text(before, timeout=20_000)
        versions = page.locator('.sd-card[aria-label="Versions"]')
        versions.get_by_role("button", name="use this one").first.click(timeout=30_000)
        row = versions.locator("tr", has_text=older.version)
        expect(row).to_contain_text("in use", timeout=60_000)
    finally:
        with open_database(predicted_settings.resolved_database_url, read_only=False) as database:
            open_model_store(predicted_settings, database).activate("churn", older.version)
    assert newer != older.version


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (61_712.4, "61,700"),
        (788.0, "788"),
        (14.23, "14.2"),
        (0.286, "0.286"),
        (-0.0657, "−0.0657"),
        (0.0, "0"),
    ],
)
def test_means_are_told_with_the_three_digits_that_count(value: float, told: str) -> None:
    assert cell_text(value, "figures") == told
    assert cell_text(None, "figures") == "–"


def test_the_index_of_drift_has_two_digits() -> None:
    assert cell_text(0.1, "index") == "0.10"
