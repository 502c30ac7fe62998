"""What the Features page computes: classes, correlations, drift, one customer; and its views."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from core.database import Database
from core.days import to_day
from core.predictions.features import (
    MISSING,
    correlations,
    customer_snapshot,
    described,
    distribution,
    drift_between,
    meaning,
    numeric_features,
    relation,
    standing,
    timeline,
)
from core.sales_data import SalesData, load_sales
from core.settings import Settings
from core.snapshots import FEATURES, snapshots
from dashboard.pages.features import Features
from dashboard.session import Session
from dashboard.views.features_charts import (
    Correlations,
    FeatureDistribution,
    FeatureMeaning,
    FeatureSummary,
)
from dashboard.views.features_table import FeatureTable


@pytest.fixture(scope="module")
def sales(demo_database: Database) -> SalesData:
    return load_sales(demo_database)


@pytest.fixture(scope="module")
def snapshot(demo_database: Database, sales: SalesData) -> pl.DataFrame:
    return customer_snapshot(demo_database, to_day(sales.as_of), 30)


def test_a_snapshot_is_computed_once(
    demo_database: Database, sales: SalesData, snapshot: pl.DataFrame
) -> None:
    assert customer_snapshot(demo_database, to_day(sales.as_of), 30) is snapshot


def test_every_value_is_in_one_class_of_numbers() -> None:
    now = pl.Series([0.0, 1.5, 2.0, None, 90.0, *range(200)])
    table = distribution({"now": now, "then": pl.Series([1.0, None])})
    assert table["now"].sum() == now.len() - 1
    assert table["then"].sum() == 1
    assert table["now_share"].sum() == pytest.approx((now.len() - 1) / now.len())
    edges = [*table["left"].to_list(), table["right"][-1]]
    assert np.allclose(np.diff(edges), edges[1] - edges[0])


def test_few_whole_numbers_have_a_bar_each_and_outliers_join_the_last() -> None:
    table = distribution({"now": pl.Series([0, 0, 1, 3])})
    assert dict(zip(table["label"], table["now"], strict=True)) == {"0": 2, "1": 1, "2": 0, "3": 1}
    long = distribution({"now": pl.Series([*range(1_000), 10**6])})
    assert long["label"][-1].endswith("and more")
    assert long["now"].sum() == 1_001
    assert distribution({"now": pl.Series([7.25, 7.25])})["now"].to_list() == [2]
    assert distribution({"now": pl.Series([None], dtype=pl.Float64)}).is_empty()


def test_text_is_counted_with_what_is_not_known_and_rare_values_together() -> None:
    table = distribution({"now": pl.Series(["b", "a", "a", None]), "then": pl.Series(["c"])})
    assert dict(zip(table["label"], table["now"], strict=True)) == {"a": 2, "b": 1, MISSING: 1, "c": 0}
    many = distribution({"now": pl.Series([f"v{number}" for number in range(40)])})
    assert many["now"].sum() == 40
    assert many["label"][-1] == "27 others"


def test_correlations_are_those_of_ranks_over_known_pairs() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(3)
    x, y = rng.normal(size=200), rng.normal(size=200)
    y[:80] += x[:80] * 3
    frame = pl.DataFrame({"x": x, "y": y, "same": np.ones(200)}).with_columns(
        gap=pl.when(pl.col("x") > 0).then(pl.col("y"))
    )
    table = correlations(frame, ["x", "gap", "same"], ["y", "x"])
    found = {(row, column): (r, n) for row, column, r, n in table.iter_rows()}
    assert found["x", "y"][0] == pytest.approx(spearmanr(x, y).statistic)
    assert found["x", "x"][0] == pytest.approx(1)
    assert found["gap", "x"] == (pytest.approx(spearmanr(x[x > 0], y[x > 0]).statistic), int((x > 0).sum()))
    assert found["same", "y"][0] is None


def test_groups_of_a_relation_hold_all_customers_and_keep_equal_ones_together() -> None:
    x = [0] * 60 + list(range(1, 41))
    frame = pl.DataFrame({"customer_id": range(100), "x": x, "y": [2.0 * value for value in x]})
    points, groups = relation(frame, "x", "y")
    assert points.height == groups["customers"].sum() == 100
    assert groups["customers"].max() >= 60
    assert groups["y"].is_sorted()
    assert relation(frame.clear(), "x", "y")[1].is_empty()


def test_drift_is_zero_of_the_same_and_large_of_moved_customers(snapshot: pl.DataFrame) -> None:
    same = drift_between(snapshot, snapshot)
    assert same["psi"].abs().max() == pytest.approx(0, abs=1e-9)
    assert "calendar_sine" not in same["feature"].to_list()
    moved = snapshot.with_columns(recency_days=pl.col("recency_days") + 5_000)
    top = drift_between(snapshot, moved).row(0, named=True)
    assert (top["feature"], top["verdict"]) == ("recency_days", "moved")
    assert top["now"] == pytest.approx(top["then"] + 5_000)


def test_features_are_described_by_hand(snapshot: pl.DataFrame) -> None:
    table = described(snapshot)
    assert table["feature"].to_list() == list(FEATURES)
    row = table.filter(pl.col("feature") == "recency_days").row(0, named=True)
    assert row["mean"] == pytest.approx(snapshot["recency_days"].mean())
    assert row["median"] == pytest.approx(snapshot["recency_days"].median())
    missing = table.filter(pl.col("feature") == "gap_cv")["missing"][0]
    assert missing == pytest.approx(snapshot["gap_cv"].null_count() / snapshot.height)
    assert table.filter(pl.col("feature") == "country")["common"][0] in snapshot["country"].to_list()


def test_every_feature_of_a_query_says_what_it_means() -> None:
    for name, feature in FEATURES.items():
        assert bool(meaning(name)) == bool(feature.source), name


def test_the_timeline_of_a_customer_is_what_the_snapshots_say(
    demo_database: Database, sales: SalesData, snapshot: pl.DataFrame
) -> None:
    who = snapshot.sort("orders")["customer_id"][-3]
    day = to_day(sales.as_of)
    rows = timeline(demo_database, who, day, 30, every=90, count=3)
    wanted = snapshots(demo_database, [day, day - 90, day - 180]).filter(pl.col("customer_id") == who)
    assert rows["date"].to_list() == [sales.as_of - dt.timedelta(days=back) for back in (180, 90, 0)]
    for name in FEATURES:
        ours, theirs = rows[name], wanted[name]
        if ours.dtype.is_float():
            assert ours.to_list() == pytest.approx(theirs.to_list(), nan_ok=True), name
        else:
            assert ours.to_list() == theirs.to_list(), name


def test_a_customer_stands_between_the_others(snapshot: pl.DataFrame) -> None:
    best = snapshot.sort("revenue")["customer_id"][-1]
    rows = standing(snapshot, best)
    below = rows.filter(pl.col("feature") == "revenue")["below"][0]
    assert 1 - 1 / snapshot.height < below < 1
    assert standing(snapshot, -1).is_empty()


@pytest.fixture
def session(demo_database: Database, sales: SalesData) -> Session:
    opened = Session(demo_database, Settings(), "?page=features")
    opened.sales = sales
    return opened


def test_every_chapter_draws(session: Session) -> None:
    page = Features(session)
    for tab in Features.chapters:
        session.tab = tab
        for view in page.views_of(tab):
            view.refresh()
            if view.slug and view.panel() is view.card:
                assert view.card.state == "ready", (view.slug, view.card.message)


def test_choosing_a_feature_patches_the_figure_and_shows_its_query(session: Session) -> None:
    view, story = FeatureDistribution(session), FeatureMeaning(session)
    for one in (view, story):
        one.refresh()
    pane = view._content.objects[0]
    session.extra = {"feature": "revenue_365"}
    for one in (view, story):
        one.refresh()
    assert view._content.objects[0] is pane
    assert "365 days" in view.card.title
    assert "revenue_365" in story.story.sql
    assert story.story.file == "sql/features/purchases.sql"
    session.extra = {"feature": "country"}
    view.refresh()
    assert view._content.objects[0] is not pane
    assert session.search() == "?page=features&feature=country"


def test_filters_restrict_the_customers_and_say_what_does_not_apply(session: Session) -> None:
    view = FeatureDistribution(session)
    view.refresh()
    everyone = view.frame["customers"].sum()
    session.filters.countries = ["France"]
    view.refresh()
    assert 0 < view.frame["customers"].sum() < everyone
    assert view.frame["everyone"].sum() == everyone
    session.filters.product_lines = ["Ships"]
    view.refresh()
    assert "Not filtered by product line" in view.card.note


def test_a_cell_of_the_map_chooses_its_two_features(session: Session) -> None:
    view = Correlations(session)
    view.refresh()
    view._source.selected.indices = [1]
    row, column = (view._source.data[name][1] for name in ("row", "column"))
    assert (session.extra["other"], session.extra["feature"]) == (row, column)
    assert {row, column} <= set(numeric_features())


def test_the_table_is_paged_sorted_and_exported_with_all_features(session: Session) -> None:
    view = FeatureTable(session)
    view.refresh()
    assert view.list.total == view.frame.height
    assert len(view.list.rows) == view.page_size
    first = view.list.rows[0]["key"]
    assert first == view.frame.sort("revenue_365", descending=True)["key"][0]
    session.extra = {"columns": "monetary"}
    view.refresh()
    assert [column["name"] for column in view.list.columns][1] == "revenue"
    assert view.exported().columns == ["customer_id", "customer_name", "as_of_day", *FEATURES]
    view._asked({"kind": "pick", "key": first, "on": True})
    assert view.exported().height == 1


def test_features_are_found_and_sorted_in_the_summary(session: Session) -> None:
    view = FeatureSummary(session)
    view.refresh()
    view._asked({"kind": "search", "text": "past due"})
    assert {row["key"] for row in view.list.rows} >= {"overdue", "mean_days_late"}
    view._asked({"kind": "open", "key": "overdue"})
    assert session.extra["feature"] == "overdue"
