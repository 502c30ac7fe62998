"""The credit desk: may we grant this request, at which risk, up to which limit, what would change that."""

from collections.abc import Callable, Hashable
from typing import Any

import polars as pl

from core.filters import SalesFilters
from core.model_store import open_model_store
from core.models.credit import Ceilings
from core.predictions.credit import RULES
from core.predictions.credit_desk import (
    Request,
    credit_of,
    hindsight,
    judge,
    loaded_credit,
)
from core.predictions.customer import customer_row, find_customers
from core.sales_data import SalesData
from dashboard.components.decision_desk import DecisionDesk
from dashboard.predictions.action_list import open_customer
from dashboard.session import Session
from dashboard.view import NO_FILTERS
from dashboard.views.credit_parts import CreditView, remember, remembered, reviewed, set_extra
from dashboard.views.credit_told import Answered, Told

NEW = "new"
NEW_CUSTOMER = "New customer"
NO_MODEL = "There is no credit model yet.\nTrain it above: a minute on a small company."
_MOST = 1_000_000_000.0
_SUGGESTED = 8
_DEFAULT_SHARE, _LEAST_SHARE, _MOST_SHARE = RULES.ceiling * 100, 0.5, 30.0


class CreditRequest(CreditView):
    """A hypothetical request: an existing customer or a new one, an amount, and what may be risked."""

    slug = "credit-desk"
    title = "Credit desk ({currency})"
    description = (
        "A request for an invoice today: choose a customer or a new one, the amount, and what may be risked."
    )
    follows = ("who", "where", "amount", "pd", "el")
    predicted = False
    subject = "balances"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.desk = DecisionDesk(
            title=self.heading(), description=self.description, waiting="Loading the model …",
            on_event=self._asked, sizing_mode="stretch_width",
        )  # fmt: skip
        self.card = self.desk
        self._live: dict[str, float] = {}
        self._searched: dict[str, str] = {}

    def key(self, sales: SalesData) -> Hashable:
        return id(sales), self._who(), self._text("where"), tuple(sorted(self._numbers().items()))

    def _text(self, name: str) -> str:
        return str(self.session.extra.get(name, "")).strip()

    def _who(self) -> str:
        """The customer asked about: its key, ``NEW``, or empty for the one to begin with."""
        return self._text("who") or remembered(self.session)

    def _numbers(self) -> dict[str, float]:
        """The numbers chosen, by name; what cannot be read is left out."""
        found = {}
        for name, low, high in (
            ("amount", 1.0, _MOST),
            ("pd", _LEAST_SHARE, _MOST_SHARE),
            ("el", 0.0, _MOST),
        ):
            try:
                value = float(self._text(name))
            except ValueError:
                continue
            if value == value:
                found[name] = min(max(value, low), high)
        return found | self._live

    def job(self, sales: SalesData, filters: SalesFilters) -> Callable[[], Answered]:  # noqa: ARG002
        session, who, where = self.session, self._who(), self._text("where")
        numbers, database = self._numbers(), self.session.database
        currency = session.settings.currency

        def work() -> Answered:
            loaded = loaded_credit(database, lambda: open_model_store(session.settings, database))
            if loaded is None:
                return Answered(NO_MODEL)
            if why := hindsight(credit_of(loaded), sales.as_of):
                return Answered(why, loaded)
            rows = reviewed(session, sales, NO_FILTERS)
            first = rows.head(_SUGGESTED) if rows.height else rows
            suggested = tuple(
                (str(row["key"]), f"{row['customer_name']} ({row['key']})")
                for row in first.iter_rows(named=True)
            )
            key = who or (suggested[0][0] if suggested else NEW)
            known = None if key == NEW else customer_row(sales, key)
            if key != NEW and known is None:
                return Answered(
                    f"There is no customer {key} before this date.\nChoose another one.", loaded,
                    suggested=suggested,
                )  # fmt: skip
            country = where if key == NEW else ""
            request = Request(
                numbers.get("amount", 0.0),
                "" if key == NEW else key,
                country,
                Ceilings(numbers.get("pd", _DEFAULT_SHARE) / 100, numbers.get("el") or None),
            )
            judged = judge(database, loaded, sales, request, currency)
            return Answered(
                loaded=loaded,
                request=judged.request if judged else request,
                judged=judged,
                name=NEW_CUSTOMER if known is None else f"{known['customer_name']} ({key})",
                credit_limit=None if known is None else known["credit_limit"],  # type: ignore[arg-type]
                suggested=suggested,
            )

        return work

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        made: Answered = self.made
        if made.judged is None:
            self.empty_message = made.why_not  # type: ignore[misc]
            if made.loaded is not None and made.suggested:
                self.desk.fields = [self._search_field(made, "")]
            return pl.DataFrame()
        answer = made.judged.answer
        return pl.DataFrame(
            {
                "customer": [made.name], "default": [answer.default], "late": [answer.late],
                "expected_loss": [answer.expected_loss], "passes": [answer.passes],
            }
        )  # fmt: skip

    def show(self, frame: pl.DataFrame) -> None:  # noqa: ARG002
        made: Answered = self.made
        assert made.judged is not None
        assert made.request is not None
        assert made.loaded is not None
        told = Told(made, self.session.settings.currency)
        self.desk.param.update(
            fields=self._fields(made),
            figures=told.figures(),
            lead=told.lead(),
            sections=told.sections(),
            buttons=[{"label": "All that is known of this customer", "kind": "customer"}]
            if made.request.customer
            else [],
        )

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        sales = self.session.sales
        assert sales is not None
        return (
            f"Judged with what was known before {sales.as_of:%-d %B %Y}, for payment terms of "
            f"{sales.terms_days} days: all invoices in the data have these, so what other terms would do is "
            "not known. The filters on the left do not apply."
        )

    def _fields(self, made: Answered) -> list[dict[str, Any]]:
        assert made.request is not None
        request = made.request
        share = request.ceilings.default * 100
        fields = [self._search_field(made, made.name)]
        if not request.customer:
            sales = self.session.sales
            assert sales is not None
            fields.append(
                {
                    "name": "where", "label": "Country", "kind": "search", "text": request.country,
                    "options": [{"value": name, "text": name} for name in sorted(sales.countries)],
                }
            )  # fmt: skip
        return [
            *fields,
            {"name": "amount", "label": "Amount of the invoice", "kind": "number", "value": request.amount,
             "min": 1, "max": _MOST, "step": 1, "text": ""},
            {"name": "pd", "label": "Chance of default at most", "kind": "range", "value": share,
             "min": _LEAST_SHARE, "max": _MOST_SHARE, "step": 0.5, "text": f"{share:.1f} %"},
            {"name": "el", "label": "Expected loss at most", "kind": "number",
             "value": request.ceilings.expected_loss or 0, "min": 0, "max": _MOST, "step": 1,
             "text": "on all that is open then; 0: no ceiling"},
        ]  # fmt: skip

    def _search_field(self, made: Answered, text: str) -> dict[str, Any]:
        sales = self.session.sales
        assert sales is not None
        word = self._searched.get("who", "")
        if word:
            found = find_customers(sales, word, _SUGGESTED)
            pairs = [(row["key"], f"{row['customer_name']} ({row['key']})") for row in found.to_dicts()]
        else:
            pairs = list(made.suggested)
        options = [{"value": key, "text": said} for key, said in [(NEW, NEW_CUSTOMER), *pairs]]
        return {
            "name": "who", "label": "Customer: search by name or number", "kind": "search", "text": text,
            "options": options,
        }  # fmt: skip

    def _asked(self, event: dict[str, Any]) -> None:
        kind, name = event.get("kind"), str(event.get("name", ""))
        if kind == "customer":
            made: Answered | None = self.made
            if made is not None and made.request is not None and made.request.customer:
                open_customer(self.session, made.request.customer)
        elif kind == "search" and name == "who":
            self._searched["who"] = str(event.get("text", ""))
            if self.made is not None and self.desk.fields:
                fields = list(self.desk.fields)
                self.desk.fields = [self._search_field(self.made, fields[0]["text"]), *fields[1:]]
        elif kind == "set" and name in self.follows:
            self._set(name, event.get("value"), bool(event.get("final")))

    def _set(self, name: str, value: Any, final: bool) -> None:
        if name == "who":
            self._live, self._searched = {}, {}
            remember(self.session, str(value))
            set_extra(self.session, who=str(value), amount="", where="")
        elif name == "where":
            set_extra(self.session, where=str(value))
        elif isinstance(value, int | float) and value == value:
            if final:
                self._live.pop(name, None)
                set_extra(self.session, **{name: f"{value:.12g}"} | self._named())
            else:
                self._live[name] = float(value)
            self.refresh()

    def _named(self) -> dict[str, str]:
        """The customer shown, so that the address says of whom the numbers are."""
        made: Answered | None = self.made
        if self._text("who") or made is None or made.request is None:
            return {}
        return {"who": made.request.customer or NEW}
