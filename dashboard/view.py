"""The base of every view: one chart or table in a card, made once per session and then patched.

A view says what it shows (``data``) and how it looks (``plot``); everything else is done here, once: the
Bokeh figure and its sources, the pale unfiltered total behind it, clicks and brushes that become filters, the
states (loading, ready, empty, error), and what the card offers (SQL, rows, full screen).
"""

import datetime as dt
import logging
from typing import Any, ClassVar

import numpy as np
import panel as pn
import polars as pl
import polars.selectors as cs
from bokeh.events import SelectionGeometry
from bokeh.models import (
    BoxAnnotation,
    BoxSelectTool,
    ColumnDataSource,
    DataRange1d,
    FactorRange,
    GlyphRenderer,
    Line,
    TapTool,
)
from bokeh.plotting import figure as Figure  # noqa: N812

from core.days import month_end
from core.errors import SalesError
from core.filters import SalesFilters
from core.observing import observed
from core.pinned_filters import NO_FILTERS as NO_FILTERS
from core.pinned_filters import without_choices
from core.sales.absent import what_is_needed
from core.sales_data import SalesData, ignored_filters
from core.sql_files import read_sql
from dashboard import theme
from dashboard.components import ViewCard
from dashboard.session import Session
from dashboard.sql_page.files import safe_for_spreadsheets

log = logging.getLogger(__name__)

REGISTRY: dict[str, type["View"]] = {}
_SHAPES = ("xs", "ys")
_SHORT = 250
EMPTY_MESSAGE = "Nothing matches these filters.\nRemove one above, or choose a longer period."


class View:
    """One card. Subclasses set the class attributes and write ``data`` and ``show``.

    Attributes
    ----------
    slug, title, description
        Name in addresses, heading (subject and unit), and one sentence on how to read it.
    sql
        Names of the queries behind it, shown to the reader.
    subject
        What the numbers are about (``core.sales_data.ignored_filters``): filters that cannot apply to it are
        named below the chart while they are set.
    needs
        What the data must hold (``core.sales.absent.NEEDS``); where they do not, the card says how to get it.
    """

    slug: ClassVar[str] = ""
    title: ClassVar[str] = ""
    description: ClassVar[str] = ""
    sql: ClassVar[tuple[str, ...]] = ()
    empty_message: ClassVar[str] = EMPTY_MESSAGE
    height: ClassVar[int] = 320
    wide: ClassVar[bool] = False
    subject: ClassVar[str] = "sales"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.slug:
            REGISTRY[cls.slug] = cls

    def __init__(self, session: Session) -> None:
        self.session = session
        self._shown_key: tuple[object, ...] | None = None
        self.frame: pl.DataFrame | None = None
        self._content = pn.Column(pn.Spacer(), sizing_mode="stretch_both", margin=0)
        self.card = ViewCard(
            content=self._content,
            title=self.heading(),
            description=self.description,
            body_height=self.height,
            wide=self.wide,
            sql_names=list(self.sql),
            slug=self.slug,
            on_request=self._answer,
        )

    def heading(self) -> str:
        """The title with the currency put in."""
        return self.title.replace("{currency}", self.session.settings.currency)

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        """The rows to show: pure, asks ``core`` and nothing else."""
        raise NotImplementedError

    def show(self, frame: pl.DataFrame) -> None:
        """Draw ``frame``, or patch what is already drawn."""
        raise NotImplementedError

    def is_empty(self, frame: pl.DataFrame) -> bool:
        """Whether there is nothing to see in ``frame``."""
        return frame.is_empty()

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        """A remark on the numbers shown; by default the filters that do not apply."""
        unused = ignored_filters(self.session.filters, self.subject)
        names = " or ".join(name.replace("_", " ") for name in unused)
        return f"Not filtered by {names}: these figures are not split that way." if unused else ""

    @property
    def drawn(self) -> bool:
        """Whether it has been drawn in this session (or tried to)."""
        return self._shown_key is not None

    def panel(self) -> pn.viewable.Viewable:
        """The card to put on a page."""
        return self.card

    def refresh(self) -> None:
        """Bring the view up to date with its session; does nothing when it already is.

        An error is shown in this card only and logged.
        """
        sales = self.session.sales
        if sales is None:
            return
        key = (id(sales), self.session.filters.key())
        if key == self._shown_key:
            return
        self._shown_key = key
        with observed("view", self.slug or type(self).__name__):
            self._refresh(sales)

    def _refresh(self, sales: SalesData) -> None:
        try:
            if needed := what_is_needed(sales, self.needs):
                self.frame = None
                self.card.param.update(state="empty", message=needed, note="")
                return
            frame = self.data(sales, self.session.filters)
            if self.is_empty(frame):
                self.card.param.update(state="empty", message=self.empty_message, note="")
            else:
                self.show(frame)
                self.card.param.update(state="ready", message="", note=self.note(frame))
            self.frame = frame
        except SalesError as error:
            self.card.param.update(state="error", message=str(error))
        except Exception:
            log.exception("view %s failed", self.slug)
            self.card.param.update(
                state="error",
                message="This could not be drawn. Everything else goes on; the cause is in the server log.",
            )

    def _answer(self, request: dict[str, str]) -> dict[str, Any]:
        if request.get("kind") == "sql":
            sales = self.session.sales
            day = f" with as_of_day = {sales.as_of.isoformat()}" if sales is not None else ""
            return {
                "kind": "sql",
                "note": f"Run{day}; the filters are then applied to the result in memory.",
                "files": [{"name": name, "text": read_sql(name).text} for name in self.sql],
            }
        if request.get("kind") == "picture":
            chips = "; ".join(label for _, _, label in self.session.filters.chips(self.session.names()))
            source = self.session.status() + (f" · {chips}" if chips else "")
            return {"kind": "picture", "name": f"{self.slug or 'chart'}.png", "source": source}
        if request.get("kind") == "embed":
            return {"kind": "embed", "slug": self.slug, "query": self._embed_query()}
        frame = self.frame if self.frame is not None else pl.DataFrame()
        flat = frame.select(pl.exclude(pl.List, pl.Struct)).with_columns(cs.float().round(4))
        text = safe_for_spreadsheets(flat).write_csv()
        return {"kind": "rows", "name": f"{self.slug}.csv", "text": text}

    def _embed_query(self) -> dict[str, str]:
        """Filters, as-of date and parameters of its page, as the address of the embedded view takes them."""
        as_of = {"as_of": self.session.as_of.isoformat()} if self.session.as_of is not None else {}
        extra = {name: str(value) for name, value in self.session.extra.items() if value}
        return extra | as_of | self.session.filters.to_query()


def _column(series: pl.Series) -> Any:
    """A column as Bokeh wants it: lists of text, numpy numbers, datetimes in milliseconds."""
    if series.dtype == pl.Date:
        return series.cast(pl.Datetime("ms")).to_numpy(writable=True)
    if series.dtype.is_numeric():
        if series.null_count():  # a null within a list would be drawn as 0 by the browser, NaN is a gap
            series = series.cast(pl.Float64).fill_null(float("nan"))
        # short columns travel within the message, long ones as a binary frame of their own
        return series.to_list() if len(series) < _SHORT else series.to_numpy(writable=True)
    return series.cast(pl.String).to_list() if series.dtype != pl.List else series.to_list()


class Chart(View):
    """A view whose content is one Bokeh figure, designed by ``plot`` with hvPlot and then patched.

    Attributes
    ----------
    click
        ``(column, filter)``: a click on a mark toggles its value of ``column`` in that filter.
    brush
        ``filter``: dragging along the x axis sets it (dates for ``period``).
    category
        Column of the categorical axis. With ``pale`` its factors keep the order of the unfiltered rows.
    limit
        Most categories shown: the largest of all without filters.
    pale
        Whether the unfiltered total is drawn pale behind.
    value_axis
        Axis with amounts: "x", "y", "both" or None.
    color_by
        Column of product lines that colours the marks.
    measures
        Columns of amounts: where all are zero there is nothing to see.
    tooltips
        (label, "@column{format}") of what a mark says when pointed at.
    """

    click: ClassVar[tuple[str, str] | None] = None
    brush: ClassVar[str | None] = None
    category: ClassVar[str | None] = None
    limit: ClassVar[int | None] = None
    pale: ClassVar[bool] = True
    value_axis: ClassVar[str | None] = "y"
    color_by: ClassVar[str | None] = None
    measures: ClassVar[tuple[str, ...]] = ()
    tooltips: ClassVar[tuple[tuple[str, str], ...]] = ()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.figure: Figure | None = None
        self._front: list[GlyphRenderer] = []
        self._back: list[GlyphRenderer] = []
        self._background_of: int | None = None
        self._band: BoxAnnotation | None = None
        self._categories_in_all = 0

    @property
    def sets(self) -> tuple[str, ...]:
        """The filters this chart sets; it skips them when it filters itself."""
        return tuple(name for name in ((self.click or ("", ""))[1], self.brush) if name)

    def plot(self, frame: pl.DataFrame) -> Any:
        """A HoloViews object made with hvPlot; called once per session."""
        raise NotImplementedError

    def restyle(self, figure: Figure) -> None:
        """A last touch on the Bokeh figure after it was made; called once."""

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:
        """What must follow the data other than the sources, such as a colour scale."""

    def note(self, frame: pl.DataFrame) -> str:
        told = super().note(frame)
        if self.limit is not None and self._categories_in_all > self.limit:
            told = f"The {self.limit} largest of {self._categories_in_all}; the download has all. {told}"
        return told.strip()

    def is_empty(self, frame: pl.DataFrame) -> bool:
        return frame.is_empty() or (
            bool(self.measures) and not any((frame[name].fill_null(0) != 0).any() for name in self.measures)
        )

    def show(self, frame: pl.DataFrame) -> None:
        sales = self.session.sales
        assert sales is not None
        background = frame
        if self.pale:  # the same for every session and every click
            base = without_choices(self.session.filters)
            background = sales.once(("unfiltered", self.slug, base.key()), lambda: self.data(sales, base))
        if self.limit is not None:
            self._categories_in_all = background.height
            background = background.head(self.limit)
        rows = self._aligned(frame, background)
        if self.figure is None:
            self._build(rows, background)
        else:
            if self._background_of != id(sales) or not self.pale:
                self._set_factors(background)
            if self._background_of != id(sales):
                for renderer in self._back:
                    self._fill(renderer.data_source, background)
            for renderer in self._front:
                self._fill(renderer.data_source, rows)
        self._background_of = id(sales)
        assert self.figure is not None
        self._move_band()
        self.repaint(self.figure, rows)

    def _move_band(self) -> None:
        """Mark the chosen period behind lines (bars show it by their strength)."""
        if self._band is None:
            return
        period = self.session.filters.values_of("period")
        if period:
            left, right = (dt.datetime.combine(day, dt.time()) for day in period)
            self._band.update(left=left, right=right, visible=True)
        else:
            self._band.visible = False

    def _aligned(self, frame: pl.DataFrame, background: pl.DataFrame) -> pl.DataFrame:
        """``frame`` in the row order of ``background``, empty categories kept, with the colours of marks."""
        if self.category is not None and self.pale:
            order = background.select(self.category)
            frame = order.join(frame, on=self.category, how="left", maintain_order="left")
        if self.click is not None:
            column, name = self.click
            chosen = self.session.filters.values_of(name)
            lit = pl.col(column).cast(pl.String).is_in(list(chosen)) if chosen else pl.lit(True)
            frame = frame.with_columns(mark_alpha=pl.when(lit).then(1.0).otherwise(theme.MUTED_ALPHA))
        elif self.brush == "period" and "month" in frame.columns:
            frame = frame.with_columns(mark_alpha=self._inside_period())
        if self.color_by is not None:
            colors = theme.category_colors(self._categories())
            frame = frame.with_columns(
                mark_color=pl.col(self.color_by).cast(pl.String).replace_strict(colors, default=theme.ACCENT)
            )
        return frame

    def _categories(self) -> list[str]:
        sales = self.session.sales
        assert sales is not None
        return sales.product_lines

    def _inside_period(self) -> pl.Expr:
        period = self.session.filters.values_of("period")
        if not period:
            return pl.lit(1.0)
        start, end = period
        inside = (pl.col("month").dt.month_end() >= start) & (pl.col("month") <= end)
        return pl.when(inside).then(1.0).otherwise(theme.MUTED_ALPHA)

    def _build(self, rows: pl.DataFrame, background: pl.DataFrame) -> None:
        import holoviews as hv

        figure: Figure = hv.render(self.plot(rows), backend="bokeh")
        theme.style_figure(figure, value_axis=self.value_axis)
        self._front = [r for r in figure.renderers if isinstance(r, GlyphRenderer)]
        for axis in ("x_range", "y_range"):
            if not isinstance(getattr(figure, axis), FactorRange):
                setattr(figure, axis, DataRange1d(range_padding=0.04))
        self.figure = figure
        self._set_factors(background)
        for renderer in self._front:
            glyph = renderer.glyph
            for part in ("fill_alpha", "line_alpha"):
                if "mark_alpha" in rows.columns and hasattr(glyph, part) and not isinstance(glyph, Line):
                    setattr(glyph, part, "mark_alpha")
            if "mark_color" in rows.columns:
                glyph.fill_color = "mark_color"
            self._fill(renderer.data_source, rows)
            renderer.nonselection_glyph = renderer.selection_glyph = None
            renderer.muted_glyph = renderer.hover_glyph = None
        if self.pale:
            self._add_background(figure, background)
        if self.brush == "period" and isinstance(self._front[0].glyph, Line):
            self._band = BoxAnnotation(
                fill_color=theme.ACCENT, fill_alpha=0.1, line_color=None, visible=False
            )
            figure.add_layout(self._band)
        self._add_tools(figure)
        self.restyle(figure)
        self._content[:] = [pn.pane.Bokeh(figure, sizing_mode="stretch_both", margin=0)]

    def _add_background(self, figure: Figure, background: pl.DataFrame) -> None:
        for renderer in list(self._front):
            source = ColumnDataSource()
            self._fill(source, background)
            glyph = renderer.glyph.clone()
            for part, value in (
                ("fill_color", theme.PALE), ("line_color", theme.PALE),
                ("fill_alpha", theme.PALE_ALPHA), ("line_alpha", theme.PALE_ALPHA),
            ):  # fmt: skip
                if hasattr(glyph, part):
                    setattr(glyph, part, value)
            back = figure.add_glyph(source, glyph)
            back.nonselection_glyph = back.selection_glyph = None
            back.level = "underlay"
            self._back.append(back)

    def _set_factors(self, background: pl.DataFrame) -> None:
        if self.category is None or self.figure is None:
            return
        factors = background[self.category].cast(pl.String).to_list()
        if isinstance(self.figure.y_range, FactorRange):
            self.figure.y_range.factors = factors[::-1]
        elif isinstance(self.figure.x_range, FactorRange):
            self.figure.x_range.factors = factors

    @staticmethod
    def _fill(source: ColumnDataSource, frame: pl.DataFrame) -> None:
        """Put ``frame`` into ``source``; columns that are not in it (shapes) stay as they are."""
        columns = {name: _column(frame[name]) for name in frame.columns}
        if not set(_SHAPES) & set(source.data):
            source.data = columns
            return
        known = {name: values for name, values in columns.items() if name in source.data}
        source.patch({name: [(slice(0, len(values)), values)] for name, values in known.items()})
        for name in columns.keys() - known.keys():
            source.add(columns[name], name)

    def _add_tools(self, figure: Figure) -> None:
        tools: list[Any] = []
        if self.tooltips:
            tools.append(theme.hover(self.tooltips, renderers=self._front))
        if self.click is not None:
            tools.append(TapTool(renderers=self._front))
            for renderer in self._front:
                renderer.data_source.selected.on_change("indices", self._clicked)
        if self.brush is not None:
            select = BoxSelectTool(dimensions="width", persistent=False)
            tools.append(select)
            figure.on_event(SelectionGeometry, self._brushed)
            if self.brush == "period":
                tools.append(TapTool(renderers=self._front))
                for renderer in self._front:
                    renderer.data_source.selected.on_change("indices", self._month_clicked)
        figure.toolbar.tools = tools
        if self.brush is not None:
            figure.toolbar.active_drag = select
        figure.toolbar.active_scroll = None

    def _clicked(self, _attr: str, _old: list[int], indices: list[int]) -> None:
        if not indices or self.click is None:
            return
        column, name = self.click
        value = next(
            (
                r.data_source.data[column][i]
                for r in self._front
                for i in indices[:1]
                if r.data_source.selected.indices
            ),
            None,
        )
        for renderer in self._front:
            renderer.data_source.selected.indices = []
        if value is not None:
            self.session.filters.toggle(name, value.item() if isinstance(value, np.generic) else value)

    def _month_clicked(self, _attr: str, _old: list[int], indices: list[int]) -> None:
        if len(indices) != 1:
            return
        months = self._front[0].data_source.data["month"]
        for renderer in self._front:
            renderer.data_source.selected.indices = []
        first = months[indices[0]].astype("datetime64[D]").item()
        self.session.filters.toggle("period", (first, month_end(first)))

    def _brushed(self, event: SelectionGeometry) -> None:
        if not event.final or self.brush is None or event.geometry["type"] != "rect":
            return  # a click selects a point, which is handled elsewhere
        for renderer in self._front:
            renderer.data_source.selected.indices = []
        low, high = sorted((event.geometry["x0"], event.geometry["x1"]))
        if self.brush == "period":
            chosen: tuple[Any, Any] = (_day_of(low).replace(day=1), month_end(_day_of(high)))
        else:
            chosen = (max(0.0, float(round(low))), max(0.0, float(round(high))))
        setattr(self.session.filters, self.brush, chosen)


def in_the_middle(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with ``middle``, where its months are drawn: a drag across a bar then means that month."""
    return frame.with_columns(middle=pl.col("month").dt.offset_by("14d"))


def _day_of(milliseconds: float) -> dt.date:
    return (dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=milliseconds)).date()
