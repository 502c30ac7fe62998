"""The parameters of a generated company: what is true of the population, nothing per customer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Self

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


VARIANTS: dict[str, dict[str, Any]] = {
    "bgnbd": {},
    "rhythm": {"wait_stages": 4},
    "covariates": {"covariate_dropout": True},
    "shocks": {"shock_at": (0.45, 0.80)},
    "launches": {"launched_share": 0.22},
    "bundles": {"bundles": 12},
    "substitution": {"substitutions": 9},
    "drift": {"drift_at": 0.62},
    "cancelled": {"cancelled_share": 0.15},
    "lostpayments": {"lost_payment_share": 0.10},
    "noise": {"noise_columns": 4},
}
"""The worlds by name: what each changes of `World`. Several may be combined; `bgnbd` changes nothing."""

# Drift multiplies the order rate by one of these, by the group of the customer's country.
DRIFT_RATES = (0.65, 1.0, 1.35)
# Drift multiplies the taste for each product line (in the order of the catalogue) before it is normalised.
DRIFT_TASTES = (0.5, 2.2, 1.0, 0.6, 3.0, 1.0, 0.8)
# Dropout driven by covariates: the effect (log odds) of the office that serves the country.
OFFICE_EFFECTS = (0.0, 0.9, -0.6, 0.6, -0.9, 0.3, -0.3)


@dataclass(frozen=True)
class World:
    """One company: its window and the distributions its customers are drawn from.

    Orders: BG/NBD (Fader, Hardie & Lee 2005) on the seasonal clock, rates Gamma(`rate_shape`) with mean
    `mean_rate` orders per operational day before covariates, dropout after a repeat order Beta(a, b).
    An established account is alive at the start and all its orders are repeat orders; a new account opens
    with its first order, after which it cannot drop out; a prospect never orders. Openings are uniform in
    operational time.

    Payments: `typical_amount` in cents; see `core.generate.payments` for the two logistic models.

    Variants (see `VARIANTS`), neutral by default:

    - `wait_stages`: waits between orders are Erlang with so many stages and the same mean (1: exponential);
      an established account starts in a random stage.
    - `covariate_dropout`: the probability of dropping out after a repeat order is logistic in the office of
      the country (`OFFICE_EFFECTS`) and in whether that order was shipped late, instead of a Beta draw.
    - `shock_at`: shares of the window at which the market falls: for `shock_days` everybody orders
      `shock_factor` times as often, and on the first of these days an active account closes with
      probability `shock_dropout`.
    - `launched_share` of the products appear only at a date of their own, `launch_boost` times as popular.
    - `bundles`: pairs of products; an order that has the first also takes the second with `bundle_share`.
    - `substitutions`: products replaced by another at a date; customers' habits pass to the new one.
    - `drift_at`: share of the window after which rates (`DRIFT_RATES`, by country), tastes (`DRIFT_TASTES`)
      and credit (both intercepts) are others.
    - `lost_payment_share` of the payments are missing from the table; `noise_columns` columns that mean
      nothing are added to customers and to products.
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

    wait_stages: int = 1
    covariate_dropout: bool = False
    dropout_intercept: float = -3.6
    late_delivery_effect: float = 1.7
    late_delivery_days: int = 5
    shock_at: tuple[float, ...] = ()
    shock_days: int = 75
    shock_factor: float = 0.4
    shock_dropout: float = 0.12
    launched_share: float = 0.0
    launch_boost: float = 2.0
    bundles: int = 0
    bundle_share: float = 0.55
    substitutions: int = 0
    drift_at: float | None = None
    drift_late: float = 0.9
    drift_default: float = 0.7
    lost_payment_share: float = 0.0
    noise_columns: int = 0

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

    @property
    def drift_day(self) -> int:
        """Day of the window from which the drift holds; the end of the window where there is none."""
        return self.days if self.drift_at is None else int(self.drift_at * self.days)

    @property
    def shock_starts(self) -> tuple[int, ...]:
        """First days of the shocks."""
        return tuple(int(share * self.days) for share in self.shock_at)

    @classmethod
    def named(cls, names: str | Sequence[str], *, seed: int, customers: int, years: int, start: date) -> Self:
        """The world with these variants, such as `"rhythm,launches"`.

        Raises
        ------
        GenerateError
            When there is no such variant or a number is out of range.
        """
        wanted = names.split(",") if isinstance(names, str) else names
        changes: dict[str, Any] = {}
        for name in (name.strip() for name in wanted):
            if name not in VARIANTS:
                raise GenerateError(
                    f"There is no world “{name}”.",
                    f"Choose among {', '.join(VARIANTS)}; several are joined by commas.",
                )
            changes |= VARIANTS[name]
        return cls(seed=seed, customers=customers, years=years, start=start, **changes)

    @classmethod
    def of_truth(cls, truth_folder: Path) -> Self:
        """The world that was written to a truth folder.

        Raises
        ------
        GenerateError
            When the folder holds no parameters of a world.
        """
        file = truth_folder / "parameters.json"
        try:
            plain = json.loads(file.read_text(encoding="utf-8"))
            known = {field.name: plain[field.name] for field in fields(cls) if field.name in plain}
            known["start"] = date.fromisoformat(known["start"])
            lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
            return cls(**known | lists)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise GenerateError(
                f"{file} does not hold the parameters of a world ({error}).",
                "Point to the folder that generate wrote beside the tables, named …-truth.",
            ) from error

    def parameters(self) -> dict[str, object]:
        """Everything needed to compute what is best possible, as plain values for JSON."""
        plain = asdict(self) | {"start": self.start.isoformat(), "days": self.days}
        return plain | {"segments": [asdict(segment) for segment in SEGMENTS]}
