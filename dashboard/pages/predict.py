"""Predict any table: choose rows and a column, train, read how good it is, try changes, write scores back."""

from collections.abc import Sequence
from typing import Any

import panel as pn

from core.roles import Role
from dashboard.components import CardGrid
from dashboard.page import Page
from dashboard.session import Session
from dashboard.view import View
from dashboard.views.predict_charts import AgainstActual, Importance, ScoredRows
from dashboard.views.predict_desk import PredictDesk


class Predict(Page):
    """The form, then the report, charts, rows, what-if and keeping of the model trained last."""

    slug = "predict"
    title = "Predict any table"
    position = 14
    needs_sales = False
    needs = Role.ANALYST
    group = "Predictions"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.desk = PredictDesk(session, self._renewed)
        self._views = [view(session, self.desk) for view in (Importance, AgainstActual, ScoredRows)]
        charts = [view.panel() for view in self._views[:2]]
        self._report = self._grid([self.desk.report])
        self._charts = self._grid(charts, 2)
        self._rows = self._grid([self._views[2].panel()])
        self._what_if = self._grid([self.desk.what_if])
        for part in self._of_model():
            part.visible = False
        session.param.watch(self._changed, ["page", "sales"])
        session.param.watch(lambda _event: self.desk.follow(), "extra")
        self._opened()

    @staticmethod
    def _grid(objects: list[Any], columns: int = 1) -> pn.Column:
        grid = CardGrid(objects=objects, max_columns=columns, sizing_mode="stretch_width")
        return pn.Column(grid, sizing_mode="stretch_width", margin=(16, 0, 0, 0))

    def _of_model(self) -> list[pn.Column]:
        return [self._report, self._charts, self._what_if, self._rows]

    def _changed(self, _event: Any) -> None:
        self._opened()

    def _opened(self) -> None:
        if self.session.page == self.slug:
            self.desk.opened()

    def panel(self) -> pn.viewable.Viewable:
        return pn.Column(
            self._grid([self.desk.form]),
            *self._of_model(),
            self._grid([self.desk.keep]),
            sizing_mode="stretch_width",
            margin=(0, 24, 24, 24),
        )

    def _renewed(self) -> None:
        """Show another model, or none."""
        shown = self.desk.trained is not None
        for part in self._of_model():
            part.visible = shown
        if shown:
            for view in self._views:
                view.renew()

    def visible_views(self) -> Sequence[View]:
        return self._views if self.desk.trained is not None else []
