"""Models: is each model right, is it still right, and which version is used?"""

from collections.abc import Sequence
from typing import ClassVar

import panel as pn
import param

from core.jobs.registry import TASKS
from dashboard.components import CardGrid, TabStrip
from dashboard.page import Page
from dashboard.predictions.trust import NAMES, Trust
from dashboard.session import Session
from dashboard.view import View
from dashboard.views.models_theatre import (
    Drift,
    MetricOverTime,
    ModelComparison,
    ModelFacts,
    TaskView,
    Theatre,
    Versions,
)


class Models(Page):
    """One chapter for each task: card, comparison, theatre, drift, versions."""

    slug = "models"
    title = "Models"
    position = 16
    group = "Predictions"
    views: ClassVar[tuple[type[TaskView], ...]] = (
        Theatre, ModelComparison, MetricOverTime, ModelFacts, Drift, Versions,
    )  # fmt: skip

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._views: dict[str, list[View]] = {}
        self._panels: dict[str, pn.Column] = {}
        self._stage = pn.Column(sizing_mode="stretch_width", margin=0)
        self.tabs = TabStrip(
            tabs=[{"slug": task, "title": NAMES[task].capitalize()} for task in TASKS],
            active=self._task(),
            sizing_mode="stretch_width",
        )
        self.tabs.param.watch(self._chosen, "active")
        session.on_change(self._open)
        self._open()

    def _task(self) -> str:
        return self.session.tab if self.session.tab in TASKS else TASKS[0]

    def _chosen(self, event: param.parameterized.Event) -> None:
        if event.new != self._task():
            self.session.tab = event.new

    def _open(self) -> None:
        if self.session.page != self.slug:
            return
        task = self._task()
        if task not in self._views:
            strip = Trust(self.session, task)
            cards = [view(self.session, task) for view in self.views]
            self._views[task] = [strip, *cards]
            grid = CardGrid(
                objects=[card.panel() for card in cards], max_columns=2, sizing_mode="stretch_width"
            )
            self._panels[task] = pn.Column(
                strip.panel(), pn.Column(grid, sizing_mode="stretch_width", margin=(16, 0)),
                sizing_mode="stretch_width", margin=0,
            )  # fmt: skip
            self._stage.append(self._panels[task])
        for name, panel in self._panels.items():
            panel.visible = name == task
        self.tabs.active = task

    def panel(self) -> pn.viewable.Viewable:
        return pn.Column(
            self.tabs,
            pn.Column(self._stage, sizing_mode="stretch_width", margin=(16, 0)),
            sizing_mode="stretch_width",
            margin=(8, 24, 24, 24),
        )

    def visible_views(self) -> Sequence[View]:
        return self._views.get(self._task(), [])
