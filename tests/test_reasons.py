"""Reasons: one plain sentence for every feature, whatever its value is."""

import re

import numpy as np
import polars as pl
import pytest

from core.jobs.purchase_frames import described_features
from core.models.credit.features import FEATURES as CREDIT_FEATURES
from core.models.credit.sentences import sentence, sentences
from core.models.purchases.reasons import CALIBRATION, Shares, spoken, strongest
from core.models.purchases.sentences import CLOCK_FEATURES, statement
from core.models.purchases.wording import with_currency
from core.snapshots import FEATURES

TYPICAL = {
    "days": 36, "currency": 45_678.2, "orders": 12, "share": 0.34, "ratio": 0.42, "lines": 120,
    "products": 7, "payments": 3, "count": 4, "text": "Norway",
}  # fmt: skip
NAMES = [*FEATURES, *CLOCK_FEATURES]
DESCRIBED = {name: (about.label, about.unit, about.group) for name, about in FEATURES.items()}
STYLE = re.compile(r"^-?[A-Z0-9¤][^:]*: (raises|lowers) the (risk|expected spend)\.$")


def unit_of(name: str) -> str:
    return FEATURES[name].unit if name in FEATURES else CLOCK_FEATURES[name][1]


def values_of(unit: str) -> list[object]:
    if unit == "text":
        return ["Norway", "", None, "St. Lucia", "4"]
    return [TYPICAL[unit], 0, 1, None, 12_345_678_901, 1e17, -3, -0.25, 0.004, float("nan"), float("inf")]


def told(name: str, value: object) -> str | None:
    kind = pl.String if unit_of(name) == "text" else pl.Float64
    frame = pl.DataFrame({name: pl.Series([value], dtype=kind)})
    return frame.select(statement([name], DESCRIBED, frame.columns, 90)).item()


def looks_well(text: str) -> None:
    assert STYLE.match(text), text
    assert not re.search(r"\d{4,}", text), f"{text}: no thousands separator"
    assert not re.search(r"\b(nan|NaN|inf|None|null|true|false)\b", text), text
    assert not re.search(r"(?<![\d.,])1 (days|orders|times|lines|invoices)\b", text), (
        f"{text}: not one of them"
    )
    assert not re.search(r"  | \.|,,", text), text
    assert not re.search(r"[a-z]_[a-z]", text), f"{text}: a name of the program"
    assert not re.search(r"\. \S", text), f"{text}: more than one sentence"


@pytest.mark.parametrize("name", NAMES)
def test_every_feature_of_a_customer_is_told_in_a_plain_sentence(name: str) -> None:
    for value in values_of(unit_of(name)):
        text = told(name, value)
        assert text is not None, (name, value)
        looks_well(f"{text}: raises the risk.")


@pytest.mark.parametrize("name", CREDIT_FEATURES)
def test_every_feature_of_credit_is_told_in_a_plain_sentence(name: str) -> None:
    feature = CREDIT_FEATURES[name]
    usual = [value for value in values_of(feature.unit) if value is None or value == value]
    for value in usual:
        if value == float("inf"):
            continue
        text = sentence(feature.group, [(name, 0.4)], {name: value}, 0.4, "USD")
        looks_well(text)
        stored = sentences(feature.group, name, [value], np.array([-0.4]))[0]
        looks_well(stored)
        assert stored.replace("¤", "USD").replace("lowers", "raises") == text


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("recency_days", 143, "Last ordered 143 days ago"),
        ("recency_days", 1, "Last ordered 1 day ago"),
        ("orders_365", 3, "Ordered 3 times in the last year"),
        ("orders_90", 0, "No order in the last 90 days"),
        ("orders_30", 1, "Ordered once in the last 30 days"),
        ("orders_trend", 0.5, "Ordered 200% more in the last half year compared with the half year before"),
        ("orders_trend", -1, "No order in the last half year, but some in the half year before"),
        ("revenue_365", 1_234_567.8, "Bought for ¤ 1,234,568 in the last year"),
        ("revenue_365", 0, "Bought nothing in the last year"),
        ("mean_gap_days", None, "Has ordered on one day only"),
        ("recency_to_gap", 3.24, "Silent for 3.2 times the usual gap between orders"),
        ("discount", 0.123, "Paid 12% less than today's suggested prices"),
        ("discount", -0.03, "Paid 3% more than today's suggested prices"),
        ("late_share", 0.3, "30% of invoices were paid late"),
        ("line_concentration", 0.25, "Purchases are spread over about 4.0 product lines"),
        ("main_product_line", "Classic Cars", "Buys mostly Classic Cars"),
        ("country", "St. Lucia", "Based in St.\u00a0Lucia"),
        (
            "clock_ahead",
            69.4,
            "The next 90 days are a quiet season, worth 69 average days",
        ),
        ("open_orders", 1, "1 order waits to be shipped"),
    ],
)
def test_sentences_read_as_people_speak(name: str, value: object, expected: str) -> None:
    assert told(name, value) == expected


def test_features_that_belong_together_make_one_sentence() -> None:
    frame = pl.DataFrame(
        {
            "recency_days": [36, 10], "tenure_days": [1_196, 10], "orders": [12, 1], "orders_365": [3, 1],
            "revenue_365": [45_678.0, 0.0], "mean_order_value": [3_400.4, None],
            "mean_gap_days": [45.2, None], "recency_to_gap": [0.8, None],
        }
    )  # fmt: skip
    amounts = {"recency": [0.2, 0.1], "frequency": [-0.5, -0.2], "monetary": [0.1, 0.3],
               "rhythm": [-0.4, 0.4], CALIBRATION: [0.9, -0.9]}  # fmt: skip
    shares = Shares(np.zeros(2), {name: np.array(values) for name, values in amounts.items()})
    said = spoken(frame, shares, described_features(), {}, "the risk", 90)
    assert said["recency"].to_list() == [
        "Last ordered 36 days ago, first 1,196 days ago: raises the risk.",
        "Ordered on one day only, 10 days ago: raises the risk.",
    ]
    assert said["frequency"].to_list() == [
        "Ordered 12 times so far, 3 times in the last year: lowers the risk.",
        "Ordered once so far, in the last year: lowers the risk.",
    ]
    assert said["monetary"][0] == (
        "Bought for ¤ 45,678 in the last year; an order comes to ¤ 3,400 on average: raises the risk."
    )
    assert said["rhythm"].to_list() == [
        "Usually orders every 45 days, silent for 0.8 times as long: lowers the risk.",
        "Has ordered on one day only: raises the risk.",
    ]
    assert said[CALIBRATION].to_list() == [
        "Similar predictions turned out too low in the past: raises the risk.",
        "Similar predictions turned out too high in the past: lowers the risk.",
    ]
    for sentences_of_group in said.values():
        for text in sentences_of_group:
            looks_well(text)
    reasons = strongest(shares, said, count=2)
    assert reasons[0] == f"{said['frequency'][0]} {said['rhythm'][0]}"
    named = pl.DataFrame({"told": said["monetary"]}).select(with_currency(pl.col("told"), "NOK"))
    assert "NOK 45,678 in the last year; an order comes to NOK 3,400" in named["told"][0]
