"""A campaign: whom to offer a product or a product line, what it brings, and whether the stock lasts."""

from typing import Any, ClassVar

import panel as pn
import polars as pl

from core.filters import SalesFilters
from core.predictions.recommendations import (
    MOST_OFFERS,
    RANKINGS,
    campaign_offers,
    campaign_rows,
    expected,
    only_products,
    stock_needed,
)
from core.sales.absent import what_is_needed
from core.sales_data import SalesData
from dashboard import theme
from dashboard.components import FigureCards
from dashboard.predictions.action_list import ActionList
from dashboard.session import Session
from dashboard.views.recommendations_parts import (
    LINE,
    ON_OFFERS,
    PRODUCT,
    Chosen,
    Inputs,
    ProductLinks,
    all_offers,
    chosen,
    interval,
    lacking,
    passing_offers,
    predicted_for,
    select,
    unfiltered,
    unweighed,
)

CHOICES = ("offer", "by", "stock", "most")
_MOST_LISTED = 400
_WHILE_IT_LASTS = "lasts"


def campaign(session: Session, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
    """The offers of the campaign that the address describes; see ``campaign_offers``."""

    def make() -> pl.DataFrame:
        offered = passing_offers(session, sales, filters)
        if offered is None:
            return pl.DataFrame()
        wanted = chosen(session, "offer")
        if wanted.startswith(LINE):
            offered = only_products(offered, lines=[wanted.removeprefix(LINE)])
        elif wanted.startswith(PRODUCT):
            offered = only_products(offered, products=[wanted.removeprefix(PRODUCT)])
        most = chosen(session, "most")
        kept = campaign_offers(offered, ranked_by(session), int(most) if most in ("1", "2") else MOST_OFFERS)
        if chosen(session, "stock") == _WHILE_IT_LASTS:
            kept = kept.filter(~pl.col("is_short").fill_null(False))
        return kept

    choice = tuple(chosen(session, name) for name in CHOICES)
    key = ("campaign", session.database.data_version(), session.newest_as_of, filters.key(), choice)
    held = sales.once("the last campaigns", dict[Any, pl.DataFrame])
    if key not in held:
        if len(held) >= 8:
            held.clear()
        held[key] = make()
    return held[key]


def ranked_by(session: Session) -> str:
    """The column by which customers and products are ranked."""
    wanted = chosen(session, "by")
    return wanted if wanted in RANKINGS else "value"


def subject(session: Session, sales: SalesData) -> str:
    """What is offered, in words."""
    wanted = chosen(session, "offer")
    if wanted.startswith(LINE):
        return f"products of {wanted.removeprefix(LINE)}"
    if wanted.startswith(PRODUCT):
        key = wanted.removeprefix(PRODUCT)
        names = sales.products.filter(pl.col("key") == key)["product_name"].to_list()
        return str(names[0]) if names and names[0] else f"product {key}"
    return "all products"


class CampaignInputs(Inputs):
    """What is offered, how customers are ranked, and what is done about stock."""

    title = "Campaign"
    watched = CHOICES

    def fields(self, sales: SalesData) -> list[dict[str, Any]]:
        wanted = chosen(self.session, "offer")
        options = [("", "All products")]
        options += [(f"{LINE}{name}", f"Product line: {name}") for name in sales.product_lines]
        options += [(f"{PRODUCT}{key}", name) for key, name in self._products(sales)]
        if wanted and wanted not in {key for key, _name in options}:
            options.append((wanted, subject(self.session, sales)))
        rankings = [(name, told.capitalize()) for name, told in RANKINGS.items()]
        if what_is_needed(sales, ("purchase prices",)):
            rankings = [pair for pair in rankings if pair[0] != "profit"]
        fields = [
            select("offer", "Offer", wanted, options),
            select("by", "Rank customers by", ranked_by(self.session), rankings),
        ]
        if not what_is_needed(sales, ("stock",)):
            stock = [("", "Mark where it runs out"), (_WHILE_IT_LASTS, "Offer only while it lasts")]
            value = _WHILE_IT_LASTS if chosen(self.session, "stock") == _WHILE_IT_LASTS else ""
            fields.append(select("stock", "Stock", value, stock))
        most = chosen(self.session, "most")
        counts = [("3", "Up to 3"), ("2", "Up to 2"), ("1", "1")]
        fields.append(select("most", "Products a customer", most if most in ("1", "2") else "3", counts))
        return fields

    def _products(self, sales: SalesData) -> list[tuple[str, str]]:
        """Keys and names of the products recommended to most customers."""
        offered = all_offers(self.session, sales)
        if offered is None:
            return []
        often = offered.group_by("product", "product_name").len().top_k(_MOST_LISTED, by="len")
        return list(often.sort("product_name").select("product", "product_name").iter_rows())


class CampaignFigures(Chosen):
    """What the campaign is expected to bring, and what it brought."""

    slug = "campaign-figures"
    title = "What the campaign is expected to bring"
    description = "Each figure with its 80 % interval."
    sql = ("models/purchases", "models/products")
    watched = CHOICES

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.cards = FigureCards(sizing_mode="stretch_width", margin=(8, 0, 16, 0))

    def panel(self) -> pn.viewable.Viewable:
        return self.cards

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        if lacking(self.session, sales):
            return pl.DataFrame()
        return campaign(self.session, sales, filters)

    def refresh(self) -> None:
        super().refresh()
        self.cards.visible = self.card.state == "ready"

    def show(self, frame: pl.DataFrame) -> None:
        sales, currency = self.session.sales, self.session.settings.currency
        assert sales is not None
        found = expected(frame)
        days = predicted_for(self.session, sales)
        offered = subject(self.session, sales)
        self.cards.caption = f"{offered[:1].upper()}{offered[1:]}. {days} Intervals hold 80 %."
        mean, low, high = found.purchases
        bought = "" if found.bought is None else f"{found.bought:,} were bought."
        figures = [
            _figure("customers", "Customers", f"{found.customers:,}", f"{found.offers:,} offers",
                    f"{found.without_chance:,} without a purchase yet: no chance is known."
                    if found.without_chance else ""),
            _figure("purchases", "Expected purchases of them", f"{mean:,.0f}", f"{low:,.0f} to {high:,.0f}",
                    bought),
            _figure("value", "Expected revenue", theme.money(found.value[0], currency),
                    f"{theme.compact_number(found.value[1])} to {theme.compact_number(found.value[2])}",
                    "Chance × usual order line."),
        ]  # fmt: skip
        if found.profit is None:
            figures.append(
                _figure("profit", "Expected gross profit", "–", "needs purchase prices", "See the Data page.")
            )
        else:
            share = found.profit / found.value[0] if found.value[0] else 0.0
            figures.append(
                _figure("profit", "Expected gross profit", theme.money(found.profit, currency),
                        f"{share:.0%} of revenue", "At current purchase prices.")
            )  # fmt: skip
        figures.append(self._pieces(sales, frame, found.pieces))
        self.cards.figures = figures

    def _pieces(self, sales: SalesData, frame: pl.DataFrame, pieces: float) -> dict[str, Any]:
        label, value = "Expected pieces", f"{pieces:,.0f}"
        if what_is_needed(sales, ("stock",)):
            return _figure("pieces", label, value, "stock is not known", "See the Data page.")
        needed = stock_needed(frame)
        short = needed.filter(pl.col("state") == "short").height
        told = f"stock of {short} of {needed.height} products runs out" if short else "the stock suffices"
        return _figure("pieces", label, value, told, "", "bad" if short else "none")


def _figure(
    key: str, label: str, value: str, change: str, note: str = "", trend: str = "none"
) -> dict[str, Any]:
    return {"key": key, "label": label, "value": value, "change": change, "note": note, "trend": trend,
            "spark": []}  # fmt: skip


class CampaignList(Chosen, ActionList):
    """The customers of the campaign."""

    slug = "campaign-customers"
    title = "Whom to offer it to ({currency})"
    description = (
        "Expected is P(bought) × usual pieces × usual price, summed over the products offered. Chance, "
        "interval and reason are those of the first product. Click a customer for their page."
    )
    sql = ("models/purchases", "models/products", "marts/customers")
    watched = CHOICES
    search_in = ("customer_name", "owner", "country", "products")
    search_label = "Search customers, owners, products"
    height = 640
    tones: ClassVar[dict[str, str]] = {"stock_state": "stock_tone"}
    columns = (
        ("customer_name", "Customer", "link"),
        ("products", "Offer", "long"),
        ("chance", "Chance", "share"),
        ("interval", "80 % interval", "text"),
        ("kind", "Kind", "text"),
        ("reason", "Why", "long"),
        ("value", "Expected", "money"),
        ("profit", "Profit", "money"),
        ("stock_state", "Stock", "text"),
        ("after", "Outcome", "text"),
        ("owner", "Owner", "text"),
    )
    below = {"chance": "interval"}  # noqa: RUF012
    optional = ("after",)
    hidden = ("key", "country", "office", "pieces", "low", "high", "value_low", "value_high")

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        if why := lacking(self.session, sales):
            self.empty_message = why
            return pl.DataFrame()
        self.empty_message = (
            f"Nobody is recommended {subject(self.session, sales)} under these filters.\n"
            "Choose another product line, or remove a filter."
        )
        kept = campaign(self.session, sales, filters)
        if kept.is_empty():
            return pl.DataFrame()
        tones = {"runs out": "medium", "enough": "low"}
        return campaign_rows(kept).with_columns(
            interval=interval("low", "high"),
            stock_tone=pl.col("stock_state").replace_strict(tones, default=""),
        )

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        sales = self.session.sales
        assert sales is not None
        told = [
            "Only products that are among the ten of a kind recommended to a customer.",
            unweighed(sales),
            "Stock runs out where the expected pieces of the customers above use it up."
            if not what_is_needed(sales, ("stock",))
            else "",
            unfiltered(self.session.filters, ON_OFFERS),
        ]
        return " ".join(part for part in told if part)


class StockNeeded(Chosen, ProductLinks):
    """Expected pieces of each product against its stock."""

    slug = "campaign-stock"
    title = "Expected pieces against stock"
    description = "The scarcest first; the interval holds 80 %. Click a product for what else its buyers buy."
    sql = ("models/purchases", "models/products")
    needs = ("stock",)
    watched = CHOICES
    wide = True
    height = 400
    page_size = 10
    tones: ClassVar[dict[str, str]] = {"state": "tone"}
    columns = (
        ("product_name", "Product", "link"),
        ("product_line", "Product line", "text"),
        ("customers", "Customers", "integer"),
        ("pieces", "Expected pieces", "integer"),
        ("pieces_high", "At most (80 %)", "integer"),
        ("stock", "In stock", "integer"),
        ("state", "Stock", "text"),
    )
    hidden = ("product", "share")

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        if why := lacking(self.session, sales):
            self.empty_message = why
            return pl.DataFrame()
        kept = campaign(self.session, sales, filters)
        self.empty_message = "Nothing is offered under these filters."
        if kept.is_empty():
            return pl.DataFrame()
        tones = {"short": "high", "tight": "medium", "enough": "low"}
        return stock_needed(kept).with_columns(
            key="product", tone=pl.col("state").replace_strict(tones, default="")
        )

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        return "Only the customers of this campaign; other orders need stock too. Stock is that of now."
