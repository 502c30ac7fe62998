"""What the views of the Churn page share: why nothing is shown, waiting for work, the list of risks."""

import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import panel as pn
import polars as pl

from core.errors import SalesError
from core.filters import SalesFilters
from core.model_store import ModelVersion, open_model_store
from core.predictions import Scores, outcomes_after
from core.predictions.churn import risk_list
from core.predictions.people import selected_customers
from core.sales_data import SalesData
from dashboard.predictions.scored import NOT_SCORED, scores_of
from dashboard.session import Session
from dashboard.sql_page.running import ROWS, Background
from dashboard.view import View

DEFAULT_HORIZON = 90
_KEPT = 6


def model_of(session: Session) -> ModelVersion | None:
    """The churn model in use."""
    return open_model_store(session.settings, session.database).active("churn")


def horizon_of(session: Session) -> int:
    """Days that predictions look ahead."""
    version = model_of(session)
    return version.card.horizon_days if version else DEFAULT_HORIZON


def why_not_shown(session: Session) -> str:
    """Why no prediction is shown as of the session's date; empty when there are predictions."""
    version = model_of(session)
    if version is None or scores_of(session, "churn") is None:
        return NOT_SCORED
    if not version.card.bears_predictions:
        return (
            f"Not enough data: {version.card.events:,} events (customers with the rarer outcome) are known, "
            "20 are needed.\nNobody's risk can be told from another's. Retention shows what is known."
        )
    return ""


class ChurnView(View):
    """A view of the page: follows names in the address, and can wait for work done off the event loop.

    Attributes
    ----------
    follows
        Names in ``session.extra`` after whose change it is brought up to date.
    predicted
        Whether it shows predictions, and says why not where there are none.
    """

    follows: ClassVar[tuple[str, ...]] = ()
    predicted: ClassVar[bool] = True

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._followed: tuple[object, ...] = ()
        self._work_key: Hashable = None
        self._work_done: Hashable = None
        self._made: Any = None
        self._background = Background(pn.state.curdoc)

    def work(self, sales: SalesData) -> tuple[Hashable, Callable[[], Any]] | None:  # noqa: ARG002
        """A key, and what to do once for it; ``self._made`` holds what it gave."""
        return None

    def refresh(self) -> None:
        sales = self.session.sales
        if sales is None:
            return
        followed = tuple(self.session.extra.get(name) for name in self.follows)
        if followed != self._followed:
            self._followed, self._shown_key = followed, None
        if (id(sales), self.session.filters.key()) == self._shown_key:
            return
        if self.predicted and (why := why_not_shown(self.session)):
            self._shown_key = (id(sales), self.session.filters.key())
            self.frame = None
            self.card.param.update(state="empty", message=why, note="")
            return
        asked = self.work(sales)
        if asked is None or asked[0] == self._work_done:
            super().refresh()
        elif asked[0] != self._work_key:
            self._start(*asked)

    def _start(self, key: Hashable, job: Callable[[], Any]) -> None:
        self._work_key, self._shown_key = key, ("waiting",)
        self.card.param.update(state="loading", message="", note="")

        def done(outcome: Any) -> None:
            if key != self._work_key:
                return
            if isinstance(outcome, SalesError):
                self.card.param.update(state="error", message=str(outcome))
                return
            self._made, self._work_done, self._shown_key = outcome, key, None
            with pn.io.hold():
                super(ChurnView, self).refresh()

        if pn.state.curdoc is None:  # nobody waits
            try:
                done(job())
            except SalesError as error:
                done(error)
        else:
            self._background.start(ROWS, job, done)


@dataclass
class ChurnState:
    """What the views of one session share."""

    sales: SalesData | None = None
    risks: dict[Hashable, pl.DataFrame] = field(default_factory=dict)


_STATES: "weakref.WeakKeyDictionary[Session, ChurnState]" = weakref.WeakKeyDictionary()


def outcomes_of(session: Session, scores: Scores) -> pl.DataFrame | None:
    """What happened in the horizon of scores; ``None`` while it is not over."""
    newest, horizon = session.newest_as_of, horizon_of(session)
    if newest is not None and (newest - scores.as_of).days < horizon:
        return None
    return outcomes_after(session.database, scores.as_of, horizon)


def risks(
    session: Session, sales: SalesData, filters: SalesFilters, skip: tuple[str, ...] = ()
) -> pl.DataFrame:
    """The customers that pass, with their risk and what to do (``core.predictions.churn.risk_list``)."""
    state = _STATES.setdefault(session, ChurnState())
    if state.sales is not sales:
        state.sales, state.risks = sales, {}
    kept, key = state.risks, (filters.key(), skip)
    if key not in kept:
        scores = scores_of(session, "churn")
        if scores is None:
            return pl.DataFrame()
        spend, credit = scores_of(session, "spend"), scores_of(session, "credit")
        same_day = spend is not None and spend.as_of == scores.as_of
        kept[key] = risk_list(
            selected_customers(sales, filters, skip),
            scores.frame,
            spend=spend.frame if spend is not None and same_day else None,
            credit=credit.frame if credit is not None and credit.as_of == scores.as_of else None,
            after=outcomes_of(session, scores),
            currency=session.settings.currency,
        )
        while len(kept) > _KEPT:
            del kept[next(iter(kept))]
    return kept[key]


def predicted_for(session: Session) -> str:
    """The window of the scores shown, in words."""
    scores = scores_of(session, "churn")
    if scores is None:
        return ""
    return f"Predicted on {scores.as_of:%-d %B %Y} for the {horizon_of(session)} days from then."
