"""Spend: the revenue that is to be expected of a customer within the horizon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np
import param
import polars as pl

from core.models.card import Decision
from core.models.churn.model import ACTIVE_DAYS, events
from core.models.explanation import Explanation
from core.models.ladder import Rung, badge, rung
from core.models.model import Model, Part, Parts, values
from core.models.purchases.history import Floats
from core.models.purchases.reasons import Shares, explained, spoken, strongest
from core.models.purchases.sentences import Described
from core.models.spend.candidates import Candidates
from core.models.spend.judged import Judgement, Ranges, judge

MEAN_SPEND = "mean"
_TOO_FEW = "There is not enough data for reasons."
_WHAT = "the expected spend"


class SpendModel(Model):
    """Expected revenue within ``horizon`` days, by the step of the ladder that the events allow.

    Below 20 events only the mean is known. Above, BG/NBD × Gamma-Gamma is the simple model; from 100 events
    on, its mean with boosted trees (Tweedie) must show to rank customers better by later revenue.
    """

    task: ClassVar[str] = "spend"

    horizon = param.Integer(90, bounds=(1, 730), doc="Days whose revenue is predicted.")
    population: Any = param.Selector(
        objects=["active", "seen"],
        default="active",
        doc="Who is predicted: customers who ordered in the last 365 days, or all who ever did.",
    )
    seed = param.Integer(0, bounds=(0, None), doc="Seed of sampling and trees.")

    def fit(
        self,
        now: pl.DataFrame,
        past: pl.DataFrame,
        daily: pl.DataFrame,
        *,
        as_of_day: int,
        described: Described,
    ) -> Self:
        """Learn from what was known before ``as_of_day``.

        Parameters
        ----------
        now
            Snapshot of all customers seen before ``as_of_day``.
        past
            Earlier snapshots of all customers seen then (or of a random part of the customers), with
            ``ordered`` (0 or 1) and ``window_revenue`` of the horizon from each; every window ends on or
            before ``as_of_day``.
        daily
            ``order_day`` and ``orders`` of the company.
        described
            The features to learn from, by name: label, unit, group.
        """
        late = past.filter(pl.col("as_of_day") + self.horizon > as_of_day)
        if late.height or now.filter(pl.col("as_of_day") != as_of_day).height:
            raise ValueError("snapshots reach beyond the as-of day")
        self.as_of_day_ = as_of_day
        self.described_: Described = {k: about for k, about in described.items() if k in past.columns}
        active = self.members(past)
        self.trained_rows_ = active.height
        self.events_ = events(active)
        self.mean_ = float(active["window_revenue"].mean() or 0.0)  # type: ignore[arg-type]
        self.rung_ = rung(self.events_)
        self.judgement_ = Judgement(champion=MEAN_SPEND)
        self.candidates_: Candidates | None = None
        if self.rung_ > Rung.BASE_RATE and int(now["tenure_days"].max() or 0) >= 1:  # type: ignore[arg-type]
            self.candidates_ = Candidates.learned(
                now, daily, active, self.rung_, self.horizon, self.described_,
                as_of_day=as_of_day, seed=self.seed,
            )  # fmt: skip
        if self.candidates_ is None:
            self.rung_ = Rung.BASE_RATE
            return self
        self.judgement_ = judge(
            past, active, daily, self.rung_, self.horizon, self.described_, seed=self.seed
        )
        return self

    @property
    def badge(self) -> str:
        """What pages say of the data: "not enough data", "thin" or "enough data"."""
        return badge(self.rung_)

    @property
    def champion(self) -> str:
        """The name of the model that gives the scores."""
        return self.judgement_.champion

    def members(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows of the population that is predicted."""
        if self.population == "seen":
            return frame
        return frame.filter(pl.col("recency_days") <= ACTIVE_DAYS)

    def predict(self, frame: pl.DataFrame) -> dict[str, Floats]:
        """Expected revenue by "champion" and by each candidate, for all rows of a snapshot."""
        if self.candidates_ is None:
            return {"champion": np.full(frame.height, self.mean_)}
        found = self.candidates_.predict(frame)
        return {"champion": found[self.champion]} | found

    def interval(self, expected: Floats) -> tuple[Floats, Floats]:
        """The range that holds the revenue of 80 % of customers with such expectations; nan if unknown."""
        return self.judgement_.ranges.around(expected)

    def score(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Scores of the population in a snapshot.

        Returns
        -------
        polars.DataFrame
            ``customer_id``, ``as_of_day``, ``score`` (expected revenue within the horizon, currency),
            ``low`` and ``high`` (80 % of such customers spend between them; null if not known),
            ``expected_orders``, ``expected_order_value`` (currency), ``reasons`` (the strongest).
        """
        frame = self.members(frame)
        keys = frame.select("customer_id", "as_of_day")
        if self.candidates_ is None:
            return keys.with_columns(
                pl.lit(self.mean_).alias("score"),
                *(
                    pl.lit(None, pl.Float64).alias(name)
                    for name in ("low", "high", "expected_orders", "expected_order_value")
                ),
                pl.lit(_TOO_FEW).alias("reasons"),
            )
        found = self.predict(frame)
        low, high = self.interval(found["champion"])
        shares = self._shares(frame, found)
        return keys.with_columns(
            pl.Series("score", found["champion"]),
            pl.Series("low", low).fill_nan(None),
            pl.Series("high", high).fill_nan(None),
            pl.Series("expected_orders", self.candidates_.rhythm.expected_orders(frame, self.horizon)),
            pl.Series("expected_order_value", self.candidates_.order_value(frame)),
            strongest(shares, self._sentences(frame, shares)),
        )

    def explain(self, frame: pl.DataFrame) -> list[Explanation]:
        """Why: contributions of groups that add up to the logarithm of each score of the population."""
        frame = self.members(frame)
        if self.candidates_ is None:
            z = float(np.log(max(self.mean_, 1e-9)))
            return [Explanation(z, z, "log revenue", ())] * frame.height
        shares = self._shares(frame, self.predict(frame))
        told = {name: said.to_list() for name, said in self._sentences(frame, shares).items()}
        return explained(shares, told, "log revenue")

    def _shares(self, frame: pl.DataFrame, found: Mapping[str, Floats]) -> Shares:
        assert self.candidates_ is not None
        return self.candidates_.shares(frame, self.champion, found, self.described_)

    def _sentences(self, frame: pl.DataFrame, shares: Shares) -> dict[str, pl.Series]:
        assert self.candidates_ is not None
        trees = self.candidates_.trees
        seen = self.candidates_.rhythm.clock_columns(frame, self.horizon)
        return spoken(seen, shares, self.described_, trees.important if trees else {}, _WHAT, self.horizon)

    def save(self) -> Parts:
        """The pieces from which ``load`` makes the same model."""
        judged = self.judgement_
        state: dict[str, Any] = {
            "horizon": self.horizon, "population": self.population, "seed": self.seed,
            "as_of_day": self.as_of_day_, "described": {k: list(v) for k, v in self.described_.items()},
            "trained_rows": self.trained_rows_, "events": self.events_, "rung": int(self.rung_),
            "mean": self.mean_, "champion": judged.champion,
            "decision": asdict(judged.decision) if judged.decision else None,
            "ranges": judged.ranges.as_dict(), "notes": list(judged.notes),
        }  # fmt: skip
        return {"state": state} | (self.candidates_.save() if self.candidates_ is not None else {})

    @classmethod
    def load(cls, parts: Mapping[str, Part]) -> Self:
        """The model that ``save`` took apart."""
        state = values(parts["state"])
        model = cls(horizon=state["horizon"], population=state["population"], seed=state["seed"])
        model.as_of_day_ = state["as_of_day"]
        model.described_ = {name: (a, b, c) for name, (a, b, c) in state["described"].items()}
        model.trained_rows_, model.events_ = state["trained_rows"], state["events"]
        model.rung_, model.mean_ = Rung(state["rung"]), state["mean"]
        model.judgement_ = Judgement(
            state["champion"],
            Decision(**state["decision"]) if state["decision"] else None,
            Ranges.from_dict(state["ranges"]),
            tuple(state["notes"]),
        )
        model.candidates_ = Candidates.load(parts) if "candidates" in parts else None
        return model
