"""Making a report: a page of a session of its own is drawn to the end and written down."""

import asyncio
import datetime as dt
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html import escape
from typing import Any

import panel as pn

from core import __version__
from core.errors import SalesError
from core.roles import carried, require
from dashboard.components import CardGrid, ViewCard
from dashboard.components.decision_desk import DecisionDesk
from dashboard.current_database import CurrentDatabase
from dashboard.page import PAGES, Page
from dashboard.report.figures import bokeh_scripts, drawn, readied
from dashboard.report.look import POLICY, style
from dashboard.report.parts import MOST_ROWS, SHOWN, frame_table, tag, text
from dashboard.session import Session
from dashboard.view import View

_LONGEST_WAIT = 300.0
_PLACE = "\0{}\0"
ON_SERVER_ONLY = "This part answers on the running dashboard only."


@dataclass(frozen=True)
class Report:
    """One HTML file.

    Attributes
    ----------
    name
        What the file is called.
    html
        All of it.
    notices
        What could not be taken from the address, in words.
    """

    name: str
    html: str
    notices: tuple[str, ...] = ()


@dataclass
class _Written:
    """What has been written down so far: HTML with places for figures, and the figures."""

    dark: bool
    figures: list[Any] = field(default_factory=list)

    def figure(self, figure: Any, height: int) -> str:
        self.figures.append(readied(figure, self.dark))
        place = _PLACE.format(len(self.figures) - 1)
        return f'<div class="chart" style="--height:{height}px">{place}</div>'

    def html(self, parts: list[str]) -> tuple[str, str]:
        """The whole with its figures in their places, and the script that draws them."""
        script, places = drawn(self.figures)
        whole = re.sub("\0(\\d+)\0", lambda found: places[int(found[1])], "".join(parts))
        return whole, script


def make_report(current: CurrentDatabase, search: str, *, strict: bool = False) -> Report:
    """The page that ``search``, the query of an address, asks for. Takes seconds: not for an event loop.

    Parameters
    ----------
    strict
        Whether what cannot be taken from the address is an error, instead of a notice in the report.

    Raises
    ------
    NotAllowedError
        Whoever asks may not see the page.
    SalesError
        There is no such page, it has nothing to write down, or the data cannot be read.
    """
    import dashboard.shell  # noqa: F401 - every page registers itself

    session = Session(current.database, current.settings, search)
    page_class = PAGES.get(session.page)
    if page_class is None:
        raise SalesError(f"There is no page {session.page!r}.", f"The pages are: {', '.join(PAGES)}.")
    require(page_class.needs, f"saving the page {page_class.title}")
    current.follow(session, None)
    _load(session)
    if strict and session.notices:
        raise SalesError(session.notices[0], "Give the address as the dashboard shows it.")
    if session.problem:
        raise SalesError(session.problem)
    page = page_class(session)
    tabs = [tab["slug"] for tab in page.tabs.tabs] if hasattr(page, "tabs") else []
    if strict and session.tab and session.tab not in tabs:
        known = f"Its tabs are: {', '.join(tabs)}." if tabs else "It has no tabs."
        raise SalesError(f"The page {page.title} has no tab {session.tab!r}.", known)
    page.panel()
    written = _Written(session.dark)
    cards = [_written(view, written) for view in _drawn_views(page)]
    if not any(cards):
        raise SalesError(
            f"The page {page.title} is worked with on the running dashboard; a report could not hold it.",
            "Choose a page with charts, such as overview, explore or churn.",
        )
    whole, script = written.html(cards)
    return Report(
        _file_name(session), _document(session, _title(page), whole, script), tuple(session.notices)
    )


def _load(session: Session) -> None:
    """Read the data, in a thread without an event loop: whoever asks may have one."""
    with ThreadPoolExecutor(1, thread_name_prefix="report-data") as pool:
        pool.submit(carried(lambda: asyncio.run(session.load()))).result()


def _drawn_views(page: Page) -> Iterator[View]:
    """The views that can be seen, drawn to the end."""
    for view in page.visible_views():
        if hasattr(view, "page_size"):
            view.page_size = MOST_ROWS
        view.refresh()
        job = getattr(view, "job", None)
        if job is not None and hasattr(job, "result"):  # joins customers and scores of large companies
            job.result(_LONGEST_WAIT)
        yield view


def _written(view: View, written: _Written) -> str:
    """One view as HTML; empty where it shows nothing."""
    root = view.panel()
    parts, card = [], view.card
    has_card = False
    for item in _leaves(root):
        if item is card:
            has_card = True
            parts.append(_card(view, card, written))
        else:
            parts.append(_component(item, written, view.height))
    shown = "".join(parts)
    if not shown and not has_card and card.state in ("empty", "error"):
        shown = _said(card.state, card.message)
    if not shown:
        return ""
    if has_card:
        return shown
    framed = '<section class="card wide">' in shown or shown.startswith("<h2")
    return f'<section class="{"card wide" if framed else "open"}">{shown}</section>'


def _card(view: View, card: ViewCard | DecisionDesk, written: _Written) -> str:
    state = str(card.state)
    if state in ("empty", "error"):
        content = _said(state, card.message)
    elif isinstance(card, DecisionDesk):
        content = SHOWN[DecisionDesk](card)
    else:
        content = "".join(_component(item, written, view.height) for item in _leaves(view._content))
        if "<table" not in content and "chart" not in content and not _has_words(content):
            frame = view.frame
            content += frame_table(frame) if frame is not None and frame.width else ""
    wide = getattr(card, "wide", True) or isinstance(card, DecisionDesk)
    head = tag("h2", text(card.title)) + tag("p", text(_without_clicks(card.description)), "description")
    body = content or _said("empty", ON_SERVER_ONLY)
    note = tag("p", text(_without_clicks(card.note)), "note") if state not in ("empty", "error") else ""
    slug = escape(view.slug or type(view).__name__)
    return f'<section class="card{" wide" if wide else ""}" data-view="{slug}">{head}{body}{note}</section>'


def _without_clicks(told: str) -> str:
    """What is said of a view without what can be done there only."""
    told = re.sub(r"(^|(?<=[.!?] ))(Click|Drag|Download|The download) [^.]*\.\s*", "", told)
    return re.sub(r"; (click|the download) [^.;]*", "", told).strip()


def _has_words(content: str) -> bool:
    return any(mark in content for mark in ('class="short"', 'class="facts"', "<li>", 'class="lead"'))


def _said(state: str, message: str) -> str:
    return f'<p class="said {escape(state)}">{text(message)}</p>' if message else ""


def _leaves(root: Any) -> Iterator[Any]:
    """The components that can be seen, in reading order."""
    if not getattr(root, "visible", True):
        return
    if isinstance(root, pn.layout.base.ListLike | CardGrid):
        for item in root.objects:
            yield from _leaves(item)
    else:
        yield root


def _component(item: Any, written: _Written, height: int) -> str:
    if isinstance(item, pn.pane.Bokeh):
        return written.figure(item.object, height) if item.object is not None else ""
    for kind, shown in SHOWN.items():
        if isinstance(item, kind):
            return shown(item)
    return ""


def _title(page: Page) -> str:
    tabs = {tab["slug"]: tab["title"] for tab in page.tabs.tabs} if hasattr(page, "tabs") else {}
    chapter = tabs.get(page.tabs.active, "") if len(tabs) > 1 else ""
    return f"{page.title}: {chapter}" if chapter else page.title


def _file_name(session: Session) -> str:
    day = session.sales.as_of.isoformat() if session.sales is not None else ""
    return "-".join(part for part in (session.page, session.tab, day) if part) + ".html"


def _document(session: Session, title: str, whole: str, script: str) -> str:
    facts = session.database_facts()
    made = dt.datetime.now(dt.UTC)
    chips = "".join(tag("li", text(label)) for _, _, label in session.filters.chips(session.names()))
    notices = "".join(tag("p", text(notice)) for notice in session.notices)
    source = (
        f"Data: {facts['source']}, {facts['engine']}, loaded {facts['loaded']} · "
        f"Sales dashboard {__version__} · written {made:%-d %B %Y %H:%M} UTC"
    )
    head = (
        tag("h1", text(title))
        + tag("p", text(session.status()), "status")
        + tag("p", text(source), "source")
        + tag("ul", chips, "chips")
        + tag("div", notices, "notices")
    )
    scripts = bokeh_scripts() + script if script else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{text(title)} – Sales dashboard</title><style>{style(session.dark)}</style></head>"
        f"<body><header>{head}</header><main>{whole}</main>"
        "<footer>A report of what the dashboard showed: charts answer to the pointer, clicks do not filter."
        f"</footer>{scripts}</body></html>\n"
    )
