"""Where customers are: bars and a map by country, sales offices and representatives."""

from functools import cache
from typing import Any, ClassVar

import holoviews as hv
import hvplot.polars  # noqa: F401
import polars as pl
from bokeh.models import ColumnDataSource, LogColorMapper
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.geography import country_code, country_shapes
from core.sales_data import SalesData, sales_by_dimension
from dashboard import theme
from dashboard.view import Chart

_TOOLTIPS = (
    ("", "@label"),
    ("Revenue", "@revenue{0,0}"),
    ("Gross profit", "@gross_profit{0,0}"),
    ("Orders", "@orders{0,0}"),
    ("Customers", "@customers{0,0}"),
)


class DimensionBars(Chart):
    """Bars of one measure by one dimension, largest first; a click filters by it."""

    dimension: ClassVar[str] = ""
    measure: ClassVar[str] = "revenue"
    category = "label"
    measures = ("revenue",)
    value_axis = "x"
    tooltips = _TOOLTIPS

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        frame = sales_by_dimension(sales, filters, self.dimension, skip=self.sets)
        return frame.sort(self.measure, "label", descending=[True, False])

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.barh(
            x="label",
            y=self.measure,
            color=theme.ACCENT,
            line_color=None,
            xlabel="",
            ylabel="",
            responsive=True,
        )

    def restyle(self, figure: Figure) -> None:  # noqa: ARG002
        for renderer in [*self._front, *self._back]:
            renderer.glyph.height = 0.74


class RevenueByCountry(DimensionBars):
    """Revenue by customer country."""

    slug = "revenue-by-country"
    title = "Revenue by country ({currency})"
    description = "Click a bar to keep only that country; click it again to let go."
    sql = ("eda/revenue_by_country",)
    dimension = "country"
    click = ("value", "country")
    limit = 15


class CustomersByCountry(DimensionBars):
    """Customers that bought, by country."""

    slug = "customers-by-country"
    title = "Customers who bought, by country"
    description = "Distinct customers with an order in the selection."
    sql = ("eda/customers_by_country",)
    dimension = "country"
    measure = "customers"
    click = ("value", "country")
    limit = 15


class RevenueByOffice(DimensionBars):
    """Revenue by sales office."""

    slug = "revenue-by-office"
    needs = ("employees",)
    title = "Revenue by sales office ({currency})"
    description = "By the office of the customer's current sales representative."
    sql = ("eda/offices_and_employees",)
    dimension = "office"
    click = ("value", "office")


class RevenueByRepresentative(DimensionBars):
    """Revenue by sales representative."""

    slug = "revenue-by-representative"
    needs = ("employees",)
    title = "Revenue by sales representative ({currency})"
    description = "By the customer's current representative. Click to see one person's customers."
    sql = ("eda/offices_and_employees",)
    dimension = "sales_rep"
    click = ("value", "sales_rep")
    limit = 15


class CountryMap(Chart):
    """Revenue by country on an equal-area world map; a click filters by country."""

    slug = "country-map"
    needs = ("countries",)
    title = "Revenue by country on the map ({currency})"
    description = "Darker: more revenue (logarithmic). Grey: none in the selection."
    sql = ("eda/revenue_by_country",)
    click = ("value", "country")
    pale = False
    value_axis = None
    tooltips = (("", "@place"), ("Revenue", "@revenue_text"), ("Customers", "@customers"))

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        sold = sales_by_dimension(sales, filters, "country", skip=self.sets)
        codes = pl.Series("code", [country_code(label) for label in sold["label"].to_list()], dtype=pl.Int64)
        self.unplaced = sold.filter(codes.is_null())["label"].to_list()
        sold = sold.with_columns(codes).drop_nulls("code").unique("code", keep="first", maintain_order=True)
        shapes = country_shapes()
        places = pl.DataFrame({"code": [s.code for s in shapes], "place": [s.name for s in shapes]})
        frame = places.join(sold, on="code", how="left", maintain_order="left")
        return frame.select(
            pl.col("value").fill_null(""),
            "place",
            revenue=pl.when(pl.col("revenue") > 0).then("revenue").otherwise(float("nan")),
            revenue_text=pl.col("revenue")
            .fill_null(0)
            .map_elements(lambda v: f"{v:,.0f}", return_dtype=pl.String),
            customers=pl.col("customers").fill_null(0),
        )

    def is_empty(self, frame: pl.DataFrame) -> bool:
        return frame["revenue"].is_nan().all()

    def note(self, frame: pl.DataFrame) -> str:
        return f"Not on the map: {', '.join(self.unplaced)}." if self.unplaced else super().note(frame)

    def plot(self, frame: pl.DataFrame) -> Any:  # noqa: ARG002
        first = {"x": [0, 1, 1], "y": [0, 0, 1], "holes": [[]], "revenue": 1.0, "place": ""}
        polygons = hv.Polygons([first], kdims=["x", "y"], vdims=["revenue", "place"])  # the rest is filled in
        return polygons.opts(
            color="revenue", logz=True, cmap=list(theme.SEQUENTIAL), line_width=0.4, responsive=True
        )

    @staticmethod
    def _fill(source: ColumnDataSource, frame: pl.DataFrame) -> None:
        if len(source.data["xs"]) != frame.height:
            source.data = dict(zip(("xs", "ys"), _outlines(), strict=True)) | {
                "revenue": [0.0] * frame.height
            }
        Chart._fill(source, frame)

    def restyle(self, figure: Figure) -> None:
        figure.axis.visible = False
        figure.grid.visible = False
        figure.match_aspect = True
        glyph = self._front[0].glyph
        glyph.fill_color = {"field": "revenue", "transform": glyph.fill_color.transform}
        glyph.hatch_color = theme.PALE
        glyph.line_color = theme.PALE
        glyph.line_alpha = 0.6

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:  # noqa: ARG002
        largest = frame["revenue"].fill_nan(None).max()
        smallest = frame["revenue"].fill_nan(None).min()
        mapper = self._front[0].glyph.fill_color.transform
        assert isinstance(mapper, LogColorMapper)
        mapper.update(
            low=max(float(smallest or 1) * 0.5, 1), high=float(largest or 1), nan_color=theme.NO_DATA
        )


@cache
def _outlines() -> tuple[list[Any], list[Any]]:
    """The x and y of every country as Bokeh's multi-polygons want them: by country, polygon and ring.

    Rounded to a tenth of a pixel, as lists: one message instead of hundreds of small binary frames.
    """
    by_axis = (
        [[[ring[:, axis].round(3).tolist()] for ring in shape.rings] for shape in country_shapes()]
        for axis in (0, 1)
    )
    return tuple(by_axis)  # type: ignore[return-value]
