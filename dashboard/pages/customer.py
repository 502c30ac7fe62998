"""One customer: who they are, what is expected of them, and what to do."""

from collections.abc import Sequence
from typing import ClassVar
from urllib.parse import parse_qs

import panel as pn

from dashboard.page import PAGES
from dashboard.predictions.prediction_page import PredictionPage
from dashboard.session import Session
from dashboard.view import View
from dashboard.views.customer_cards import (
    BuyAgain,
    Expectations,
    JointRecommendation,
    NewForYou,
    Picker,
    WhoTheyAre,
)
from dashboard.views.customer_charts import Balance, PaymentDelays, Purchases
from dashboard.views.customer_picture import customer_key


class Customer(PredictionPage):
    """Opened by a click on a customer anywhere; the address names the customer (``id``)."""

    slug = "customer"
    title = "Customer"
    position = 30
    in_navigation = False
    tasks = ("churn", "spend", "recommend", "credit")
    chapters: ClassVar[dict[str, tuple[str, tuple[type[View], ...]]]] = {
        "customer": (
            "Customer",
            (JointRecommendation, WhoTheyAre, Purchases, Balance, PaymentDelays, BuyAgain, NewForYou),
        )
    }

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.picker = Picker(session)
        self.picker.go_back = self._go_back
        self.expectations = Expectations(session)

    def panel(self) -> pn.viewable.Viewable:
        self._known = pn.Column(
            self.expectations.panel(),
            self._stage,
            pn.Column(
                *(
                    pn.Column(strip.panel(), sizing_mode="stretch_width", margin=(0, 0, 8, 0))
                    for strip in self.strips
                ),
                sizing_mode="stretch_width",
                margin=(16, 0),
            ),
            sizing_mode="stretch_width",
            margin=0,
        )
        return pn.Column(
            self.picker.panel(), self._known, sizing_mode="stretch_width", margin=(8, 24, 24, 24)
        )

    def visible_views(self) -> Sequence[View]:
        origin = parse_qs(self.came_from.lstrip("?")).get("page", [""])[0]
        page = PAGES.get(origin)
        self.picker.picker.came_from = page.title if page is not None else ""
        sales = self.session.sales
        is_known = sales is not None and bool((sales.customers["key"] == customer_key(self.session)).any())
        self._known.visible = is_known or sales is None
        if not is_known:
            return [self.picker]
        return [self.picker, self.expectations, *self.views_of(self.chapter()), *self.strips]

    def _go_back(self) -> None:
        """Show again what was seen before this page."""
        if self.came_from:
            self.session.restore(self.came_from)
