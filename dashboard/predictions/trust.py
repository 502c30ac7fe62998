"""The strip at the top of every prediction page: what the ladder says, the measured quality, and training."""

import datetime as dt
import logging
from typing import Any

import panel as pn
import polars as pl

from core.errors import SalesError
from core.evaluation import Estimate
from core.filters import SalesFilters
from core.jobs.training_process import TrainingState
from core.predictions import TaskStatus, task_status
from core.roles import Role, require
from core.sales_data import SalesData
from dashboard.components.predictions import TrustStrip
from dashboard.current_database import CurrentDatabase, current_database
from dashboard.session import Session
from dashboard.view import View

log = logging.getLogger(__name__)

NAMES = {
    "churn": "churn",
    "spend": "spend per customer",
    "sales": "sales forecast",
    "recommend": "recommendations",
    "credit": "credit risk",
}
_TONES = {"enough data": "good", "thin": "thin"}


class Trust(View):
    """Badge, measured quality and baseline of one task; offers to train where there is no model."""

    title = "How far this can be trusted"

    def __init__(self, session: Session, task: str) -> None:
        super().__init__(session)
        self.task = task
        self.status: TaskStatus | None = None
        self.strip = TrustStrip(on_event=self._asked, sizing_mode="stretch_width", margin=(0, 0, 8, 0))
        self._document: Any = pn.state.curdoc
        self._current: CurrentDatabase = current_database(session)
        self._current.on_training(self._document, self.training_changed)

    def panel(self) -> pn.viewable.Viewable:
        return self.strip

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        self.status = task_status(self.session.database, self._current.models(), self.task)
        return pl.DataFrame({"task": [self.task], "badge": [self.status.badge]})

    def show(self, frame: pl.DataFrame) -> None:  # noqa: ARG002
        state = self._current.training.state
        if state.is_running and self.task in state.tasks:
            self.training_changed()
            return
        assert self.status is not None
        found = self.status
        if not found.is_ready:
            self._offer(state)
            return
        self.strip.param.update(
            badge=found.badge.capitalize(),
            tone=_TONES.get(found.badge, "none"),
            headline=_headline(found),
            detail=" ".join(_details(found, self.session.as_of)),
            progress=-1.0,
            actions=[{"label": "Model card", "kind": "card"}, {"label": "Train again", "kind": "train"}],
        )

    def training_changed(self) -> None:
        """Show how far training has come."""
        state = self._current.training.state
        if self.task not in state.tasks:
            return
        if not state.is_running:
            if self.status is not None:
                self.status = task_status(self.session.database, self._current.models(), self.task)
                self.show(pl.DataFrame())
            return
        first = self.status is None or not self.status.is_ready
        self.strip.param.update(
            badge="In training",
            tone="none",
            headline=f"The {NAMES[self.task]} model is being trained: {state.what}",
            detail="The page fills itself when that has ended."
            if first
            else "Until then the old scores are shown.",
            progress=state.fraction,
            actions=[{"label": "Cancel", "kind": "cancel"}],
        )

    def _offer(self, state: TrainingState) -> None:
        """No model yet: say why, and offer to train."""
        reason = state.failed.get(self.task) or (state.message if self.task in state.tasks else "")
        self.strip.param.update(
            badge="Not enough data" if self.task in state.failed else "No model",
            tone="none",
            headline=reason or f"No {NAMES[self.task]} model was trained on these data yet.",
            detail=""
            if reason
            else "Training takes about a minute on a small company; pages stay usable meanwhile.",
            progress=-1.0,
            actions=[{"label": "Train now", "kind": "train"}],
        )

    def _asked(self, event: dict[str, str]) -> None:
        try:
            if event.get("kind") == "train":
                require(Role.ADMIN, "training models")
                self._current.train([self.task])
            elif event.get("kind") == "cancel":
                require(Role.ADMIN, "training models")
                self._current.training.cancel()
            elif event.get("kind") == "card":
                self.session.param.update(page="models", tab=self.task)
        except SalesError as error:
            self.strip.param.update(headline=str(error), detail="", progress=-1.0)


def _headline(status: TaskStatus) -> str:
    measured = status.measured()
    assert status.model is not None
    if measured.value != measured.value:
        champion = status.model.card.champion
        return f"{champion[:1].upper()}{champion[1:]}; not enough past outcomes to measure it."
    told = f"{status.metric} {shown(measured)}"
    baseline = status.best_baseline()
    against = f", against {baseline[1].value:.3f} of the baseline “{baseline[0]}”" if baseline else ""
    return f"Measured on past dates: {told}{against}."


def _details(status: TaskStatus, as_of: dt.date | None) -> list[str]:
    assert status.model is not None
    card = status.model.card
    known = [day for day in status.dates if as_of is None or day <= as_of]
    counted = "months of sales" if status.task == "sales" else "events in training"
    champion = card.champion[:1].upper() + card.champion[1:]
    told = [f"{champion}, {card.events:,} {counted}."]
    if not known:
        first = status.dates[0]
        return [
            *told,
            f"No prediction was made on or before this as-of date; the first is of {first:%-d %B %Y}.",
        ]
    day = known[-1]
    until = day + dt.timedelta(days=card.horizon_days - 1)
    if status.task == "credit":
        told.append(f"Predicted on {day:%-d %B %Y} for the customers and invoices known then.")
    else:
        told.append(f"Predicted on {day:%-d %B %Y} for the {card.horizon_days} days to {until:%-d %B %Y}.")
    if not card.bears_predictions:
        told += [note[:1].upper() + note[1:] for note in card.notes[:1]]
    return told


def shown(estimate: Estimate) -> str:
    """A figure with its 95 % interval: ``0.741 [0.702, 0.778]``."""
    if estimate.low != estimate.low:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
