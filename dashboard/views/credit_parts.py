"""What the views of the Credit page share: why nothing is shown, work that takes a moment, rows."""

import weakref
from collections.abc import Callable, Hashable
from typing import Any, ClassVar

import panel as pn
import polars as pl

from core.days import to_day
from core.errors import SalesError
from core.filters import SalesFilters
from core.jobs import LoadedModel
from core.jobs.run import DEFAULT_HORIZON
from core.model_store import open_model_store
from core.predictions import Scores, scores_on
from core.predictions.credit import BANDS, happened_after, review
from core.predictions.credit_desk import boosted_chances, boosted_outcome, credit_of, loaded_credit, source_of
from core.predictions.people import selected_customers
from core.receivables import load_matching
from core.sales.absent import what_is_needed
from core.sales_data import SalesData
from core.single_flight import SingleFlightCache
from dashboard.predictions.scored import NOT_SCORED, scores_of
from dashboard.session import Session
from dashboard.sql_page.running import ROWS, Background
from dashboard.view import View
from dashboard.views.action_parts import model_card

_REVIEWS: SingleFlightCache[pl.DataFrame] = SingleFlightCache(8)
_AFTER: SingleFlightCache[pl.DataFrame] = SingleFlightCache(6)
_LOW = 130


def loaded_of(session: Session) -> LoadedModel | None:
    """The credit model in use, with its card."""
    return loaded_credit(session.database, lambda: open_model_store(session.settings, session.database))


def horizon_of(session: Session, sales: SalesData) -> int:
    """Days whose invoices are looked at to see what happened after."""
    card = model_card(session, sales, "credit")
    return card.horizon_days if card else DEFAULT_HORIZON


def too_few(session: Session, sales: SalesData) -> str:
    """Why default cannot be predicted from these data; empty where it can."""
    card = model_card(session, sales, "credit")
    if card is None or card.bears_predictions:
        return ""
    return (
        f"{card.badge.capitalize()}: only {card.events:,} customers have ever been 60 days past due, 20 are "
        "needed.\nNobody's chance of default can be told from another's, so nobody is ranked by it. Ageing "
        "shows who owes since when."
    )


def why_not_shown(session: Session, sales: SalesData) -> str:
    """Why no chance of default is shown; empty where there is one."""
    if needed := what_is_needed(sales, ("payments",)):
        return needed
    if scores_of(session, "credit") is None:
        return NOT_SCORED
    return too_few(session, sales)


class CreditView(View):
    """A view of the page: follows names in the address, and can wait for work done off the event loop.

    Attributes
    ----------
    follows
        Names in ``session.extra`` after whose change it is brought up to date.
    predicted
        Whether it shows chances of default, and says why not where there are none.
    """

    follows: ClassVar[tuple[str, ...]] = ()
    predicted: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("payments",)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._followed: tuple[object, ...] = ()
        self._asked_for: Hashable = None
        self._done_for: Hashable = None
        self._made: Any = None
        self._background = Background(pn.state.curdoc)

    def job(self, sales: SalesData, filters: SalesFilters) -> Callable[[], Any] | None:  # noqa: ARG002
        """What to do off the event loop before ``data``; ``self.made`` holds what it gave."""
        return None

    def key(self, sales: SalesData) -> Hashable:
        """What the job depends on."""
        return id(sales), self.session.filters.key()

    @property
    def made(self) -> Any:
        """What the last job gave."""
        return self._made

    def refresh(self) -> None:
        self._bring_up_to_date()
        if "body_height" in self.card.param:  # a sentence needs less room than what it stands for
            wanted = _LOW if self.card.state == "empty" and self.height > _LOW else self.height
            if self.card.body_height != wanted:
                self.card.body_height = wanted

    def _bring_up_to_date(self) -> None:
        sales = self.session.sales
        if sales is None:
            return
        followed = tuple(self.session.extra.get(name) for name in self.follows)
        if followed != self._followed:
            self._followed, self._shown_key = followed, None
        key = self.key(sales)
        if key == self._shown_key:
            return
        if self.predicted and (why := why_not_shown(self.session, sales)):
            self._shown_key, self.frame = key, None
            self.card.param.update(state="empty", message=why, note="")
            return
        job = None if what_is_needed(sales, self.needs) else self.job(sales, self.session.filters)
        if job is None or key == self._done_for:
            super().refresh()
        elif key != self._asked_for:
            self._start(key, job)

    def _start(self, key: Hashable, job: Callable[[], Any]) -> None:
        self._asked_for, self._shown_key = key, ("waiting",)
        if self.frame is None:
            self.card.param.update(state="loading", message="", note="")

        def done(outcome: Any) -> None:
            if key != self._asked_for:
                return
            self._asked_for = None
            if isinstance(outcome, SalesError):
                self._shown_key, self.frame = key, None
                self.card.param.update(state="error", message=str(outcome))
                return
            self._made, self._done_for, self._shown_key = outcome, key, None
            with pn.io.hold():
                self.refresh()

        if pn.state.curdoc is None:  # nobody waits
            try:
                done(job())
            except SalesError as error:
                done(error)
        else:
            self._background.start(ROWS, job, done)


def newest_day(session: Session, sales: SalesData) -> int:
    """The day before which everything is known."""
    return to_day(session.newest_as_of or sales.as_of)


def after_of(session: Session, sales: SalesData, scores: Scores) -> pl.DataFrame | None:
    """What became of the invoices after the date of scores; ``None`` where nothing can be known.

    Of very large companies payments are not matched as a whole, so nothing is told.
    """
    known = newest_day(session, sales)
    if sales.is_sampled or known <= to_day(scores.as_of):
        return None
    horizon = horizon_of(session, sales)

    def make() -> pl.DataFrame:
        now = load_matching(session.database, known, sales.terms_days)
        return happened_after(now.invoices, to_day(scores.as_of), horizon, known)

    key = (*source_of(session.database), scores.as_of, known, horizon, sales.terms_days)
    return _AFTER.get(key, make)


def reviewed(session: Session, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
    """The customers that pass, as finance reviews them (``core.predictions.credit.review``); shared by all
    sessions that look at the same."""
    database, currency = session.database, session.settings.currency
    filters = filters.copy()

    def make() -> pl.DataFrame:
        scores = scores_on(database, "credit", sales.as_of)
        if scores is None:
            return pl.DataFrame()
        loaded = loaded_of(session)
        boosted = None
        if loaded is not None and scores.model_version == loaded.version.version:
            boosted = boosted_chances(database, loaded, sales)
        others = {task: scores_on(database, task, sales.as_of) for task in ("churn", "spend")}
        return review(
            selected_customers(sales, filters),
            scores.frame,
            **{task: found.frame if found else None for task, found in others.items()},
            boosted=boosted,
            after=after_of(session, sales, scores),
            currency=currency,
        )

    loaded = loaded_of(session)
    version = loaded.version.version if loaded else ""
    key = (*source_of(database), version, sales.as_of, sales.terms_days, filters.key(), currency)
    return _REVIEWS.get(key, make)


def boosted_of(session: Session) -> str:
    """The outcome that XGBoost predicts in the model in use."""
    loaded = loaded_of(session)
    return boosted_outcome(credit_of(loaded)) if loaded else ""


def bands_of(session: Session) -> list[int]:
    """The risk bands that the list is restricted to; what cannot be read is left out."""
    parts = str(session.extra.get("risk", "")).split(",")
    return [int(part) for part in parts if part.isdecimal() and int(part) < len(BANDS)]


def set_extra(session: Session, **values: str) -> None:
    """Put names of the page into the address; empty values take them out."""
    kept = {name: value for name, value in session.extra.items() if name not in values}
    found = kept | {name: value for name, value in values.items() if value}
    if found != session.extra:
        session.extra = found


_LAST: "weakref.WeakKeyDictionary[Session, str]" = weakref.WeakKeyDictionary()


def remember(session: Session, key: str) -> None:
    """The customer that was picked last, whom the desk begins with."""
    _LAST[session] = key


def remembered(session: Session) -> str:
    """The customer that was picked last; empty: nobody."""
    return _LAST.get(session, "")
