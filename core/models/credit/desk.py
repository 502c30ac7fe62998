"""The credit desk: may we grant this request, at which risk, up to which limit, what would change that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.models.credit.binning import Floats
from core.models.credit.customers import exposures, open_invoices
from core.models.credit.features import FEATURES, Book
from core.models.credit.model import CreditModel
from core.models.credit.sentences import shown
from core.models.explanation import Explanation

_STEPS = 80


@dataclass(frozen=True)
class Ceilings:
    """What may be risked at most: the chance of default, and the expected loss on all of a customer's open
    invoices (currency; ``None``: no ceiling)."""

    default: float = 0.05
    expected_loss: float | None = None


@dataclass(frozen=True)
class Answer:
    """The answer to a request.

    Attributes
    ----------
    abstains
        Why the model cannot judge it, in a sentence; empty if it can. Where it abstains, ``passes`` is False
        and the figures are to be read with care.
    passes
        Whether both ceilings hold.
    default, default_low, default_high, late, late_low, late_high
        Chances of default and of paying late with 95 % intervals.
    points
        Of the scorecard; null without one.
    open_amount, exposure, expected_loss
        What is open now, with the request, and the loss to be expected of that; currency.
    largest_limit
        Largest exposure (open and new) that passes; currency. Null where the model abstains.
    explanation
        Contributions to the log-odds; ``reasons`` in sentences.
    flips
        What would change the answer, in sentences.
    features
        What the answer rests on, by name.
    """

    abstains: str
    passes: bool
    default: float
    default_low: float
    default_high: float
    late: float
    late_low: float
    late_high: float
    points: float | None
    open_amount: float
    exposure: float
    expected_loss: float
    largest_limit: float | None
    explanation: Explanation
    reasons: tuple[str, ...]
    flips: tuple[str, ...]
    features: Mapping[str, Any]


class CreditDesk:
    """Answers requests from a trained model and the invoices known as of a day."""

    def __init__(
        self,
        model: CreditModel,
        invoices: pl.DataFrame,
        customers: pl.DataFrame,
        *,
        as_of_day: int,
        terms_days: int,
        currency: str = "",
    ) -> None:
        self.model, self.invoices, self.customers = model, invoices, customers
        self.as_of_day, self.terms_days, self.currency = as_of_day, terms_days, currency

    def ask(
        self,
        amount: float,
        customer_id: object = None,
        *,
        country: str | None = None,
        ceilings: Ceilings | None = None,
        changes: Mapping[str, float] | None = None,
    ) -> Answer:
        """Judge an invoice of ``amount`` today.

        Parameters
        ----------
        customer_id
            The customer; ``None`` for a new one.
        country
            Of a new customer.
        changes
            Features to set by hand (a what-if), by name.
        """
        ceilings = ceilings or Ceilings()
        own = self.invoices.filter(pl.col("customer_id") == customer_id) if customer_id is not None else (
            self.invoices.clear()
        )  # fmt: skip
        book = Book.of(own, self.customers, self.terms_days)
        steps = np.geomspace(*self._amounts(amount), _STEPS)
        amounts = np.concatenate([[amount], steps])
        frame = self._frame(book, amounts, customer_id, country, changes)
        owed = self._owed(own, frame)
        scored = self.model.score(frame)
        row = scored.row(0, named=True)
        chances = scored["score"].to_numpy()
        losses = self._losses(owed, chances, amounts)
        abstains = self._objection(row)
        passes = (chances <= ceilings.default) & (
            np.ones(len(losses), dtype=bool)
            if ceilings.expected_loss is None
            else losses <= ceilings.expected_loss
        )
        explanation = self.model.explain(frame[:1], currency=self.currency)[0]
        return Answer(
            abstains=abstains,
            passes=bool(passes[0]) and not abstains,
            default=row["score"],
            default_low=row["low"],
            default_high=row["high"],
            late=row["late"],
            late_low=row["late_low"],
            late_high=row["late_high"],
            points=row["points"],
            open_amount=owed["open"],
            exposure=round(owed["open"] + amount, 2),
            expected_loss=round(float(losses[0]), 2),
            largest_limit=None if abstains else self._limit(steps, passes[1:], owed["open"]),
            explanation=explanation,
            reasons=explanation.reasons or tuple(self.model.reasons(frame[:1])),
            flips=() if abstains else self._flips(frame, steps, passes, owed, ceilings),
            features={name: row[name] for name in FEATURES},
        )

    def _amounts(self, amount: float) -> tuple[float, float]:
        """The range of amounts to look at: what invoices have been, and less than the request."""
        low, high = self.model.support_.ranges.get("amount", (amount / 10, amount * 10))
        return max(min(low, amount / 10, high / 10), 0.01), max(high, 0.1)

    def _frame(
        self,
        book: Book,
        amounts: Floats,
        customer_id: object,
        country: str | None,
        changes: Mapping[str, float] | None,
    ) -> pl.DataFrame:
        key = pl.lit(customer_id, dtype=self.invoices.schema["customer_id"]).alias("customer_id")
        requests = pl.DataFrame({"amount": amounts}).with_columns(
            key,
            pl.lit(self.as_of_day, dtype=pl.Int64).alias("day"),
            pl.lit(country or self._country(customer_id), dtype=pl.String).alias("country"),
        )
        frame = self.model.features(book, requests)
        return frame.with_columns(
            pl.lit(value, dtype=frame.schema[name]).alias(name) for name, value in (changes or {}).items()
        )

    def _country(self, customer_id: object) -> str | None:
        if customer_id is None:
            return None
        found = self.customers.filter(pl.col("customer_id") == customer_id)["country"]
        return None if found.is_empty() or found[0] is None else str(found[0])

    def _owed(self, own: pl.DataFrame, frame: pl.DataFrame) -> dict[str, float]:
        """What is open, what of it is overdue, and the loss to be expected of it."""
        chances = self.model.score(frame[:1]).select("customer_id", chance="score")
        found = exposures(
            open_invoices(own, self.as_of_day), chances, self.model.waiting_, self.model.loss_given_default
        )
        if found.is_empty():
            return {"open": 0.0, "overdue": 0.0, "loss": 0.0}
        row = found.row(0, named=True)
        return {"open": row["exposure"], "overdue": row["overdue"], "loss": row["expected_loss"]}

    def _losses(self, owed: Mapping[str, float], chances: Floats, amounts: Floats) -> Floats:
        """Expected loss on what is open and on a new invoice of each amount."""
        return owed["loss"] + self.model.loss_given_default * chances * amounts

    def _objection(self, row: Mapping[str, Any]) -> str:
        default = self.model.outcomes_["default"]
        if default.scorecard is None:
            return (
                f"Not enough data: only {default.events} customers have ever defaulted. Shown is the rate of "
                f"all {default.base.trials:,} invoices with its interval."
            )
        return self.model.support_.objection(row, self.currency)

    @staticmethod
    def _limit(steps: Floats, passes: np.ndarray, open_amount: float) -> float:
        """The open amount and the largest invoice before the first that does not pass; rounded down."""
        stop = len(steps) if passes.all() else int(np.argmin(passes))
        return float(np.floor(open_amount + steps[stop - 1])) if stop else 0.0

    def _flips(
        self,
        frame: pl.DataFrame,
        steps: Floats,
        passes: np.ndarray,
        owed: Mapping[str, float],
        ceilings: Ceilings,
    ) -> tuple[str, ...]:
        """Single changes, then pairs, that turn the answer."""
        amount = float(frame["amount"][0])
        size = FEATURES["amount"]
        if passes[0]:
            above = steps[(steps > amount) & ~passes[1:]]
            if not len(above):
                return ()
            return (f"From an amount of {shown(size, above[0], self.currency)} it would not pass.",)
        found: list[str] = []
        below = steps[(steps < amount) & passes[1:]]
        if len(below):
            found.append(f"An amount of up to {shown(size, below[-1], self.currency)} would pass.")
        for label, paid in (("overdue", owed["overdue"]), ("open", owed["open"])):
            if paid <= 0 or (label == "open" and paid == owed["overdue"]):
                continue
            after = self._after_payment(frame, paid)
            chances = self.model.score(after)["score"].to_numpy()
            rest = {"loss": owed["loss"] * (1 - paid / owed["open"]) if owed["open"] else 0.0}
            losses = self._losses(rest, chances, frame["amount"].to_numpy())
            fine = chances <= ceilings.default
            if ceilings.expected_loss is not None:
                fine &= losses <= ceilings.expected_loss
            money = shown(size, paid, self.currency)
            if fine[0]:
                found.append(f"Once the {money} that is {label} is paid, it would pass.")
                break
            smaller = steps[(steps < amount) & fine[1:]]
            if len(smaller) and (not len(below) or smaller[-1] > below[-1]):
                found.append(
                    f"Once the {money} that is {label} is paid, an amount of up to "
                    f"{shown(size, smaller[-1], self.currency)} would pass."
                )
        return tuple(found) or ("No smaller amount and no payment of what is open would make it pass.",)

    @staticmethod
    def _after_payment(frame: pl.DataFrame, paid: float) -> pl.DataFrame:
        """The features as they would be once ``paid`` of what is open, the overdue part first, is paid."""
        left = (pl.col("open_amount") - paid).clip(lower_bound=0.0)
        year = (pl.col("open_amount") + pl.col("amount")) / pl.col("exposure_ratio")
        return frame.with_columns(
            overdue_amount=pl.lit(0.0),
            overdue_invoices=pl.lit(0.0),
            open_amount=left,
            exposure_ratio=(left + pl.col("amount")) / year,
        )
