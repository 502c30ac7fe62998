"""What is known without a model: who is how far past due, how payments were matched, rates so far."""

from typing import ClassVar

import polars as pl

from core.filters import SalesFilters
from core.models.ladder import BaseRate
from core.predictions.credit import matching_facts, past_due_by_customer, rate_in_words
from core.predictions.people import selected_customers
from core.receivables import DEFAULT_DAYS
from core.sales.invoices import BUCKETS, load_invoices
from core.sales_data import SalesData
from dashboard.views.credit_parts import too_few
from dashboard.views.rows import PagedRows


class PastDue(PagedRows):
    """Who owes how much since when."""

    slug = "credit-past-due"
    title = "Who owes how much since when ({currency})"
    description = (
        "Open invoices by days past due, the largest overdue amount first. A name opens the customer."
    )
    sql = ("marts/invoices", "marts/payments")
    needs = ("payments",)
    subject = "balances"
    wide = True
    height = 400
    empty_message = "No invoice is open for these filters."
    columns: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("customer_name", "Customer", "customer"),
        ("owner", "Owner", "text"),
        ("open", "Open", "integer"),
        ("overdue", "Overdue", "integer"),
        *((name, name.capitalize(), "integer") for name in BUCKETS),
        ("oldest", "Oldest, days", "integer"),
        ("invoices", "Invoices", "integer"),
        ("credit_limit", "Credit limit", "integer"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        invoices = load_invoices(self.session.database, sales)
        rows = past_due_by_customer(sales, invoices, selected_customers(sales, filters))
        return rows.with_columns(
            pl.when(pl.col(name) != 0).then(pl.col(name)).alias(name) for name in ("overdue", *BUCKETS)
        )

    def note(self, frame: pl.DataFrame) -> str:
        told = super().note(frame)
        if self.session.sales is not None and self.session.sales.is_sampled:
            share = self.session.sales.sampled_share
            told = f"Of a random {share:.1%} of customers: all are too many for memory. {told}"
        return told.strip()


class FactRows(PagedRows):
    """Figures in words, one a row."""

    needs = ("payments",)
    sql = ("marts/invoices", "marts/payments")
    subject = "company"
    page_size = 16
    columns: ClassVar[tuple[tuple[str, str, str], ...]] = (("label", "", "text"), ("value", "", "text"))

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        return "Of all customers, whatever the filters." if self.session.filters.active() else ""


class MatchingQuality(FactRows):
    """How much of the matching is certain and how much is a convention."""

    slug = "credit-matching"
    title = "How payments were matched to invoices"
    description = "By exact amount, as sums, by two payments; what is left settles the oldest invoices."
    height = 400

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        told = load_invoices(self.session.database, sales).quality
        return pl.DataFrame(matching_facts(told, self.session.settings.currency))


class DefaultsSoFar(FactRows):
    """How many invoices were ever paid late or defaulted: rates with their intervals, no prediction."""

    slug = "credit-base-rates"
    title = "Late payment and default so far"
    description = "Shares of all invoices with their 95 % intervals (Beta, Jeffreys' prior)."
    height = 400

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        told = load_invoices(self.session.database, sales).quality
        late, gone, whole = told.late_invoices, told.defaulted_invoices, told.invoices
        rows = [
            ("Invoices paid late or overdue", rate_in_words(BaseRate(late, whole))),
            (
                f"Invoices {DEFAULT_DAYS} or more days past due (default)",
                rate_in_words(BaseRate(gone, whole)),
            ),
            ("Matched by amount, not by age", f"{told.certain_share:.0%} of settled invoices"),
        ]
        if why := too_few(self.session, sales):
            rows.append(("Ranking by risk", " ".join(why.split("\n"))))
        return pl.DataFrame(rows, schema=["label", "value"], orient="row")
