"""Columns that mean nothing: they are drawn apart from all that matters."""

from __future__ import annotations

import numpy as np
import polars as pl

from core.generate.draws import Draws, Ints
from core.generate.world import World

_CODES = ("amber", "birch", "coral", "dune", "ember")
_NAMES = {
    "customers": ("surveyScore", "routeCode", "panelIndex", "folderNumber"),
    "products": ("shelfScore", "binCode", "batchIndex", "drawerNumber"),
}


def with_noise(world: World, table: str, index: Ints, frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with `world.noise_columns` (at most four) further columns: a number, a code, a count, a key."""
    draws = Draws(world.seed, f"noise {table}")
    columns = (
        pl.Series(np.round(draws.normal(index, 0), 3)),
        pl.Series([_CODES[i] for i in draws.integers(len(_CODES), index, 1).tolist()], dtype=pl.String),
        pl.Series(np.floor(10.0 * draws.exponential(index, 2)).astype(np.int64)),
        pl.Series(draws.integers(1_000_000, index, 3)),
    )
    named = zip(_NAMES[table], columns, strict=True)
    return frame.with_columns([column.alias(name) for name, column in list(named)[: world.noise_columns]])
