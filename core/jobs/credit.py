"""The credit task: late payment and default of invoices, matched from orders and payments."""

from collections.abc import Sequence
from typing import cast

import polars as pl

from core.database.base import Database
from core.errors import MissingDataError
from core.evaluation import Evaluation, evaluate
from core.evaluation.metrics import AUC, BRIER, ECE, GINI
from core.jobs.registry import Progress
from core.models.card import ModelCard, fingerprint
from core.models.credit.features import FEATURES, Book
from core.models.credit.model import CreditModel
from core.models.credit.outcome_model import SCORECARD, TREES
from core.models.credit.outcomes import OUTCOMES, SAID, outcomes
from core.models.model import Model
from core.receivables.load import read_matching
from core.receivables.matching import Matching
from core.receivables.quality import quality

MODEL, BOOSTED = "credit model", "XGBoost"
PAST_RATE, WOE = "past late rate", "WoE logistic"
_METRICS = {metric.name: metric for metric in (AUC, BRIER, ECE, GINI)}
_SCORED = (
    *(
        "customer_id",
        "as_of_day",
        "score",
        "low",
        "high",
        "reasons",
        "late",
        "late_low",
        "late_high",
        "points",
    ),
    *("amount", "exposure", "overdue", "open_default", "expected_loss"),
)
_CUSTOMERS = "models/customer_countries"


def train(
    database: Database, *, as_of_day: int, horizon: int, terms_days: int, progress: Progress
) -> tuple[CreditModel, ModelCard]:
    """The model of what was known before the as-of day. ``horizon`` plays no part: an invoice has its terms.

    Raises
    ------
    MissingDataError
        There are no payments or no orders.
    """
    progress("matching payments to invoices", 0.0)
    found = _matched(database, as_of_day, terms_days)
    customers = database.query(_CUSTOMERS)
    progress("training", 0.4)
    model = CreditModel().fit(found.invoices, customers, as_of_day=as_of_day, terms_days=terms_days)
    progress("done", 1.0)
    return model, _card(model, found, horizon)


def score(
    database: Database, model: Model, *, as_of_day: int, terms_days: int, progress: Progress
) -> pl.DataFrame:
    """One row per customer with invoices: the chance that its next invoice of its mean ``amount`` defaults
    (``score``) or is paid late (``late``), scorecard ``points``, ``exposure``, ``overdue``, ``expected_loss``
    (currency), the chance that what is open defaults (``open_default``), and reasons."""
    progress("matching payments to invoices", 0.0)
    found = _matched(database, as_of_day, terms_days)
    progress("scoring", 0.5)
    scored = cast(CreditModel, model).score_customers(
        found.invoices, database.query(_CUSTOMERS), as_of_day=as_of_day, terms_days=terms_days
    )
    progress("done", 1.0)
    return scored.select(_SCORED).sort("customer_id")


def backtest(
    database: Database,
    *,
    horizon: int,
    cutoffs: Sequence[int] | None,
    terms_days: int,
    progress: Progress,
) -> Evaluation:
    """Late payment of the invoices of the ``horizon`` days after each cutoff, by a model trained before it.

    Each invoice is judged with what was known on its day, and only once its fate is known. ``details`` has
    the same for default under ``default``.

    Raises
    ------
    MissingDataError
        There are no payments, or too little time to learn from and judge by.
    """
    first, end = _span(database)
    progress("matching payments to invoices", 0.0)
    whole = _matched(database, end, terms_days)
    customers = database.query(_CUSTOMERS)
    days = list(cutoffs) if cutoffs else default_cutoffs(first, end, horizon, terms_days)
    book = Book.of(whole.invoices, customers, terms_days)
    fates = outcomes(whole.invoices, end)
    asked = whole.invoices.filter(pl.col("amount") > 0).select(
        "invoice_id", "customer_id", day="order_day", amount="amount"
    )
    asked = asked.join(fates.select("invoice_id", *OUTCOMES), on="invoice_id")
    judged: dict[str, list[pl.DataFrame]] = {"late": [], "default": []}
    notes: list[str] = []
    for number, day in enumerate(days):
        progress("backtesting", (number + 0.5) / (len(days) + 1))
        known = _matched(database, day, terms_days)
        model = CreditModel(seed=0).fit(known.invoices, customers, as_of_day=day, terms_days=terms_days)
        frame = model.features(book, asked.filter(pl.col("day").is_between(day, day + horizon - 1)))
        for outcome, parts in judged.items():
            parts.append(_predicted(model, frame.filter(pl.col(outcome).is_not_null()), outcome, day))
        notes += [f"{_date(day)}: {_said(model, outcome)}" for outcome in judged]
    progress("comparing", 0.95)
    evaluations = {
        outcome: evaluate(
            pl.concat(parts),
            models=[MODEL, BOOSTED],
            baselines=[PAST_RATE, WOE],
            metrics=_METRICS,
            notes=notes,
            champion=MODEL,
        )
        for outcome, parts in judged.items()
    }
    late = evaluations["late"]
    return Evaluation(
        late.scores,
        late.differences,
        late.predictions,
        late.models,
        late.baselines,
        (
            f"Judged: an invoice is {SAID['late']}, of those dated in the {horizon} days after each cutoff.",
            *notes,
        ),
        MODEL,
        {"default": evaluations["default"].as_dict()},
    )


def default_cutoffs(first_day: int, end_day: int, horizon: int, terms_days: int, count: int = 3) -> list[int]:
    """Cutoffs that leave the fate of all invoices judged known, ``horizon`` days apart or more.

    Raises
    ------
    MissingDataError
        The data are too short.
    """
    # an invoice may be shipped some days after its order and must be able to default
    last = end_day - horizon - terms_days - OUTCOMES["default"] - 14
    earliest = first_day + 2 * (terms_days + OUTCOMES["default"])
    if last < earliest:
        raise MissingDataError(
            f"The data span {end_day - first_day} days, too few to learn from invoices and judge later ones.",
            "Choose a shorter horizon or load a longer history.",
        )
    days = [last - horizon * back for back in range(count)]
    return sorted(day for day in days if day >= earliest)


def _predicted(model: CreditModel, frame: pl.DataFrame, outcome: str, day: int) -> pl.DataFrame:
    part = model.outcomes_[outcome]
    assert model.portfolio_ is not None
    past = frame["late_share"].to_numpy()
    if outcome != "late":
        past = past * part.base.rate / max(model.portfolio_.late_share, 1e-9)
    return pl.DataFrame(
        {
            "cutoff_day": pl.Series([day] * frame.height, dtype=pl.Int64),
            "invoice_id": frame["invoice_id"],
            "customer_id": frame["customer_id"],
            "actual": frame[outcome].cast(pl.Float64),
            MODEL: part.probability(frame),
            BOOSTED: part.probability(frame, (TREES,)),
            PAST_RATE: past,
            WOE: part.probability(frame, (SCORECARD,)),
        }
    )


def _matched(database: Database, as_of_day: int, terms_days: int) -> Matching:
    try:
        return read_matching(database, as_of_day, terms_days)
    except MissingDataError as error:
        if "payments" not in error.needs:
            raise
        raise MissingDataError(
            "There are no payments, so nothing is known of who pays late.",
            "Load or map a table of payments (Data page), or ingest it.",
            error.needs,
        ) from error


def _span(database: Database) -> tuple[int, int]:
    from core.days import LAST_DAY

    row = database.query("marts/data_status", as_of_day=LAST_DAY).row(0, named=True)
    if row["first_order_day"] is None:
        raise MissingDataError("The database holds no orders.", "Load some first.", ("orders",))
    return int(row["first_order_day"]), max(int(row["last_order_day"]), int(row["last_payment_day"] or 0)) + 1


def _card(model: CreditModel, found: Matching, horizon: int) -> ModelCard:
    default = model.outcomes_["default"]
    figures = quality(found)
    notes = [_said(model, outcome) for outcome in model.modelled]
    notes.append(
        f"{figures.certain_share:.0%} of settled invoices were matched by amounts, the rest oldest first."
    )
    notes.append(f"Loss given default: {model.loss_given_default:.0%}, a setting and not measured.")
    settings = {"terms_days": found.terms_days, "as_of_day": found.as_of_day, "seed": model.seed}
    return ModelCard(
        task="credit",
        horizon_days=horizon,
        as_of_day=found.as_of_day,
        trained_rows=default.rows,
        events=default.events,
        rung=int(default.rung),
        badge=model.badge,
        champion=default.champion,
        decision=default.decision,
        metrics=default.held_out,
        features=tuple(FEATURES),
        fingerprint=fingerprint(
            found.invoices.select("invoice_id", "amount", "settled_day"), settings=settings
        ),
        notes=tuple(notes),
    )


def _said(model: CreditModel, outcome: str) -> str:
    """What a model of an outcome rests on, in a sentence."""
    part = model.outcomes_[outcome]
    if part.scorecard is None:
        return (
            f"{outcome}: not enough data ({part.events} events); the rate of all invoices with its interval: "
            f"{part.base.sentence('invoices')}."
        )
    return (
        f"{outcome}: {part.champion}, from {part.rows:,} invoices and {part.events:,} customers with events."
    )


def _date(day: int) -> str:
    from core.days import to_date

    return to_date(day).isoformat()
