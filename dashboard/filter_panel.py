"""The controls of the global filters, in step with ``SalesFilters`` in both directions."""

import datetime as dt
from typing import Any

import panel as pn

from core.filters import LISTS
from dashboard.components.filter_controls import FilterControls
from dashboard.session import Session

_LABELS = {"country": "Country", "product_line": "Product line", "office": "Sales office"}


class FilterPanel:
    """Period, country, product line, sales office and as-of date in the sidebar."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.controls = FilterControls(on_choice=self._chosen, sizing_mode="stretch_width")
        session.on_change(self.follow)
        self.follow()

    def panel(self) -> pn.viewable.Viewable:
        """The controls, top to bottom."""
        return self.controls

    def follow(self) -> None:
        """Show in the controls what the session holds."""
        session, sales = self.session, self.session.sales
        wanted: dict[str, Any] = {
            "period": [day.isoformat() for day in session.filters.values_of("period")],
            "dark": session.dark,
        }
        if sales is not None:
            known = sales.known_values()
            newest = session.newest_as_of or sales.as_of
            wanted |= {
                "bounds": [sales.first_day.isoformat(), (newest - dt.timedelta(days=1)).isoformat()],
                "as_of": sales.as_of.isoformat(),
                "newest": newest.isoformat(),
                "choices": [
                    {
                        "dimension": dimension,
                        "label": label,
                        "options": known[dimension],
                        "chosen": list(session.filters.values_of(dimension)),
                    }
                    for dimension, label in _LABELS.items()
                ],
            }
        changed = {name: value for name, value in wanted.items() if getattr(self.controls, name) != value}
        if changed:
            self.controls.param.update(**changed)

    def _chosen(self, message: dict[str, Any]) -> None:
        session = self.session
        if message.get("kind") == "choice" and message.get("dimension") in _LABELS:
            setattr(session.filters, LISTS[message["dimension"]], [str(v) for v in message.get("values", [])])
        elif message.get("kind") == "period":
            session.filters.period = self._period(message.get("first", ""), message.get("last", ""))
        elif message.get("kind") == "as_of":
            day = _day(message.get("value", ""))
            session.as_of = None if day == session.newest_as_of else day

    def _period(self, first: str, last: str) -> tuple[dt.date, dt.date] | None:
        """A period from what was typed; a side that is left out is that of the data."""
        sales = self.session.sales
        start, end = _day(first), _day(last)
        if sales is None or (start is None and end is None):
            return None
        ends = sorted((start or sales.first_day, end or sales.last_day))
        return ends[0], ends[1]


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
