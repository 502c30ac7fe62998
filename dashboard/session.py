"""What one browser session looks at: page, tab, as-of date and filters; kept in step with the address bar."""

import asyncio
import datetime as dt
import logging
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

import param

from core.database import Database
from core.database.server.failures import DatabaseWakingError
from core.database.server.waking import without_waiting
from core.errors import SalesError
from core.filters import DIMENSIONS, SalesFilters
from core.freshness import last_load
from core.sales_data import SalesData, load_sales
from core.settings import Settings
from dashboard.threads import in_thread

log = logging.getLogger(__name__)

_WAKING_SECONDS, _MOST_WAKING_TRIES = 5.0, 60
_WAKING = "This takes a minute or so and is tried again by itself."

EXTRA: dict[str, tuple[str, ...]] = {
    "sql": ("q", "p"),
    "customer": ("id",),
    "churn": ("threshold", "cost", "success", "margin", "band", "id"),
    "recommendations": ("id", "offer", "by", "stock", "most", "item"),
    "credit": ("who", "where", "amount", "pd", "el", "risk"),
    "predict": ("table", "target", "query"),
    "features": ("feature", "other", "rows", "columns", "then", "who"),
}
_ANY_EXTRA = {name for names in EXTRA.values() for name in names}
"""Query parameters of the address that belong to one page, by its slug."""


class Session(param.Parameterized):
    """State of one session. Pages and views depend on it and hold no state of their own.

    ``sales`` is the process-wide sales data known on the as-of date; None while it is being read.
    """

    page = param.String(default="overview", doc="Slug of the page shown.")
    tab = param.String(default="", doc="Slug of the tab shown on that page; empty: its first.")
    as_of = param.CalendarDate(
        default=None, allow_None=True, doc="As-of date; None: the day after the last order."
    )
    sales = param.ClassSelector(
        class_=SalesData, default=None, allow_None=True, doc="Data known on the as-of date."
    )
    dark = param.Boolean(default=False, doc="Whether the dark theme is shown.")
    problem = param.String(default="", doc="Why there are no data, in words; empty when all is well.")
    extra = param.Dict(default={}, doc="What the page shown adds to the address (``EXTRA``).")
    notices = param.List(default=[], item_type=str, doc="What could not be taken from the address.")

    def __init__(self, database: Database, settings: Settings, search: str = "") -> None:
        super().__init__()
        self.database = database
        self.settings = settings
        self.filters = SalesFilters()
        self.newest_as_of: dt.date | None = None
        self._changed: list[Callable[[], None]] = []
        self.restore(search)
        self.filters.param.watch(self._announce, [name for name in self.filters.param if name != "name"])
        self.param.watch(self._announce, ["page", "tab", "dark", "sales", "problem", "extra"])

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` after every change of page, tab, data or filters (once per batch)."""
        self._changed.append(callback)

    def _announce(self, *_events: param.parameterized.Event) -> None:
        for callback in self._changed:
            callback()

    def restore(self, search: str) -> None:
        """Take page, tab, as-of date and filters from a URL query; what cannot be read becomes a notice."""
        query = dict(parse_qsl(search.lstrip("?"), keep_blank_values=True))
        notices: list[str] = []
        as_of = None
        if text := query.pop("as_of", ""):
            try:
                as_of = dt.date.fromisoformat(text)
            except ValueError:
                notices.append(
                    f"The as-of date {text!r} in the address is not a date (YYYY-MM-DD) and was left out."
                )
        page, tab = query.pop("page", "overview"), query.pop("tab", "")
        self.dark = query.pop("theme", "") == "dark"
        if page in EXTRA:
            self.extra = {name: query.pop(name) for name in EXTRA[page] if name in query}
        filters, ignored = SalesFilters.from_query(query)
        notices += [
            f"{name!r} in the address means nothing here and was left out."
            for name in query
            if name not in DIMENSIONS and name not in _ANY_EXTRA
        ]
        self.filters.assign(filters)
        self.param.update(page=page, tab=tab, as_of=as_of, notices=notices + list(ignored))

    def search(self) -> str:
        """The URL query that restores this state: always the page, and all that differs from the start."""
        query = {"page": self.page}
        if self.tab:
            query["tab"] = self.tab
        if self.as_of is not None:
            query["as_of"] = self.as_of.isoformat()
        if self.dark:
            query["theme"] = "dark"
        query |= {name: self.extra[name] for name in EXTRA.get(self.page, ()) if name in self.extra}
        return "?" + urlencode(query | self.filters.to_query(), safe=",:")

    async def load(self) -> None:
        """Read the sales data for the as-of date off the event loop; sets ``sales`` or ``problem``.

        A paused database that is waking up is asked again every few seconds, and said to be.
        """
        for _ in range(_MOST_WAKING_TRIES):
            with without_waiting():
                if not await self._loaded():
                    return
            await asyncio.sleep(_WAKING_SECONDS)
        await self._loaded()

    async def _loaded(self) -> bool:
        """Read once; gives whether the database is waking up, so that it is worth reading again."""
        wanted = self.as_of
        try:
            newest, sales = await in_thread(self._read, wanted)
        except DatabaseWakingError as error:
            self.param.update(sales=None, problem=f"{error.message} {_WAKING}")
            return True
        except SalesError as error:
            log.warning("sales data could not be read: %s", error)
            self.param.update(sales=None, problem=str(error))
            return False
        if wanted == self.as_of:
            self.newest_as_of = newest
            known, unknown = SalesFilters.from_query(self.filters.to_query(), sales.known_values())
            if unknown:
                self.filters.assign(known)
                self.notices = [*self.notices, *unknown]
            self.param.update(sales=sales, problem="")
        return False

    def _read(self, as_of: dt.date | None) -> tuple[dt.date, SalesData]:
        terms = self.settings.payment_terms_days
        newest = load_sales(self.database, None, terms_days=terms)
        return newest.as_of, newest if as_of is None else load_sales(self.database, as_of, terms_days=terms)

    def names(self) -> dict[str, dict[str, str]]:
        """Readable names of keys by dimension, for the filters that hold keys."""
        if self.sales is None:
            return {}
        return {
            dimension: dict(
                zip(frame["key"].to_list(), frame[name].fill_null(frame["key"]).to_list(), strict=True)
            )
            for dimension, frame, name in (
                ("sales_rep", self.sales.sales_reps, "employee_name"),
                ("product", self.sales.products, "product_name"),
                ("customer", self.sales.customers, "customer_name"),
            )
            if self.filters.is_active(dimension)
        }

    def database_facts(self) -> dict[str, str]:
        """Source, engine and time of loading of the data, in words."""
        loaded = last_load(self.database)
        return {
            "source": self._source(),
            "engine": self.database.engine_name,
            "loaded": f"{loaded.at:%-d %B %Y %H:%M} UTC ({loaded.source})" if loaded else "unknown",
        }

    def _source(self) -> str:
        return "demo data of a made-up company" if self.settings.uses_demo else "your database"

    def status(self) -> str:
        """The as-of date and the source of the data in words."""
        if self.sales is None:
            return "" if self.problem else "Reading the sales data …"
        first, last = self.filters.values_of("period") or (self.sales.first_day, self.sales.last_day)
        last = min(last, self.sales.last_day)
        charts = f"charts show {first:%-d %b %Y} to {last:%-d %b %Y}" if first <= last else "nothing to chart"
        return f"As known on {self.sales.as_of:%-d %B %Y} · {charts} · {self._source()}"
