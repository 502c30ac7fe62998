"""What is known and expected of one customer, in figures and plain sentences."""

import datetime as dt
from typing import Any, ClassVar

import panel as pn
import polars as pl

from core.filters import SalesFilters
from core.predictions.actions import COLLECT, GROW, HOLD
from core.predictions.customer import find_customers, largest_customers, next_order_window, payment_delays
from core.predictions.reasons import each_reason
from core.sales_data import SalesData
from dashboard import theme
from dashboard.components import FigureCards
from dashboard.components.customer import CustomerPicker, CustomerStory
from dashboard.predictions.action_list import ActionList, open_customer
from dashboard.session import Session
from dashboard.views.action_parts import Prepared, amount, shown_date
from dashboard.views.customer_picture import CustomerPicture, customer_key, picture

_TONES = {GROW: "good", HOLD: "thin", COLLECT: "bad"}
_MEANS = {
    GROW: "Sell more to this customer: they pay, and they will likely order again.",
    HOLD: "Keep credit and effort as they are.",
    COLLECT: "Ask for what is overdue before selling more on credit.",
}
_PRODUCTS_SAID = 4


class OfCustomer(Prepared):
    """A view of the customer that the address asks for; filters do not apply to it."""

    empty_message = "Nothing is known of this."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._key_shown: str | None = None

    def refresh(self) -> None:
        key = customer_key(self.session)
        if key != self._key_shown:
            self._key_shown = key
            self._shown_key = None
        super().refresh()

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        found = picture(self.session, sales)
        return pl.DataFrame() if found is None else self.of(found)

    def of(self, found: CustomerPicture) -> pl.DataFrame:
        """What to show of a customer."""
        raise NotImplementedError

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        return ""

    @property
    def currency(self) -> str:
        """The code of every amount."""
        return self.session.settings.currency

    def money(self, value: float | None) -> str:
        """An amount, shortened; – where it is not known."""
        return "–" if value is None else theme.money(value, self.currency)


class Picker(OfCustomer):
    """The name of the customer, a search for others and the way back."""

    title = "Customer"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.picker = CustomerPicker(
            heading="Customer", on_event=self._asked, sizing_mode="stretch_width", margin=(0, 0, 16, 0)
        )
        self.go_back: Any = None

    def panel(self) -> pn.viewable.Viewable:
        return self.picker

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        key = customer_key(self.session)
        found = picture(self.session, sales)
        told: dict[str, str] = {"heading": "Customer", "detail": "", "message": ""}
        if found is not None:
            known = found.known
            parts = [str(known[name]) for name in ("city", "country") if known.get(name)]
            told |= {
                "heading": str(known["customer_name"]),
                "detail": " · ".join([f"Customer {known['key']}", *parts]),
            }
        elif key:
            told["message"] = (
                f"There is no customer {key!r} in these data on {shown_date(sales.as_of)}.\n"
                "Search by name or number, or choose a later as-of date."
            )
        else:
            names = largest_customers(sales, 3)["customer_name"].to_list()
            told["message"] = f"Choose a customer: search by name or number, such as {' or '.join(names)}."
        return pl.DataFrame(told)

    def show(self, frame: pl.DataFrame) -> None:
        self.picker.param.update(**frame.row(0, named=True))

    def _asked(self, event: dict[str, str]) -> None:
        kind, sales = event.get("kind"), self.session.sales
        if kind == "open":
            open_customer(self.session, event.get("key", ""))
        elif kind == "back" and self.go_back is not None:
            self.go_back()
        elif kind == "search" and sales is not None:
            text = str(event.get("text", "")).strip()
            rows = find_customers(sales, text).iter_rows(named=True)
            self.picker.param.update(
                found=[
                    {
                        "key": row["key"],
                        "name": row["customer_name"],
                        "detail": f"{row['country']} · {row['key']}",
                    }
                    for row in rows
                ],
                asked=text,
            )


class WhoTheyAre(OfCustomer):
    """Name, place, who looks after them, and what they have bought."""

    slug = "customer-facts"
    title = "Who they are"
    description = "As known on the as-of date; owner, office and credit limit are current."
    sql = ("marts/customers",)
    height = 440

    def of(self, found: CustomerPicture) -> pl.DataFrame:
        known, scored = found.known, found.scored
        orders = known["orders"] or 0
        rows = [
            ("Contact", known["contact_name"] or "–"),
            ("Place", ", ".join(str(p) for p in (known["city"], known["country"]) if p) or "–"),
            ("Owner", known["owner"]),
            ("Office", known["office"]),
            ("Customer since", shown_date(known["first_order"]) if known["first_order"] else "no order yet"),
            ("Last order", shown_date(known["last_order"]) if known["last_order"] else "–"),
            ("Orders", f"{orders:,} ({known['orders_365'] or 0:,} in 365 days)"),
            ("Revenue, 365 days", amount(known["revenue_365"], self.currency)),
            ("Revenue, all time", amount(known["revenue"], self.currency)),
            ("Mean order", amount(known["revenue"] / orders if orders else None, self.currency)),
            ("Credit limit", amount(known["credit_limit"], self.currency)),
        ]
        if found.now is not None:
            late = payment_delays(found.now)
            paid = late.filter(pl.col("state").str.starts_with("paid"))
            share = (paid["state"] == "paid late").mean() if paid.height else None
            told = "–" if share is None else f"{share:.0%} of {paid.height:,} invoices"
            rows.append(("Paid late", told))
        if scored["exposure"] is not None and known["credit_limit"] is not None:
            left = known["credit_limit"] - scored["exposure"]
            told = amount(abs(left), self.currency)
            rows.append(("Credit left", told if left >= 0 else f"exceeded by {told}"))
        return pl.DataFrame(rows, schema=["label", "value"], orient="row")

    def show(self, frame: pl.DataFrame) -> None:
        if not len(self._content) or not isinstance(self._content[0], CustomerStory):
            self._content[:] = [CustomerStory(sizing_mode="stretch_both")]
        self._content[0].facts = frame.to_dicts()


class JointRecommendation(OfCustomer):
    """Grow, hold or collect, why, and what happened after."""

    slug = "customer-recommendation"
    title = "Joint recommendation"
    description = (
        "Grow, hold or collect: orders, spend and payments weighed together. "
        "Reasons count orders that were cancelled later, too."
    )
    sql = ("marts/invoices", "marts/payments")
    height = 440

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.story: CustomerStory | None = None

    def of(self, found: CustomerPicture) -> pl.DataFrame:
        rows: list[dict[str, Any]] = [
            {"section": "", "line": line, "word": found.advice} for line in found.reasons
        ]
        for title, lines in self._sections(found):
            rows += [{"section": title, "line": line, "word": found.advice} for line in lines]
        return pl.DataFrame(rows, schema={"section": pl.String, "line": pl.String, "word": pl.String})

    def _sections(self, found: CustomerPicture) -> list[tuple[str, list[str]]]:
        scored = found.scored
        sections = [
            ("What happened after", after_sentences(found, self.currency)),
            ("What drives the risk of no order", each_reason(scored["churn_reason"])),
            ("What drives the expected spend", each_reason(scored["spend_reason"])),
            ("What drives the credit risk", each_reason(scored["credit_reason"])),
        ]
        return [(title, lines) for title, lines in sections if lines]

    def show(self, frame: pl.DataFrame) -> None:
        if self.story is None:
            self.story = CustomerStory(sizing_mode="stretch_both")
            self._content[:] = [self.story]
        word = frame["word"][0]
        sections = frame.group_by("section", maintain_order=True).agg("line")
        self.story.param.update(
            word=word.capitalize(),
            tone=_TONES[word],
            lead=_MEANS[word],
            sections=[{"title": title, "lines": lines} for title, lines in sections.iter_rows()],
        )


def after_sentences(found: CustomerPicture, currency: str) -> list[str]:
    """What happened after the prediction, as far as it is known; empty at the end of the data."""
    told = []
    after = found.afterwards
    if after is not None and found.data_end > after.first:
        last = min(after.until, found.data_end) - dt.timedelta(days=1)
        until = f"by {shown_date(last)}" + ("" if after.is_over else " (the horizon is not over yet)")
        if after.ordered:
            assert after.first_order is not None
            times = "once" if after.orders == 1 else f"{after.orders} times"
            told.append(
                f"They ordered {times} for {amount(after.revenue, currency)} {until}, first on "
                f"{shown_date(after.first_order)}."
            )
            offered = set(found.offers["product_name"]) if found.offers.height else set()
            bought = [name for name in after.products if name in offered]
            if offered:
                names = ", ".join(bought[:_PRODUCTS_SAID]) + (
                    " and more" if len(bought) > _PRODUCTS_SAID else ""
                )
                told.append(
                    f"{len(bought)} of the {len(after.products)} products they bought had been recommended"
                    + (f": {names}." if bought else ".")
                )
        else:
            told.append(f"They did not order {until}.")
    if found.now is not None and found.later is not None:
        told += _payments_after(found, currency)
    return told


def _payments_after(found: CustomerPicture, currency: str) -> list[str]:
    """What became of the invoices that were open on the as-of date."""
    assert found.now is not None
    assert found.later is not None
    were_open = found.now.invoices.filter(pl.col("open_amount") > 0, pl.col("amount") > 0)
    if were_open.is_empty():
        return []
    later = found.later.invoices.select("invoice_id", still="open_amount", late="days_past_due")
    both = were_open.join(later, on="invoice_id", how="left")
    owed, still = float(both["open_amount"].sum()), float(both["still"].fill_null(0.0).sum())
    late = both["late"].max()
    worst = f"; the slowest was {late} days past due" if isinstance(late, int) and late > 0 else ""
    until = shown_date(found.data_end - dt.timedelta(days=1))
    return [
        f"Of the {amount(owed, currency)} that was open, {amount(max(owed - still, 0.0), currency)} was paid "
        f"by {until}{worst}."
    ]


class Expectations(OfCustomer):
    """The predictions in figures, each with its interval."""

    slug = "customer-expectations"
    title = "What is expected"
    description = "Each figure with the interval that holds eight of ten such customers."
    sql = ("marts/customers",)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.cards = FigureCards(sizing_mode="stretch_width", margin=(0, 0, 16, 0))
        self._caption = ""
        self._figures: list[dict[str, Any]] = []

    def panel(self) -> pn.viewable.Viewable:
        return self.cards

    def of(self, found: CustomerPicture) -> pl.DataFrame:
        days = sorted(set(found.predicted_on.values()))
        made = " and ".join(shown_date(day) for day in days)
        self._caption = (
            f"Predicted on {made}; horizon {found.horizon} days; intervals hold 80 %"
            if days
            else "Nothing is predicted of this customer on this date"
        )
        if self.session.filters.active():
            self._caption += ". Filters do not apply to this page"
        self._figures = [
            self._order(found), self._next(found), self._spend(found), self._open(found), self._default(found)
        ]  # fmt: skip
        return pl.DataFrame(
            [(row["key"], row["value"], row["change"]) for row in self._figures],
            schema=["figure", "value", "interval"],
            orient="row",
        )

    def show(self, frame: pl.DataFrame) -> None:  # noqa: ARG002
        self.cards.param.update(caption=self._caption, figures=self._figures)

    def _lacking(self, found: CustomerPicture, task: str, label: str, key: str) -> dict[str, Any]:
        """A figure that cannot be told, and why."""
        card = found.cards[task]
        if card is None:
            why, note = "no model yet", "Train it below."
        elif task == "credit" and found.now is None:
            why, note = "needs payments", "Load or map a table of payments (Data page)."
        else:
            why, note = "not predicted", "Scored are customers with an order in the last 365 days."
            if task == "credit":
                note = "Scored are customers with an invoice."
        return _figure(key, label, "–", why, note)

    def _trusted(self, found: CustomerPicture, task: str) -> str:
        """What the ladder says, where the data are thin or too few."""
        card = found.cards[task]
        if card is None or card.badge == "enough data":
            return ""
        badge = card.badge.capitalize()
        return badge if "events" in badge else f"{badge} ({card.events:,} events)"

    def _order(self, found: CustomerPicture) -> dict[str, Any]:
        label, scored = f"Order within {found.horizon} days", found.scored
        if scored["p_no_order"] is None:
            return self._lacking(found, "churn", label, "p_reorder")
        if found.cards["churn"] is not None and not found.cards["churn"].bears_predictions:
            return _figure("p_reorder", label, "–", self._trusted(found, "churn").lower(), "Not predicted.")
        between = ""
        if scored["p_low"] is not None and scored["p_high"] is not None:
            between = f"{1 - scored['p_high']:.0%} to {1 - scored['p_low']:.0%}"
        after = found.afterwards
        came = ""
        if after is not None and (after.is_over or after.ordered) and found.data_end > after.first:
            came = "They did." if after.ordered else "They did not."
        return _figure(
            "p_reorder",
            label,
            f"{1 - scored['p_no_order']:.0%}",
            between,
            f"{self._trusted(found, 'churn')} {came}",
        )

    def _next(self, found: CustomerPicture) -> dict[str, Any]:
        label, expected = "Next order expected", found.scored["next_order_date"]
        if expected is None:
            return self._lacking(found, "churn", label, "next_order")
        made = found.predicted_on.get("churn", found.as_of)
        window = next_order_window(made, expected)
        between = f"{window[0]:%-d %b %Y} to {window[1]:%-d %b %Y}" if window else ""
        after = found.afterwards
        came = "If they have not left, at a steady rate."
        if after is not None and after.first_order is not None:
            came = f"They ordered on {after.first_order:%-d %b %Y}."
        return _figure("next_order", label, f"{expected:%-d %b %Y}", between, came)

    def _spend(self, found: CustomerPicture) -> dict[str, Any]:
        label, scored = f"Expected spend, {found.horizon} days", found.scored
        if scored["expected_spend"] is None:
            return self._lacking(found, "spend", label, "spend")
        between = "interval not known"
        if scored["spend_low"] is not None and scored["spend_high"] is not None:
            low, high = (theme.compact_number(scored[name]) for name in ("spend_low", "spend_high"))
            between = f"{low} to {high}"
        after = found.afterwards
        came = ""
        if after is not None and after.is_over:
            came = f"They spent {self.money(after.revenue)}."
        return _figure(
            "spend",
            label,
            self.money(scored["expected_spend"]),
            between,
            f"{self._trusted(found, 'spend')} {came}",
        )

    def _open(self, found: CustomerPicture) -> dict[str, Any]:
        label = "Open invoices"
        if found.now is None:
            return _figure(
                "open", label, "–", "needs payments", "Load or map a table of payments (Data page)."
            )
        invoices = found.now.invoices.filter(pl.col("amount") > 0, pl.col("open_amount") > 0)
        owed = float(invoices["open_amount"].sum())
        late = invoices.filter(pl.col("due_day") < found.now.as_of_day)
        overdue = float(late["open_amount"].sum())
        told = f"{theme.compact_number(overdue)} overdue" if overdue > 0 else "nothing overdue"
        worst = late["days_past_due"].max()
        note = f"Up to {worst} days past due." if isinstance(worst, int) and overdue > 0 else ""
        return _figure("open", label, self.money(owed), told, note, "bad" if overdue > 0 else "none")

    def _default(self, found: CustomerPicture) -> dict[str, Any]:
        label, scored = "Default of the next invoice", found.scored
        if scored["p_default"] is None:
            return self._lacking(found, "credit", label, "default")
        between = ""
        if scored["default_low"] is not None and scored["default_high"] is not None:
            between = f"{scored['default_low']:.1%} to {scored['default_high']:.1%}"
        late = f"Paid late: {scored['p_late']:.0%}." if scored["p_late"] is not None else ""
        trusted = self._trusted(found, "credit")
        few = found.cards["credit"] is not None and not found.cards["credit"].bears_predictions
        note = (
            f"{trusted}: the average of all. {late}" if few else f"{trusted + '. ' if trusted else ''}{late}"
        )
        return _figure("default", label, f"{scored['p_default']:.1%}", between, note)


def _figure(key: str, label: str, value: str, change: str, note: str, trend: str = "none") -> dict[str, Any]:
    return {
        "key": key, "label": label, "value": value, "change": change, "note": note.strip(), "trend": trend,
        "spark": [],
    }  # fmt: skip


class OfferList(OfCustomer, ActionList):
    """Products to offer to the customer, with why."""

    kind: ClassVar[str] = ""
    selectable = False
    page_size = 8
    height = 340
    wide = False
    search_in = ("product_name",)
    search_label = "Search products"
    sql = ("models/purchases",)
    columns = (
        ("product_name", "Product", "text"),
        ("score", "Chance", "share"),
        ("reasons", "Why", "long"),
        ("interval", "80 %", "text"),
        ("value", "Expected amount", "money"),
        ("stock", "In stock", "integer"),
    )

    def of(self, found: CustomerPicture) -> pl.DataFrame:
        self.empty_message = (
            "There are no recommendations for this date yet.\n"
            "Train the model below, or choose a later as-of date."
            if found.cards["recommend"] is None or "recommend" not in found.predicted_on
            else "Nothing is recommended to this customer."
        )
        if found.offers.is_empty():
            return pl.DataFrame()
        ends = [(pl.col(name) * 100).round().cast(pl.Int64).cast(pl.String) for name in ("low", "high")]
        return (
            found.offers.filter(pl.col("kind") == self.kind)
            .sort("rank")
            .with_columns(interval=pl.concat_str(ends[0], pl.lit("–"), ends[1], pl.lit(" %")))
            .select("product_name", "score", "interval", "value", "stock", "reasons", "product")
        )


class BuyAgain(OfferList):
    """What the customer will likely buy again."""

    slug = "customer-buy-again"
    title = "Buy again ({currency})"
    description = "Chance of an order of the product within the horizon, of what they bought before."
    kind = "buy again"


class NewForYou(OfferList):
    """What the customer never bought and may like."""

    slug = "customer-new-for-you"
    title = "New for you ({currency})"
    description = "Products they never bought, with what speaks for them."
    kind = "new"
