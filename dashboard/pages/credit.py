"""Credit: who owes us, who will not pay, and may we grant this request?"""

from typing import ClassVar

from dashboard.predictions.prediction_page import PredictionPage
from dashboard.view import View
from dashboard.views.credit_ageing import DefaultsSoFar, MatchingQuality, PastDue
from dashboard.views.credit_desk import CreditRequest
from dashboard.views.credit_parts import too_few
from dashboard.views.credit_review import CreditFigures, ExposureByBand, LossByBand, ReviewList
from dashboard.views.credit_scorecard import (
    CreditCalibration,
    PointsSpread,
    Quality,
    ScorecardPoints,
    ThenAndAfter,
)
from dashboard.views.receivables import Ageing, DaysToPay


class Credit(PredictionPage):
    """The review list of finance, ageing, the credit desk, and how good all that is."""

    slug = "credit"
    title = "Credit"
    position = 13
    group = "Predictions"
    tasks = ("credit",)
    chapters: ClassVar[dict[str, tuple[str, tuple[type[View], ...]]]] = {
        "review": ("Review list", (CreditFigures, ReviewList, ExposureByBand, LossByBand)),
        "ageing": ("Ageing", (Ageing, DaysToPay, PastDue, MatchingQuality, DefaultsSoFar)),
        "desk": ("Credit desk", (CreditRequest,)),
        "scorecard": ("Scorecard", (Quality, ScorecardPoints, PointsSpread, CreditCalibration, ThenAndAfter)),
    }

    def chapter(self) -> str:
        """The chapter that is open; what needs no model comes first where the data cannot support one."""
        sales = self.session.sales
        if self.session.tab in self.chapters or sales is None:
            return super().chapter()
        return "ageing" if too_few(self.session, sales) else super().chapter()
