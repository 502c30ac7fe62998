"""What if one customer had ordered more recently, more often, for more: the stored model answers at once."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, cast

import polars as pl

from core.days import to_date, to_day
from core.filters import SalesFilters
from core.jobs import active_model
from core.model_store import open_model_store
from core.models.churn import ChurnModel
from core.models.explanation import Explanation
from core.models.purchases.wording import currency_named
from core.predictions.churn import flip_sentence, with_inputs
from core.predictions.customer import find_customers
from core.sales_data import SalesData
from core.single_flight import SingleFlightCache
from core.snapshots import snapshots
from dashboard.components.decision_desk import DecisionDesk, slider
from dashboard.session import Session
from dashboard.view import NO_FILTERS
from dashboard.views.churn_parts import ChurnView, model_of, risks

ACTIVE_DAYS = 365
FLIP = 0.5
_GROUPS = {
    "recency": "How recently",
    "frequency": "How often",
    "monetary": "How much",
    "rhythm": "Rhythm",
    "season": "Season ahead",
    "calibration": "How past predictions turned out",
}
_CACHE: SingleFlightCache["Ready"] = SingleFlightCache(2)


@dataclass(frozen=True)
class Ready:
    """The model and what it knows of each customer (a snapshot of one day) with ``key``, the id as text."""

    model: ChurnModel
    customers: pl.DataFrame


def _prepared(session: Session, as_of_day: int) -> Ready:
    store = open_model_store(session.settings, session.database)
    model = cast(ChurnModel, active_model(store, "churn").model)
    known = snapshots(session.database, [as_of_day], terms_days=session.settings.payment_terms_days)
    members = model.members(known)
    model.score(members.head(1))  # loads the libraries that the model needs
    return Ready(model, members.with_columns(pl.col("customer_id").cast(pl.String).alias("key")))


class WhatIf(ChurnView):
    """One customer with other figures: the risk, why, and what would flip it."""

    slug = "churn-what-if"
    title = "What if …"
    description = (
        "Choose a customer and change what is known of them: the model in use says the risk of no order."
    )
    follows = ("id",)
    subject = "balances"
    sql = ("features/purchases",)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.desk = DecisionDesk(
            title=self.title, description=self.description, waiting="Loading the model and the customers …",
            on_event=self._asked, sizing_mode="stretch_width",
        )  # fmt: skip
        self.card = self.desk
        self._inputs: dict[str, float] = {}
        self._inputs_of = ""
        self._found: list[dict[str, str]] = []
        self._searched = ""

    def work(self, sales: SalesData) -> tuple[Hashable, Callable[[], Any]]:
        version, session = model_of(self.session), self.session
        assert version is not None
        day = to_day(sales.as_of)
        key = (id(session.database), session.database.data_version(), version.version, day)
        if day < version.card.as_of_day:
            return key, lambda: None
        return key, lambda: _CACHE.get(key, lambda: _prepared(session, day))

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        if self._made is None:
            version = model_of(self.session)
            until = to_date(version.card.as_of_day) if version else sales.as_of
            self.empty_message = (  # type: ignore[misc]
                f"The model in use knows the data up to {until:%-d %B %Y}: what it would say of an earlier "
                "date would be hindsight.\nChoose that as-of date or a later one."
            )
            return pl.DataFrame()
        chosen = str(self.session.extra.get("id", ""))
        if not chosen:
            found = risks(self.session, sales, filters)
            found = found if found.height else risks(self.session, sales, NO_FILTERS)
            likely = found.filter(pl.col("p_no_order") >= FLIP) if found.height else found
            found = likely if likely.height else found
            chosen = str(found["key"][0]) if found.height else ""
        row = self._made.customers.filter(pl.col("key") == chosen)
        if row.is_empty():
            name = _name(sales, chosen)
            self.desk.fields = [self._search_field(name)]
            self.empty_message = (  # type: ignore[misc]
                f"{name or 'This customer'} has not ordered in the last {ACTIVE_DAYS} days, so no risk is "
                "predicted.\nChoose another customer."
            )
            return pl.DataFrame()
        if chosen != self._inputs_of:
            self._inputs, self._inputs_of = {}, chosen
        return row.head(1)

    def show(self, frame: pl.DataFrame) -> None:
        sales, currency = self.session.sales, self.session.settings.currency
        assert sales is not None
        known = frame.row(0, named=True)
        start = {
            "recency": float(known["recency_days"]),
            "orders": float(known["orders_365"]),
            "amount": float(known["mean_order_value"] or 0.0),
        }
        now = start | self._inputs
        base = frame.drop("key")
        changed = with_inputs(
            base, recency_days=int(now["recency"]), orders_365=int(now["orders"]), order_value=now["amount"]
        )
        both = pl.concat([base, changed.select(base.columns)])
        model: ChurnModel = self._made.model
        before, after = model.score(both).to_dicts()
        why = model.explain(changed)[0]
        flip = flip_sentence(changed, lambda rows: model.predict(rows)["champion"], FLIP)
        name = _name(sales, self._inputs_of)
        self.desk.param.update(
            fields=[
                self._search_field(name),
                slider("recency", "Days since the last order", now["recency"], (0, ACTIVE_DAYS), 1,
                       _said(now["recency"], start["recency"], " days")),
                slider("orders", f"Orders in {ACTIVE_DAYS} days", now["orders"],
                       (1, max(12.0, 2 * start["orders"])), 1, _said(now["orders"], start["orders"])),
                slider("amount", "Usual amount of an order", now["amount"],
                       (0, max(3 * start["amount"], 1.0)), max(start["amount"] / 50, 0.01),
                       f"{currency} {_said(now['amount'], start['amount'])}"),
            ],
            figures=_figures(before, after, model.horizon),
            lead=_lead(name, before, after, model.horizon, changed=now != start),
            sections=_sections(why, flip, self.session.settings.currency),
            buttons=[
                {"label": f"Open {name}", "kind": "open"},
                *([{"label": "Back to what is known", "kind": "reset"}] if now != start else []),
            ],
        )  # fmt: skip

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        return (
            "Figures that are not named stay as they are; orders added are of the last 365 days. A model can "
            "say what usually goes with such figures, not what would cause an order."
        )

    def _search_field(self, name: str) -> dict[str, object]:
        return {
            "name": "customer", "label": "Customer (type a name or number)", "kind": "search", "value": name,
            "text": name, "options": self._found,
        }  # fmt: skip

    def _asked(self, event: dict[str, Any]) -> None:
        kind, name, value = event.get("kind"), str(event.get("name", "")), event.get("value")
        sales = self.session.sales
        if sales is None:
            return
        if kind == "search":
            found = find_customers(sales, str(event.get("text", "")))
            self._found = [
                {"value": row["key"], "text": f"{row['customer_name']} ({row['key']})"}
                for row in found.to_dicts()
            ]
            fields = list(self.desk.fields)
            if fields:
                self.desk.fields = [{**fields[0], "options": self._found}, *fields[1:]]
        elif kind == "set" and name == "customer":
            self.session.extra = self.session.extra | {"id": str(value)}
        elif kind == "set" and name in ("recency", "orders", "amount") and isinstance(value, int | float):
            self._inputs[name] = float(value) if name == "amount" else float(round(value))
            self._again()
        elif kind == "reset":
            self._inputs = {}
            self._again()
        elif kind == "open":
            self.session.param.update(page="customer", tab="", extra={"id": self._inputs_of})

    def _again(self) -> None:
        self._shown_key = None
        self.refresh()


def _name(sales: SalesData, key: str) -> str:
    row = sales.customers.filter(pl.col("key") == key)
    return str(row.select(pl.coalesce("customer_name", "key")).item(0, 0)) if row.height else key


def _said(now: float, start: float, unit: str = "") -> str:
    return f"{now:,.0f}{unit}" + ("" if round(now) == round(start) else f" (is {start:,.0f})")


def _figures(before: dict[str, Any], after: dict[str, Any], horizon: int) -> list[dict[str, str]]:
    moved = (after["score"] - before["score"]) * 100
    date = after["next_order_date"]
    orders = after["expected_orders"]
    change = "as things are" if abs(moved) < 0.05 else f"{moved:+.0f} points against {before['score']:.0%}"
    return [
        {"key": "risk", "label": f"Risk of no order in {horizon} days", "value": f"{after['score']:.0%}",
         "detail": change.replace("-", "−")},
        {"key": "interval", "label": "80 % interval", "value": f"{after['low']:.0%} to {after['high']:.0%}",
         "detail": "how far the risk may be off"},
        {"key": "date", "label": "Next order expected",
         "value": f"{date:%-d %b %Y}" if date else "–", "detail": "half of such customers order by then"},
        {"key": "orders", "label": f"Orders in {horizon} days",
         "value": "–" if orders is None else f"{orders:.1f}", "detail": "expected by their rhythm"},
    ]  # fmt: skip


def _lead(name: str, before: dict[str, Any], after: dict[str, Any], horizon: int, *, changed: bool) -> str:
    if not changed:
        return f"The chance that {name} does not order in the {horizon} days is {before['score']:.0%}."
    return (
        f"With these figures {name} would not order in the {horizon} days with a chance of "
        f"{after['score']:.0%} instead of {before['score']:.0%}."
    )


def _sections(why: Explanation, flip: str, currency: str) -> list[dict[str, object]]:
    bars = [
        {
            "text": currency_named(part.sentence, currency)
            or _GROUPS.get(part.group, part.group.capitalize()),
            "size": part.value,
        }
        for part in why.contributions
        if abs(part.value) > 1e-6
    ]
    return [
        {"title": "Why (red: more risk, green: less)", "bars": bars},
        {"title": f"What would flip it (below {FLIP:.0%})", "lines": [flip]},
    ]
