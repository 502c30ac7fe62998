"""What an active customer does in a window, given rate, dropout and stage: an exact recursion by days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.generate.draws import Floats
from core.generate.season import SeasonalClock
from core.generate.world import World


@dataclass(frozen=True)
class Window:
    """Tables over stage of the current wait, rate and dropout probability.

    `silent` is the probability of no order that is not cancelled; `orders` the expected number of them.
    """

    silent: Floats
    orders: Floats


def window(
    world: World, clock: SeasonalClock, cutoff: int, horizon: int, rates: Floats, dropouts: Floats
) -> Window:
    """What happens on the days cutoff ≤ d < cutoff + horizon to a customer who is active at the cutoff.

    Rates are orders per operational day, dropouts probabilities per order; orders of one day are one order,
    which is cancelled with `world.cancelled_share`. Days beyond the window of the world do not count.
    """
    from scipy.special import gammaln

    stages, cancelled = world.wait_stages, world.cancelled_share
    shape = (stages, stages, len(rates), len(dropouts))
    active = np.zeros(shape)  # first axis: stage at the cutoff, second: stage now
    active[np.arange(stages), np.arange(stages)] = 1.0
    waiting = active.copy()  # those of them without an order that counts
    gone = np.zeros((stages, len(rates), len(dropouts)))  # dropped out without an order that counts
    orders = np.zeros_like(gone)
    for day in range(cutoff, min(cutoff + horizon, world.days)):
        if day in world.shock_starts:
            gone += world.shock_dropout * waiting.sum(axis=1)
            waiting = waiting * (1.0 - world.shock_dropout)
            active = active * (1.0 - world.shock_dropout)
        mean = stages * rates * clock.intensity[day]
        most = int(np.ceil(mean.max() + 8.0 * np.sqrt(mean.max()) + 4.0))
        steps = np.arange(most + 1)
        chance = np.exp(
            steps[:, None] * np.log(mean) - mean - gammaln(steps + 1.0)[:, None]
        )  # Poisson, steps × rates
        new_active, new_waiting = np.zeros(shape), np.zeros(shape)
        for stage in range(stages):
            for step in steps.tolist():
                made, then = divmod(stage + step, stages)
                kept = (1.0 - dropouts) ** made
                p = chance[step][None, :, None]
                new_active[:, then] += active[:, stage] * p * kept
                if made == 0:
                    new_waiting[:, then] += waiting[:, stage] * p
                else:
                    orders += (1.0 - cancelled) * active[:, stage] * p
                    new_waiting[:, then] += cancelled * waiting[:, stage] * p * kept
                    gone += cancelled * waiting[:, stage] * p * (1.0 - kept)
        active, waiting = new_active, new_waiting
    return Window(waiting.sum(axis=1) + gone, orders)
