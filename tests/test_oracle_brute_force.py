"""The oracle against brute force: many customers drawn from the population, weighed by likelihood day by day.

Nothing of the oracle is used on the other side: rate, dropout and kind of account are drawn, the likelihood
is a product over single days (or single waits), and the future is simulated.
"""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core.days import to_day
from core.generate import generate_company
from core.generate.draws import Floats, Ints
from core.generate.places import COUNTRIES
from core.generate.season import clock_group, clocks_of
from core.generate.world import SEGMENTS, World
from core.oracle import oracle_scores

START = to_day(date(2023, 7, 1))
CUTOFF, HORIZON, DRAWS = 420, 60, 40_000


def segment_of(truth: Path, customer: int) -> int:
    """The segment of a customer: order lines tell it nearly for certain, so brute force may know it."""
    name = pl.read_csv(truth / "customers.csv").filter(pl.col("customerNumber") == customer)["segment"].item()
    return [segment.name for segment in SEGMENTS].index(name)


def brute_force(
    world: World, country: int, segment: int, days: Ints, random: np.random.Generator
) -> tuple[float, float]:
    """Probability of no order in the window by simulation, and its standard error."""
    clock = clocks_of(world)[int(clock_group(world, np.array([country]))[0])]
    mean = world.mean_rate * SEGMENTS[segment].rate_factor * COUNTRIES[country].rate_factor
    rate = np.minimum(random.gamma(world.rate_shape, mean / world.rate_shape, DRAWS), world.largest_rate)
    dropout = random.beta(world.dropout_a, world.dropout_b, DRAWS)
    new_share = 1 - world.established_share - world.prospect_share
    # The chance that a new account opens on the first of the days, or an established one exists.
    is_new = random.uniform(size=DRAWS) < new_share / (new_share + world.established_share)
    first = int(days[0])
    alive = np.where(is_new, clock.intensity[first] / clock.end, 1.0)
    dead = np.zeros(DRAWS)
    ordered = set(days.tolist())
    for day in range(CUTOFF):
        w = np.where(is_new & (day < first), 0.0, clock.intensity[day])
        if day == first:
            part = random.uniform(size=DRAWS)  # what is left of the day on which a new account opens
            w = np.where(is_new, clock.intensity[day] * part, w)
        opening = is_new & (day == first)
        if day in world.shock_starts:
            exposed = ~is_new | (day > first)
            closes = np.where(exposed, world.shock_dropout, 0.0)
            dead, alive = dead + alive * closes, alive * (1 - closes)
        none, stays = np.exp(-rate * w), np.exp(-rate * w * dropout)
        if day in ordered:
            dead, alive = (
                np.where(opening, alive * (1 - stays), alive * (1 - stays)),
                np.where(opening, alive * stays, alive * (stays - none)),
            )
        else:
            alive = alive * none
    # Simulate the window for every draw.
    order = np.zeros(DRAWS, dtype=bool)
    active = random.uniform(size=DRAWS) < alive / np.maximum(alive + dead, 1e-300)
    for day in range(CUTOFF, CUTOFF + HORIZON):
        if day in world.shock_starts:
            active &= random.uniform(size=DRAWS) >= world.shock_dropout
        made = random.poisson(rate * clock.intensity[day]) * active
        counts = random.uniform(size=DRAWS) >= world.cancelled_share
        order |= (made > 0) & counts
        active &= random.uniform(size=DRAWS) < (1 - dropout) ** made
    weight = (alive + dead) / (alive + dead).sum()
    silent: Floats = 1.0 - order
    mean_silent = float((weight * silent).sum())
    return mean_silent, float(((weight**2) * (silent - mean_silent) ** 2).sum() ** 0.5)


@pytest.mark.parametrize("world", ["bgnbd", "drift,cancelled", "shocks"])
def test_churn_equals_brute_force(world: str, tmp_path: Path) -> None:
    out, truth = tmp_path / "c", tmp_path / "c-truth"
    generate_company(out, customers=60, years=2, seed=9, world=world)
    made = World.of_truth(truth)
    found = oracle_scores(out, truth, "churn", [START + CUTOFF], HORIZON).sort("customer_id")
    orders = pl.read_csv(out / "orders.csv", schema_overrides={"orderDate": pl.Date})
    orders = orders.with_columns(day=pl.col("orderDate").cast(pl.Int32) - START)
    places = dict(pl.read_csv(out / "customers.csv").select("customerNumber", "country").rows())
    names = [country.name for country in COUNTRIES]
    random = np.random.default_rng(1)
    for customer, expected in found.select("customer_id", "oracle").gather_every(12).rows():
        mine = orders.filter(pl.col("customerNumber") == customer, pl.col("day") < CUTOFF).sort("day")
        silent, error = brute_force(
            made,
            names.index(places[customer]),
            segment_of(truth, customer),
            mine["day"].to_numpy(),
            random,
        )
        assert error < 0.04
        assert abs(silent - expected) < 4 * error + 0.006


def test_expected_revenue_counts_silence() -> None:
    """A customer who surely does not order spends nothing: spend and churn come from the same beliefs."""
    from core.generate.season import SeasonalClock
    from core.oracle.window import window

    world = World(seed=1, customers=1, years=1, start=date(2023, 7, 1))
    clock = SeasonalClock.spanning(world.start, world.days)
    rates, dropouts = np.array([1e-6, 0.01, 0.1]), np.array([0.0, 0.3, 1.0])
    ahead = window(world, clock, 100, 90, rates, dropouts)
    kept = 1 - world.cancelled_share
    exposure = clock.cumulated[190] - clock.cumulated[100]
    # Without dropping out, days without a counted order are Poisson days.
    assert ahead.silent[0, 1, 0] == pytest.approx(
        np.prod(1 - kept * (1 - np.exp(-0.01 * clock.intensity[100:190]))), abs=1e-9
    )
    # Who leaves after each order makes at most one.
    assert ahead.orders[0, :, 2] == pytest.approx(kept * (1 - np.exp(-rates * exposure)), abs=1e-6)
    assert ahead.orders[0, 0] == pytest.approx(0.0, abs=1e-3)
