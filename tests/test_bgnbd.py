"""BG/NBD, Gamma-Gamma and the seasonal clock against published figures, simulation and brute force."""

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models.purchases import (
    BgNbd,
    CalendarClock,
    GammaGamma,
    PurchaseHistory,
    estimate_clock,
    fit_bg_nbd,
    fit_gamma_gamma,
)

PUBLISHED = BgNbd(0.2426, 4.414, 0.793, 2.426)
positive = st.floats(0.05, 20.0)


@pytest.fixture(scope="module")
def cdnow_summary() -> pl.DataFrame:
    """The 2 357 customers of the published CDNOW sample; times in weeks, zbar is the mean repeat value."""
    package = importlib.util.find_spec("lifetimes")
    if package is None or not package.submodule_search_locations:
        pytest.skip("the lifetimes wheel, which carries the CDNOW data, is not installed")
    folder = Path(package.submodule_search_locations[0]) / "datasets"
    return pl.read_csv(folder / "cdnow_customers_summary_with_transactions.csv")


def history_of(summary: pl.DataFrame) -> PurchaseHistory:
    return PurchaseHistory.of(summary["x"], summary["t_x"], summary["T"])


@st.composite
def histories(draw: st.DrawFn, most_repeats: int = 5_000) -> PurchaseHistory:
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, most_repeats), st.floats(0, 1), st.floats(0.1, 4_000), st.integers(1, 50)
            ),
            min_size=1,
            max_size=8,
        )
    )
    x, share, age, weight = map(np.array, zip(*rows, strict=True))
    return PurchaseHistory.of(x, share * age, age, weight)


@st.composite
def models(draw: st.DrawFn) -> BgNbd:
    return BgNbd(draw(positive), draw(st.floats(0.1, 300.0)), draw(positive), draw(positive))


@st.composite
def extreme_models(draw: st.DrawFn) -> BgNbd:
    """What a fit to odd data may end at."""
    logs = st.floats(-7.0, 7.0)
    return BgNbd.from_logs(np.array([draw(logs) for _ in range(4)]))


def test_the_published_fit_of_the_cdnow_sample_is_found(cdnow_summary: pl.DataFrame) -> None:
    found = fit_bg_nbd(history_of(cdnow_summary), prior_weight=0.0)
    assert found.model.r == pytest.approx(0.2426, abs=0.0005)
    assert found.model.alpha == pytest.approx(4.414, abs=0.005)
    assert found.model.a == pytest.approx(0.793, abs=0.002)
    assert found.model.b == pytest.approx(2.426, abs=0.005)
    assert found.log_likelihood == pytest.approx(-9582.4, abs=0.05)  # as published


def test_the_published_gamma_gamma_of_the_cdnow_sample_is_found(cdnow_summary: pl.DataFrame) -> None:
    repeat = cdnow_summary.filter(pl.col("x") > 0)
    orders, value = repeat["x"].cast(pl.Float64).to_numpy(), repeat["zbar"].to_numpy()
    found = fit_gamma_gamma(orders, value, prior_weight=0.0)
    assert (found.p, found.q, found.gamma) == pytest.approx((6.25, 3.74, 15.44), rel=0.003)


def test_weak_beliefs_do_not_move_thousands_of_customers(cdnow_summary: pl.DataFrame) -> None:
    plain = fit_bg_nbd(history_of(cdnow_summary), prior_weight=0.0)
    believed = fit_bg_nbd(history_of(cdnow_summary))
    assert believed.log_likelihood > plain.log_likelihood - 0.1


@settings(max_examples=60, deadline=None)
@given(models(), histories())
def test_the_gradient_is_that_of_the_likelihood(model: BgNbd, history: PurchaseHistory) -> None:
    _, gradient = model.log_likelihood_and_gradient(history)
    numerical = []
    for i in range(4):
        step = np.zeros(4)
        step[i] = 1e-5
        above = BgNbd.from_logs(model.logs() + step).log_likelihood(history)
        below = BgNbd.from_logs(model.logs() - step).log_likelihood(history)
        numerical.append((above - below) / 2e-5)
    scale = 1.0 + np.abs(model.log_likelihood(history))
    np.testing.assert_allclose(gradient / scale, np.array(numerical) / scale, rtol=1e-4, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(positive, positive, st.floats(0.1, 500.0)),
    st.lists(st.tuples(st.integers(1, 900), st.floats(0.01, 1e5), st.integers(1, 9)), min_size=1, max_size=6),
)
def test_the_gradient_of_gamma_gamma_too(
    parameters: tuple[float, float, float], rows: list[tuple[int, float, int]]
) -> None:
    orders, value, weight = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    logs = np.log(parameters)

    def at(step: np.ndarray) -> tuple[float, np.ndarray]:
        return GammaGamma(*np.exp(logs + step)).log_likelihood_and_gradient(orders, value, weight)

    numerical = [(at(step)[0] - at(-step)[0]) / 2e-5 for step in 1e-5 * np.eye(3)]
    base, gradient = at(np.zeros(3))
    scale = 1.0 + abs(base)
    np.testing.assert_allclose(gradient / scale, np.array(numerical) / scale, rtol=1e-4, atol=1e-6)


@settings(max_examples=150, deadline=None)
@given(st.one_of(models(), extreme_models()), histories(), st.floats(0.01, 5_000.0))
def test_predictions_are_finite_and_ordered(model: BgNbd, history: PurchaseHistory, ahead: float) -> None:
    alive = model.p_alive(history)
    soon, later = model.p_purchase(history, ahead), model.p_purchase(history, 2 * ahead)
    expected = model.expected_purchases(history, ahead)
    assert np.all((alive >= 0) & (alive <= 1))
    assert np.all((soon >= 0) & (soon <= later) & (later <= alive))
    assert np.all(np.isfinite(expected))
    assert np.all(expected >= soon - 1e-6 - 1e-6 * expected)  # at least one purchase counts at least once
    assert np.all(model.waiting_time(history, 0.5) > 0)
    assert np.all(alive[history.repeats == 0] == 1.0)


@settings(max_examples=40, deadline=None)
@given(models(), histories(most_repeats=400), st.floats(0.5, 400.0))
def test_expected_purchases_match_integration(model: BgNbd, history: PurchaseHistory, ahead: float) -> None:
    from scipy.special import roots_jacobi

    # E[Y | alive] = E over p ~ Beta(a, b + x) of (1 - (now / (now + p t))^(r + x)) / p
    for i in range(len(history)):
        x, now = history.repeats[i], model.alpha + history.age[i]
        nodes, weights = roots_jacobi(200, model.b + x - 1.0, model.a - 1.0)
        p = (nodes + 1.0) / 2.0
        inside = -np.expm1(-(model.r + x) * np.log1p(p * ahead / now)) / p
        brute = float(weights @ inside / weights.sum())
        one = PurchaseHistory.of([x], [history.age[i]], [history.age[i]])
        ours = model.expected_purchases(one, ahead)[0] / model.p_alive(one)[0]
        assert ours == pytest.approx(brute, rel=2e-4, abs=1e-8)


@pytest.mark.parametrize("a", [1.0, 1.0 - 1e-9, 0.6])
@pytest.mark.parametrize("b", [0.4, 2.0])
def test_the_removable_poles_are_removed(a: float, b: float) -> None:
    history = PurchaseHistory.of([0, 3], [0, 20.0], [30.0, 30.0])
    at = BgNbd(0.8, 10.0, a, b).expected_purchases(history, 13.0)
    beside = BgNbd(0.8, 10.0, a + 1e-3, b + 1e-3).expected_purchases(history, 13.0)
    np.testing.assert_allclose(at, beside, rtol=5e-3)


def simulated(
    model: BgNbd, customers: int, age: float, ahead: float, seed: int
) -> tuple[PurchaseHistory, np.ndarray]:
    """Histories of customers after ``age`` and their purchases in the time ``ahead`` after that."""
    draw = np.random.default_rng(seed)
    rate = draw.gamma(model.r, 1 / model.alpha, customers)
    dropout = draw.beta(model.a, model.b, customers)
    time, last = np.zeros(customers), np.zeros(customers)
    repeats, future = np.zeros(customers), np.zeros(customers)
    alive = np.ones(customers, dtype=bool)
    while alive.any():
        time = np.where(alive, time + draw.exponential(1 / rate), time)
        alive &= time < age + ahead
        past = alive & (time < age)
        repeats += past
        last = np.where(past, time, last)
        future += alive & ~past
        alive &= draw.random(customers) >= dropout
    return PurchaseHistory.of(repeats, last, np.full(customers, age)), future


def test_the_truth_of_a_simulated_company_is_recovered() -> None:
    truth = BgNbd(1.5, 60.0, 0.8, 6.0)
    history, future = simulated(truth, 20_000, 400.0, 90.0, seed=7)
    found = fit_bg_nbd(history)
    errors = (found.model.logs() - truth.logs()) / np.sqrt(np.diag(found.covariance))
    assert np.abs(errors).max() < 3.5
    chance = found.model.p_purchase(history, 90.0)
    assert chance.mean() == pytest.approx((future > 0).mean(), abs=0.01)
    assert found.model.expected_purchases(history, 90.0).mean() == pytest.approx(future.mean(), rel=0.03)
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 1.0)):  # calibrated throughout
        band = (chance >= low) & (chance < high)
        assert (future[band] > 0).mean() == pytest.approx(chance[band].mean(), abs=0.025)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(0, 10_000))
def test_a_handful_of_customers_gives_a_plausible_model(customers: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    age = draw.uniform(1, 900, customers)
    history = PurchaseHistory.of(draw.poisson(1.5, customers), draw.uniform(0, 1, customers) * age, age)
    found = fit_bg_nbd(history)
    assert 0.02 < found.model.mean_dropout < 0.8
    assert 0.05 < found.model.r < 20
    assert np.all(np.isfinite(found.model.logs()))
    assert all(np.all(np.isfinite(draw.logs())) for draw in found.draws(20))


def test_nobody_ever_came_back() -> None:
    found = fit_bg_nbd(PurchaseHistory.of(np.zeros(50), np.zeros(50), np.full(50, 300.0)))
    assert found.model.p_purchase(PurchaseHistory.of([0], [0], [300.0]), 90.0)[0] < 0.1


def test_no_customers_and_no_time_are_refused() -> None:
    with pytest.raises(ValueError):
        fit_bg_nbd(PurchaseHistory.of([], [], []))
    with pytest.raises(ValueError):
        fit_bg_nbd(PurchaseHistory.of([0], [0], [0]))
    with pytest.raises(ValueError):
        fit_gamma_gamma(np.array([1.0]), np.array([-5.0]))


def test_equal_histories_are_counted_once() -> None:
    history = PurchaseHistory.of([1, 0, 1, 1], [5, 0, 5, 4], [9, 9, 9, 9])
    distinct, back = history.distinct()
    assert sorted(distinct.weight.tolist()) == [1, 1, 2]
    np.testing.assert_array_equal(distinct.repeats[back], history.repeats)
    np.testing.assert_array_equal(distinct.last[back], history.last)
    model = BgNbd(1.0, 5.0, 1.0, 2.0)
    assert model.log_likelihood(distinct) == pytest.approx(model.log_likelihood(history))


def test_gamma_gamma_moves_from_the_population_to_the_customer() -> None:
    model = GammaGamma(6.25, 3.74, 15.44)
    few, many = model.expected_value(np.array([1.0, 500.0]), np.array([100.0, 100.0]))
    assert model.population_mean < few < many < 100.0
    assert many == pytest.approx(100.0, rel=0.01)
    unknown = model.expected_value(np.array([0.0, 3.0]), np.array([0.0, -20.0]))
    np.testing.assert_allclose(unknown, model.population_mean)


def test_seasons_are_found_after_two_years_and_not_before() -> None:
    days = np.arange(0, 3 * 365)
    november = days.astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12 == 10
    orders = np.random.default_rng(3).poisson(np.where(november, 30.0, 10.0) * 1.1 ** (days / 365))
    clock = estimate_clock(days, orders, 3 * 365)
    other = np.delete(np.array(clock.month_factors), 10)
    assert clock.month_factors[10] / other.mean() == pytest.approx(3.0, rel=0.1)
    assert estimate_clock(days, orders, 600).is_flat
    later = np.where(days >= 800, orders * 1000, orders)
    assert estimate_clock(days, later, 800) == estimate_clock(days, orders, 800)  # the future says nothing


def test_few_orders_give_little_season() -> None:
    days = np.arange(0, 900, 60)
    factors = np.array(estimate_clock(days, np.ones(len(days)), 900).month_factors)
    assert factors.max() / factors.min() < 2.0


@given(
    st.lists(st.floats(0.3, 3.0), min_size=12, max_size=12), st.lists(st.integers(9_000, 14_000), min_size=2)
)
def test_the_clock_runs_forward_and_back(factors: list[float], days: list[int]) -> None:
    clock = CalendarClock(12_000, tuple(np.array(factors) / np.mean(factors)), 3.0)
    np.testing.assert_allclose(clock.calendar(clock.operational(days)), days, atol=1e-6)
    assert np.all(np.diff(clock.operational(np.sort(days))) >= 0)
    assert clock.operational(12_000) == 0
    assert CalendarClock.from_dict(clock.as_dict()) == clock


def test_the_clock_of_no_orders_is_flat() -> None:
    assert estimate_clock([], [], 10_000).is_flat
    assert estimate_clock([10_001], [5], 10_000).is_flat
