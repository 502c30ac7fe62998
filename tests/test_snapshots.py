"""Customer snapshots: one row per customer and as-of day, defined values whatever the data."""

from datetime import date
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from feature_reference import odd_company
from polars.testing import assert_frame_equal
from sql_companies import Tables, literal_company, random_company, write_sqlite

from core.database import Database, open_database
from core.days import to_day
from core.errors import MissingDataError
from core.mapping import Mapping, store_mapping
from core.snapshots import (
    FEATURES,
    GROUPS,
    TRAINING_FEATURES,
    build,
    default_cutoffs,
    feature_sql,
    guest_orders,
    labels,
    order_span,
    reader,
    sampling,
    snapshot_passes,
    snapshots,
    training_days,
)
from core.sql_files import column_type, read_sql, sql_names

AS_OF = to_day(date(2024, 2, 25))
ALWAYS = {"recency_days", "tenure_days", "orders", "order_days", "order_lines", "revenue", "mean_order_value"}


def opened(tables: Tables, folder: Path) -> Database:
    return open_database(str(write_sqlite(tables, folder / "company.sqlite")))


def without(tables: Tables, folder: Path, *names: str) -> Database:
    """The company in a database that lacks some tables."""
    import sqlite3
    from contextlib import closing

    file = write_sqlite(tables, folder / "company.sqlite")
    with closing(sqlite3.connect(file)) as connection:
        for name in names:
            connection.execute(f"DROP TABLE {name}")
        connection.commit()
    return open_database(str(file))


def row_of(frame: pl.DataFrame, customer: int) -> dict[str, object]:
    return frame.row(by_predicate=pl.col("customer_id") == customer, named=True)


def test_a_literal_company(tmp_path: Path) -> None:
    with opened(literal_company(), tmp_path) as database:
        frame = snapshots(database, [AS_OF])
    assert frame["customer_id"].to_list() == [1, 2, 3]  # the fourth never ordered
    one, two, three = (row_of(frame, customer) for customer in (1, 2, 3))
    assert (one["recency_days"], one["tenure_days"], one["orders"], one["revenue"]) == (5, 411, 3, 180.0)
    assert (one["returned_amount"], one["returned_share"]) == (20.0, 0.1)
    assert (one["mean_gap_days"], one["last_gap_days"]) == (203.0, 10)
    assert (one["country"], one["office_id"], one["credit_limit"]) == ("France", "1", 1000.0)
    assert two["orders"] == 2, "an order counts although it is cancelled by now: that was not known"
    assert (two["late_share"], two["outstanding"], two["days_since_payment"]) == (0.0, 0.0, 36)
    assert (three["unshipped_orders"], three["open_orders"]) == (0, 1)
    assert three["gap_cv"] is None
    assert three["mean_gap_days"] is None
    assert (three["office_id"], three["discount"]) == (None, pytest.approx(1 - 9.5 / 12))


def test_features_are_described_and_come_from_their_query() -> None:
    for name, feature in FEATURES.items():
        assert feature.name == name
        assert feature.group in GROUPS
        assert feature.label
        assert feature.label[0].islower()
        file = feature_sql(name)
        if file is not None:
            assert {name, f"{name}_squared"} & set(file.columns), name
    produced = {
        column.removesuffix("_squared")
        for name in sql_names("features")
        if name != "features/coverage"
        for column in read_sql(name).columns
    }
    assert produced - {"customer_id", "as_of_day"} == {n for n, f in FEATURES.items() if f.source}
    assert {f.group for f in FEATURES.values()} == set(GROUPS)
    assert len({f.label for f in FEATURES.values()}) == len(FEATURES)
    assert feature_sql("calendar_sine") is None
    with pytest.raises(KeyError):
        feature_sql("nothing")


def test_current_values_are_labelled_and_the_credit_limit_trains_nothing() -> None:
    current = {name for name, feature in FEATURES.items() if feature.current}
    assert current == {"country", "office_id", "credit_limit", "discount", "discount_365"}
    assert "credit_limit" not in TRAINING_FEATURES
    assert set(TRAINING_FEATURES) == set(FEATURES) - {"credit_limit"}


def test_types_are_those_of_the_queries(tmp_path: Path) -> None:
    expected = {"integer": pl.Int64, "number": pl.Float64, "text": pl.String, "id": pl.String}
    with opened(literal_company(), tmp_path) as database:
        schema = snapshots(database, [AS_OF]).schema
    for name in FEATURES:
        file = feature_sql(name)
        said = "number" if file is None else column_type(file.columns.get(name, "number"))
        assert schema[name] == expected[said], name


@pytest.mark.parametrize("seed", [1, 4])
def test_values_are_finite_or_null_whatever_the_data(seed: int, tmp_path: Path) -> None:
    with opened(odd_company(seed), tmp_path) as database:
        frame = snapshots(database, [AS_OF - 500, AS_OF, AS_OF + 4000])
    assert frame.height > 20
    numbers = frame.select(pl.selectors.float())
    assert numbers.null_count().sum_horizontal().item() > 0
    for column in numbers.iter_columns():
        assert column.drop_nulls().is_finite().all(), column.name
    assert frame.select(pl.col(ALWAYS)).null_count().sum_horizontal().item() == 0
    for name in [
        n
        for n, f in FEATURES.items()
        if f.unit == "share" and n not in ("returned_share", "discount", "discount_365")
    ]:
        assert frame[name].drop_nulls().is_between(0, 1).all(), name
    for name in ("orders_trend", "revenue_trend"):
        assert frame[name].drop_nulls().is_between(-1, 1).all(), name


def test_a_customer_with_one_order_and_only_returns(tmp_path: Path) -> None:
    company = literal_company()
    company["orders"] = [row for row in company["orders"] if row["orderNumber"] == 105]
    with opened(company, tmp_path) as database:
        row = row_of(snapshots(database, [AS_OF]), 1)
    assert (row["orders"], row["revenue"], row["mean_order_value"]) == (1, -20.0, -20.0)
    undefined = [
        "mean_gap_days",
        "last_gap_days",
        "gap_cv",
        "recency_to_gap",
        "order_value_cv",
        "revenue_trend",
    ]
    undefined += [
        "returned_share",
        "season_share",
        "line_concentration",
        "late_share",
        "discount",
        "overdue_share",
    ]
    assert {name: row[name] for name in undefined} == dict.fromkeys(undefined)
    assert (row["orders_trend"], row["outstanding"], row["product_lines"]) == (1.0, 0.0, 1)


def test_customers_that_do_the_same_every_time(tmp_path: Path) -> None:
    company = literal_company()
    days = [date(2024, 1, day).isoformat() for day in (1, 8, 15, 22, 29)]
    template = company["orders"][0]
    company["orders"] = [template | {"orderNumber": n, "orderDate": day} for n, day in enumerate(days)]
    line = company["orderdetails"][0]
    company["orderdetails"] = [line | {"orderNumber": n} for n in range(5)]
    with opened(company, tmp_path) as database:
        row = row_of(snapshots(database, [AS_OF]), 1)
    assert (row["gap_cv"], row["order_value_cv"], row["mean_gap_days"]) == (0.0, 0.0, 7.0)
    assert (row["line_concentration"], row["main_line_share"], row["main_product_line"]) == (1.0, 1.0, "Cars")


def test_guests_are_left_out_and_counted(tmp_path: Path) -> None:
    company = literal_company()
    company["orders"][2]["customerNumber"] = None
    with opened(company, tmp_path) as database:
        assert snapshots(database, [AS_OF])["customer_id"].to_list() == [1, 2, 3]
        assert snapshots(database, [AS_OF])["orders"].to_list() == [3, 1, 1]
        assert guest_orders(database) == 1
        assert guest_orders(database, to_day(date(2024, 1, 5))) == 0
        assert None not in labels(database, [AS_OF], 90)["customer_id"].to_list()


def test_features_of_absent_tables_are_null(tmp_path: Path) -> None:
    payment = [name for name, feature in FEATURES.items() if feature.group == "payment"]
    with opened(literal_company(), tmp_path) as database:
        whole = snapshots(database, [AS_OF])
    with without(literal_company(), tmp_path, "payments", "employees", "offices") as database:
        frame = snapshots(database, [AS_OF])
    assert frame.schema == whole.schema
    absent = [*payment, "office_id"]
    assert frame.select(absent).null_count().row(0) == (3,) * len(absent)
    assert_frame_equal(frame.drop(absent), whole.drop(absent))


def test_without_orders_there_is_nothing_to_say(tmp_path: Path) -> None:
    with without(literal_company(), tmp_path, "orders") as database, pytest.raises(MissingDataError):
        snapshots(database, [AS_OF])
    empty = literal_company() | {"orders": [], "orderdetails": [], "payments": []}
    with opened(empty, tmp_path) as database:
        assert snapshots(database, [AS_OF]).height == 0
        assert labels(database, [AS_OF], 90).height == 0
        with pytest.raises(MissingDataError, match="no orders"):
            order_span(database)


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_a_flat_table_of_order_lines(engine: str, tmp_path: Path) -> None:
    lines = pl.DataFrame(
        {
            "client": ["a", "a", "b", "b", None],
            "bought": [
                date(2024, 1, 1),
                date(2024, 2, 1),
                date(2024, 1, 5),
                date(2024, 1, 5),
                date(2024, 1, 5),
            ],
            "value": [10.0, 30.0, 5.0, 7.0, 99.0],
        }
    )
    with open_database(f"{engine}:///{tmp_path}/flat.{engine}", read_only=False) as database:
        database.write("lines", lines)
        store_mapping(
            database,
            Mapping.of(sales=("lines", {"customer_id": "client", "order_date": "bought", "amount": "value"})),
        )
        frame, outcome = snapshots(database, [AS_OF]), labels(database, [to_day(date(2024, 1, 6))], 30)
    assert frame["customer_id"].to_list() == ["a", "b"]
    assert frame["orders"].to_list() == [2, 1]
    assert frame["revenue"].to_list() == [40.0, 12.0]
    assert frame["mean_gap_days"].to_list() == [31.0, None]
    for name in ("late_share", "outstanding", "discount", "office_id", "country", "unshipped_orders"):
        assert frame[name].to_list() == [None, None], name
    assert outcome.rows() == [("a", 19728, 1, 30.0, 1, 0), ("b", 19728, 0, 0.0, 0, 0)]


def test_label_windows_are_half_open_and_without_cancelled_orders(tmp_path: Path) -> None:
    first, last = to_day(date(2024, 1, 5)), to_day(date(2024, 2, 20))
    with opened(literal_company(), tmp_path) as database:
        days = [first, first - 310, last - 10]
        outcome = labels(database, days, 46)
        assert outcome.select("as_of_day", "customer_id").equals(
            snapshots(database, days).select("as_of_day", "customer_id")
        )
        at = {(row["as_of_day"], row["customer_id"]): row for row in outcome.iter_rows(named=True)}
        assert at[first, 2]["revenue"] == 220.0  # the order of the first day counts
        assert at[first, 1]["orders"] == 1  # that of day 46 does not
        assert at[first - 310, 1]["complete"] == 1
        assert (first - 310, 2) not in at
        assert labels(database, [first], 47).row(0)[:6] == (1, first, 2, -20.0, 1, 1)
        assert labels(database, [first], 48)["complete"].to_list() == [0, 0]
        cancelled = labels(database, [to_day(date(2023, 2, 1))], 60)
        assert cancelled["orders"].to_list() == [0]


def test_many_days_take_several_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = list(range(AS_OF - 600, AS_OF, 20))
    assert len(days) > build.DAYS_PER_PASS
    with opened(random_company(2), tmp_path) as database:
        whole = snapshots(database, [*reversed(days), days[3]])
        outcome = labels(database, days, 30)
        assert len(list(snapshot_passes(database, days))) == 2
        monkeypatch.setattr(build, "ROWS_PER_PASS", 90)
        passes = list(snapshot_passes(database, days))
        assert len(passes) > 5
        assert_frame_equal(pl.concat(passes), whole)
    assert whole["as_of_day"].unique().sort().to_list() == days
    assert whole.select("as_of_day", "customer_id").equals(outcome.select("as_of_day", "customer_id"))
    assert whole.equals(whole.sort("as_of_day", "customer_id"), null_equal=True)


@pytest.mark.parametrize("company", [odd_company(2), random_company(2)], ids=["odd", "random"])
def test_a_copy_for_reading_gives_the_same_rows(
    company: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [AS_OF - 300, AS_OF]
    with opened(company, tmp_path) as database:
        assert reader.fast_reader(database) is database
        slow = snapshots(database, days), labels(database, days, 90), guest_orders(database)
        monkeypatch.setattr(reader, "LEAST_ROWS", 1)
        reader.forget_copy()
        assert reader.fast_reader(database) is not database
        quick = snapshots(database, days), labels(database, days, 90), guest_orders(database)
        reader.forget_copy()
    assert_frame_equal(slow[0], quick[0])
    assert_frame_equal(slow[1], quick[1])
    assert slow[2] == quick[2]


def test_a_copy_is_not_made_of_data_it_might_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LEAST_ROWS", 1)
    company = literal_company()
    company["orderdetails"][0]["quantityOrdered"] = "ten"
    with opened(company, tmp_path) as database:
        assert reader.fast_reader(database) is database
    reader.forget_copy()
    with open_database(f"sqlite:///{tmp_path}/company.sqlite", read_only=False) as database:
        database.write("stg_offices", pl.DataFrame({"office_id": ["1"]}))
        assert reader.fast_reader(database) is database
    reader.forget_copy()


def test_a_copy_follows_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LEAST_ROWS", 1)
    opened(literal_company(), tmp_path).close()
    with open_database(f"sqlite:///{tmp_path}/company.sqlite", read_only=False) as database:
        assert snapshots(database, [AS_OF])["orders"].to_list() == [3, 2, 1]
        orders = database.query("SELECT * FROM orders")
        database.write("orders", orders.filter(pl.col("customerNumber") != 2))
        assert snapshots(database, [AS_OF])["customer_id"].to_list() == [1, 3]
    reader.forget_copy()


def test_no_days_give_no_rows(tmp_path: Path) -> None:
    with opened(literal_company(), tmp_path) as database:
        some = snapshots(database, [AS_OF])
        assert snapshots(database, []).schema == some.schema
        assert snapshots(database, []).height == 0
        assert labels(database, [], 30).height == 0


def test_a_sample_is_of_customers(tmp_path: Path) -> None:
    days = [AS_OF - 300, AS_OF]
    with opened(random_company(2), tmp_path) as database:
        whole, some = snapshots(database, days), snapshots(database, days, customers=8, seed=1)
        assert some.equals(snapshots(database, days, customers=8, seed=1), null_equal=True)
        assert not some.equals(snapshots(database, days, customers=8, seed=2), null_equal=True)
        assert snapshots(database, days, customers=1000).equals(whole, null_equal=True)
    assert some["customer_id"].n_unique() == 8
    assert_frame_equal(some, whole.join(some, on="customer_id", how="semi"))


def test_a_sample_of_a_large_company_reads_only_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [AS_OF - 300, AS_OF - 89, AS_OF]
    monkeypatch.setattr(sampling, "LEAST_CUSTOMERS", 3)
    monkeypatch.setattr(sampling, "BLOCKS", 3)
    with opened(random_company(2), tmp_path) as database:
        whole, outcome = snapshots(database, days), labels(database, days, 90)
        some = snapshots(database, days, customers=6, seed=1)
        chosen = labels(database, days, 90, customers=6, seed=1)
    sampling.forget_sample()
    assert some["customer_id"].n_unique() == 6
    assert_frame_equal(some, whole.join(some, on="customer_id", how="semi"))
    assert_frame_equal(chosen, outcome.join(some, on="customer_id", how="semi"))


def test_training_windows_end_before_the_test() -> None:
    for cutoff, horizon, every in ((1000, 90, 60), (700, 180, 30), (2000, 30, 60)):
        days = training_days(0, 1500, cutoff, horizon, every)
        assert days == sorted(days)
        assert max(days) + horizon == min(cutoff, 1501)
        assert min(days) >= 90
        assert {b - a for a, b in pairwise(days)} == {every}
    assert training_days(0, 1500, 150, 90) == []
    with pytest.raises(ValueError, match="at least 1"):
        training_days(0, 1500, 1000, 0)


def test_default_cutoffs_are_complete_and_leave_history() -> None:
    cutoffs = default_cutoffs(0, 1095, 90)
    assert cutoffs == [736, 826, 916, 1006]
    assert cutoffs[-1] + 90 == 1096
    assert default_cutoffs(0, 1095, 90, count=2) == [916, 1006]
    assert default_cutoffs(0, 1095, 90, count=0) == []
    assert default_cutoffs(0, 200, 90) == []
    for cutoff in default_cutoffs(0, 500, 90):
        assert training_days(0, 500, cutoff, 90)
    with pytest.raises(ValueError, match="at least 1"):
        default_cutoffs(0, 100, 0)
