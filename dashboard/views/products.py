"""What is sold: product lines, prices, stock, concentration and season."""

from typing import Any, ClassVar

import hvplot.polars  # noqa: F401
import polars as pl
from bokeh.models import LinearColorMapper, Slope
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.sales_data import (
    SalesData,
    dead_stock,
    price_against_msrp,
    sales_by_dimension,
    sales_by_product,
    seasonality,
    stock_cover,
)
from dashboard import theme
from dashboard.view import Chart
from dashboard.views.places import DimensionBars
from dashboard.views.rows import PagedRows


class GrossProfitByProductLine(DimensionBars):
    """Gross profit by product line."""

    slug = "gross-profit-by-product-line"
    needs: ClassVar[tuple[str, ...]] = ("purchase prices",)
    title = "Gross profit by product line ({currency})"
    description = "At current purchase prices. Click a bar to keep only that line."
    sql = ("eda/revenue_by_product_line",)
    dimension = "product_line"
    measure = "gross_profit"
    click = ("value", "product_line")
    color_by = "label"


class RevenueByProductLine(GrossProfitByProductLine):
    """Revenue by product line."""

    slug = "revenue-by-product-line"
    needs = ()
    title = "Revenue by product line ({currency})"
    description = "Click a bar to keep only that line."
    measure = "revenue"


class VolumeByProductLine(GrossProfitByProductLine):
    """Pieces sold by product line."""

    slug = "volume-by-product-line"
    needs = ()
    title = "Volume by product line (pieces)"
    description = "Sold less returned. Click a bar to keep only that line."
    measure = "quantity"
    tooltips = (("", "@label"), ("Pieces", "@quantity{0,0}"), ("Revenue", "@revenue{0,0}"))

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        frame = sales_by_dimension(sales, filters, self.dimension, skip=self.sets)
        return frame.with_columns(pl.col("quantity").cast(pl.Float64)).sort("quantity", descending=True)


class PriceAgainstMsrp(Chart):
    """Average price of each product against its suggested retail price."""

    slug = "price-against-msrp"
    needs = ("retail prices",)
    title = "Average price against MSRP ({currency} a piece)"
    description = (
        "On the line: sold at the suggested price. Below it: discounted. Click a product to keep it."
    )
    sql = ("eda/price_against_msrp",)
    click = ("key", "product")
    pale = False
    value_axis = "both"
    color_by = "product_line"
    tooltips = (
        ("", "@product_name (@product_line)"),
        ("MSRP", "@msrp{0,0.00}"),
        ("Average price", "@average_price{0,0.00}"),
        ("of MSRP", "@price_to_msrp{0.0%}"),
        ("Revenue", "@revenue{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return price_against_msrp(sales, filters, skip=self.sets)

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.scatter(
            x="msrp",
            y="average_price",
            size=55,
            line_color=None,
            xlabel="MSRP",
            ylabel="Average price",
            responsive=True,
        )

    def restyle(self, figure: Figure) -> None:
        figure.add_layout(
            Slope(gradient=1, y_intercept=0, line_color=theme.PALE, line_dash="dashed", line_alpha=0.7)
        )


class Pareto(Chart):
    """How much of revenue the largest products make up."""

    slug = "pareto-products"
    title = "Share of revenue of the largest products"
    description = "Products from the largest to the smallest, added up. Pale: without filters."
    sql = ("eda/pareto_products",)
    click = ("key", "product")
    tooltips = (
        ("", "@product_name"),
        ("Rank", "@rank"),
        ("Revenue", "@revenue{0,0}"),
        ("Share so far", "@cumulative_share{0.0%}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        frame = sales_by_product(sales, filters, skip=self.sets)
        return frame.with_row_index("rank", offset=1)

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.scatter(
            x="rank", y="cumulative_share", color=theme.ACCENT, size=28, line_color=None,
            xlabel="Products, largest first", ylabel="", responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        theme.percent_axis(figure.yaxis)
        figure.y_range.start = 0

    def note(self, frame: pl.DataFrame) -> str:
        enough = frame.filter(pl.col("cumulative_share") < 0.8).height + 1
        share = min(enough, frame.height) / frame.height
        return f"{min(enough, frame.height)} of {frame.height} products ({share:.0%}) make 80 % of revenue."


class Seasonality(Chart):
    """Revenue by year and month of the year."""

    slug = "seasonality"
    wide = True
    title = "Season: revenue by month and year ({currency})"
    description = "Darker: more revenue. Index 1.0 is the average month of that year."
    sql = ("eda/seasonality",)
    pale = False
    value_axis = None
    height = 180
    tooltips = (("", "@month_name @year_name"), ("Revenue", "@revenue{0,0}"), ("Index", "@year_index{0.00}"))

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        known = seasonality(sales, filters).with_columns(
            year_name=pl.col("year").cast(pl.String),
            month_name=pl.col("month_of_year").replace_strict(
                dict(enumerate(theme.MONTHS, 1)), return_dtype=pl.String
            ),
        )
        years = [str(year) for year in range(sales.first_day.year, sales.last_day.year + 1)]
        cells = pl.DataFrame({"year_name": years}).join(
            pl.DataFrame({"month_name": theme.MONTHS}), how="cross"
        )
        return cells.join(
            known.select("year_name", "month_name", "revenue", "year_index"),
            on=["year_name", "month_name"], how="left", maintain_order="left",
        ).with_columns(pl.col("revenue", "year_index").fill_null(float("nan")))  # fmt: skip

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.heatmap(
            x="month_name", y="year_name", C="revenue", cmap=list(theme.SEQUENTIAL), colorbar=False,
            xlabel="", ylabel="", responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        glyph, rows = self._front[0].glyph, self._front[0].data_source.data
        glyph.fill_color = {"field": "revenue", "transform": glyph.fill_color.transform}
        glyph.line_color = None
        figure.x_range.factors = list(theme.MONTHS)
        figure.y_range.factors = sorted(set(rows["year_name"]), reverse=True)
        figure.grid.visible = False

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:  # noqa: ARG002
        mapper = self._front[0].glyph.fill_color.transform
        assert isinstance(mapper, LinearColorMapper)
        largest = frame["revenue"].fill_nan(None).max()
        mapper.update(low=0, high=float(largest or 1), nan_color=theme.NO_DATA)


class StockCover(Chart):
    """The products that run out first."""

    slug = "stock-cover"
    needs = ("stock",)
    title = "Stock cover: products that run out first (days)"
    description = "Current stock over the daily sales of the last 365 days."
    sql = ("marts/products",)
    subject = "stock"
    category = "product_name"
    click = ("key", "product")
    color_by = "product_line"
    pale = False
    value_axis = "x"
    tooltips = (
        ("", "@product_name (@product_line)"),
        ("Stock cover", "@stock_cover_days{0,0} days"),
        ("In stock", "@quantity_in_stock{0,0}"),
        ("Sold in 365 days", "@quantity_365{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        frame = stock_cover(sales, filters, skip=self.sets).drop_nulls("stock_cover_days")
        return frame.unique("product_name", keep="first", maintain_order=True).head(14)

    def is_empty(self, frame: pl.DataFrame) -> bool:
        return frame.is_empty()

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.barh(
            x="product_name", y="stock_cover_days", line_color=None, xlabel="", ylabel="", responsive=True
        )

    def restyle(self, figure: Figure) -> None:  # noqa: ARG002
        self._front[0].glyph.height = 0.74


class DeadStock(PagedRows):
    """Products in stock that nobody bought for a year."""

    slug = "dead-stock"
    needs = ("stock",)
    title = "Dead stock: nothing sold in 365 days ({currency})"
    description = "What lies in the warehouse unsold, the most expensive first, at current purchase prices."
    sql = ("marts/products",)
    subject = "stock"
    page_size = 10
    empty_message = "No dead stock: everything in stock was sold within the last 365 days."
    columns = (
        ("product_name", "Product", "text"),
        ("product_line", "Product line", "text"),
        ("quantity_in_stock", "In stock", "integer"),
        ("stock_value", "Value", "money"),
        ("last_sold", "Last sold", "date"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return dead_stock(sales, filters)
