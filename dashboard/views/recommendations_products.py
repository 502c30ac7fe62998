"""What is bought together: customers also bought, bundles, and all products with what is expected of them."""

from typing import Any

import hvplot.polars  # noqa: F401
import panel as pn
import polars as pl
from bokeh.models import DataRange1d, Span
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.predictions.recommendations import (
    Associations,
    associations,
    expected_of_products,
    product_facts,
    recommender,
)
from core.sales_data import SalesData
from dashboard import theme
from dashboard.current_database import current_database
from dashboard.session import Session
from dashboard.view import Chart
from dashboard.views.action_parts import shown_date
from dashboard.views.recommendations_parts import (
    ON_OFFERS,
    PRODUCT,
    Chosen,
    Inputs,
    ProductLinks,
    choose,
    chosen,
    link,
    of_products,
    passing_offers,
    select,
    unfiltered,
    unweighed,
)

_ON_PRODUCTS = ("product", "product_line")
_MOST_LISTED = 1_000
_SHOWN = 12
_TWO_DIGITS = pl.Decimal(12, 2)
NOT_KNOWN = (
    "What was bought together up to this date is not kept, since only a sample of the lines is in memory.\n"
    "Choose a later as-of date."
)


def together(session: Session, sales: SalesData) -> Associations | None:
    """What is bought together, as known on the as-of date."""
    return associations(sales, recommender(current_database(session).models()))


def product_key(session: Session, sales: SalesData, filters: SalesFilters) -> str:
    """The product of the address, else the one bought by most customers of those that the filters leave."""
    if key := chosen(session, "item"):
        return key
    facts = of_products(product_facts(sales), filters).with_columns(
        known=pl.col("buyers").fill_null(0), often=pl.col("usual").fill_null(0.0)
    )
    return "" if facts.is_empty() else str(facts.top_k(1, by=["known", "often"])["product"][0])


def product_name(sales: SalesData, key: str) -> str:
    """What people call the product."""
    found = product_facts(sales).filter(pl.col("product") == key)["product_name"]
    return str(found[0]) if len(found) else f"product {key}"


class ProductChoice(Inputs):
    """The product shown."""

    title = "Product"
    watched = ("item",)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.link = link("Whom to offer it to", self._to_campaign)

    def panel(self) -> pn.viewable.Viewable:
        return pn.Column(self.bar, self.link, sizing_mode="stretch_width", margin=(0, 0, 12, 0))

    def _to_campaign(self) -> None:
        sales = self.session.sales
        if sales is not None:
            key = product_key(self.session, sales, self.session.filters)
            choose(self.session, "campaign", item=key, offer=f"{PRODUCT}{key}")

    def fields(self, sales: SalesData) -> list[dict[str, Any]]:
        filters = self.session.filters
        key = product_key(self.session, sales, filters)
        facts = of_products(product_facts(sales), filters)
        if facts.height > _MOST_LISTED:
            facts = facts.top_k(_MOST_LISTED, by=pl.col("buyers").fill_null(0))
        names = facts.sort("product_line", "product_name").select(
            "product", pl.format("{} · {}", pl.col("product_line"), pl.col("product_name")).alias("told")
        )
        options = list(names.iter_rows())
        if key and key not in {product for product, _told in options}:
            options.append((key, product_name(sales, key)))
        return [select("item", "Product", key, options)]


class _OfProduct(Chosen):
    """Something about the product chosen."""

    watched = ("item",)

    def found(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        """What its buyers also bought; empty with ``empty_message`` where that is not known."""
        known = together(self.session, sales)
        key = product_key(self.session, sales, filters)
        self._known = known
        if known is None:
            self.empty_message = NOT_KNOWN
            return pl.DataFrame()
        name = product_name(sales, key)
        self.card.title = f"{self.heading()}: {name}"
        self.empty_message = (
            f"Buyers of {name} buy nothing else more often than all customers do,\n"
            "as far as can be told with 95 % confidence from at least 5 common customers."
        )
        facts = product_facts(sales)
        return of_products(known.also_bought(key, facts), filters)

    def known_until(self) -> str:
        """Up to when purchases were looked at, in a sentence."""
        known = self._known
        if known is None:
            return ""
        lines = "order lines" if known.is_of_lines else "the model in use, which knows the orders"
        return f"From {lines} before {shown_date(known.known_until)}."


class AlsoBoughtList(_OfProduct, ProductLinks):
    """Products that buyers of a product also bought."""

    slug = "also-bought"
    title = "Customers also bought"
    description = (
        "Lift: how many times more buyers of the product bought it than of all customers, and at least "
        "(95 %). Click a product to choose it."
    )
    sql = ("models/purchases",)
    wide = True
    height = 470
    page_size = 10
    columns = (
        ("product_name", "Product", "link"),
        ("product_line", "Product line", "text"),
        ("lift", "Lift", "ratio"),
        ("low", "At least", "ratio"),
        ("customers", "Bought both", "integer"),
        ("buyers", "Its buyers", "integer"),
        ("price", "Usual price", "money"),
        ("margin", "Margin", "share"),
        ("stock", "In stock", "integer"),
    )
    hidden = ("product",)

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        frame = self.found(sales, filters)
        return (
            frame
            if frame.is_empty()
            else frame.with_columns(pl.col("lift", "low").cast(_TWO_DIGITS), key="product")
        )

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        sales = self.session.sales
        assert sales is not None
        key = product_key(self.session, sales, self.session.filters)
        buyers = product_facts(sales).filter(pl.col("product") == key)["buyers"]
        told = [
            f"{buyers[0]:,} customers bought {product_name(sales, key)}."
            if len(buyers) and buyers[0] is not None
            else "",
            self.known_until(),
            unfiltered(self.session.filters, _ON_PRODUCTS),
        ]
        return " ".join(part for part in told if part)


class AlsoBoughtLift(_OfProduct, Chart):
    """The lift of what is also bought, with its lower bound."""

    slug = "also-bought-lift"
    title = "Lift over all customers"
    description = (
        "Bar: at least so many times more often (95 %); dot: measured. Click a bar to choose the product."
    )
    sql = ("models/purchases",)
    height = 420
    click = ("product", "product")
    wide = True
    pale = False
    category = "product_name"
    value_axis = None
    color_by = "product_line"
    tooltips = (
        ("", "@product_name (@product_line)"),
        ("Lift", "@lift{0.00}, at least @low{0.00}"),
        ("Bought both", "@customers customers"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        frame = self.found(sales, filters)
        if frame.is_empty():
            return frame
        named = frame.unique("product_name", maintain_order=True).head(_SHOWN)
        return named.select("product_name", "product_line", "lift", "low", "customers", "product")

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.barh(
            x="product_name", y="low", line_color=None, xlabel="", ylabel="Lift", responsive=True
        )

    def restyle(self, figure: Figure) -> None:
        bars = self._front[0]
        bars.glyph.height, bars.glyph.fill_alpha = 0.62, 0.55
        figure.scatter(
            x="lift", y="product_name", source=bars.data_source, size=9, line_color=None,
            fill_color="mark_color",
        )  # fmt: skip
        figure.x_range = DataRange1d(start=0, range_padding=0.1)
        figure.add_layout(Span(location=1, dimension="height", line_color=theme.PALE, line_dash="dashed"))

    def note(self, frame: pl.DataFrame) -> str:
        least = f"The {_SHOWN} surest. " if frame.height == _SHOWN else ""
        return f"{least}Dashed: as often as all customers. {self.known_until()}"

    def _clicked(self, _attr: str, _old: list[int], indices: list[int]) -> None:
        if indices:
            source = self._front[0].data_source
            key = source.data["product"][indices[0]]
            source.selected.indices = []
            choose(self.session, item=str(key))


class Bundles(ProductLinks):
    """Products ordered together more often than habits explain."""

    slug = "bundles"
    title = "Bundles: ordered together"
    description = (
        "Pairs and triples in one order. Lift: how many times more often than the habits of each customer "
        "explain, and at least (95 % for all pairs together). Click for what else buyers of the first buy."
    )
    sql = ("models/purchases",)
    wide = True
    height = 260
    page_size = 5
    search_in = ("first", "others")
    columns = (
        ("first", "Product", "link"),
        ("others", "Ordered together with", "long"),
        ("orders", "Orders", "integer"),
        ("lift", "Lift", "ratio"),
        ("low", "At least", "ratio"),
    )
    hidden = ("products",)

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        known = together(self.session, sales)
        if known is None:
            self.empty_message = NOT_KNOWN
            return pl.DataFrame()
        self.empty_message = "No products are bought together more often than chance explains."
        found = known.bundles().with_columns(
            first=pl.col("product_names").list.first(),
            others=pl.col("product_names").list.slice(1).list.join("; "),
            key=pl.col("products").list.first(),
        )
        kept = of_products(product_facts(sales), filters)["product"].to_list()
        inside = pl.col("products").list.eval(pl.element().is_in(kept)).list.any()
        shown = found.filter(inside) if set(filters.active()) & set(_ON_PRODUCTS) else found
        if shown.is_empty() and found.height:
            self.empty_message = "No bundle holds these products."
        return shown.with_columns(
            pl.col("lift", "low").cast(_TWO_DIGITS), products=pl.col("products").list.join("; ")
        )

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        return unfiltered(self.session.filters, _ON_PRODUCTS)


class ProductList(Chosen, ProductLinks):
    """Every product, with what is expected of the customers to whom it is recommended."""

    slug = "recommended-products"
    title = "All products ({currency})"
    description = (
        "To how many customers each is recommended, and how many of them are expected to buy it. Click a "
        "product to choose it."
    )
    sql = ("models/purchases", "models/products")
    watched = ("item",)
    wide = True
    height = 540
    page_size = 12
    first_sort = "value"
    columns = (
        ("product_name", "Product", "link"),
        ("product_line", "Product line", "text"),
        ("buyers", "Buyers so far", "integer"),
        ("customers", "Recommended to", "integer"),
        ("purchases", "Expected buyers", "number"),
        ("interval", "80 %", "text"),
        ("bought", "Did buy", "integer"),
        ("value", "Expected revenue", "money"),
        ("price", "Usual price", "money"),
        ("margin", "Margin", "share"),
        ("stock", "In stock", "integer"),
    )
    hidden = ("product",)

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        facts = of_products(product_facts(sales), filters)
        self.empty_message = "No product passes these filters."
        offered = passing_offers(self.session, sales, filters)
        nothing = dict.fromkeys(("purchases", "purchases_low", "purchases_high", "value"), pl.Float64)
        found = (
            expected_of_products(offered)
            if offered is not None
            else pl.DataFrame(
                schema={"product": pl.String, "customers": pl.Int64, "bought": pl.Int64} | nothing
            )
        )
        ends = [pl.col(f"purchases_{name}").round(1).cast(pl.String) for name in ("low", "high")]
        return facts.join(found, on="product", how="left", maintain_order="left").with_columns(
            key="product", interval=pl.concat_str(ends[0], pl.lit("–"), ends[1])
        )

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        sales = self.session.sales
        assert sales is not None
        return f"{unweighed(sales)} {unfiltered(self.session.filters, ON_OFFERS)}".strip()
