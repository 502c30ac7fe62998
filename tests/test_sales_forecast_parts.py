"""The parts of the sales forecast against literal answers, other libraries and properties."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.days import to_day
from core.models.sales.intervals import Misses, adapted, radii, radius, recent_level, units
from core.models.sales.methods import (
    ETS,
    GROWTH,
    RECENT_MEAN,
    SEASONAL_NAIVE,
    THETA,
    candidates,
    simple_method,
)
from core.models.sales.newcomers import new_customer_share
from core.models.sales.periods import MONTH, WEEK, actual, history
from core.models.sales.reconcile import reconcile, reconcile_customers
from core.models.sales.rolling import choose, paired_gain, roll

SEASON = 12


def daily(*rows: tuple[str, str | None, float, float]) -> pl.DataFrame:
    """Rows of date, product line, ordered and kept amounts."""
    frame = pl.DataFrame(rows, schema=["date", "product_line", "ordered", "revenue"], orient="row")
    return frame.with_columns(order_day=pl.Series([to_day(date.fromisoformat(row[0])) for row in rows]))


def day(text: str) -> int:
    return to_day(date.fromisoformat(text))


def wave(periods: int, growth: float = 0.01, noise: float = 0.03, seed: int = 0) -> np.ndarray:
    """A series with a strong November."""
    month = np.arange(periods) % 12
    draw = np.random.default_rng(seed)
    return (
        100
        * (1 + growth) ** np.arange(periods)
        * np.where(month == 10, 3.0, 1.0)
        * np.exp(noise * draw.standard_normal(periods))
    )


def test_months_and_weeks_are_numbered_without_gaps() -> None:
    assert MONTH.start(MONTH.number(day("2024-02-29"))) == date(2024, 2, 1)
    assert WEEK.start(WEEK.number(day("2024-03-03"))) == date(2024, 2, 26)  # a Monday
    assert WEEK.number(day("2024-03-04")) == WEEK.number(day("2024-03-03")) + 1
    assert MONTH.number(day("2024-01-01")) == MONTH.number(day("2023-12-31")) + 1


def test_history_has_whole_months_gaps_and_lines() -> None:
    frame = daily(
        ("2023-01-05", "Cars", 10.0, 10.0),
        ("2023-01-20", None, 5.0, 5.0),
        ("2023-03-31", "Cars", 20.0, 0.0),  # cancelled long ago
        ("2023-10-01", "Cars", 7.0, 7.0),
        ("2023-10-20", "Cars", 99.0, 99.0),  # not known yet
    )
    found = history(frame, day("2023-10-11"))
    assert found.names == ("total", "Cars", "unknown")
    assert found.grain.start(found.first) == date(2023, 1, 1)
    assert found.values[0].tolist() == [15.0, *[0.0] * 8]
    assert found.values[1:, 0].tolist() == [10.0, 5.0]
    assert found.kept_share == pytest.approx(15 / 35)
    assert found.observed[0] == pytest.approx(7.0 * 15 / 35)  # may still be cancelled
    assert found.is_within_period
    assert not history(frame, day("2023-10-01")).is_within_period


def test_a_cancellation_is_not_known_before_it_settles() -> None:
    rows = [("2023-01-02", "Cars", 100.0, 90.0), ("2023-06-10", "Cars", 50.0, 0.0)]
    as_of = day("2023-07-01")
    later = [*rows[:1], ("2023-06-10", "Cars", 50.0, 50.0)]
    assert history(daily(*rows), as_of).values.tolist() == history(daily(*later), as_of).values.tolist()
    assert history(daily(*rows), as_of).values[0, -1] == pytest.approx(45.0)


def test_a_month_that_began_late_is_left_out() -> None:
    frame = daily(("2023-01-25", "Cars", 10.0, 10.0), ("2023-02-25", "Cars", 10.0, 10.0))
    assert history(frame, day("2023-03-01")).values.tolist() == [[10.0]]
    early = daily(("2023-01-06", "Cars", 10.0, 10.0), ("2023-02-25", "Cars", 10.0, 10.0))
    assert history(early, day("2023-03-01")).values.tolist() == [[10.0, 10.0]]


def test_the_rest_of_a_month_is_what_earlier_months_sold_after_that_day() -> None:
    rows = []
    for month in range(1, 7):
        rows += [(f"2023-{month:02d}-03", "Cars", 30.0, 30.0), (f"2023-{month:02d}-25", "Cars", 70.0, 70.0)]
    found = history(daily(*rows), day("2023-07-15"))
    assert found.remaining == pytest.approx(0.7)
    assert history(daily(*rows), day("2023-07-01")).remaining == 1.0


def test_actual_sales_leave_cancelled_orders_out() -> None:
    frame = daily(("2023-01-05", "Cars", 10.0, 8.0), ("2023-02-05", None, 5.0, 5.0))
    found = actual(frame, ("total", "Cars", "unknown"), MONTH.number(day("2023-01-01")), 2, MONTH)
    assert found.tolist() == [[8.0, 5.0], [8.0, 0.0], [0.0, 5.0]]


def test_simple_methods() -> None:
    values = np.arange(1.0, 28.0)
    assert RECENT_MEAN.foretell(values, SEASON, {}, 2).tolist() == [26.0, 26.0]
    assert SEASONAL_NAIVE.foretell(values, SEASON, {}, 14).tolist() == [*range(16, 28), 16, 17]
    growth = np.sqrt(np.arange(22, 28).sum() / np.arange(10, 16).sum())
    assert GROWTH.foretell(values, SEASON, {}, 2) == pytest.approx(np.array([16, 17]) * growth)


@pytest.mark.parametrize("values", [wave(40), wave(40) - 150], ids=["positive", "negative months"])
def test_ets_forecasts_as_the_library_it_was_fitted_with(values: np.ndarray) -> None:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    learned = ETS.learn(values, SEASON)
    logged = bool((values > 0).all())
    assert learned["logged"] == logged
    y = np.log(values) if logged else values / np.abs(values).mean()
    fitted = ExponentialSmoothing(
        y, trend="add", damped_trend=True, seasonal="add", seasonal_periods=SEASON,
        initialization_method="heuristic",
    ).fit()  # fmt: skip
    expected = np.exp(fitted.forecast(6)) if logged else fitted.forecast(6) * np.abs(values).mean()
    assert ETS.foretell(values, SEASON, learned, 6) == pytest.approx(expected, rel=1e-6)


def test_theta_forecasts_as_the_library_it_was_fitted_with() -> None:
    from statsmodels.tsa.forecasting.theta import ThetaModel

    values = wave(30, noise=0.1)
    learned = dict(THETA.learn(values, SEASON))
    cycle = np.array(learned["seasons"])
    fitted = ThetaModel(values / np.resize(cycle, 30), deseasonalize=False).fit(disp=False)
    expected = fitted.forecast(5) * np.resize(np.roll(cycle, -(30 % 12)), 5)
    assert THETA.foretell(values, SEASON, learned, 5) == pytest.approx(expected.to_numpy(), rel=0.02)


def test_seasons_are_fitted_from_two_years_on() -> None:
    assert simple_method(11, SEASON) is RECENT_MEAN
    assert simple_method(12, SEASON) is SEASONAL_NAIVE
    assert {m.name for m in candidates(11, SEASON)} == {"mean of the last 3", "theta without seasons"}
    assert {m.name for m in candidates(23, SEASON)} == {"seasonal naive", "seasonal naive with growth"}
    assert {"ETS", "theta"} <= {m.name for m in candidates(24, SEASON)}


def test_no_method_looks_ahead() -> None:
    values = np.stack([wave(40), wave(40, seed=1)])
    poisoned = values.copy()
    poisoned[:, 36:] *= 1_000
    clean, dirty = (roll(table, SEASON, 0, 3) for table in (values, poisoned))
    assert set(clean.forecasts) == set(dirty.forecasts)
    known = [place for place, end in enumerate(clean.ends) if end <= 36]
    for name, table in clean.forecasts.items():
        assert dirty.forecasts[name][known] == pytest.approx(table[known], nan_ok=True), name


def test_growth_that_last_year_does_not_show_dethrones_last_year() -> None:
    values = np.stack([wave(48, growth=0.03, noise=0.02)])
    choice = choose(roll(values, SEASON, 0, 3), 0, SEASON, 48)
    assert choice.champion != "seasonal naive"
    assert choice.difference.is_above_zero
    assert choice.errors[choice.champion] < 0.5 * choice.errors["seasonal naive"]


def test_the_simple_method_stays_without_growth() -> None:
    chosen = [
        choose(roll(wave(48, 0.0, 0.2, seed)[None], SEASON, 0, 3), 0, SEASON, 48).champion
        for seed in range(6)
    ]
    assert chosen.count("seasonal naive") >= 3
    short = choose(roll(wave(14)[None], SEASON, 0, 3), 0, SEASON, 14)
    assert short.challenger is None
    assert "too short" in short.reason()


def test_paired_gain_of_independent_origins_is_a_t_interval() -> None:
    from scipy.stats import ttest_1samp

    gain = np.array([0.1, 0.3, -0.1, 0.2, 0.4, 0.0])
    found = paired_gain(gain, 1)
    expected = ttest_1samp(gain, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


amounts = st.floats(-1e6, 1e6, allow_nan=False)


@given(
    st.integers(1, 6).flatmap(
        lambda lines: st.tuples(
            arrays(float, (lines + 1, 3), elements=amounts),
            arrays(float, lines + 1, elements=st.floats(0, 1e9)),
            st.booleans(),
        )
    )
)
def test_reconciled_lines_add_up_to_the_total(drawn: tuple[np.ndarray, np.ndarray, bool]) -> None:
    base, variance, nonnegative = drawn
    found = reconcile(base, variance, nonnegative=nonnegative)
    assert found.values[0] == pytest.approx(found.values[1:].sum(axis=0), abs=1e-6)
    if nonnegative:
        assert (found.values >= 0).all()


def test_the_gap_goes_where_forecasts_are_unsure() -> None:
    base = np.array([[120.0], [60.0], [40.0]])
    found = reconcile(base, np.array([0.0, 3.0, 1.0]))
    assert found.values.ravel() == pytest.approx([120.0, 75.0, 45.0])
    assert found.lines_factor == pytest.approx(1.2)
    assert found.total_factor == 1.0
    adding_up = np.array([[100.0], [60.0], [40.0]])
    assert reconcile(adding_up, np.array([1.0, 3.0, 1.0])).values == pytest.approx(adding_up)


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=20), st.floats(0.01, 1e8), st.floats(0.0, 0.99))
def test_customers_add_up_to_the_forecast_without_new_ones(
    spend: list[float], sales: float, new_share: float
) -> None:
    frame, factor = reconcile_customers(pl.DataFrame({"expected_spend": spend}), sales, new_share)
    assert frame["expected_spend"].sum() == pytest.approx(sales * (1 - new_share))
    assert factor.factor * factor.expected == pytest.approx(sales * (1 - new_share))


def test_customers_of_whom_nothing_is_expected_stay_so() -> None:
    frame, factor = reconcile_customers(pl.DataFrame({"expected_spend": [0.0, None]}), 100.0, 0.1)
    assert factor.factor == 1.0
    assert frame["expected_spend"].to_list() == [0.0, None]


def test_radius_is_the_conformal_quantile() -> None:
    scores = np.arange(1.0, 20.0)
    assert radius(scores, 0.8) == 16.0
    assert radius(scores, 0.95) == 19.0
    assert np.isnan(radius(scores[:10], 0.95))


@given(st.integers(0, 500), st.integers(2, 14), st.integers(1, 4))
def test_wider_levels_are_wider_and_never_narrower_than_plain_ones(
    seed: int, origins: int, series: int
) -> None:
    draw = np.random.default_rng(seed)
    misses = Misses(draw.gamma(1.0, size=(series, origins, 3)), tuple(range(12, 12 + origins)))
    found, covered, judged = adapted(misses)
    plain = radii(misses)
    known = np.isfinite(found).all(axis=1)
    assert (found[known, 0] <= found[known, 1]).all()
    both = np.isfinite(found) & np.isfinite(plain)
    assert (found[both] >= plain[both] - 1e-12).all()
    assert ((covered >= 0) & (covered <= 1) | (judged == 0)).all()


def test_measured_coverage_is_near_its_level_for_exchangeable_misses() -> None:
    draw = np.random.default_rng(0)
    misses = Misses(draw.gamma(2.0, size=(6, 60, 3)), tuple(range(12, 72)))
    _radii, covered, judged = adapted(misses)
    assert judged.min() > 100
    assert covered.mean(axis=0) == pytest.approx([0.80, 0.95], abs=0.06)


def test_misses_of_strong_and_weak_months_are_comparable() -> None:
    level = recent_level(np.array([[10.0] * 12]), 12)
    assert units(np.array([[10.0, 30.0]]), level[:, None]).tolist() == [[10.0, 20.0]]


def test_new_customers_are_those_whose_first_month_is_in_the_window() -> None:
    rows = []
    for month in range(1, 13):
        rows += [(202300 + month, 202301, 80.0), (202400 + month, 202301, 75.0), (202400 + month, None, 5.0)]
        rows += [(202400 + month, 202400 + month, 20.0)]
    frame = pl.DataFrame(rows, schema=["order_month", "first_order_month", "revenue"], orient="row")
    found = new_customer_share(frame, MONTH.number(day("2025-01-01")), 1)
    assert found.mean == pytest.approx(0.2)
    assert (found.low, found.high, found.windows) == (pytest.approx(0.2), pytest.approx(0.2), 12)
    assert new_customer_share(frame, MONTH.number(day("2024-01-01")), 1).windows == 0
