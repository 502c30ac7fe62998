"""Today's actions: the lists of sales, marketing and finance, and their first rows for the Overview."""

from typing import Any, ClassVar

import panel as pn
import polars as pl

from core.errors import SalesError
from core.filters import SalesFilters
from core.predictions import outcomes_after, scores_on, task_status
from core.predictions.actions import (
    RULES,
    churn_value,
    finance_actions,
    limit_at_risk,
    marketing_actions,
    sales_actions,
)
from core.predictions.reasons import first_reasons
from core.roles import Role, require
from core.sales_data import SalesData
from dashboard import theme
from dashboard.components.customer import ShortList
from dashboard.predictions.action_list import ActionList, open_customer
from dashboard.predictions.scored import NOT_SCORED
from dashboard.predictions.trust import NAMES, Trust
from dashboard.session import Session
from dashboard.views.action_parts import (
    Prepared,
    all_offers,
    chosen_customers,
    horizon_of,
    predicted_for,
    scores_frame,
    too_few,
)
from dashboard.views.credit_parts import after_of

_REASONS = 2
_CANDIDATES = 200
"""Customers looked at for the first rows: those of the largest value."""
NO_SCORES_HERE = "No scores for this date yet.\nTrain the models, or choose a later as-of date."


class MissingModels(Trust):
    """One strip that offers to train all models that are missing; nothing to see when none is."""

    def __init__(self, session: Session, tasks: tuple[str, ...]) -> None:
        super().__init__(session, tasks[0])
        self.tasks = tasks
        self.missing: list[str] = []
        self._place = pn.Column(self.strip, sizing_mode="stretch_width", margin=(16, 0, 0, 0), visible=False)

    def panel(self) -> pn.viewable.Viewable:
        return self._place

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        store = self._current.models()
        self.missing = [
            task for task in self.tasks if not task_status(self.session.database, store, task).is_ready
        ]
        self._place.visible = bool(self.missing)
        self.task = (self.missing or self.tasks)[0]
        return super().data(sales, filters)

    def show(self, frame: pl.DataFrame) -> None:
        if self.missing:
            super().show(frame)

    def _offer(self, state: Any) -> None:
        super()._offer(state)
        if len(self.missing) > 1 and self.task not in state.failed:
            names = [NAMES[task] for task in self.missing]
            self.strip.headline = (
                f"No models of {', '.join(names[:-1])} and {names[-1]} were trained on these data yet."
            )

    def _asked(self, event: dict[str, str]) -> None:
        if event.get("kind") == "train" and len(self.missing) > 1:
            self._train(self.missing)
        else:
            super()._asked(event)

    def _train(self, tasks: list[str]) -> None:
        try:
            require(Role.ADMIN, "training models")
            self._current.train(tasks)
        except SalesError as error:
            self.strip.param.update(headline=str(error), detail="", progress=-1.0)


class _ScoredList(Prepared, ActionList):
    """A list that says why it is empty where scores are missing."""

    subject = "balances"
    task: ClassVar[str] = ""
    told: ClassVar[str] = ""
    height = 640

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        self.empty_message = NOT_SCORED
        scored = scores_frame(self.session, sales, self.task)
        if scored is None:
            return pl.DataFrame()
        self.empty_message = "Nobody here needs anything today, or nobody matches the filters."
        if self.task != "credit" and (few := too_few(self.session, sales, self.task)):
            self.empty_message = f"{few}: whom to turn to cannot be said from these data."
            return pl.DataFrame()
        rows = self.rows(sales, chosen_customers(self.session, sales, filters))
        after = self.after(sales)
        if after is None:
            unknown = {"happened": pl.String, "spent": pl.Float64}
            return rows.with_columns(pl.lit(None, kind).alias(name) for name, kind in unknown.items())
        key = pl.col("customer_id").cast(rows.schema["customer_id"])
        return rows.join(after.with_columns(key), on="customer_id", how="left", maintain_order="left")

    def rows(self, sales: SalesData, customers: pl.DataFrame) -> pl.DataFrame:
        """The list of these customers."""
        raise NotImplementedError

    def after(self, sales: SalesData) -> pl.DataFrame | None:
        """customer_id, happened (text) and spent of the days after the prediction, once these are over."""
        found = scores_on(self.session.database, self.task, sales.as_of)
        newest, horizon = self.session.newest_as_of, horizon_of(self.session, sales)
        if found is None or newest is None or (newest - found.as_of).days < horizon:
            return None
        came = outcomes_after(self.session.database, found.as_of, horizon)
        if came is None:
            return None
        ordered = pl.when(pl.col("ordered") == 1).then(pl.lit("Ordered")).otherwise(pl.lit("No order"))
        return came.select("customer_id", happened=ordered, spent=pl.col("revenue").cast(pl.Float64))

    def note(self, frame: pl.DataFrame) -> str:
        sales = self.session.sales
        assert sales is not None
        few = too_few(self.session, sales, self.task)
        warning = f"{few}: chances are those of the average customer. " if few else ""
        told = f"{warning}{predicted_for(self.session, sales, self.task)} {self.told}"
        return f"{told} {super().note(frame)}".strip()


class SalesActions(_ScoredList):
    """Whom sales turns to, by what is lost if no order comes."""

    slug = "sales-actions"
    title = "Sales: whom to call this week ({currency})"
    description = "Value at stake is the chance of no order × the expected spend. Click a name for its page."
    sql = ("marts/customers",)
    task = "churn"
    told = (
        f"Call from {RULES.call_risk:.0%} risk of no order, campaign from {RULES.campaign_risk:.0%}; "
        "what is overdue comes first."
    )
    tones: ClassVar[dict[str, str]] = {"p_no_order": "risk"}
    below: ClassVar[dict[str, str]] = {"p_no_order": "interval"}
    optional = ("happened", "spent")
    first_sort = "value"
    search_in = ("customer_name", "owner", "country", "step")
    search_label = "Search customers, owners, steps"
    columns = (
        ("customer_name", "Customer", "link"),
        ("owner", "Owner", "text"),
        ("value", "Value at stake", "money"),
        ("p_no_order", "No order", "share"),
        ("interval", "80 % interval", "text"),
        ("happened", "What happened", "text"),
        ("spent", "Spent", "money"),
        ("step", "Suggested step", "long"),
        ("reason", "Reason", "long"),
        ("expected_spend", "Expected spend", "money"),
        ("next_order_date", "Order expected", "date"),
        ("advice", "Joint advice", "text"),
    )
    hidden = (
        "key",
        "country",
        "office",
        "spend_low",
        "spend_high",
        "overdue",
        "credit_limit",
        "churn_reason",
    )

    def rows(self, sales: SalesData, customers: pl.DataFrame) -> pl.DataFrame:
        found = sales_actions(
            customers, all_offers(self.session, sales), currency=self.session.settings.currency
        )
        return found.with_columns(
            interval=_interval("p_low", "p_high"), reason=first_reasons("reason", _REASONS)
        )


class MarketingActions(_ScoredList):
    """Whom marketing turns to, and with which products."""

    slug = "marketing-actions"
    title = "Marketing: what to offer to whom ({currency})"
    description = (
        "Value is the chance that the products are bought × what an order line of them usually brings."
    )
    sql = ("marts/customers", "models/purchases")
    task = "recommend"
    told = f"At most {RULES.offers} products each; customers whom finance collects from are left out."
    first_sort = "value"
    search_in = ("customer_name", "owner", "country", "products")
    search_label = "Search customers, owners, products"
    columns = (
        ("customer_name", "Customer", "link"),
        ("owner", "Owner", "text"),
        ("value", "Expected purchases", "money"),
        ("products", "Products to offer", "long"),
        ("reason", "Reason (first product)", "long"),
        ("chance", "Chance (first)", "share"),
        ("step", "Suggested step", "long"),
        ("happened", "What happened", "text"),
        ("spent", "Spent", "money"),
        ("new", "New to them", "integer"),
        ("advice", "Joint advice", "text"),
    )
    optional = ("happened", "spent")
    hidden = ("key", "country", "office", "p_no_order", "expected_spend")

    def rows(self, sales: SalesData, customers: pl.DataFrame) -> pl.DataFrame:
        offers = all_offers(self.session, sales)
        return pl.DataFrame() if offers is None else marketing_actions(customers, offers)


class FinanceActions(_ScoredList):
    """Whom finance reviews: high risk and high limit first."""

    slug = "finance-actions"
    title = "Finance: whom to review ({currency})"
    description = "High risk × high limit first. Value at stake is the expected loss, else overdue × chance."
    sql = ("marts/invoices", "marts/payments", "marts/customers")
    needs = ("payments",)
    task = "credit"
    told = (
        f"High risk from {RULES.high_default:.0%}, watched from {RULES.watch_default:.0%} chance of default; "
        "limits are current ones."
    )
    tones: ClassVar[dict[str, str]] = {"chance": "risk"}
    optional = ("happened",)
    first_sort = "at_risk"
    search_in = ("customer_name", "owner", "country", "step")
    search_label = "Search customers, owners, steps"
    columns = (
        ("customer_name", "Customer", "link"),
        ("owner", "Owner", "text"),
        ("chance", "Default", "share"),
        ("happened", "What happened", "text"),
        ("credit_limit", "Credit limit", "money"),
        ("exposure", "Open", "money"),
        ("overdue", "Overdue", "money"),
        ("value", "Value at stake", "money"),
        ("step", "Suggested step", "long"),
        ("reason", "Reason", "long"),
        ("at_risk", "Risk × limit", "money"),
        ("advice", "Joint advice", "text"),
    )
    hidden = (
        "key",
        "country",
        "office",
        "p_default",
        "default_low",
        "default_high",
        "p_late",
        "expected_loss",
    )

    def rows(self, sales: SalesData, customers: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG002
        found = finance_actions(customers, currency=self.session.settings.currency)
        return found.with_columns(reason=first_reasons("reason", _REASONS))

    def after(self, sales: SalesData) -> pl.DataFrame | None:
        found = scores_on(self.session.database, self.task, sales.as_of)
        came = after_of(self.session, sales, found) if found else None
        return None if came is None else came.select("customer_id", "happened")


def _interval(low: str, high: str) -> pl.Expr:
    """Two shares as text: 46–67 %."""
    ends = [(pl.col(name) * 100).round().cast(pl.Int64).cast(pl.String) for name in (low, high)]
    return pl.concat_str(ends[0], pl.lit("–"), ends[1], pl.lit(" %"))


class TopActions(Prepared):
    """The first rows of a list on the Overview."""

    task: ClassVar[str] = ""
    tab: ClassVar[str] = ""
    more: ClassVar[str] = ""
    subject = "balances"
    shown: ClassVar[int] = 5
    height = 268

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.list: ShortList | None = None

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        self.empty_message = NO_SCORES_HERE
        if scores_frame(self.session, sales, self.task) is None:
            return pl.DataFrame()
        if self.task != "credit" and (few := too_few(self.session, sales, self.task)):
            self.empty_message = f"{few}\nto say whom to turn to."
            return pl.DataFrame()
        self.empty_message = "Nobody matches the filters."
        return self.rows(sales, chosen_customers(self.session, sales, filters)).head(self.shown)

    def rows(self, sales: SalesData, customers: pl.DataFrame) -> pl.DataFrame:
        """key, customer_name, value (text), detail and tone of the first customers."""
        raise NotImplementedError

    def show(self, frame: pl.DataFrame) -> None:
        if self.list is None:
            self.list = ShortList(more=self.more, on_event=self._asked, sizing_mode="stretch_both")
            self._content[:] = [self.list]
        names = ("key", "customer_name", "told", "detail", "tone")
        self.list.rows = [
            dict(zip(("key", "name", "value", "detail", "tone"), row, strict=True))
            for row in frame.select(names).iter_rows()
        ]

    def _asked(self, event: dict[str, str]) -> None:
        if event.get("kind") == "open":
            open_customer(self.session, event.get("key", ""))
        elif event.get("kind") == "more":
            self.session.param.update(page="actions", tab=self.tab)

    def _money(self, value: float | None) -> str:
        return "–" if value is None else theme.money(value, self.session.settings.currency)

    def _told(self, frame: pl.DataFrame, column: str, details: list[str], tone: str) -> pl.DataFrame:
        tones = frame[tone] if tone else pl.Series([""] * frame.height, dtype=pl.String)
        return frame.with_columns(
            pl.Series("told", [self._money(value) for value in frame[column]], dtype=pl.String),
            pl.Series("detail", details, dtype=pl.String),
            tones.alias("tone"),
        )


class TopChurnRisks(TopActions):
    """The churn risks of the largest value."""

    slug = "top-churn-risks"
    title = "Churn risks by value ({currency})"
    description = f"At {RULES.campaign_risk:.0%} risk or more: chance of no order × expected spend."
    sql = ("marts/customers",)
    task, tab, more = "churn", "sales", "All sales actions"

    def rows(self, sales: SalesData, customers: pl.DataFrame) -> pl.DataFrame:
        self.empty_message = "Nobody here is likely to leave, or nobody matches the filters."
        at_risk = customers.filter(pl.col("p_no_order") >= RULES.campaign_risk, churn_value().is_not_null())
        first = at_risk.top_k(_CANDIDATES, by=churn_value())
        currency = self.session.settings.currency
        found = sales_actions(first, all_offers(self.session, sales), currency=currency).head(self.shown)
        details = [f"{row['p_no_order']:.0%} no order · {row['step']}" for row in found.iter_rows(named=True)]
        return self._told(found, "value", details, "risk")


class TopExposures(TopActions):
    """Where most is at risk: high risk × high limit."""

    slug = "top-exposures"
    title = "Exposures at risk ({currency})"
    description = "High risk × high limit first; the amount is what is open."
    sql = ("marts/invoices", "marts/payments")
    needs = ("payments",)
    task, tab, more = "credit", "finance", "All finance actions"

    def rows(self, sales: SalesData, customers: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG002
        exposed = customers.filter(pl.col("exposure") > 0)
        first = exposed.filter(limit_at_risk().is_not_null()).top_k(_CANDIDATES, by=limit_at_risk())
        found = finance_actions(first, currency=self.session.settings.currency).head(self.shown)
        details = [f"{row['chance']:.0%} default · {row['step']}" for row in found.iter_rows(named=True)]
        return self._told(found, "exposure", details, "risk")


class TopOffers(TopActions):
    """The offers that bring most."""

    slug = "top-offers"
    title = "Offers by value ({currency})"
    description = "Chance of buying × usual amount of the best products for a customer."
    sql = ("models/purchases",)
    task, tab, more = "recommend", "marketing", "All marketing actions"

    def rows(self, sales: SalesData, customers: pl.DataFrame) -> pl.DataFrame:
        offers = all_offers(self.session, sales)
        if offers is None:
            return pl.DataFrame()
        kept = offers.join(
            customers.select(pl.col("customer_id").cast(offers.schema["customer_id"])),
            on="customer_id",
            how="semi",
        )
        found = marketing_actions(customers, kept.top_k(_CANDIDATES, by="value")).head(self.shown)
        return self._told(found, "value", found["products"].to_list(), "")
