"""Shares of the oracle: paired, and impossible ones are found."""

import numpy as np
import polars as pl
import pytest

from tests.benchmarks import oracle
from tests.benchmarks.oracle import LeakError, Share, drawn_scores, ndcg_by_customer, score, share_of
from tests.benchmarks.report import Row


def test_a_share_is_of_what_lies_above_the_floor() -> None:
    found = share_of([0.70, 0.80], [0.75, 0.90], floor=0.5)
    assert found.share == pytest.approx(0.25 / 0.325)
    assert (found.model, found.oracle, found.seeds) == (pytest.approx(0.75), pytest.approx(0.825), 2)


def test_the_error_is_that_of_paired_differences() -> None:
    random = np.random.default_rng(1)
    best = 0.75 + 0.05 * random.normal(size=200)  # seeds differ much, the model follows them
    ours = 0.5 + 0.97 * (best - 0.5) + 0.002 * random.normal(size=200)
    found = share_of(ours, best, floor=0.5)
    assert found.standard_error < 0.002
    assert abs(found.share - 0.97) < 4 * found.standard_error


def test_seeds_without_a_score_are_left_out() -> None:
    nothing = float("nan")
    assert share_of([0.7, nothing, 0.8], [0.8, 0.9, nothing]).seeds == 1
    assert not share_of([0.9], [0.8]).is_leak  # nothing is known of the luck in it


@pytest.mark.parametrize(("share", "leak"), [(0.99, False), (1.025, False), (1.035, True)])
def test_more_than_all_is_a_leak_beyond_what_luck_explains(share: float, leak: bool) -> None:
    assert Share(0.7, 0.7, share, 0.2, 3, luck=0.01).is_leak is leak


def _outcomes(seed: int, customers: int = 3_000) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    log_odds = np.repeat(random.normal(size=customers), 2)
    happened = random.random(2 * customers) < 1 / (1 + np.exp(-log_odds))
    return pl.DataFrame(
        {
            "customer_id": np.repeat(np.arange(customers), 2),
            "cutoff_day": [1, 2] * customers,
            "actual": happened.astype(float),
            "oracle": log_odds,
            "equal": log_odds + 0.05 * random.normal(size=2 * customers),
            "leaking": log_odds + 0.4 * happened,
        }
    )


def test_luck_is_measured_within_few_seeds() -> None:
    names = ("oracle", "equal", "leaking")
    tables = [
        {
            name: (score("churn", rows, name), drawn)
            for name, drawn in drawn_scores("churn", rows, names).items()
        }
        for rows in map(_outcomes, (1, 2))
    ]

    def found(name: str) -> Share:
        ours, best = [t[name] for t in tables], [t["oracle"] for t in tables]
        drawn = [(mine[1], top[1]) for mine, top in zip(ours, best, strict=True)]
        return share_of([one for one, _ in ours], [one for one, _ in best], 0.5, drawn)

    assert not found("equal").is_leak
    assert found("leaking").is_leak
    assert 0 < found("equal").luck < found("leaking").luck < 0.05


def test_draws_repeat_whole_customers_and_skip_what_is_unknown() -> None:
    rows = pl.DataFrame(
        {
            "customer_id": [1, 2, 1, 2],
            "cutoff_day": [1, 1, 2, 2],
            "oracle": [1.0, 1.0, None, 1.0],
            "model": [0.2, 0.6, 0.9, None],
        }
    )
    drawn = drawn_scores("repeat", rows, ("model", "oracle"), repeats=40)
    assert set(drawn["model"].round(6)) <= {0.2, 0.4, 0.6}
    assert len(set(drawn["model"].round(6))) == 3
    assert set(drawn["oracle"][np.isfinite(drawn["oracle"])]) == {1.0}


def test_a_leak_fails_after_the_whole_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(task: str, *_rest: object) -> list[tuple[str, Share]]:
        return [("champion", Share(0.7, 0.7, 1.2 if task == "churn" else 0.9, 0.01, 5, 0.01))]

    monkeypatch.setattr(oracle, "shares", found)
    rows: list[Row] = []
    with pytest.raises(LeakError, match="churn champion"):
        rows.extend(oracle.measure(sizes=[122]))
    assert [row.figure.split(":")[0] for row in rows] == list(oracle.TASKS)
    assert "LEAK" in rows[0].note


def test_ndcg_of_a_ranking() -> None:
    ranked = pl.DataFrame(
        {
            "cutoff_day": [1] * 6,
            "customer_id": [7, 7, 7, 8, 8, 9],
            "oracle": [0.3, 0.2, 0.1, 0.2, 0.1, 0.5],
            "actual": [0.0, 1.0, 1.0, 1.0, 0.0, 0.0],
        }
    )
    found = dict(ndcg_by_customer(ranked).select("customer_id", "oracle").rows())
    second, third = 1 / np.log2(3), 1 / np.log2(4)
    assert found == {7: pytest.approx((second + third) / (1 + second)), 8: pytest.approx(1.0)}


def test_scores_are_averaged_over_cutoffs() -> None:
    rows = pl.DataFrame(
        {
            "cutoff_day": [1, 1, 1, 2, 2, 3],
            "actual": [1, 0, 0, 1, 0, 1],
            "model": [0.9, 0.1, 0.2, 0.1, 0.9, 0.5],
        }
    )
    assert score("churn", rows, "model") == pytest.approx(0.5)  # 1, 0, and undefined
