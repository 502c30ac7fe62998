"""The parameters of a generated company: what is true of the population, nothing per customer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

from core.errors import GenerateError

FIRST_CUSTOMER = 1001
MOST_CUSTOMERS = 2_000_000  # beyond it order numbers would not fit 32 bits
MOST_YEARS = 8  # up to here 1 000 order numbers per customer are plenty at the largest rate


@dataclass(frozen=True)
class Segment:
    """A size class of customers; factors multiply the company's averages."""

    name: str
    share: float
    rate_factor: float
    lines_per_order: float
    quantity: float
    discount_permille: int


SEGMENTS = (
    Segment("boutique", 0.48, 0.70, 7.6, 24.0, 60),
    Segment("retailer", 0.38, 1.05, 9.4, 34.0, 95),
    Segment("distributor", 0.14, 1.75, 11.2, 48.0, 135),
)


@dataclass(frozen=True)
class World:
    """One company: its window and the distributions its customers are drawn from.

    Orders: BG/NBD (Fader, Hardie & Lee 2005) on the seasonal clock, rates Gamma(`rate_shape`) with mean
    `mean_rate` orders per operational day before covariates, dropout after a repeat order Beta(a, b).
    An established account is alive at the start and all its orders are repeat orders; a new account opens
    with its first order, after which it cannot drop out; a prospect never orders. Openings are uniform in
    operational time.

    Payments: `typical_amount` in cents; see `core.generate.payments` for the two logistic models.
    """

    seed: int
    customers: int
    years: int
    start: date

    established_share: float = 0.50
    prospect_share: float = 0.13
    rate_shape: float = 1.5
    mean_rate: float = 0.0150
    largest_rate: float = 0.16
    dropout_a: float = 0.9
    dropout_b: float = 20.0

    urn_strength: float = 30.0
    taste_concentration: tuple[float, ...] = (1.05, 0.50, 0.45, 0.35, 0.20, 0.42, 0.75)

    cancelled_share: float = 0.02
    disputed_share: float = 0.015
    on_hold_share: float = 0.06

    terms_days: int = 30
    late_intercept: float = -1.75
    late_slope: float = -1.15
    late_days: float = 21.0
    default_intercept: float = -5.4
    default_slope: float = -1.25
    amount_effect: float = 0.35
    typical_amount: int = 2_400_000
    dispute_effect: float = 1.5
    consolidating_share: float = 0.45
    partial_share_of_late: float = 0.12

    def __post_init__(self) -> None:
        if not 1 <= self.customers <= MOST_CUSTOMERS:
            raise GenerateError(
                f"The number of customers must be between 1 and {MOST_CUSTOMERS}, not {self.customers}.",
                "Choose another number with --customers.",
            )
        if not 1 <= self.years <= MOST_YEARS:
            raise GenerateError(
                f"The number of years must be between 1 and {MOST_YEARS}, not {self.years}.",
                "Choose another number with --years.",
            )
        if self.seed < 0:
            raise GenerateError(
                f"The seed must not be negative, but is {self.seed}.", "Choose another with --seed."
            )

    @property
    def days(self) -> int:
        """Length of the window in days."""
        try:
            after = self.start.replace(year=self.start.year + self.years)
        except ValueError:  # 29 February has no namesake in most years
            after = date(self.start.year + self.years, 3, 1)
        return (after - self.start).days

    def parameters(self) -> dict[str, object]:
        """Everything needed to compute what is best possible, as plain values for JSON."""
        plain = asdict(self) | {"start": self.start.isoformat(), "days": self.days}
        return plain | {"segments": [asdict(segment) for segment in SEGMENTS]}
