"""The credit model: late payment and default of invoices, and what they mean for customers."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import param
import polars as pl

from core.models.calibration import logit
from core.models.credit.binning import Floats
from core.models.credit.customers import Waiting, exposures, open_invoices, usual_requests
from core.models.credit.features import FEATURES, Book, Portfolio, request_features
from core.models.credit.outcome_model import OutcomeModel
from core.models.credit.outcome_training import train_outcome
from core.models.credit.outcomes import OUTCOMES, outcomes
from core.models.credit.sentences import LEAST, group_of, sentence, sentences
from core.models.credit.support import Support
from core.models.explanation import Explanation, explanations, grouped
from core.models.ladder import badge
from core.models.model import Model, Part, Parts, values

_DIRECTIONS = {name: feature.direction for name, feature in FEATURES.items() if feature.direction}
_MOST_ROWS = 60_000
_ROWS_AT_ONCE = 500_000


class CreditModel(Model):
    """Chance that an invoice is paid late or defaults, and what customers may cost.

    Trained on invoices with what was known on the day of each; a score is for a customer's next invoice of
    its mean amount, as of a day.
    """

    task: ClassVar[str] = "credit"
    loss_given_default = param.Number(
        default=0.45,
        bounds=(0, 1),
        doc="Share of an exposure that is lost in default (45 %: senior unsecured claims, Basel II § 287).",
    )
    modelled = param.List(default=["late", "default"], item_type=str, doc="Outcomes to model.")
    seed = param.Integer(default=0, bounds=(0, None), doc="Seed of all random draws.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.portfolio_: Portfolio | None = None
        self.outcomes_: dict[str, OutcomeModel] = {}
        self.waiting_ = Waiting(0, (1.0,))
        self.support_ = Support({}, {}, ())
        self.typical_amount_ = 1.0
        self.as_of_day_ = 0

    def fit(
        self, invoices: pl.DataFrame, customers: pl.DataFrame, *, as_of_day: int, terms_days: int
    ) -> Self:
        """Train on what was known before ``as_of_day``.

        Parameters
        ----------
        invoices
            ``Matching.invoices`` as of that day.
        customers
            customer_id, country.
        """
        self.waiting_ = Waiting.of(invoices, as_of_day)
        if invoices.height > _MOST_ROWS:  # all invoices of some customers, not some of all
            slot = pl.col("customer_id").hash(seed=self.seed) % 10_000
            invoices = invoices.filter(slot < int(10_000 * _MOST_ROWS / invoices.height))
        book = Book.of(invoices, customers, terms_days)
        self.as_of_day_ = as_of_day
        self.portfolio_ = book.portfolio(as_of_day)
        fates = outcomes(invoices, as_of_day)
        rows = training_requests(invoices, fates)
        frame = request_features(book, self.portfolio_, rows)
        self.typical_amount_ = float(rows["amount"].median() or 1.0)  # type: ignore[arg-type]
        self.support_ = Support.of(frame)
        for outcome in self.modelled:
            known = frame.filter(pl.col(outcome).is_not_null())
            self.outcomes_[outcome] = train_outcome(
                outcome,
                known,
                known[outcome].cast(pl.Float64).to_numpy(),
                known["customer_id"],
                list(FEATURES),
                _DIRECTIONS,
                seed=self.seed,
            )
        return self

    @property
    def badge(self) -> str:
        """What the data bear for default: "not enough data (2 events)", "thin", "enough data"."""
        model = self.outcomes_.get("default") or next(iter(self.outcomes_.values()))
        said = badge(model.rung)
        return f"{said} ({model.events} events)" if model.scorecard is None else said

    def features(self, book: Book, requests: pl.DataFrame) -> pl.DataFrame:
        """The features of requests (customer_id, day, amount, country) as ``score`` takes them."""
        assert self.portfolio_ is not None, "fit or load the model first"
        return request_features(book, self.portfolio_, requests)

    def score(self, frame: pl.DataFrame) -> pl.DataFrame:
        """``frame`` (from ``features``) with ``score`` (chance of default) and its 95 % ``low`` and ``high``,
        ``late`` (chance of paying late), ``late_low``, ``late_high`` and ``points`` (of the scorecard for
        default, or for late payment where there is none)."""
        columns: list[pl.Series] = []
        for outcome, label in (("default", "score"), ("late", "late")):
            if outcome not in self.outcomes_:
                continue
            model = self.outcomes_[outcome]
            chance = model.probability(frame)
            low, high = model.interval(chance)
            prefix = "" if label == "score" else f"{label}_"
            columns += [
                pl.Series(label, chance), pl.Series(f"{prefix}low", low), pl.Series(f"{prefix}high", high)
            ]  # fmt: skip
        card = next((m.scorecard for m in self._by_weight() if m.scorecard is not None), None)
        points = card.score(frame) if card is not None else np.full(frame.height, np.nan)
        columns.append(pl.Series("points", points).fill_nan(None))
        return frame.with_columns(columns)

    def score_customers(
        self, invoices: pl.DataFrame, customers: pl.DataFrame, *, as_of_day: int, terms_days: int
    ) -> pl.DataFrame:
        """One row per customer with invoices: customer_id, as_of_day, what ``score`` gives for an invoice of
        its mean amount, exposure, overdue, open_default, expected_loss (currency) and reasons (sentences)."""
        slices = -(-invoices.height // _ROWS_AT_ONCE)
        if slices > 1:  # customers are independent: a slice of them at a time bounds the memory
            part = pl.col("customer_id").hash(seed=0) % slices
            return pl.concat(
                [
                    self.score_customers(
                        invoices.filter(part == i), customers, as_of_day=as_of_day, terms_days=terms_days
                    )
                    for i in range(slices)
                ]
            )
        book = Book.of(invoices, customers, terms_days)
        requests = usual_requests(book, as_of_day, self.typical_amount_)
        frame = self.features(book, requests)
        scored = self.score(frame)
        owed = exposures(
            open_invoices(invoices, as_of_day),
            scored.select("customer_id", chance="score"),
            self.waiting_,
            self.loss_given_default,
        )
        amounts = [pl.col(name).fill_null(0.0) for name in ("exposure", "overdue", "expected_loss")]
        return (
            scored.with_columns(
                pl.lit(as_of_day, dtype=pl.Int64).alias("as_of_day"),
                pl.Series("reasons", self.reasons(frame), dtype=pl.String),
            )
            .join(owed, on="customer_id", how="left", maintain_order="left")
            .with_columns(amounts)
        )

    def reasons(self, frame: pl.DataFrame, outcome: str = "default", most: int = 3) -> list[str]:
        """The strongest reasons of each row as one text; quick enough for a million rows."""
        model = self._explained(outcome)
        parts, names, _base = model.contributions(frame)
        if not names:
            return [self._too_few(model)] * frame.height
        groups, sums = grouped(parts, names, {name: group_of(name) for name in names})
        best = np.argsort(-np.abs(sums), axis=1)[:, :most]
        inside = {group: [i for i, n in enumerate(names) if group_of(n) == group] for group in groups}
        texts = np.full((frame.height, best.shape[1]), "", dtype=object)
        for g, (group, of) in enumerate(inside.items()):
            own = parts[:, of]
            strongest = np.array(of)[np.argmax(np.abs(own) * (own * sums[:, [g]] > 0), axis=1)]
            told = (best == g) & (np.abs(sums[:, [g]]) >= LEAST)
            for i in of:
                rows, ranks = np.nonzero(told & (strongest == i)[:, None])
                values = frame[names[i]].gather(rows).to_list() if names[i] in frame.columns else None
                texts[rows, ranks] = sentences(group, names[i], values, sums[rows, g])
        return [" ".join(filter(None, row)) for row in texts.tolist()]

    def explain(self, frame: pl.DataFrame, outcome: str = "default", currency: str = "") -> list[Explanation]:
        """Why each row has its chance: contributions by business group that add up to its log-odds."""
        model = self._explained(outcome)
        parts, names, base = model.contributions(frame)
        groups, sums = grouped(parts, names, {name: group_of(name) for name in names})
        rows = frame.to_dicts()

        def said(row: int, group: str, total: float) -> str:
            own = [(name, float(parts[row, i])) for i, name in enumerate(names) if group_of(name) == group]
            return sentence(group, own, rows[row], total, currency)

        return explanations(base, sums, groups, said)

    def _explained(self, outcome: str) -> OutcomeModel:
        """The model to explain: that of late payment where there are too few defaults."""
        wanted = self.outcomes_[outcome]
        return wanted if wanted.scorecard is not None else self.outcomes_.get("late", wanted)

    def _by_weight(self) -> list[OutcomeModel]:
        return [self.outcomes_[name] for name in ("default", "late") if name in self.outcomes_]

    @staticmethod
    def _too_few(model: OutcomeModel) -> str:
        return f"Not enough data ({model.events} events): the rate of all invoices, {model.base.rate:.1%}."

    def log_odds(self, frame: pl.DataFrame, outcome: str = "default") -> Floats:
        """Calibrated log-odds of an outcome, which explanations add up to."""
        return logit(self.outcomes_[outcome].probability(frame))

    def save(self) -> Parts:
        assert self.portfolio_ is not None, "fit the model first"
        settings = {
            "loss_given_default": self.loss_given_default, "modelled": list(self.modelled), "seed": self.seed,
        }  # fmt: skip
        plain = {
            "settings": settings,
            "portfolio": self.portfolio_.as_dict(),
            "outcomes": {name: model.as_dict() for name, model in self.outcomes_.items()},
            "waiting": self.waiting_.as_dict(),
            "support": self.support_.as_dict(),
            "typical_amount": self.typical_amount_,
            "as_of_day": self.as_of_day_,
        }
        parts: Parts = {"model": json.loads(json.dumps(plain))}
        for name, model in self.outcomes_.items():
            if model.trees is not None:
                parts[f"{name}_trees"] = model.trees.raw
        return parts

    @classmethod
    def load(cls, parts: Mapping[str, Part]) -> Self:
        plain = values(parts["model"])
        model = cls(**plain["settings"])
        model.portfolio_ = Portfolio.from_dict(dict(plain["portfolio"]))
        for name, described in plain["outcomes"].items():
            trees = parts.get(f"{name}_trees")
            model.outcomes_[name] = OutcomeModel.from_dict(
                described, bytes(trees) if isinstance(trees, bytes | bytearray) else None
            )
        model.waiting_ = Waiting.from_dict(plain["waiting"])
        model.support_ = Support.from_dict(plain["support"])
        model.typical_amount_ = plain["typical_amount"]
        model.as_of_day_ = plain["as_of_day"]
        return model


def training_requests(invoices: pl.DataFrame, fates: pl.DataFrame) -> pl.DataFrame:
    """The invoices whose fate is known as requests of their day: invoice_id, customer_id, day, amount and
    ``OUTCOMES``."""
    rows = invoices.select("invoice_id", "customer_id", day="order_day", amount="amount").join(
        fates.select("invoice_id", *OUTCOMES), on="invoice_id", how="inner", maintain_order="left"
    )
    return rows.filter(pl.col("late").is_not_null())
