"""Training of the recommender: settings on one window, the choice of models on a later one, then all data."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from core.errors import MissingDataError
from core.models.card import decide
from core.models.recommend import judging
from core.models.recommend.bundles import Bundles, bundles
from core.models.recommend.chance import (
    Chance,
    expected_purchases,
    features,
    fit_coefficients,
    month_profile,
    season_factor,
)
from core.models.recommend.cooccurrence import AlsoBought, also_bought
from core.models.recommend.newcomers import Newcomers
from core.models.recommend.purchases import Catalogue, Floats, bought_within, histories, purchases
from core.models.recommend.ranking import top
from core.models.recommend.shortlist import KINDS, shares_of
from core.models.recommend.tastes import COMPONENTS, Tastes
from core.models.recommend.tuning import Settings, learned, sampled, tune

STUDIED_CUSTOMERS = 10_000
"""Settings, choices and probabilities are learned on this many customers; tastes on all that are given."""
_CHANCE_WINDOWS = 4
_CHANCE_CELLS = 400_000
_LEAST_PAST = 60
_DENSE_TO_MEASURE = 2_000
_ALL = "all neighbours"
_SIMPLE: dict[str, tuple[float | None, float]] = {
    judging.FREQUENCY_POPULARITY: (None, 0.5),
    judging.FREQUENCY: (20_000.0, 0.001),
}
"""Half-life and strength of the prior with which buy again is a simple ranking: the prior, or the days since
the purchases, only decide between equals."""


@dataclass(frozen=True)
class Learned:
    """Everything a recommender knows, and ``judged``: the choices made and their figures as plain values."""

    catalogue: Catalogue
    tastes: Tastes
    settings: Settings
    chance: Chance
    newcomers: Newcomers
    also_bought: AlsoBought
    bundles: Bundles
    judged: dict[str, Any] = field(default_factory=dict)


def fitted(
    lines: pl.DataFrame,
    products: pl.DataFrame | None,
    as_of_day: int,
    horizon: int,
    keep: int,
    by_country: pl.DataFrame | None,
    progress: Callable[[str, float], None],
) -> Learned:
    """See ``Recommender.fit``."""
    lines = lines.filter(pl.col("order_day") < as_of_day)
    bought = purchases(lines)
    if bought.is_empty():
        raise MissingDataError(
            "No customer has bought a product before the as-of date, so there is nothing to recommend.",
            "Load or map order lines with customer and product.",
            ("stg_sales",),
        )
    known = Catalogue.of(bought, products)
    # Positions instead of keys: grouping by numbers is many times faster than by text.
    catalogue = replace(known, ids=pl.Series("product_id", np.arange(known.size)))
    position = pl.DataFrame({"product_id": known.ids, "position": catalogue.ids})
    bought, lines = (_numbered(frame, position) for frame in (bought, lines))
    few = sampled(bought["customer_id"].unique().sort(), STUDIED_CUSTOMERS)
    studied = bought.filter(pl.col("customer_id").is_in(few.implode()))
    studied_lines = lines.filter(pl.col("customer_id").is_in(few.implode()))
    first = int(bought["order_day"].min())  # type: ignore[arg-type]  # days are integers
    windows = [
        day
        for k in range(1, _CHANCE_WINDOWS + 1)
        if (day := as_of_day - k * horizon) >= first + max(_LEAST_PAST, horizon)
    ]
    progress("Tuning", 0.05)
    settings = Settings()
    if len(windows) > 1:
        settings = tune(studied, studied_lines, catalogue, windows[-1], horizon)
    progress("Comparing with simple rankings", 0.4)
    report: dict[str, Any] = {"studied_customers": len(few), "windows": windows}
    if windows:
        later = windows[:-1] or windows
        settings, chosen = _chosen(studied, studied_lines, catalogue, settings, later, horizon, keep)
        report |= chosen
    progress("Learning probabilities", 0.6)
    chance, kept = _chance(studied, studied_lines, catalogue, settings, windows, as_of_day, horizon, keep)
    report["calibration"] = kept
    progress("Learning from all purchases", 0.75)
    everything = histories(bought, catalogue, as_of_day, settings.half_life)
    tastes = learned(everything, bought, catalogue, settings, keep)
    progress("Products bought together", 0.9)
    report |= {
        "customers": everything.size,
        "products": catalogue.size,
        "purchases": bought.height,
        "settings": asdict(settings),
        "components": list(COMPONENTS),
    }
    return Learned(
        known,
        tastes,
        settings,
        chance,
        Newcomers.of(by_country, known, tastes.popularity),
        also_bought(everything, catalogue.size),
        bundles(studied_lines if len(few) < everything.size else lines, catalogue),
        report,
    )


def _numbered(frame: pl.DataFrame, position: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with the position of each product as its ``product_id``."""
    joined = frame.join(position, on="product_id", how="inner")
    return joined.drop("product_id").rename({"position": "product_id"})


def _chosen(
    bought: pl.DataFrame,
    lines: pl.DataFrame,
    catalogue: Catalogue,
    settings: Settings,
    cutoffs: list[int],
    horizon: int,
    keep: int,
) -> tuple[Settings, dict[str, Any]]:
    """The settings after the simple rankings had their chance on windows that tuning did not see."""
    judged = []
    for day in cutoffs:
        past = histories(bought, catalogue, day, settings.half_life)
        tastes = learned(past, bought, catalogue, settings, keep)
        further = {}
        if keep < catalogue.size <= _DENSE_TO_MEASURE:
            further[_ALL] = learned(past, bought, catalogue, settings, None)
        judged.append(judging.judged(bought, lines, catalogue, tastes, settings, day, horizon, further))
    rows = pl.concat(judged)
    found = judging.compared(rows)
    repeat = judging.METRICS["repeat"]
    simple = max(_SIMPLE, key=lambda name: np.nan_to_num(found.score(name, repeat).value))
    again = decide(found, simple=simple, challenger=judging.MODEL, metric=repeat)
    new = decide(found, simple=judging.POPULAR, challenger=judging.MODEL, metric=judging.METRICS["novel"])
    popular_only = tuple(1.0 if name == COMPONENTS[0] else 0.0 for name in COMPONENTS)
    if again.champion != judging.MODEL:
        half_life, strength = _SIMPLE[again.champion]
        settings = replace(settings, half_life=half_life, strength=strength, mix=popular_only)
    if new.champion != judging.MODEL:
        settings = replace(settings, novel_mix=popular_only)
    loss = 0.0 if keep >= catalogue.size else None
    if _ALL in rows.columns:
        novel = rows.filter(pl.col("group") == "novel", pl.col(judging.MODEL).is_not_nan())
        loss = float((novel[_ALL] - novel[judging.MODEL]).mean() or 0.0)  # type: ignore[arg-type]
    return settings, {
        "buy again": asdict(again),
        "new": asdict(new),
        "evaluation": found.as_dict(),
        "neighbours": {"kept": min(keep, catalogue.size), "ndcg_lost": loss},
        "customers_judged": rows.filter(pl.col("group") == "joint")["customer_id"].n_unique(),
    }


def _chance(
    bought: pl.DataFrame,
    lines: pl.DataFrame,
    catalogue: Catalogue,
    settings: Settings,
    windows: list[int],
    as_of_day: int,
    horizon: int,
    keep: int,
) -> tuple[Chance, dict[str, Any]]:
    """Probabilities learned on what would have been recommended in past windows, and the pairs used."""
    inputs: dict[str, list[Floats]] = {kind: [] for kind in KINDS}
    outcomes: dict[str, list[Floats]] = {kind: [] for kind in KINDS}
    for day in windows:
        past = histories(bought, catalogue, day, settings.half_life)
        tastes = learned(past, bought, catalogue, settings, keep)
        few = sampled(past.customers, max(200, _CHANCE_CELLS // catalogue.size), seed=day)
        mine = bought.filter(pl.col("customer_id").is_in(few.implode()))
        block = histories(mine, catalogue, day, settings.half_life)
        owner, product = bought_within(lines, catalogue, block.customers, day, day + horizon)
        outcome = np.zeros((block.size, catalogue.size))
        outcome[owner[product >= 0], product[product >= 0]] = 1.0
        season = season_factor(month_profile(bought, day), day, horizon)
        expected = expected_purchases(block, horizon, season)
        idle = (day - block.last_order).astype(np.float64)
        shares = shares_of(tastes, settings, block)
        for kind in KINDS:
            values = shares.of(kind)
            places, filled = top(values, shares.candidates(kind), 10)
            row, column = np.nonzero(filled)
            at = row, places[row, column]
            inputs[kind].append(features(values[at], expected[row], idle[row]))
            outcomes[kind].append(outcome[at])
    coefficients, kept = {}, {}
    for kind in KINDS:
        if not inputs[kind]:
            continue
        x, y = np.concatenate(inputs[kind]), np.concatenate(outcomes[kind])
        fitted_to = fit_coefficients(x, y)
        kept[kind] = {"pairs": len(y), "bought": int(y.sum())}
        if fitted_to is not None:
            coefficients[kind] = fitted_to
    return Chance(horizon, month_profile(bought, as_of_day), coefficients), kept
