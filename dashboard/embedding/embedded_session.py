"""The session of one embedded view: it cannot leave its view, nor what a token fixes."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from core.database import Database
from core.filters import SalesFilters
from core.pinned_filters import PinnedFilters
from core.settings import Settings
from dashboard.embedding.access import EARLIEST, LATEST, Grant
from dashboard.session import Session


class EmbeddedSession(Session):
    """A session that holds to a grant, whatever views and browsers ask of it.

    Attributes
    ----------
    refusals
        What was asked for beyond the grant since the last look, in words.
    wanted_page
        The address (URL query) of a page of the dashboard that a click asked for; empty: none.
    """

    def __init__(self, database: Database, settings: Settings, grant: Grant) -> None:
        self.grant = grant
        self.refusals: list[str] = []
        self.wanted_page = ""
        super().__init__(database, settings, "?" + urlencode(_query(grant)))
        self.notices = list(grant.notices)
        self._kept = dict(self.extra)
        self.param.watch(self._hold, ["page", "tab", "as_of", "extra"])

    @property
    def filters(self) -> PinnedFilters:
        """Filters that keep to the pins."""
        return self._filters

    @filters.setter
    def filters(self, _value: SalesFilters) -> None:
        self._filters = PinnedFilters(self.grant.pins, self._refused)

    def _refused(self, dimension: str) -> None:
        fixed = self.grant.pins.to_query().get(dimension, "")
        self.refusals.append(f"This view is limited to {dimension.replace('_', ' ')} {fixed}.")

    def _hold(self, *_events: Any) -> None:
        """Put back what was moved beyond the grant."""
        grant = self.grant
        if self.page != grant.view.page or self.tab:
            self.wanted_page = super().search()
            self.param.update(page=grant.view.page, tab="", extra=dict(self._kept))
            return
        if grant.pinned_as_of is not None and self.as_of != grant.pinned_as_of:
            self.refusals.append(f"This view is shown as of {grant.pinned_as_of:%-d %B %Y} only.")
            self.as_of = grant.pinned_as_of
        fixed = {**self.extra, **grant.pinned_extra}
        if fixed != self.extra:
            self.refusals.append("This view is limited to what its token names.")
            self.extra = fixed
        self._kept = dict(self.extra)

    def take(self, grant: Grant) -> None:
        """Show what a later grant of the same view and token asks for."""
        self.filters.assign(grant.filters)
        self.param.update(as_of=grant.as_of, extra=dict(grant.extra), notices=list(grant.notices))

    def fill_open_period(self) -> None:
        """Give a period with one end the other end of the data."""
        period = SalesFilters.values_of(self.filters, "period")
        if period and self.sales is not None and (period[0] == EARLIEST or period[1] == LATEST):
            first = self.sales.first_day if period[0] == EARLIEST else period[0]
            last = self.sales.as_of - dt.timedelta(days=1) if period[1] == LATEST else period[1]
            self.filters.period = (first, last) if first <= last else None


def _query(grant: Grant) -> dict[str, str]:
    query = {"page": grant.view.page} | dict(grant.extra) | grant.filters.to_query()
    if grant.as_of is not None:
        query["as_of"] = grant.as_of.isoformat()
    if grant.theme == "dark":
        query["theme"] = "dark"
    return query
