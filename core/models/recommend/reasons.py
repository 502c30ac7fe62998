"""Why a product is recommended: the purchases that add most to its score, in words."""

import numpy as np
import polars as pl

from core.days import to_date
from core.models.recommend.neighbours import signal
from core.models.recommend.purchases import Floats, Histories, Ints
from core.models.recommend.tastes import FACTORS, LINES, NEIGHBOURS, Tastes

_DENSE_PRODUCTS = 3_000


def contributions(
    tastes: Tastes, mix: Floats, block: Histories, owner: Ints, target: Ints
) -> tuple[Ints, Ints, Floats, Floats]:
    """What each product that a customer bought adds to the prior share of a recommended one.

    Parameters
    ----------
    mix
        Weights of the components.
    owner, target
        Customer in the block and product of each recommendation.

    Returns
    -------
    For each pair of a recommendation and a purchase of its customer: position of the recommendation, product
    bought, and what it adds; and for each recommendation what is added by no purchase (what everybody buys).
    All of a recommendation adds up to its share in the mixture of components.
    """
    lengths = np.diff(block.starts)[owner]
    which = np.repeat(np.arange(len(owner)), lengths)
    entry = np.arange(len(which)) + np.repeat(block.starts[owner] - (np.cumsum(lengths) - lengths), lengths)
    source, goal = block.product[entry], np.repeat(target, lengths)
    dense = signal(block.dense(block.count, tastes.products))
    factors, neighbours = dense @ tastes.factors @ tastes.factors.T, tastes.neighbours.scores(dense)
    rest = mix[0] * tastes.popularity[target]
    scales = []
    for component, raw in ((FACTORS, factors), (NEIGHBOURS, neighbours)):
        positive = np.maximum(raw, 0.0).sum(axis=1)
        counts = (raw[owner, target] > 0) & (positive > 0)[owner]
        scales.append(np.where(counts, mix[component] / np.maximum(positive[owner], 1e-300), 0.0))
        rest += np.where((positive > 0)[owner], 0.0, mix[component] * tastes.popularity[target])
    of_factors, of_neighbours = _pair_weights(tastes, source, goal)
    added = signal(block.count)[entry] * (
        np.repeat(scales[0], lengths) * of_factors + np.repeat(scales[1], lengths) * of_neighbours
    )
    if tastes.line_strength > 0:
        code = tastes.line_codes()
        shares, within = tastes.line_shares()
        total = np.bincount(block.owner, weights=block.weight, minlength=block.size) + tastes.line_strength
        scale = mix[LINES] * within[target] / total[owner]
        same = code[source] == np.repeat(code[target], lengths)
        added += same * block.weight[entry] * np.repeat(scale, lengths)
        rest += scale * tastes.line_strength * shares[code[target]]
    else:
        rest += mix[LINES] * tastes.popularity[target]
    return which, source, added, rest


def _pair_weights(tastes: Tastes, source: Ints, goal: Ints) -> tuple[Floats, Floats]:
    """What factors and neighbours say of each pair of a product bought and one recommended."""
    if tastes.products <= _DENSE_PRODUCTS:
        place = source * tastes.products + goal
        factors = (tastes.factors @ tastes.factors.T).ravel()
        return factors[place], tastes.neighbours.dense().ravel()[place]
    return (
        np.einsum("ij,ij->i", tastes.factors[source], tastes.factors[goal]),
        tastes.neighbours.between(source, goal),
    )


def because(
    tastes: Tastes, mix: Floats, block: Histories, owner: Ints, target: Ints, names: tuple[str, ...]
) -> pl.Series:
    """A sentence for each recommended new product: the one or two purchases that add most to it.

    Where what everybody buys adds more than all purchases together, the sentence says that instead.
    """
    nothing = pl.repeat("Popular with all customers", len(owner), dtype=pl.String, eager=True)
    if not len(owner):
        return nothing
    which, source, added, rest = contributions(tastes, mix, block, owner, target)
    own = np.bincount(which, weights=np.maximum(added, 0.0), minlength=len(owner))
    starts = np.searchsorted(which, np.arange(len(owner)))
    labels = pl.Series(names)
    one = _largest(added, which, starts)
    most = added[one]
    added[one] = -np.inf
    two = _largest(added, which, starts)
    has_two = added[two] > 0.5 * most
    frame = pl.DataFrame(
        {
            "one": labels.gather(source[one]),
            "two": labels.gather(source[two]),
            "has_two": has_two,
            "personal": (own > rest) & (most > 0),
        }
    )
    text = pl.concat_str(
        pl.lit("Because you bought "),
        pl.col("one"),
        pl.when("has_two").then(pl.concat_str(pl.lit(" and "), pl.col("two"))).otherwise(pl.lit("")),
    )
    return frame.select(
        pl.when("personal").then(text).otherwise(pl.lit("Popular with all customers")).alias("reasons")
    )["reasons"]


def _largest(values: Floats, which: Ints, starts: Ints) -> Ints:
    """The position of the largest value of each segment, of equals the first; segments are not empty."""
    most = np.maximum.reduceat(values, starts)
    places = np.flatnonzero(values == most[which])
    return places[np.searchsorted(which[places], np.arange(len(starts)))]


def bought_before(count: Floats, last_day: Ints) -> pl.Series:
    """A sentence for each product bought before: on how many days, and when last."""
    days = np.unique(last_day)
    dates = pl.Series([f"{(date := to_date(int(day))).day} {date:%B %Y}" for day in days], dtype=pl.String)
    frame = pl.DataFrame(
        {
            "count": count.astype(np.int64),
            "last": dates.gather(np.searchsorted(days, last_day)) if len(days) else dates,
        }
    )
    return frame.select(
        pl.when(pl.col("count") == 1)
        .then(pl.concat_str(pl.lit("Bought once, on "), "last"))
        .otherwise(
            pl.concat_str(pl.lit("Bought on "), pl.col("count"), pl.lit(" days, last on "), pl.col("last"))
        )
        .alias("reasons")
    )["reasons"]
