"""Whether customers are still as they were: features then and now."""

from typing import Any

import panel as pn
import polars as pl

from core.days import to_date, to_day
from core.filters import SalesFilters
from core.predictions.drift import MOVED, STABLE
from core.predictions.features import distribution, drift_between
from core.sales_data import SalesData
from core.snapshots import FEATURES
from dashboard.components.predictions import InputBar
from dashboard.session import Session
from dashboard.views.features_base import (
    DistributionFigure,
    FeatureRows,
    OffLoop,
    choose,
    chosen_feature,
    left_out,
    snapshot_of,
    titled,
)

_BACK = {30: "30 days before", 90: "90 days before", 180: "180 days before", 365: "a year before",
         730: "two years before"}  # fmt: skip
_LEAST_KNOWN = 60
"""Days of orders there must be before the earlier date."""
_TOO_SHORT = "The orders do not reach back far enough to compare with an earlier date."


def days_back(session: Session, sales: SalesData) -> int | None:
    """How far before the as-of date the other date is; None where the orders do not reach back."""
    possible = [days for days in _BACK if (sales.as_of - sales.first_day).days - days >= _LEAST_KNOWN]
    wanted = str(session.extra.get("then", ""))
    if wanted.isdigit() and int(wanted) in possible:
        return int(wanted)
    return 365 if 365 in possible else possible[-1] if possible else None


class FeatureDrift(FeatureRows):
    """How far each feature has moved."""

    slug = "feature-drift"
    title = "How far features have moved (population stability index)"
    description = (
        f"Means then and now. Below {STABLE} as it was; above {MOVED} much has changed. Click a feature."
    )
    uses = ("then",)
    wide = False
    height = 460
    first_sort = "psi"
    empty_message = _TOO_SHORT
    columns = (
        ("label", "Feature", "link"),
        ("psi_said", "Index", "text"),
        ("verdict", "Verdict", "text"),
        ("then", "Then", "number"),
        ("now", "Now", "number"),
        ("missing_then", "No value then", "share"),
        ("missing_now", "No value now", "share"),
    )
    hidden = ("feature", "group", "psi")
    tones = {"verdict": "tone"}  # noqa: RUF012

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.inputs = InputBar(on_set=self._chosen, sizing_mode="stretch_width")

    def _chosen(self, _name: str, value: Any) -> None:
        choose(self.session, then=str(value))

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        back = days_back(self.session, sales)
        if back is None:
            return pl.DataFrame()
        now = snapshot_of(self.session, sales, filters)
        then = snapshot_of(self.session, sales, filters, to_day(sales.as_of) - back)
        if now.is_empty() or then.is_empty():
            return pl.DataFrame()
        tone = {"stable": "low", "moving": "medium", "moved": "high"}
        units = {name: feature.unit for name, feature in FEATURES.items()}
        return drift_between(then, now).with_columns(
            psi_said=pl.col("psi").map_elements(lambda value: f"{value:.3f}", return_dtype=pl.String),
            tone=pl.col("verdict").replace_strict(tone),
            unit=pl.col("feature").replace_strict(units),
            customers_then=pl.lit(then.height),
            customers_now=pl.lit(now.height),
            back=pl.lit(back),
        )

    def show(self, frame: pl.DataFrame) -> None:
        super().show(frame)
        if self.inputs not in self._content.objects:
            self._content[:] = [self.inputs, *self._content.objects]
        self.inputs.fields = [
            {
                "name": "then", "label": "Compare with", "kind": "select", "value": str(frame["back"][0]),
                "options": [{"value": str(days), "text": text} for days, text in _BACK.items()],
            }
        ]  # fmt: skip

    def _sort(self, column: str) -> None:
        super()._sort("psi" if column == "psi_said" else column)

    def note(self, frame: pl.DataFrame) -> str:
        row = frame.row(0, named=True)
        sales = self.session.sales
        assert sales is not None
        then = to_date(to_day(sales.as_of) - row["back"])
        moved = frame.filter(pl.col("verdict") == "moved").height
        return (
            f"{row['customers_then']:,} customers on {then:%-d %B %Y}, {row['customers_now']:,} on "
            f"{sales.as_of:%-d %B %Y}; {moved} of {frame.height} features moved much. "
            f"{left_out(self.session)}"
        ).strip()


class FeatureThenNow(OffLoop):
    """The distribution of the chosen feature on both dates."""

    slug = "feature-then-now"
    title = "Then and now"
    description = "Share of customers by value. Bars: on the as-of date; orange: on the earlier date."
    uses = ("feature", "then")
    height = 460
    empty_message = _TOO_SHORT

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._drawn = DistributionFigure(
            "now_share", "then_share",
            (("Value", "@label"), ("Now", "@now_share{0.0%}"), ("Then", "@then_share{0.0%}")),
            behind=False, is_share=True,
        )  # fmt: skip

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        back = days_back(self.session, sales)
        if back is None:
            return pl.DataFrame()
        name = chosen_feature(self.session)
        self.sql = (FEATURES[name].source,) if FEATURES[name].source else ()
        now = snapshot_of(self.session, sales, filters)
        then = snapshot_of(self.session, sales, filters, to_day(sales.as_of) - back)
        table = distribution({"now": now[name], "then": then[name]})
        return table.with_columns(feature=pl.lit(name), back=pl.lit(back))

    def show(self, frame: pl.DataFrame) -> None:
        name = frame["feature"][0]
        figure = self._drawn.shown(frame, FEATURES[name].unit)
        pane = self._content.objects[0]
        if not (isinstance(pane, pn.pane.Bokeh) and pane.object is figure):
            self._content[:] = [pn.pane.Bokeh(figure, sizing_mode="stretch_both", margin=0)]
        self.card.title = f"{titled(name, self.session.settings.currency)}, then and now"
        self.card.sql_names = list(self.sql)

    def note(self, frame: pl.DataFrame) -> str:
        name = frame["feature"][0]
        told = "It is a value of today on both dates. " if FEATURES[name].current else ""
        sales = self.session.sales
        assert sales is not None
        then = to_date(to_day(sales.as_of) - frame["back"][0])
        return f"{told}Then: {then:%-d %B %Y}. {left_out(self.session)}".strip()
