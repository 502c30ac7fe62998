"""The credit desk and what else asks the stored model: loaded once, and only the invoices that are needed."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import polars as pl

from core.database.base import Database
from core.days import to_date, to_day
from core.errors import MissingDataError
from core.jobs import LoadedModel, active_model
from core.model_store import ModelStore
from core.models.credit import Answer, Book, Ceilings, CreditDesk, CreditModel
from core.models.credit.customers import usual_requests
from core.models.credit.outcome_model import RECORD, SCORECARD, TREES
from core.models.credit.scorecard import Scorecard
from core.predictions.customer import account, ledger
from core.receivables import load_matching
from core.sales.frames import SalesData
from core.single_flight import SingleFlightCache

MEMBERS = {RECORD: "customer's record", SCORECARD: "scorecard", TREES: "XGBoost"}
"""The parts of a credit model in words."""
_MODELS: SingleFlightCache[LoadedModel | None] = SingleFlightCache(3)
_BOOSTED: SingleFlightCache[pl.DataFrame | None] = SingleFlightCache(4)
_NO_INVOICES = {
    "invoice_id": pl.Int64, "customer_id": pl.Int64, "order_day": pl.Int64, "invoice_day": pl.Int64,
    "due_day": pl.Int64, "amount": pl.Float64, "paid": pl.Float64, "open_amount": pl.Float64,
    "settled_day": pl.Int64, "first_covered_day": pl.Int64, "days_to_pay": pl.Int64,
    "days_past_due": pl.Int64, "rule": pl.String,
}  # fmt: skip


def source_of(database: Database) -> tuple[object, object]:
    """What tells one state of a database from another."""
    place = getattr(database, "url", None) or getattr(database, "file", None) or id(database)
    return place, database.data_version()


def loaded_credit(database: Database, store: Callable[[], ModelStore]) -> LoadedModel | None:
    """The credit model in use, loaded once for all sessions; ``None`` before the first training."""

    def load() -> LoadedModel | None:
        opened = store()
        return active_model(opened, "credit") if opened.active("credit") else None

    return _MODELS.get(source_of(database), load)


def credit_of(loaded: LoadedModel) -> CreditModel:
    """The model itself."""
    assert isinstance(loaded.model, CreditModel)
    return loaded.model


def boosted_outcome(model: CreditModel) -> str:
    """The outcome that trees predict: default where the data bear it, else late payment, else none ("")."""
    for outcome in ("default", "late"):
        if outcome in model.outcomes_ and model.outcomes_[outcome].trees is not None:
            return outcome
    return ""


def scorecard_of(model: CreditModel) -> tuple[str, Scorecard] | None:
    """The scorecard and its outcome: that of default, or of late payment where there are too few defaults."""
    for outcome in ("default", "late"):
        part = model.outcomes_.get(outcome)
        if part is not None and part.scorecard is not None:
            return outcome, part.scorecard
    return None


def hindsight(model: CreditModel, as_of: dt.date) -> str:
    """Why nothing is answered as of a date before the end of what the model learned from; else empty."""
    until = to_date(model.as_of_day_)
    if until <= as_of:
        return ""
    return (
        f"The model in use knows the data up to {until:%-d %B %Y}: what it would say of an earlier date "
        "would be hindsight.\nChoose that as-of date or a later one."
    )


def boosted_chances(database: Database, loaded: LoadedModel, sales: SalesData) -> pl.DataFrame | None:
    """The chance by trees alone (``boosted_outcome``) for each customer's next invoice of its mean amount.

    Returns
    -------
    customer_id, boosted; ``None`` without trees, of companies too large to be read as a whole, and where the
    model learned from what came after the as-of date.
    """
    model, day = credit_of(loaded), to_day(sales.as_of)
    outcome = boosted_outcome(model)
    if not outcome or sales.is_sampled or model.as_of_day_ > day:
        return None

    def make() -> pl.DataFrame | None:
        invoices = load_matching(database, day, sales.terms_days).invoices
        people = sales.customers.select("customer_id", pl.col("country").cast(pl.String))
        book = Book.of(invoices, people, sales.terms_days)
        requests = usual_requests(book, day, model.typical_amount_)
        frame = model.features(book, requests)
        chances = model.outcomes_[outcome].probability(frame, (TREES,))
        return frame.select("customer_id").with_columns(pl.Series("boosted", chances))

    return _BOOSTED.get((*source_of(database), loaded.version.version, sales.as_of, sales.terms_days), make)


@dataclass(frozen=True)
class Request:
    """What is asked for: an invoice of ``amount`` (currency; 0: a usual one) for a customer (its key as
    text), or for a new one (empty) of a country; and what may be risked."""

    amount: float
    customer: str = ""
    country: str = ""
    ceilings: Ceilings = field(default_factory=Ceilings)


@dataclass(frozen=True)
class Judged:
    """The answer to a request and what it rests on.

    Attributes
    ----------
    request
        What was judged; a usual amount is the customer's mean invoice, else the median of all.
    answer
        Of ``core.models.credit.CreditDesk``.
    overdue, oldest
        Of the customer: overdue (currency) and the most days that an open invoice is past due.
    invoices
        How many invoices are known of the customer.
    parts
        The chance by outcome and part of the model (of ``MEMBERS``), beside that of the champion.
    """

    request: Request
    answer: Answer
    overdue: float
    oldest: int
    invoices: int
    parts: dict[str, dict[str, float]]


def customer_id_of(sales: SalesData, key: str) -> object | None:
    """The customer with this key; ``None`` if there is none."""
    found = sales.customers.filter(pl.col("key") == key)["customer_id"]
    return found[0] if len(found) else None


def own_invoices(database: Database, sales: SalesData, customer_id: object) -> pl.DataFrame:
    """The matched invoices of one customer before the as-of date.

    Raises
    ------
    MissingDataError
        There are no payments.
    """
    found = account(
        ledger(database, sales, customer_id, sales.as_of), customer_id, sales.as_of, sales.terms_days
    )
    if found is None:
        raise MissingDataError("There are no payments.", "Load or map a table of payments.", ("payments",))
    kind = sales.customers.schema["customer_id"]
    return found.invoices.with_columns(pl.col("customer_id").cast(kind))


def judge(
    database: Database, loaded: LoadedModel, sales: SalesData, request: Request, currency: str
) -> Judged | None:
    """Judge a request as of the date of ``sales``; ``None`` if there is no such customer."""
    model, day = credit_of(loaded), to_day(sales.as_of)
    kind = sales.customers.schema["customer_id"]
    who: object | None = None
    invoices = pl.DataFrame(schema=_NO_INVOICES | {"customer_id": kind})
    if request.customer:
        who = customer_id_of(sales, request.customer)
        if who is None:
            return None
        invoices = own_invoices(database, sales, who)
    people = sales.customers.filter(
        pl.col("customer_id") == who if who is not None else pl.lit(False)
    ).select("customer_id", pl.col("country").cast(pl.String))
    desk = CreditDesk(model, invoices, people, as_of_day=day, terms_days=sales.terms_days, currency=currency)
    bills = invoices.filter(pl.col("amount") > 0)
    if request.amount <= 0:
        mean = bills["amount"].mean()
        usual = mean if isinstance(mean, float) else model.typical_amount_
        request = replace(request, amount=float(max(round(usual), 1)))
    answer = desk.ask(request.amount, who, country=request.country or None, ceilings=request.ceilings)
    open_late = bills.filter(pl.col("open_amount") > 0, pl.col("due_day") < day)
    return Judged(
        request=request,
        answer=answer,
        overdue=float(open_late["open_amount"].sum()),
        oldest=day - int(open_late["due_day"].min()) if open_late.height else 0,  # type: ignore[arg-type]
        invoices=bills.height,
        parts=_parts(model, desk, request, who),
    )


def _parts(
    model: CreditModel, desk: CreditDesk, request: Request, who: object | None
) -> dict[str, dict[str, float]]:
    asked = pl.DataFrame({"amount": [request.amount]}).with_columns(
        pl.lit(who, dtype=desk.invoices.schema["customer_id"]).alias("customer_id"),
        pl.lit(desk.as_of_day, dtype=pl.Int64).alias("day"),
        pl.lit(request.country or None, dtype=pl.String).alias("country"),
    )
    frame = model.features(Book.of(desk.invoices, desk.customers, desk.terms_days), asked)
    found: dict[str, dict[str, float]] = {}
    for outcome in ("default", "late"):
        part = model.outcomes_.get(outcome)
        if part is None or part.scorecard is None:
            continue
        is_there = {RECORD: part.record is not None, SCORECARD: True, TREES: part.trees is not None}
        found[outcome] = {
            name: float(part.probability(frame, (member,))[0])
            for member, name in MEMBERS.items()
            if is_there[member]
        }
    return found
