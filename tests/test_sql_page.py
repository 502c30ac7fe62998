"""The parts of the SQL page without a browser: links, parameters, cells, files, charts and remarks."""

import asyncio
import csv
import datetime as dt
import gc
import io
import signal
import time
import weakref
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from core.adhoc import QueryLimits, QueryResult
from core.adhoc.run import kind_of_dtype
from core.errors import QueryError, SalesError
from core.ingest import ingest
from core.resources import demo_folder
from dashboard.components.sql_editor import ROW_CHOICES, editor_assets
from dashboard.sql_page import files
from dashboard.sql_page.axis_names import are_times
from dashboard.sql_page.chart_figures import figure_of
from dashboard.sql_page.chart_shapes import AGGREGATES, KINDS, ChartChoice, shape, suggested
from dashboard.sql_page.explorer import ExplorerTab
from dashboard.sql_page.explorer_plot import ResultExplorer
from dashboard.sql_page.explorer_rows import MOST_ROWS, sample_of
from dashboard.sql_page.history import remark_on
from dashboard.sql_page.link import LONGEST_TEXT, from_link, to_link
from dashboard.sql_page.parameters import bound, described, names_in
from dashboard.sql_page.rows import order_of, texts
from dashboard.sql_page.running import Background
from tests.benchmarks.client import Client
from tests.conftest import ServeFunction

HEAVY = "SELECT COUNT(*) FROM customers a, customers b, customers c, customers d"
SALES = pl.DataFrame(
    {
        "country": ["USA", "France", "USA", None],
        "line": ["Ships", "Ships", "Planes", "Planes"],
        "amount": [10.0, 20.0, 30.0, None],
    }
)


@pytest.mark.parametrize(
    "text", ["SELECT 1", "SELECT 'Ünïcode & =?#'\n-- ok", "~begins like a packed one", "SELECT 1, " * 200]
)
def test_a_link_gives_back_the_text(text: str) -> None:
    assert from_link(to_link(text)) == text
    assert len(to_link(text)) < 900


def test_a_text_too_long_for_a_link_is_refused() -> None:
    with pytest.raises(QueryError, match="too long"):
        to_link("".join(f"{i * i:x}" for i in range(20_000)))


@pytest.mark.parametrize("value", ["~", "~!!!", "~AAAA", to_link("SELECT 1, " * 200)[:-9]])
def test_a_damaged_link_is_told(value: str) -> None:
    with pytest.raises(QueryError, match="cannot be read"):
        from_link(value)


def test_a_link_cannot_unpack_to_a_flood() -> None:
    import base64
    import zlib

    bomb = "~" + base64.urlsafe_b64encode(zlib.compress(b"a" * 50 * LONGEST_TEXT)).decode()
    with pytest.raises(QueryError, match="cannot be read"):
        from_link(bomb)


def test_parameters_are_found_outside_comments_and_quotes() -> None:
    text = "SELECT ':no', \":nor\" -- :neither\nFROM t /* :as */ WHERE a = :one AND b < :as_of_day OR :one"
    assert names_in(text) == ["one", "as_of_day"]
    assert names_in("SELECT a::text FROM t") == []


def test_parameters_are_offered_and_read_back() -> None:
    text = "SELECT :as_of_day, :n, :share, :name"
    offered = described(text, {"as_of_day": 20_089, "n": 3}, {"name": "x y"})
    assert [p["value"] for p in offered] == ["2025-01-01", "3", "", "x y"]
    assert offered[0]["kind"] == "day"
    typed = {"as_of_day": "2025-01-02", "n": "-4", "share": "0.5", "name": " x "}
    assert bound(text, typed) == {"as_of_day": 20_090, "n": -4, "share": 0.5, "name": "x"}


@pytest.mark.parametrize(("typed", "reason"), [("", "has no value"), ("soon", "not a date")])
def test_a_parameter_without_a_usable_value_is_told(typed: str, reason: str) -> None:
    with pytest.raises(QueryError, match=reason):
        bound("SELECT :as_of_day", {"as_of_day": typed})


def test_cells_are_texts_with_even_decimals_and_dashes_for_nulls() -> None:
    frame = pl.DataFrame(
        {
            "n": [1234.5, -0.125, None],
            "i": [1, None, 10**9],
            "t": ["a", None, "x" * 500],
            "b": [b"\x01", b"", None],
        }
    )
    rows = texts(frame, (("n", "number"), ("i", "integer"), ("t", "text"), ("b", "binary")))
    assert [row[0] for row in rows] == ["1,234.500", "-0.125", "–"]
    assert [row[1] for row in rows] == ["1", "–", "1000000000"]
    assert rows[1][2] == "–"
    assert len(rows[2][2]) == 120
    assert rows[0][3] == "01"


def test_strange_numbers_are_shown() -> None:
    frame = pl.DataFrame({"n": [float("nan"), float("inf"), 1e300, 1e-300, 0.0]})
    assert [row[0] for row in texts(frame, (("n", "number"),))] == ["nan", "inf", "1e+300", "1e-300", "0.00"]


def test_sorting_keeps_nulls_last_and_ties_in_order() -> None:
    column = pl.Series([2, None, 1, 2])
    assert order_of(column, True).to_list() == [0, 3, 2, 1]
    assert order_of(column, False).to_list() == [2, 0, 3, 1]
    assert order_of(pl.Series([[2], [1]]), False).to_list() == [1, 0]


def whole(frame: pl.DataFrame, form: str) -> bytes:
    """The file as the browser puts it together."""
    file, content = files.ResultFile(frame, form), b""
    while True:
        part = file.next_part()
        content += part.content
        if part.last:
            return content


def test_spreadsheets_get_no_formulas() -> None:
    cells = ["=1+1", "+x", "-x", "@sum", " =2", "\t=3", "＝4", "-12.5", "+1e5", "ok", None]
    frame = pl.DataFrame({"=name": cells, "n": list(range(-5, 6))})
    rows = list(csv.reader(io.StringIO(whole(frame, "csv").decode())))
    assert rows[0] == ["'=name", "n"]
    assert [row[0] for row in rows[1:]] == [
        "'=1+1", "'+x", "'-x", "'@sum", "' =2", "'\t=3", "'＝4", "-12.5", "+1e5", "ok", "",
    ]  # fmt: skip
    assert [row[1] for row in rows[1:]] == [str(n) for n in range(-5, 6)]


def test_a_csv_comes_in_parts_with_one_heading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK_ROWS", 2)
    assert whole(SALES.select("line"), "csv").decode().split() == [
        "line",
        "Ships",
        "Ships",
        "Planes",
        "Planes",
    ]
    assert whole(SALES.select("line").clear(), "csv").decode().split() == ["line"]


def test_lists_and_binary_values_can_be_saved() -> None:
    frame = pl.DataFrame({"l": [[1, 2], None], "b": [b"\xff", None], "s": [{"a": 1}, None]})
    rows = list(csv.reader(io.StringIO(whole(frame, "csv").decode())))
    assert rows[1] == ["[1, 2]", "ff", "{'a': 1}"]
    assert pl.read_parquet(io.BytesIO(whole(frame, "parquet"))).equals(frame)


def test_parquet_keeps_values_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PART_BYTES", 100)
    assert pl.read_parquet(io.BytesIO(whole(SALES, "parquet"))).equals(SALES)


def test_excel_keeps_texts_big_numbers_days_and_unicode() -> None:
    frame = pl.DataFrame(
        {
            "big": [2**53 + 1, None, -(2**62)],
            "year": [2024, 1999, None],
            "=text": ["=1+1", "@x", "+1"],
            "id": ["007", "-5", "Ünï ☃"],
            "day": [dt.date(2024, 1, 31), None, dt.date(1999, 12, 31)],
            "old": [dt.date(1899, 1, 1), None, dt.date(2024, 1, 1)],
            "at": [dt.datetime(2024, 1, 31, 12, 30, 15), None, dt.datetime(2024, 1, 1, 1)],
            "x": [1.5, float("nan"), float("inf")],
            "took": [dt.timedelta(hours=1), None, None],
            "long": ["x" * 40_000, "", "-"],
        }
    )
    book = whole(frame, "xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert rows[0] == frame.columns
    assert [row[:2] for row in rows[1:]] == [["9007199254740993", 2024], ["", 1999], [str(-(2**62)), ""]]
    assert [row[2:4] for row in rows[1:]] == [["=1+1", "007"], ["@x", "-5"], ["+1", "Ünï ☃"]]
    assert [row[4] for row in rows[1:]] == [dt.date(2024, 1, 31), "", dt.date(1999, 12, 31)]
    assert [row[5] for row in rows[1:]] == ["1899-01-01", "", "2024-01-01"]
    assert rows[1][6:9] == [dt.datetime(2024, 1, 31, 12, 30, 15), 1.5, "1:00:00"]
    assert [row[7] for row in rows[2:]] == ["", ""]
    assert len(rows[1][9]) == 32_767
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        assert "<f>" not in parts.read("xl/worksheets/sheet1.xml").decode()


def test_names_that_differ_in_case_fit_into_one_sheet() -> None:
    book = whole(pl.DataFrame({"a": [1], "A": [2], "": [3]}), "xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert rows == [["a", "A 2", "column 3"], [1, 2, 3]]


def test_a_csv_is_read_back_as_it_was() -> None:
    frame = pl.DataFrame(
        {
            "big": [2**53 + 1, None],
            "text": ['Ünï, "☃"\n', None],
            "day": [dt.date(1899, 1, 1), None],
            "at": [dt.datetime(2024, 1, 31, 12, 30, 15), None],
            "ok": [True, None],
            "x": [0.1, None],
        }
    )
    back = pl.read_csv(whole(frame, "csv"), try_parse_dates=True)
    assert back.cast({"at": pl.Datetime("us")}).equals(frame)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by", ["", "line"])
def test_every_kind_of_chart_is_drawn(kind: str, by: str) -> None:
    x = "amount" if kind in ("scatter", "histogram") else "country"
    choice = ChartChoice(kind, x, "amount", by)
    if kind == "heatmap" and not by:
        with pytest.raises(SalesError, match="second category"):
            shape(SALES, choice)
        return
    assert figure_of(shape(SALES, choice), choice).renderers


@pytest.mark.parametrize(
    ("aggregate", "usa"),
    [("sum", 40.0), ("mean", 20.0), ("median", 20.0), ("min", 10.0), ("max", 30.0), ("count", 2.0)],
)
def test_bars_are_summed_up_as_chosen(aggregate: str, usa: float) -> None:
    assert aggregate in AGGREGATES
    shaped = shape(SALES, ChartChoice("bar", "country", "amount", "", aggregate)).frame
    assert dict(shaped.iter_rows())["USA"] == usa


def test_charts_stay_small_and_say_so() -> None:
    many = pl.DataFrame({"name": [f"n{i}" for i in range(60_000)], "v": range(60_000)})
    for kind, most, words in (
        ("bar", 30, "30 largest of 60,000"),
        ("scatter", 20_000, "random 20,000 of 60,000"),
    ):
        shaped = shape(many, ChartChoice(kind, "v" if kind == "scatter" else "name", "v"))
        assert shaped.frame.height == most
        assert words in shaped.note
    split = shape(many, ChartChoice("bar", "v", "v", "name"))
    assert split.frame["by"].n_unique() <= 11


def test_a_histogram_counts_every_row() -> None:
    shaped = shape(pl.DataFrame({"v": [1.0, 2.0, 2.0, None, float("nan")]}), ChartChoice("histogram", "v"))
    assert shaped.frame["y"].sum() == 3
    assert "2 rows without a number" in shaped.note


def test_names_that_are_times_stand_in_order_and_legends_are_small() -> None:
    rows = pl.DataFrame(
        {"month": ["2024-03", "2023-11", "2024-01"], "kind": ["a", "b", "a"], "v": [1.0, 5.0, 2.0]}
    )
    explorer = ResultExplorer(rows.to_pandas(), kind="heatmap", x="month", y="kind")
    assert explorer.figure().x_range.factors == ["2023-11", "2024-01", "2024-03"]
    choice = ChartChoice("bar", "month", "v", "kind")
    for legend in figure_of(shape(rows, choice), choice).legend:
        assert legend.label_text_font_size == legend.title_text_font_size == "12px"
    assert are_times(["2024", "2024-Q1", "2024-W07", "2024-01-31"])
    assert not are_times(["2024-01", "total"])
    assert not are_times([])


def test_a_column_of_words_is_no_value() -> None:
    with pytest.raises(SalesError, match="holds no numbers"):
        shape(SALES, ChartChoice("bar", "amount", "country"))


@pytest.mark.parametrize(
    ("columns", "kind", "x", "y"),
    [
        ((("month", "integer"), ("revenue", "number")), "line", "month", "revenue"),
        ((("customer_id", "integer"), ("name", "text"), ("revenue", "number")), "bar", "name", "revenue"),
        ((("price", "number"), ("pieces", "integer")), "scatter", "price", "pieces"),
        ((("price", "number"),), "histogram", "price", "price"),
    ],
)
def test_the_first_chart_fits_the_columns(
    columns: tuple[tuple[str, str], ...], kind: str, x: str, y: str
) -> None:
    choice = suggested(columns)
    assert (choice.kind, choice.x, choice.y) == (kind, x, y)


@pytest.mark.parametrize(
    ("cut", "most", "words"),
    [
        (None, 100, ()),
        ("rows", 100, ("Cut off at 100 rows", "Choose more rows")),
        ("rows", max(ROW_CHOICES), ("Cut off at 1,000,000 rows", "GROUP BY")),
        ("bytes", 100, ("256 MB", "fewer columns")),
    ],
)
def test_a_cut_result_says_how_to_get_more(cut: str | None, most: int, words: tuple[str, ...]) -> None:
    result = QueryResult(SALES, (), SALES.height, cut, 0.1)  # type: ignore[arg-type]
    remark = remark_on(result, QueryLimits(max_rows=most))
    assert bool(remark) is bool(words)
    assert all(word in remark for word in words)


def test_the_editor_is_served_by_the_server_itself() -> None:
    assert editor_assets().startswith("static/extensions/panel/")


def result_of(frame: pl.DataFrame) -> QueryResult:
    """A result with these rows."""
    columns = tuple((name, kind_of_dtype(dtype)) for name, dtype in frame.schema.items())
    return QueryResult(frame, columns, frame.height, None, 0.1)


MIXED = pl.DataFrame(
    {
        "country": ["USA", "Francé", None, "Spain"] * 5_000,
        "n": range(20_000),
        "index": [i * 7919 % 1000 / 3 for i in range(20_000)],
        "ok": [True, False] * 10_000,
        "raw": [b"\xff"] * 20_000,
    }
).with_columns(day=dt.date(2024, 1, 1) + pl.duration(days=pl.col("n") % 300))


def test_the_explorer_gets_few_rows_from_the_first_to_the_last() -> None:
    sample = sample_of(result_of(MIXED))
    assert len(sample.rows) == MOST_ROWS
    assert sample.rows["n"].iloc[[0, -1]].tolist() == [0, 19_999]
    assert "10,000 of 20,000 rows" in sample.note
    assert sample_of(result_of(MIXED.head(3))).note == ""
    with pytest.raises(SalesError, match="No column holds numbers"):
        sample_of(result_of(MIXED.select("country")))


def test_the_explorer_draws_every_kind_or_says_why_not() -> None:
    from dashboard.sql_page.explorer_plot import KINDS as ALL

    sample = sample_of(result_of(MIXED))
    explorer = ResultExplorer(sample.rows, **sample.first)
    explorer.y_multi = ["n"]
    for kind in ALL:
        for by in ([], ["ok"]):
            explorer.kind, explorer.by = kind, by
            explorer.x = "country" if kind in ("bar", "barh", "heatmap") else "index "
            explorer.y = "ok" if kind == "heatmap" else "n"
            assert explorer.figure() is not None
            assert all(explorer.options_of(title)[1] for title in explorer.groups())
            assert "df.hvplot" in explorer.plot_code()
    explorer.param.update(kind="line", x="country", by=[], y_multi=["n"])
    assert "the same country" in explorer.remark()
    explorer.groupby = ["country"]
    with pytest.raises(SalesError, match="chosen twice"):
        explorer.figure()
    explorer.param.update(kind="bar", x="n", groupby=[], y_multi=["index "])
    with pytest.raises(SalesError, match="too many for an axis"):
        explorer.figure()
    explorer.param.update(kind="scatter", x="n")
    explorer.axes.logx = True
    with pytest.raises(SalesError, match="values above 0"):
        explorer.figure()
    explorer.axes.logx = False
    explorer.advanced.opts = {"nonsense": 1}
    with pytest.raises(SalesError, match="cannot be drawn"):
        explorer.figure()


def test_the_explorer_is_built_when_opened_and_given_back() -> None:
    said: list[str] = []
    tab = ExplorerTab(Background(None), said.append)
    tab.offer(result_of(MIXED))
    assert tab.explorer is None
    tab.draw()
    end = time.monotonic() + 30
    while "10,000 of 20,000" not in said[-1] and time.monotonic() < end:
        time.sleep(0.05)
    assert tab.explorer is not None
    tab.explorer.by = ["ok"]
    explorer = weakref.ref(tab.explorer)
    tab.clear()
    gc.collect()
    assert explorer() is None
    assert "10,000 of 20,000" in said[-1]


@pytest.mark.parametrize(("engine", "sign"), [("sqlite", signal.SIGTERM), ("duckdb", signal.SIGINT)])
def test_a_server_that_is_told_to_end_stops_queries(
    serve: ServeFunction, tmp_path: Path, engine: str, sign: signal.Signals
) -> None:
    url = f"{engine}:///{tmp_path / 'company'}.{engine}"
    ingest([demo_folder()], url)
    server = serve(SALES_DATABASE_URL=url)

    async def run_and_end() -> None:
        client = await Client.open(server.url, "/?page=sql")
        await client.ready()
        await client.quiet(1)
        editor = client.find("panel.models.esm.ReactiveESM", class_name="SqlEditor")
        await client.tell(editor, {"kind": "run", "text": HEAVY})
        await asyncio.sleep(1.5)
        server.process.send_signal(sign)
        await asyncio.to_thread(server.process.wait, 60)  # the query alone would take far longer

    # In a thread of its own: browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(run_and_end())).result()
    assert "ERROR" not in server.log()
    assert "Traceback" not in server.log()
