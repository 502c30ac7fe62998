"""The models of credit on public data: German credit, as good as the best simple models there."""

import pytest

from tests.benchmarks.public_credit import TARGET_AUC, TARGET_BRIER, german_credit, judged


def test_german_credit() -> None:
    data = german_credit()
    if data is None:
        pytest.skip("the German credit data are not installed (they come with the extra dev)")
    assert data.height == 1_000
    found = judged(data)
    auc, brier = found["mean", "AUC"], found["mean", "Brier"]
    assert auc.value > TARGET_AUC - auc.standard_error
    assert brier.value < TARGET_BRIER + brier.standard_error
    assert auc.value > found["scorecard", "AUC"].value
    assert auc.value < 0.85
