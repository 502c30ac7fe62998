"""Actions: whom to turn to today, for sales, marketing and finance."""

from typing import ClassVar

import panel as pn

from dashboard.predictions.prediction_page import PredictionPage
from dashboard.predictions.trust import Trust
from dashboard.session import Session
from dashboard.view import View
from dashboard.views.actions import FinanceActions, MarketingActions, SalesActions


class Actions(PredictionPage):
    """The lists people work through: owner, reason, value at stake and suggested step."""

    slug = "actions"
    title = "Actions"
    position = 9
    group = "Predictions"
    max_columns = 1
    chapters: ClassVar[dict[str, tuple[str, tuple[type[View], ...]]]] = {
        "sales": ("Sales", (SalesActions,)),
        "marketing": ("Marketing", (MarketingActions,)),
        "finance": ("Finance", (FinanceActions,)),
    }
    judged: ClassVar[dict[str, tuple[str, ...]]] = {
        "sales": ("churn", "spend"),
        "marketing": ("recommend",),
        "finance": ("credit",),
    }
    """The tasks that each list rests on."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.trust = {slug: [Trust(session, task) for task in tasks] for slug, tasks in self.judged.items()}

    def panel(self) -> pn.viewable.Viewable:
        self._places = {
            slug: pn.Column(
                *(strip.panel() for strip in strips), sizing_mode="stretch_width", margin=(8, 24, 0, 24)
            )
            for slug, strips in self.trust.items()
        }
        return pn.Column(
            *self._places.values(),
            super().panel(),
            sizing_mode="stretch_width",
            margin=0,
        )

    def visible_views(self) -> list[View]:
        chapter = self.chapter()
        for slug, place in self._places.items():
            place.visible = slug == chapter
        return [*self.trust[chapter], *self.views_of(chapter)]
