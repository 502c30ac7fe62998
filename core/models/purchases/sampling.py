"""A random part of the customers, the same at every as-of day."""

from typing import Any

import numpy as np
import polars as pl


def sampled(customers: pl.Series, most: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether a row is kept so that about ``most`` remain: whole customers, chosen by their key alone."""
    if len(customers) <= most:
        return np.ones(len(customers), dtype=bool)
    share = most / len(customers)
    return ((customers.hash(seed=seed + 11) % 1_000_003) < share * 1_000_003).to_numpy()
