"""One customer: what they will likely buy again, what may be new for them, and what they bought after."""

import datetime as dt
from typing import ClassVar

import panel as pn
import polars as pl

from core.days import to_day
from core.filters import SalesFilters
from core.predictions import scores_on
from core.predictions.customer import customer_row, find_customers, ledger, only_customer
from core.predictions.people import selected_customers
from core.predictions.recommendations import TASK, expected
from core.sales_data import SalesData
from dashboard.components.customer import CustomerPicker
from dashboard.predictions.action_list import open_customer
from dashboard.session import Session
from dashboard.views.action_parts import shown_date
from dashboard.views.recommendations_parts import (
    Chosen,
    ProductLinks,
    all_offers,
    choose,
    chosen,
    data_end,
    horizon_of,
    interval,
    lacking,
    link,
    of_products,
    outcome_text,
    predicted_for,
    unfiltered,
    unweighed,
)
from dashboard.views.rows import PagedRows

_ON_PRODUCTS = ("product", "product_line", "customer")


def customer_key(session: Session, sales: SalesData, filters: SalesFilters) -> str:
    """The customer of the address, else the only one that the filters leave, else the largest of those."""
    if key := chosen(session, "id"):
        return key
    if only := only_customer(sales, filters):
        return only
    people = selected_customers(sales, filters)
    return "" if people.is_empty() else str(people.top_k(1, by="revenue_365")["key"][0])


class CustomerChoice(Chosen):
    """The name of the customer shown and a search for others."""

    title = "Customer"
    watched = ("id",)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.picker = CustomerPicker(
            heading="Customer", on_event=self._asked, sizing_mode="stretch_width", margin=0
        )

    def panel(self) -> pn.viewable.Viewable:
        to_page = link("Everything about this customer", self._to_page)
        return pn.Column(self.picker, to_page, sizing_mode="stretch_width", margin=(0, 0, 12, 0))

    def _to_page(self) -> None:
        sales = self.session.sales
        if sales is not None:
            open_customer(self.session, customer_key(self.session, sales, self.session.filters))

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        key = customer_key(self.session, sales, filters)
        known = customer_row(sales, key)
        told = {"heading": "Customer", "detail": "", "message": ""}
        if known is None:
            told["message"] = (
                f"There is no customer {key!r} in these data on {shown_date(sales.as_of)}.\n"
                "Search by name or number."
                if key
                else "No customer passes these filters.\nSearch by name or number, or remove a filter."
            )
        else:
            orders = known["orders"] or 0
            parts = [
                f"Customer {key}",
                *(str(known[name]) for name in ("city", "country") if known.get(name)),
                f"owner {known['owner']}",
                f"{orders:,} orders, the last on {shown_date(known['last_order'])}"
                if orders
                else "no order yet",
            ]
            if not chosen(self.session, "id") and only_customer(sales, filters) is None:
                parts.append("the largest of the selection: search for another")
            told |= {"heading": str(known["customer_name"]), "detail": " · ".join(parts)}
        return pl.DataFrame(told)

    def show(self, frame: pl.DataFrame) -> None:
        self.picker.param.update(**frame.row(0, named=True))

    def _asked(self, event: dict[str, str]) -> None:
        sales = self.session.sales
        if event.get("kind") == "open":
            choose(self.session, id=event.get("key", ""))
        elif event.get("kind") == "search" and sales is not None:
            text = str(event.get("text", "")).strip()
            found = [
                {
                    "key": row["key"],
                    "name": row["customer_name"],
                    "detail": f"{row['country']} · {row['key']}",
                }
                for row in find_customers(sales, text).iter_rows(named=True)
            ]
            self.picker.param.update(found=found, asked=text)


class _OffersOfCustomer(Chosen, ProductLinks):
    """The recommended products of one kind."""

    watched = ("id",)
    kind: ClassVar[str] = ""
    sql = ("models/purchases", "models/products")
    wide = True
    height = 430
    page_size = 10
    columns = (
        ("product_name", "Product", "link"),
        ("product_line", "Product line", "text"),
        ("score", "Chance", "share"),
        ("interval", "80 % interval", "text"),
        ("reasons", "Why", "long"),
        ("value", "Expected", "money"),
        ("price", "Usual price", "money"),
        ("margin", "Margin", "share"),
        ("stock", "In stock", "integer"),
        ("after", "Outcome", "text"),
    )
    below = {"score": "interval"}  # noqa: RUF012
    optional = ("after",)
    hidden = ("product", "low", "high", "rank")

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        if why := lacking(self.session, sales):
            self.empty_message = why
            return pl.DataFrame()
        found = all_offers(self.session, sales)
        assert found is not None
        key = customer_key(self.session, sales, filters)
        self.empty_message = self.nothing(sales, key)
        self._mine = of_products(found.filter(pl.col("key") == key, pl.col("kind") == self.kind), filters)
        return self._mine.sort("rank").select(
            "product", "product_name", "product_line", "score", "low", "high", "reasons", "value", "price",
            "margin", "stock", "rank", key="product", interval=interval("low", "high"), after=outcome_text(),
        )  # fmt: skip

    def nothing(self, sales: SalesData, key: str) -> str:
        """Why the list is empty."""
        known = customer_row(sales, key)
        if known is not None and not known["orders"]:
            return "This customer has not bought anything yet:\nwhat to start with is below."
        return "Nothing of this kind is recommended, or nothing passes the filters on products."

    def note(self, frame: pl.DataFrame) -> str:
        sales = self.session.sales
        assert sales is not None
        told = [predicted_for(self.session, sales)]
        whole = expected(self._mine)
        if self._mine["score"].count():
            said = f"Of these {frame.height}, {whole.purchases[0]:.1f}"
            told.append(
                f"{said} are expected to be bought."
                if whole.bought is None
                else f"{said} were expected to be bought, and {whole.bought} were."
            )
        else:
            told.append("No chance can be said of customers without a purchase.")
        told += [unweighed(sales), unfiltered(self.session.filters, _ON_PRODUCTS)]
        return " ".join(part for part in told if part)


class BuyAgain(_OffersOfCustomer):
    """What the customer will likely buy again."""

    slug = "recommended-buy-again"
    title = "Buy again ({currency})"
    description = (
        "Products they bought before, by the chance of an order within the horizon. Expected is the chance × "
        "what an order line usually brings."
    )
    kind = "buy again"


class NewForYou(_OffersOfCustomer):
    """What the customer never bought and may like."""

    slug = "recommended-new"
    title = "New for you ({currency})"
    description = "Products they never bought, with what speaks for them. Click one for who else buys it."
    kind = "new"
    height = 590


class BoughtAfter(Chosen, PagedRows):
    """What the customer bought after the day of the prediction, and whether it had been recommended."""

    slug = "recommended-and-bought"
    title = "What they bought after ({currency})"
    description = "Order lines from the day of the prediction on, with the place in the lists above."
    sql = ("marts/order_lines",)
    watched = ("id",)
    wide = True
    height = 320
    page_size = 10
    columns = (
        ("day", "Order date", "date"),
        ("product_name", "Product", "text"),
        ("product_line", "Product line", "text"),
        ("quantity", "Pieces", "integer"),
        ("revenue", "Revenue", "money"),
        ("place", "Had been recommended", "text"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        self.empty_message = lacking(self.session, sales)
        found = scores_on(self.session.database, TASK, sales.as_of)
        if self.empty_message or found is None:
            return pl.DataFrame()
        end, days = data_end(self.session, sales), horizon_of(self.session, sales)
        until = min(end, found.as_of + dt.timedelta(days=days))
        known = customer_row(sales, customer_key(self.session, sales, filters))
        if end <= found.as_of:
            self.empty_message = (
                f"The {days} days from {shown_date(found.as_of)} on are still to come.\n"
                "Choose an earlier as-of date to see what was recommended then, and bought."
            )
            return pl.DataFrame()
        if known is None:
            self.empty_message = "No customer is chosen."
            return pl.DataFrame()
        self.empty_message = f"Nothing was bought before {shown_date(until)}."
        lines = ledger(self.session.database, sales, known["customer_id"], end).lines
        offered = all_offers(self.session, sales)
        assert offered is not None
        places = offered.filter(pl.col("key") == str(known["key"])).select(
            "product", place=pl.format("{}, place {}", "kind", "rank")
        )
        after = lines.filter(pl.col("order_day").is_between(to_day(found.as_of), to_day(until) - 1))
        self._window = (found.as_of, until, end < found.as_of + dt.timedelta(days=days))
        kept = of_products(after, filters).join(places, on="product", how="left", maintain_order="left")
        return kept.select(
            "quantity", "revenue", "product_line",
            day=pl.col("order_day").cast(pl.Int32).cast(pl.Date),
            product_name=pl.coalesce("product_name", "product"),
            place=pl.col("place").fill_null("no"),
        )  # fmt: skip

    def note(self, frame: pl.DataFrame) -> str:
        first, until, is_open = self._window
        products = frame.unique("product_name")
        hits = products.filter(pl.col("place") != "no").height
        last = shown_date(until - dt.timedelta(days=1))
        told = (
            f"{shown_date(first)} to {last}: {products.height} products bought, {hits} of them recommended."
        )
        return f"{told} The horizon is not over yet." if is_open else told
