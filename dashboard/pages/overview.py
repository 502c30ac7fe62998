"""Overview: how the business does, at a glance, and what to do today."""

from collections.abc import Sequence

import panel as pn

from dashboard.components import CardGrid
from dashboard.page import Page
from dashboard.session import Session
from dashboard.view import View
from dashboard.views.actions import MissingModels, TopChurnRisks, TopExposures, TopOffers
from dashboard.views.actions_forecast import SalesOutlook
from dashboard.views.figures import DataStatus, KeyFigures
from dashboard.views.places import RevenueByCountry
from dashboard.views.products import RevenueByProductLine
from dashboard.views.timeline import RevenueTimeline

_LEAST_COLUMN = 300


class Overview(Page):
    """Key figures, today's actions, revenue and its forecast, and the state of the data."""

    slug = "overview"
    title = "Overview"
    position = 1

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.figures = KeyFigures(session)
        self.missing = MissingModels(session, ("churn", "spend", "credit", "recommend", "sales"))
        self.actions = [view(session) for view in (TopChurnRisks, TopExposures, TopOffers)]
        self.charts = [
            view(session)
            for view in (RevenueTimeline, SalesOutlook, RevenueByCountry, RevenueByProductLine, DataStatus)
        ]

    def panel(self) -> pn.viewable.Viewable:
        actions = CardGrid(
            objects=[view.panel() for view in self.actions],
            max_columns=3,
            min_column=_LEAST_COLUMN,
            sizing_mode="stretch_width",
            margin=(16, 0, 0, 0),
        )
        charts = CardGrid(
            objects=[view.panel() for view in self.charts],
            max_columns=2,
            sizing_mode="stretch_width",
            margin=(16, 0),
        )
        return pn.Column(
            self.figures.panel(),
            self.missing.panel(),
            actions,
            charts,
            sizing_mode="stretch_width",
            margin=(8, 24),
        )

    def visible_views(self) -> Sequence[View]:
        return [self.figures, self.missing, *self.actions, *self.charts]
