"""What the views of the Features page share: work in threads, the features chosen, the customers selected."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import panel as pn
import polars as pl
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure as Figure  # noqa: N812

from core.days import to_day
from core.errors import SalesError
from core.filters import SalesFilters
from core.predictions.features import customer_snapshot, group_name
from core.predictions.people import selected_customers
from core.sales_data import SalesData
from core.snapshots import FEATURES, GROUPS
from dashboard import theme
from dashboard.predictions.action_list import ActionList, text_of
from dashboard.session import Session
from dashboard.sql_page.running import Background
from dashboard.view import Chart, View

log = logging.getLogger(__name__)

SNAPSHOTS = ThreadPoolExecutor(2, thread_name_prefix="features")
FIRST, OTHER = "recency_days", "revenue_365"
_NOT_OF_CUSTOMERS = ("period", "product_line", "product")


class OffLoop(View):
    """A view whose rows are computed in a thread: features of many customers take longer than a click may.

    ``uses`` are the parameters of the address it depends on; a change of another one does not concern it.
    """

    uses: ClassVar[tuple[str, ...]] = ("feature",)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._document = pn.state.curdoc
        self._work = Background(self._document)

    def refresh(self) -> None:
        sales = self.session.sales
        if sales is None:
            return
        chosen = tuple(self.session.extra.get(name) for name in self.uses)
        key = (id(sales), self.session.filters.key(), chosen)
        if key == self._shown_key:
            return
        self._shown_key = key
        if self.frame is None:
            self.card.state = "loading"
        filters = self.session.filters.copy()
        if self._document is None:
            self._arrived(key, self._answered(sales, filters))
        else:
            self._work.start(
                SNAPSHOTS,
                lambda: self._answered(sales, filters),
                lambda outcome: self._arrived(key, outcome),
            )

    def _answered(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame | SalesError:
        try:
            return self.data(sales, filters)
        except SalesError as error:
            return error

    @pn.io.hold()
    def _arrived(self, key: tuple[object, ...], outcome: pl.DataFrame | SalesError) -> None:
        """Show what was computed, unless something else was asked for meanwhile."""
        if key != self._shown_key:
            return
        if isinstance(outcome, SalesError):
            self.card.param.update(state="error", message=str(outcome))
            return
        try:
            if self.is_empty(outcome):
                self.card.param.update(state="empty", message=self.empty_message, note="")
            else:
                self.show(outcome)
                self.card.param.update(state="ready", message="", note=self.note(outcome))
            self.frame = outcome
        except Exception:
            log.exception("view %s failed", self.slug)
            told = "This could not be drawn. Everything else goes on; the cause is in the server log."
            self.card.param.update(state="error", message=told)

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        return left_out(self.session)


def chosen_feature(session: Session, name: str = "feature", otherwise: str = FIRST) -> str:
    """The feature of the address, if there is one of that name."""
    found = str(session.extra.get(name, ""))
    return found if found in FEATURES else otherwise


def choose(session: Session, **chosen: str) -> None:
    """Put something chosen on the page into the address."""
    session.extra = {**session.extra, **chosen}


def known_snapshot(session: Session, as_of_day: int) -> pl.DataFrame:
    """The snapshot of all customers on a day."""
    return customer_snapshot(session.database, as_of_day, session.settings.payment_terms_days)


def snapshot_of(
    session: Session, sales: SalesData, filters: SalesFilters, as_of_day: int | None = None
) -> pl.DataFrame:
    """The snapshot of the customers that pass the filters, on the as-of date or another day."""
    day = to_day(sales.as_of) if as_of_day is None else as_of_day
    frame = known_snapshot(session, day)
    if not filters.active(skip=_NOT_OF_CUSTOMERS):
        return frame
    kept = selected_customers(sales, filters).select(pl.col("customer_id").cast(frame.schema["customer_id"]))
    return frame.join(kept, on="customer_id", how="semi")


def left_out(session: Session) -> str:
    """The filters that do not apply to customers, in a sentence."""
    names = [name for name in session.filters.active() if name in _NOT_OF_CUSTOMERS]
    told = " or ".join(name.replace("_", " ") for name in names)
    return f"Not filtered by {told}: features describe customers as a whole." if told else ""


def titled(name: str, currency: str) -> str:
    """The label of a feature as a heading, with its unit."""
    feature = FEATURES[name]
    label = f"{feature.label[:1].upper()}{feature.label[1:]}"
    return f"{label} ({currency})" if feature.unit == "currency" else label


class DistributionFigure:
    """Bars of one feature, with marks of another set of customers; numbers upright, text sideways.

    Each of the two figures is made with hvPlot once, and patched afterwards.
    """

    def __init__(
        self, value: str, other: str, tooltips: tuple[tuple[str, str], ...], *, behind: bool, is_share: bool
    ) -> None:
        self.value, self.other, self.tooltips = value, other, tooltips
        self.behind, self.is_share = behind, is_share
        self._made: dict[bool, tuple[Figure, ColumnDataSource]] = {}

    def shown(self, frame: pl.DataFrame, unit: str) -> Figure:
        """The figure with the rows of ``frame`` (``core.predictions.features.distribution``)."""
        numeric = "middle" in frame.columns
        if numeric not in self._made:
            self._made[numeric] = self._numbers(frame) if numeric else self._words(frame)
        figure, source = self._made[numeric]
        Chart._fill(source, frame)
        if numeric:
            figure.xaxis[0].axis_label = {"currency": "", "share": "share", "ratio": ""}.get(unit, unit)
        else:
            figure.y_range.factors = frame["label"].to_list()[::-1]
        return figure

    def _numbers(self, frame: pl.DataFrame) -> tuple[Figure, ColumnDataSource]:
        import hvplot.polars  # noqa: F401

        element = frame.hvplot.bar(
            x="middle", y=self.value, color=theme.ACCENT, line_color=None, xlabel="", ylabel="",
            responsive=True,
        )  # fmt: skip
        figure, source, bars = self._styled(element, "both")
        bars.glyph.width = "width"
        if self.behind:
            back = figure.vbar(
                x="middle", top=self.other, width="width", source=source, fill_color=theme.PALE,
                fill_alpha=theme.PALE_ALPHA, line_color=None, level="underlay",
            )  # fmt: skip
        else:
            back = figure.line(x="middle", y=self.other, source=source, line_color=theme.SECOND, line_width=2)
            figure.scatter(x="middle", y=self.other, source=source, size=6, color=theme.SECOND)
        back.nonselection_glyph = back.selection_glyph = None
        figure.y_range.start = 0
        return figure, source

    def _words(self, frame: pl.DataFrame) -> tuple[Figure, ColumnDataSource]:
        import hvplot.polars  # noqa: F401

        element = frame.hvplot.barh(
            x="label", y=self.value, color=theme.ACCENT, line_color=None, xlabel="", ylabel="",
            responsive=True,
        )  # fmt: skip
        figure, source, bars = self._styled(element, "x")
        bars.glyph.height = 0.74
        if self.behind:
            figure.hbar(
                y="label", right=self.other, height=0.74, source=source, fill_color=theme.PALE,
                fill_alpha=theme.PALE_ALPHA, line_color=None, level="underlay",
            )  # fmt: skip
        else:
            figure.scatter(
                x=self.other, y="label", source=source, marker="dash", angle=1.5708, size=13,
                line_width=2.5, line_color=theme.SECOND,
            )  # fmt: skip
        figure.x_range.start = 0
        return figure, source

    def _styled(self, element: Any, value_axis: str) -> tuple[Figure, ColumnDataSource, Any]:
        import holoviews as hv
        from bokeh.models import DataRange1d, FactorRange

        figure: Figure = hv.render(element, backend="bokeh")
        theme.style_figure(figure, value_axis=value_axis)
        for axis in ("x_range", "y_range"):
            if not isinstance(getattr(figure, axis), FactorRange):
                setattr(figure, axis, DataRange1d(range_padding=0.04))
        source = ColumnDataSource()
        bars = figure.renderers[0]
        bars.data_source = source
        bars.nonselection_glyph = bars.selection_glyph = bars.hover_glyph = bars.muted_glyph = None
        bars.glyph.fill_alpha = 1.0 if self.behind else 0.6
        if self.is_share:
            axes = figure.xaxis if value_axis == "x" else figure.yaxis
            theme.percent_axis(axes)
        figure.toolbar.tools = [theme.hover(self.tooltips, renderers=[bars])]
        return figure, source, bars


def text_by_unit(value: object, unit: str) -> str:
    """A value of a feature as people read it; – where nothing is known."""
    if value is None:
        return "–"
    if not isinstance(value, int | float):
        return str(value)
    if unit == "currency":
        return f"{value:,.0f}"
    if unit == "share":
        return f"{value:.1%}"
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"


def in_groups(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of features, those of a business group together."""
    place = pl.col("group").replace_strict({group: at for at, group in enumerate(GROUPS)})
    return frame.sort(place, maintain_order=True)


class FeatureRows(OffLoop, ActionList):
    """A list with one row per feature (``feature``, ``unit``, ``group``); a click on one chooses it."""

    selectable = False
    search_in = ("label", "feature", "group_name")
    search_label = "Search features"
    page_size = 60

    def show(self, frame: pl.DataFrame) -> None:
        names = pl.col("group").replace_strict({group: group_name(group) for group in GROUPS})
        super().show(frame.with_columns(key=pl.col("feature"), group_name=names))

    def _turn(self, page: int) -> None:
        """Show a page, every value in the unit of its feature."""
        super()._turn(page)
        assert self.list is not None
        assert self._found is not None
        rows = {row["key"]: row for row in self._found.to_dicts()}
        self.list.rows = [line | {"cells": self._cells(rows[line["key"]])} for line in self.list.rows]

    def _cells(self, row: dict[str, Any]) -> list[str]:
        told = []
        for name, _title, kind in self.columns:
            if kind == "number":
                told.append(text_by_unit(row[name], row["unit"]))
            else:
                told.append(text_of(row["group_name"] if name == "group" else row[name], kind))
        return told

    def _asked(self, event: dict[str, Any]) -> None:
        if event.get("kind") == "open" and event.get("key") in FEATURES:
            choose(self.session, feature=str(event["key"]))
        else:
            super()._asked(event)
