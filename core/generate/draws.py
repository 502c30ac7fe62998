"""Random numbers with an address: each depends on the seed, a purpose and its keys, on nothing drawn before.

A counter-based generator (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3")
with the SplitMix64 finaliser (Steele, Lea & Flood 2014) as its bijection. A customer therefore keeps every
number when more customers are generated, when blocks change size, or when another part of the generator draws
more.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLY_1 = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLY_2 = np.uint64(0x94D049BB133111EB)


def _mix(words: Words) -> Words:
    """SplitMix64 finaliser: a bijection of 64-bit words in which every input bit moves every output bit."""
    words = (words ^ (words >> np.uint64(30))) * _MULTIPLY_1
    words = (words ^ (words >> np.uint64(27))) * _MULTIPLY_2
    return words ^ (words >> np.uint64(31))


class Draws:
    """Random numbers of one purpose; keys are integers or integer arrays that broadcast together."""

    def __init__(self, seed: int, purpose: str) -> None:
        digest = blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest()
        self._base = np.array([int.from_bytes(digest, "little")], dtype=np.uint64)

    def words(self, *keys: ArrayLike) -> Words:
        """64 random bits for each combination of keys."""
        mixed = self._base
        for key in keys:
            mixed = _mix(mixed + _STEP * (np.atleast_1d(key).astype(np.uint64) + np.uint64(1)))
        shape = np.broadcast_shapes(*(np.shape(key) for key in keys))
        return mixed.reshape(shape)

    def uniform(self, *keys: ArrayLike) -> Floats:
        """Uniform on the open interval (0, 1)."""
        return ((self.words(*keys) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53

    def integers(self, bound: ArrayLike, *keys: ArrayLike) -> Ints:
        """Uniform on 0 … bound − 1."""
        return np.floor(self.uniform(*keys) * np.asarray(bound)).astype(np.int64)

    def exponential(self, *keys: ArrayLike) -> Floats:
        """Exponential with mean 1."""
        return -np.log(self.uniform(*keys))

    def normal(self, *keys: ArrayLike) -> Floats:
        """Standard normal (Box & Muller 1958)."""
        radius = np.sqrt(-2.0 * np.log(self.uniform(*keys, 0)))
        return radius * np.cos(2.0 * np.pi * self.uniform(*keys, 1))

    def choice(self, weights: ArrayLike, *keys: ArrayLike) -> Ints:
        """Index drawn with probability proportional to `weights`."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        return np.searchsorted(edges, self.uniform(*keys) * edges[-1], side="right").astype(np.int64)

    def gamma(self, shape: float, *keys: ArrayLike) -> Floats:
        """Gamma with this shape and scale 1 (Marsaglia & Tsang 2000)."""
        raised = shape if shape >= 1.0 else shape + 1.0
        d = raised - 1.0 / 3.0
        c = 1.0 / np.sqrt(9.0 * d)
        boost = 1.0 if shape >= 1.0 else self.uniform(*keys, 0) ** (1.0 / shape)
        result = np.full(np.broadcast_shapes(*(np.shape(key) for key in keys)), np.nan)
        attempt = 1
        while np.isnan(result).any():
            x = self.normal(*keys, 2 * attempt)
            v = (1.0 + c * x) ** 3
            bound = 0.5 * x**2 + d - d * v + d * np.log(np.where(v > 0.0, v, 1.0))
            accepted = (v > 0.0) & (np.log(self.uniform(*keys, 2 * attempt + 1)) < bound)
            result = np.where(np.isnan(result) & accepted, d * v, result)
            attempt += 1
        return result * boost

    def beta(self, a: float, b: float, *keys: ArrayLike) -> Floats:
        """Beta(a, b) as a ratio of two gammas."""
        first, second = self.gamma(a, *keys, 0), self.gamma(b, *keys, 1)
        return first / (first + second)

    def dirichlet(self, concentration: ArrayLike, key: ArrayLike) -> Floats:
        """Dirichlet vectors, one row per key."""
        parts = [self.gamma(float(alpha), key, i) for i, alpha in enumerate(np.asarray(concentration))]
        stacked = np.stack(parts, axis=-1)
        return stacked / stacked.sum(axis=-1, keepdims=True)

    def shuffled(self, count: int) -> Ints:
        """A permutation of 0 … count − 1."""
        return np.argsort(self.words(np.arange(count)), kind="stable").astype(np.int64)
