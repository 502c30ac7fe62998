"""Recommendations: what to offer to whom, campaigns, what is bought together, and how good it is."""

from typing import ClassVar

import panel as pn

from dashboard.components import CardGrid
from dashboard.predictions.prediction_page import PredictionPage
from dashboard.view import View
from dashboard.views.recommendations_campaign import (
    CampaignFigures,
    CampaignInputs,
    CampaignList,
    StockNeeded,
)
from dashboard.views.recommendations_customers import BoughtAfter, BuyAgain, CustomerChoice, NewForYou
from dashboard.views.recommendations_products import (
    AlsoBoughtLift,
    AlsoBoughtList,
    Bundles,
    ProductChoice,
    ProductList,
)
from dashboard.views.recommendations_quality import ColdStart, PastHits, RankingDifferences, RankingQuality


class Recommendations(PredictionPage):
    """Products for customers and customers for products.

    Attributes
    ----------
    heads
        By chapter: what stands above its cards.
    """

    slug = "recommendations"
    title = "Recommendations"
    position = 12
    group = "Predictions"
    tasks = ("recommend",)
    heads: ClassVar[dict[str, tuple[type[View], ...]]] = {
        "customers": (CustomerChoice,),
        "campaign": (CampaignInputs, CampaignFigures),
        "products": (ProductChoice,),
    }
    chapters: ClassVar[dict[str, tuple[str, tuple[type[View], ...]]]] = {
        "customers": ("Customers", (BuyAgain, NewForYou, BoughtAfter)),
        "campaign": ("Campaign", (CampaignList, StockNeeded)),
        "products": ("Products", (AlsoBoughtList, AlsoBoughtLift, Bundles, ProductList)),
        "quality": ("Quality", (RankingQuality, RankingDifferences, PastHits, ColdStart)),
    }

    def views_of(self, chapter: str) -> list[View]:
        if chapter not in self._views:
            heads = [view(self.session) for view in self.heads.get(chapter, ())]
            cards = [view(self.session) for view in self.chapters[chapter][1]]
            grid = CardGrid(
                objects=[card.panel() for card in cards],
                max_columns=self.max_columns,
                sizing_mode="stretch_width",
            )
            self._views[chapter] = [*heads, *cards]
            self._grids[chapter] = pn.Column(
                *(head.panel() for head in heads), grid, sizing_mode="stretch_width", margin=0
            )
            self._stage.append(self._grids[chapter])
        return self._views[chapter]
