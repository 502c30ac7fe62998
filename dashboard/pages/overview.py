"""Overview: how the business does, at a glance."""

from collections.abc import Sequence

import panel as pn

from dashboard.components import CardGrid
from dashboard.page import Page
from dashboard.session import Session
from dashboard.view import View
from dashboard.views.figures import DataStatus, KeyFigures
from dashboard.views.places import RevenueByCountry
from dashboard.views.products import RevenueByProductLine
from dashboard.views.timeline import RevenueTimeline


class Overview(Page):
    """Key figures, revenue over time and by place and product, and the state of the data."""

    slug = "overview"
    title = "Overview"
    position = 1

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.views = [
            view(session)
            for view in (KeyFigures, RevenueTimeline, RevenueByCountry, RevenueByProductLine, DataStatus)
        ]

    def panel(self) -> pn.viewable.Viewable:
        figures, *charts = (view.panel() for view in self.views)
        grid = CardGrid(objects=charts, max_columns=2, sizing_mode="stretch_width", margin=(16, 0))
        return pn.Column(figures, grid, sizing_mode="stretch_width", margin=(8, 24))

    def visible_views(self) -> Sequence[View]:
        return self.views
