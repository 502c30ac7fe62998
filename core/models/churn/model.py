"""Churn: the probability that a customer does not order within the horizon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np
import param
import polars as pl

from core.models.calibration import Calibration, logit
from core.models.card import Decision
from core.models.churn.candidates import LOGISTIC, SIMPLE, TREES, Candidates
from core.models.churn.flip import flips
from core.models.churn.judged import LEVEL, Judgement, Margins, judge
from core.models.explanation import Explanation
from core.models.ladder import BaseRate, Rung, badge, rung
from core.models.model import Model, Part, Parts, values
from core.models.purchases.history import Floats
from core.models.purchases.reasons import Shares, explained, spoken, strongest
from core.models.purchases.rhythm import Rhythm
from core.models.purchases.sentences import Described

ACTIVE_DAYS = 365
BASE_RATE = "base rate"
_TOO_FEW = "There is not enough data for reasons."
_WHAT = "the risk"
_DRAWS, _DRAWN_CUSTOMERS = 25, 5_000
_EDGE = 1e-6


class ChurnModel(Model):
    """P(no order within ``horizon`` days), by the step of the ladder that the events allow.

    Below 20 events only the base rate is known. Above, BG/NBD is the simple model; its mean with a ridge
    logistic regression (below 100 events) or with boosted trees must show to be better on later outcomes;
    above 1 000 events so may the trees alone.
    """

    task: ClassVar[str] = "churn"

    horizon = param.Integer(90, bounds=(1, 730), doc="Days within which an order is expected.")
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
            ``ordered`` (0 or 1) in the horizon from each; every window ends on or before ``as_of_day``.
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
        gone = active.height - int(active["ordered"].sum())
        self.base_rate_ = BaseRate(gone, active.height)
        self.rung_ = rung(self.events_)
        self.judgement_ = Judgement(champion=BASE_RATE)
        self.candidates_: Candidates | None = None
        if self.rung_ == Rung.BASE_RATE or int(now["tenure_days"].max() or 0) < 1:  # type: ignore[arg-type]
            self.rung_ = Rung.BASE_RATE
            return self
        self.judgement_ = judge(
            past, active, daily, self.rung_, self.horizon, self.described_, seed=self.seed
        )
        rhythm = Rhythm.learned(now, daily, as_of_day)
        self.candidates_ = Candidates.learned(
            rhythm, active, self.rung_, self.horizon, self.described_, seed=self.seed
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
        """P(no order) by "champion" and by each candidate, for all rows of a snapshot."""
        if self.candidates_ is None:
            return {"champion": np.full(frame.height, self.base_rate_.rate)}
        found = self.candidates_.predict(frame)
        return {"champion": self.judgement_.calibration.apply(found[self.champion])} | found

    def score(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Scores of the population in a snapshot.

        Returns
        -------
        polars.DataFrame
            ``customer_id``, ``as_of_day``, ``score`` (P(no order within the horizon)), ``low`` and ``high``
            (80 %: how far the true probability may be off), ``p_alive``, ``expected_orders`` (within the
            horizon), ``next_order_date`` (half of such customers order by then, if they have not left; null
            if beyond three years), ``reasons`` (the strongest, as sentences).
        """
        frame = self.members(frame)
        keys = frame.select("customer_id", "as_of_day")
        if self.candidates_ is None:
            least, most = self.base_rate_.interval(LEVEL)
            return keys.with_columns(
                score=pl.lit(self.base_rate_.rate), low=pl.lit(least), high=pl.lit(most),
                p_alive=pl.lit(None, pl.Float64), expected_orders=pl.lit(None, pl.Float64),
                next_order_date=pl.lit(None, pl.Date), reasons=pl.lit(_TOO_FEW),
            )  # fmt: skip
        found = self.predict(frame)
        low, high = self.interval(frame, found)
        rhythm, shares = self.candidates_.rhythm, self._shares(frame, found["champion"])
        return keys.with_columns(
            pl.Series("score", found["champion"]),
            pl.Series("low", low),
            pl.Series("high", high),
            pl.Series("p_alive", rhythm.alive(frame)),
            pl.Series("expected_orders", rhythm.expected_orders(frame, self.horizon)),
            rhythm.next_order_date(frame),
            strongest(shares, self._sentences(frame, shares)),
        )

    def explain(self, frame: pl.DataFrame) -> list[Explanation]:
        """Why: contributions of groups that add up to the log-odds of each score of the population."""
        frame = self.members(frame)
        if self.candidates_ is None:
            z = float(logit(self.base_rate_.rate))
            return [Explanation(z, z, "log-odds", ())] * frame.height
        shares = self._shares(frame, self.predict(frame)["champion"])
        told = {name: said.to_list() for name, said in self._sentences(frame, shares).items()}
        return explained(shares, told, "log-odds")

    def counterfactual(self, frame: pl.DataFrame, threshold: float = 0.5) -> pl.DataFrame:
        """What would flip each customer of the population; see ``core.models.churn.flip.flips``."""
        return flips(self.members(frame), lambda rows: self.predict(rows)["champion"], threshold)

    def _shares(self, frame: pl.DataFrame, score: Floats) -> Shares:
        assert self.candidates_ is not None
        shares = self.candidates_.shares(frame, self.champion, self.described_)
        return shares.moved_to(logit(np.clip(score, _EDGE, 1 - _EDGE)))

    def _sentences(self, frame: pl.DataFrame, shares: Shares) -> dict[str, pl.Series]:
        assert self.candidates_ is not None
        trees = self.candidates_.trees
        seen = self.candidates_.rhythm.clock_columns(frame, self.horizon)
        return spoken(seen, shares, self.described_, trees.important if trees else {}, _WHAT, self.horizon)

    def interval(self, frame: pl.DataFrame, found: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """Low and high (80 %) of what ``predict`` found for a snapshot.

        Three errors are added up on the log-odds scale: of observed shares among similar scores, of the
        two models about each other, and of the parameters of BG/NBD (few customers only).
        """
        if self.candidates_ is None:
            least, most = self.base_rate_.interval(LEVEL)
            return np.full(frame.height, least), np.full(frame.height, most)
        rhythm = self.candidates_.rhythm
        z = logit(np.clip(found["champion"], _EDGE, 1 - _EDGE))
        variance = np.zeros(len(z))
        other = next((found[name] for name in (TREES, LOGISTIC) if name in found), None)
        if other is not None:
            halves = [logit(np.clip(p, 1e-3, 1 - 1e-3)) for p in (found[SIMPLE], other)]
            variance = (halves[1] - halves[0]) ** 2
        if rhythm.fit.customers < _DRAWN_CUSTOMERS:
            drawn = [
                logit(np.clip(rhythm.no_order(frame, self.horizon, model), 1e-4, 1 - 1e-4))
                for model in rhythm.fit.draws(_DRAWS, self.seed)
            ]
            variance = variance + np.var(drawn, axis=0)
        return self.judgement_.margins.around(z, np.sqrt(variance))

    def save(self) -> Parts:
        """The pieces from which ``load`` makes the same model."""
        judged = self.judgement_
        state: dict[str, Any] = {
            "horizon": self.horizon, "population": self.population, "seed": self.seed,
            "as_of_day": self.as_of_day_, "described": {k: list(v) for k, v in self.described_.items()},
            "trained_rows": self.trained_rows_, "events": self.events_, "rung": int(self.rung_),
            "base_rate": asdict(self.base_rate_), "champion": judged.champion,
            "decision": asdict(judged.decision) if judged.decision else None,
            "calibration": judged.calibration.as_dict(), "margins": judged.margins.as_dict(),
            "notes": list(judged.notes),
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
        model.rung_, model.base_rate_ = Rung(state["rung"]), BaseRate(**state["base_rate"])
        model.judgement_ = Judgement(
            state["champion"],
            Decision(**state["decision"]) if state["decision"] else None,
            Calibration.from_dict(state["calibration"]),
            Margins.from_dict(state["margins"]),
            tuple(state["notes"]),
        )
        model.candidates_ = Candidates.load(parts) if "candidates" in parts else None
        return model


def events(frame: pl.DataFrame) -> int:
    """Distinct customers with the rarer outcome in snapshots with ``ordered``."""
    if frame.is_empty():
        return 0
    rarer = 1 if frame["ordered"].cast(pl.Float64).mean() <= 0.5 else 0  # type: ignore[operator]
    return frame.filter(pl.col("ordered") == rarer)["customer_id"].n_unique()


__all__ = ["ACTIVE_DAYS", "ChurnModel", "events"]
