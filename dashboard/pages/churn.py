"""Churn: who may not order again, whom a campaign pays for, who comes back, and how far to trust it."""

from dashboard.predictions.prediction_page import PredictionPage
from dashboard.views.churn_campaign import CampaignDesk, CampaignList, ProfitCurve
from dashboard.views.churn_parts import model_of
from dashboard.views.churn_quality import Calibration, Lift, QualityByDate, ThenAndAfter
from dashboard.views.churn_retention import ActiveCustomers, CohortTriangle, Silence
from dashboard.views.churn_risk import RiskBands, RiskByCountry, RiskFigures, RiskList
from dashboard.views.churn_what_if import WhatIf


class Churn(PredictionPage):
    """The chance that customers do not order within the horizon, and what to do about it."""

    slug = "churn"
    title = "Churn"
    group = "Predictions"
    position = 11
    tasks = ("churn",)
    chapters = {  # noqa: RUF012
        "risk": ("Risk", (RiskFigures, RiskList, RiskBands, RiskByCountry)),
        "campaign": ("Campaign", (CampaignDesk, ProfitCurve, CampaignList)),
        "retention": ("Retention", (CohortTriangle, ActiveCustomers, Silence)),
        "quality": ("Quality", (QualityByDate, ThenAndAfter, Calibration, Lift)),
        "what-if": ("What if", (WhatIf,)),
    }

    def _open_chapter(self) -> None:
        super()._open_chapter()
        for slug, grid in self._grids.items():  # the style sheet of components outranks ``visible``
            grid.styles = {} if slug == self.chapter() else {"display": "none"}

    def chapter(self) -> str:
        """The chapter that is open; what needs no model comes first where the data cannot support one."""
        if self.session.tab in self.chapters:
            return self.session.tab
        version = model_of(self.session)
        return "retention" if version is not None and not version.card.bears_predictions else "risk"
