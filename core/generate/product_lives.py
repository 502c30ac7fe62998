"""When products appear and go, what replaces them and what is bought with them."""

from __future__ import annotations

import numpy as np

from core.generate.draws import Draws, Floats, Ints
from core.generate.world import World

# Shares of the window between which products are launched or replaced.
_LAUNCHES = (0.25, 0.90)
_REPLACEMENTS = (0.40, 0.90)


def product_lives(world: World, line: Ints, popularity: Floats) -> tuple[Floats, Ints, Ints, Ints, Ints]:
    """Popularity, first day, end day, successor and companion of each product, as `Catalogue` has them."""
    count = len(line)
    popularity = popularity.copy()
    first_day = np.zeros(count, dtype=np.int64)
    end_day = np.full(count, world.days, dtype=np.int64)
    successor = np.full(count, -1, dtype=np.int64)
    companion = np.full(count, -1, dtype=np.int64)
    # Products that hardly sell play no part: what happens to them would not be seen.
    order = Draws(world.seed, "product lives").shuffled(count)
    free = [i for i in order.tolist() if popularity[i] * np.bincount(line)[line[i]] > 0.1]

    draws = Draws(world.seed, "launch day")
    for product in [free.pop() for _ in range(int(world.launched_share * count))]:
        first_day[product] = _between(world, _LAUNCHES, float(draws.uniform(product)))
        popularity[product] *= world.launch_boost
    draws = Draws(world.seed, "replacement day")
    for _ in range(world.substitutions):
        old = free.pop()
        partners = [i for i in free if line[i] == line[old]]
        if not partners:
            continue
        new = partners[-1]
        free.remove(new)
        successor[old] = new
        end_day[old] = first_day[new] = _between(world, _REPLACEMENTS, float(draws.uniform(old)))
        popularity[new] = popularity[old]
    draws = Draws(world.seed, "companion")
    sold = [i for i in order.tolist() if popularity[i] > 0.0]
    for number in range(min(world.bundles, len(free))):
        chosen = free[number]
        others = [i for i in sold if i != chosen]
        companion[chosen] = others[int(draws.integers(len(others), number))]
    return popularity, first_day, end_day, successor, companion


def _between(world: World, shares: tuple[float, float], uniform: float) -> int:
    first, last = shares
    return int(world.days * (first + (last - first) * uniform))
