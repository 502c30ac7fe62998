"""How much model the data can bear, by the number of events: customers with the rarer outcome in training."""

from dataclasses import dataclass
from enum import IntEnum


class Rung(IntEnum):
    """The steps of the ladder; more events allow the next."""

    BASE_RATE = 0
    SIMPLE = 1
    MEAN = 2
    BOOSTED = 3


_FROM = {Rung.SIMPLE: 20, Rung.MEAN: 100, Rung.BOOSTED: 1_000}
_BADGES = {
    Rung.BASE_RATE: "not enough data",
    Rung.SIMPLE: "thin",
    Rung.MEAN: "enough data",
    Rung.BOOSTED: "enough data",
}


def rung(events: int) -> Rung:
    """The step that a number of events allows.

    Fewer than 20: the base rate; 20–100: a simple model; 100–1 000: its mean with shallow trees; more: trees.
    """
    return max((step for step, least in _FROM.items() if events >= least), default=Rung.BASE_RATE)


def badge(step: Rung) -> str:
    """What pages say of it: "not enough data", "thin" or "enough data"."""
    return _BADGES[step]


def isotonic_is_allowed(events: int) -> bool:
    """Whether the events of a calibration set bear isotonic regression; else Platt scaling."""
    return events > _FROM[Rung.BOOSTED]


@dataclass(frozen=True)
class BaseRate:
    """A rate with the interval of a Beta posterior: all that can be said of few events.

    ``events`` of ``trials`` with the prior Beta(``prior_a``, ``prior_b``); Jeffreys' prior by default.
    """

    events: int
    trials: int
    prior_a: float = 0.5
    prior_b: float = 0.5

    @property
    def rate(self) -> float:
        """The posterior mean."""
        return (self.events + self.prior_a) / (self.trials + self.prior_a + self.prior_b)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The central interval of the posterior."""
        from scipy.stats import beta

        tails = [(1 - level) / 2, (1 + level) / 2]
        low, high = beta.ppf(tails, self.events + self.prior_a, self.trials - self.events + self.prior_b)
        return float(low), float(high)

    def sentence(self, what: str) -> str:
        """In words: ``3 of 122 customers: 2.8 % (0.8–6.5 %)``."""
        low, high = self.interval()
        return f"{self.events:,} of {self.trials:,} {what}: {self.rate:.1%} ({low:.1%} to {high:.1%})"
