"""Features: what the models know of customers on a date."""

from typing import ClassVar

from dashboard.predictions.prediction_page import PredictionPage
from dashboard.session import Session
from dashboard.view import View
from dashboard.views import features_charts, features_customer, features_drift, features_table

_TABS = ".sd-tabs { overflow: auto hidden; } .sd-tabs button { white-space: nowrap; margin-bottom: 0; }"
"""Five tabs are wider than a phone: they are moved with a finger."""


class Features(PredictionPage):
    """The customer snapshot as of a date: distributions, relations, drift, one customer, and all of it."""

    slug = "features"
    title = "Features"
    position = 15
    group = "Predictions"
    chapters: ClassVar[dict[str, tuple[str, tuple[type[View], ...]]]] = {
        "distributions": (
            "Distributions",
            (
                features_charts.FeaturePicker,
                features_charts.FeatureDistribution,
                features_charts.FeatureMeaning,
                features_charts.FeatureSummary,
            ),
        ),
        "relations": (
            "Relations",
            (features_charts.RelationChoice, features_charts.Correlations, features_charts.FeatureRelation),
        ),
        "drift": ("Drift", (features_drift.FeatureDrift, features_drift.FeatureThenNow)),
        "customer": (
            "Customer",
            (
                features_customer.CustomerChoice,
                features_customer.CustomerStanding,
                features_customer.CustomerTimeline,
            ),
        ),
        "table": ("Table", (features_table.FeatureTable,)),
    }

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.tabs.stylesheets = [_TABS]
