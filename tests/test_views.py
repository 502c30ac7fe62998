"""What every view does without a browser: data, figure, patching, clicks, brushes, empty and error states."""

import datetime as dt

import polars as pl
import pytest
from bokeh.events import SelectionGeometry
from bokeh.models import ColumnDataSource, FactorRange

from core.database import Database
from core.filters import SalesFilters
from core.sales_data import SalesData, load_sales
from core.settings import Settings
from core.sql_files import read_sql
from dashboard import views
from dashboard.pages.explore import CHAPTERS
from dashboard.session import Session
from dashboard.view import REGISTRY, Chart, View
from dashboard.views.places import CountryMap, RevenueByCountry
from dashboard.views.timeline import RevenueTimeline

FILTERS = {
    "none": SalesFilters(),
    "country": SalesFilters(countries=["France"]),
    "period": SalesFilters(period=(dt.date(2024, 3, 1), dt.date(2024, 8, 31))),
    "product line": SalesFilters(product_lines=["Ships"]),
    "customers": SalesFilters(credit_limit=(20_000, 60_000), spend=(0, 1e6)),
    "nothing left": SalesFilters(countries=["France"], period=(dt.date(2023, 7, 1), dt.date(2023, 7, 1))),
}
DESCRIPTIVE = sorted(
    slug for slug, view in REGISTRY.items() if view.__module__.rpartition(".")[2] in views.__all__
)
"""Views that need neither scores nor a customer; those that do have tests of their own."""


@pytest.fixture(scope="module")
def sales(demo_database: Database) -> SalesData:
    """The demo company at its default as-of date."""
    return load_sales(demo_database)


@pytest.fixture
def session(demo_database: Database, sales: SalesData) -> Session:
    """A session that has its data."""
    opened = Session(demo_database, Settings())
    opened.sales = sales
    return opened


def test_every_view_is_registered_and_described() -> None:
    assert views.__all__
    assert len(REGISTRY) >= 18
    for slug, view in REGISTRY.items():
        assert view.slug == slug
        assert view.title
        assert view.description.endswith(".")
        for name in view.sql:
            assert read_sql(name).title


@pytest.mark.parametrize("slug", DESCRIPTIVE)
@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS.keys())
def test_every_view_draws_any_selection(session: Session, slug: str, filters: SalesFilters) -> None:
    session.filters.assign(filters)
    view = REGISTRY[slug](session)
    view.refresh()
    assert view.card.state in ("ready", "empty"), view.card.message
    session.filters.clear()
    view.refresh()
    assert view.card.state == "ready", view.card.message


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_shows_at_most_six_charts(chapter: str) -> None:
    assert len(CHAPTERS[chapter][1]) <= 6


def front(view: Chart) -> ColumnDataSource:
    """The data source of the marks in front."""
    return view._front[0].data_source


def test_a_change_patches_the_figure_that_is_there(session: Session) -> None:
    view = RevenueByCountry(session)
    view.refresh()
    figure, source = view.figure, front(view)
    before = dict(zip(source.data["label"], source.data["revenue"], strict=True))
    session.filters.product_lines = ["Ships"]
    view.refresh()
    assert view.figure is figure
    assert front(view) is source
    after = dict(zip(source.data["label"], source.data["revenue"], strict=True))
    assert list(after) == list(before)
    assert sum(after.values()) < sum(before.values())


def test_the_unfiltered_total_stays_pale_behind(session: Session) -> None:
    view = RevenueByCountry(session)
    view.refresh()
    back = view._back[0].data_source
    total = sum(back.data["revenue"])
    session.filters.product_lines = ["Ships"]
    view.refresh()
    assert sum(back.data["revenue"]) == total
    assert isinstance(view.figure.y_range, FactorRange)
    assert view.figure.y_range.factors[-1] == back.data["label"][0]


def test_a_click_filters_and_the_chart_keeps_its_other_bars(session: Session) -> None:
    view = RevenueByCountry(session)
    view.refresh()
    source = front(view)
    source.selected.indices = [1]
    country = source.data["label"][1]
    assert session.filters.countries == [country]
    assert source.selected.indices == []
    view.refresh()
    assert len(source.data["label"]) == 15
    assert [
        a
        for a, label in zip(source.data["mark_alpha"], source.data["label"], strict=True)
        if label == country
    ] == [1]
    assert min(source.data["mark_alpha"]) < 1
    source.selected.indices = [1]
    assert session.filters.countries == []


def test_a_brush_sets_whole_months(session: Session) -> None:
    view = RevenueTimeline(session)
    view.refresh()
    start, end = dt.datetime(2024, 2, 10), dt.datetime(2024, 4, 3)
    geometry = {
        "type": "rect",
        "x0": start.timestamp() * 1000,
        "x1": end.timestamp() * 1000,
        "y0": 0,
        "y1": 1,
    }
    view._brushed(SelectionGeometry(view.figure, geometry=geometry, final=False))
    assert session.filters.period is None
    view._brushed(SelectionGeometry(view.figure, geometry=geometry, final=True))
    assert session.filters.values_of("period") == (dt.date(2024, 2, 1), dt.date(2024, 4, 30))


def test_the_map_keeps_its_shapes(session: Session) -> None:
    view = CountryMap(session)
    view.refresh()
    source = front(view)
    shapes = source.data["xs"]
    session.filters.product_lines = ["Ships"]
    view.refresh()
    assert source.data["xs"] is shapes


def test_nothing_is_done_twice_for_the_same_state(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    view = RevenueByCountry(session)
    calls = []
    original = view.data
    monkeypatch.setattr(view, "data", lambda s, f: calls.append(f) or original(s, f))
    view.refresh()
    done = len(calls)
    view.refresh()
    assert len(calls) == done


def test_an_error_stays_in_its_card(
    session: Session, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = RevenueByCountry(session), RevenueTimeline(session)

    def fail(*_: object) -> pl.DataFrame:
        raise RuntimeError("planted")

    monkeypatch.setattr(broken, "data", fail)
    for view in (broken, sound):
        view.refresh()
    assert broken.card.state == "error"
    assert "planted" not in broken.card.message
    assert "planted" in caplog.text
    assert sound.card.state == "ready"


def test_the_card_answers_with_sql_and_rows(session: Session) -> None:
    view: View = RevenueByCountry(session)
    view.refresh()
    sql = view._answer({"kind": "sql"})
    assert sql["files"][0]["name"] == "eda/revenue_by_country"
    rows = view._answer({"kind": "rows"})
    assert pl.read_csv(rows["text"].encode())["revenue"].sum() == pytest.approx(view.frame["revenue"].sum())


def test_an_address_and_a_session_say_the_same(demo_database: Database) -> None:
    search = "?page=explore&tab=money&as_of=2025-05-01&theme=dark&period=2024-01-01..2024-12-31&country=USA"
    assert Session(demo_database, Settings(), search).search() == search


def test_the_unfiltered_total_is_computed_once_for_all_sessions(
    session: Session, sales: SalesData, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    original = RevenueByCountry.data

    def counted(view: RevenueByCountry, known: SalesData, filters: SalesFilters) -> pl.DataFrame:
        asked.append(bool(filters.active()))
        return original(view, known, filters)

    RevenueByCountry(session).refresh()
    monkeypatch.setattr(RevenueByCountry, "data", counted)
    view = RevenueByCountry(session)
    for line in ("Ships", "Planes"):
        session.filters.product_lines = [line]
        view.refresh()
    assert asked == [True, True]
    assert sales is session.sales


def test_what_is_not_known_stays_a_gap() -> None:
    source = ColumnDataSource()
    Chart._fill(source, pl.DataFrame({"month": ["Jan", "Feb", "Mar"], "days": [30, None, 28]}))
    first, gap, last = source.data["days"]
    assert (first, last) == (30, 28)
    assert gap != gap, "a null would be drawn as 0"
