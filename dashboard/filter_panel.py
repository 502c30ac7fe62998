"""The widgets of the global filters, in step with ``SalesFilters`` in both directions."""

import datetime as dt
from typing import Any

import panel as pn
import panel_material_ui as pmui

from core.filters import LISTS
from dashboard.session import Session

_LISTS = {"country": "Country", "product_line": "Product line", "office": "Sales office"}


class FilterPanel:
    """Period, country, product line, sales office and as-of date in the sidebar."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._syncing = False
        common: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (8, 16)}
        self.period = pmui.DateRangePicker(label="Period (order date)", size="small", **common)
        self.lists = {
            dimension: pmui.MultiChoice(label=label, placeholder="All", searchable=True, **common)
            for dimension, label in _LISTS.items()
        }
        self.as_of = pmui.DatePicker(
            label="As-of date",
            description="See what was known on this date.",
            clearable=True,
            size="small",
            **common,
        )
        self.period.param.watch(self._period_chosen, "value")
        for dimension, widget in self.lists.items():
            widget.param.watch(lambda event, d=dimension: self._values_chosen(d, event.new), "value")
        self.as_of.param.watch(self._as_of_chosen, "value")
        session.on_change(self.follow)
        self.follow()

    def panel(self) -> pn.viewable.Viewable:
        """The widgets, top to bottom."""
        return pn.Column(
            self.period, *self.lists.values(), self.as_of, sizing_mode="stretch_width", margin=(8, 0)
        )

    def follow(self) -> None:
        """Show in the widgets what the session holds."""
        session, sales = self.session, self.session.sales
        self._syncing = True
        try:
            if sales is not None:
                _update(self.period, start=sales.first_day, end=sales.last_day)
                _update(self.as_of, start=sales.first_day + dt.timedelta(days=1), end=session.newest_as_of)
                known = sales.known_values()
                for dimension, widget in self.lists.items():
                    _update(widget, options=known[dimension])
            _update(self.period, value=session.filters.values_of("period") or None)
            for dimension, widget in self.lists.items():
                _update(
                    widget, value=[v for v in session.filters.values_of(dimension) if v in widget.options]
                )
            _update(self.as_of, value=session.as_of or (sales.as_of if sales is not None else None))
        finally:
            self._syncing = False

    def _period_chosen(self, event: Any) -> None:
        if not self._syncing:
            self.session.filters.period = tuple(_plain(day) for day in event.new) if event.new else None

    def _values_chosen(self, dimension: str, values: list[str]) -> None:
        if not self._syncing:
            current = list(self.session.filters.values_of(dimension))
            if values != current:
                setattr(self.session.filters, LISTS[dimension], values)

    def _as_of_chosen(self, event: Any) -> None:
        sales = self.session.sales
        if self._syncing or (event.new is not None and sales is not None and event.new == sales.as_of):
            return
        self.session.as_of = _plain(event.new) if event.new else None


def _plain(day: Any) -> dt.date:
    return day.date() if isinstance(day, dt.datetime) else day


def _update(widget: Any, **values: Any) -> None:
    changed = {name: value for name, value in values.items() if getattr(widget, name) != value}
    if changed:
        widget.param.update(**changed)
