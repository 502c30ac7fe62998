"""Recommendations on databases: the queries, complete and mapped companies, customers read in parts."""

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from recommend_purchases import DAYS, FIRST_DAY, order_lines
from sql_companies import (
    Tables,
    comparable,
    literal_company,
    open_duckdb,
    query_duckdb,
    random_company,
    write_sqlite,
)
from sql_reference import Company

from core.database import open_database
from core.days import to_date, to_day
from core.errors import SalesError
from core.jobs import recommend
from core.mapping import Mapping, store_mapping
from core.models.model import Model
from core.sql_files import read_sql

END = FIRST_DAY + DAYS
AS_OF = date(2024, 2, 25)


def silent(_what: str, _fraction: float) -> None:
    """Progress that nobody watches."""


def _reference(tables: Tables, name: str, first: int, last: int, size: int) -> pl.DataFrame:
    """What a query should give, from the raw tables with Polars."""
    company = Company(tables, as_of_day=to_day(AS_OF), terms_days=30, from_day=0, until_day=0)
    before = pl.col("order_day") < to_day(AS_OF)
    lines = company.all_lines.filter(before, pl.col("product_id").is_not_null())
    orders = company.orders.filter(before, pl.col("customer_id").is_not_null())
    match name:
        case "models/purchases":
            return (
                lines.filter(pl.col("customer_id").is_between(first, last))
                .group_by("order_id", "product_id", "customer_id", "order_day")
                .agg(pl.col("quantity").sum(), is_cancelled=pl.col("cancelled").max().cast(pl.Int64))
            )
        case "models/customer_slices":
            known = orders.select("customer_id").unique().sort("customer_id").with_row_index("place")
            start = pl.col("place").cast(pl.Int64) // size * size
            return known.group_by(start.alias("slice_start")).agg(
                first_customer_id=pl.col("customer_id").min(),
                last_customer_id=pl.col("customer_id").max(),
                customers=pl.len(),
            )
        case "models/purchases_by_country":
            return (
                lines.filter(pl.col("quantity") > 0, pl.col("country").is_not_null())
                .group_by("country", "product_id")
                .agg(purchases=pl.len())
            )
        case "models/customers_without_orders":
            return company.people.join(orders, on="customer_id", how="anti").select("customer_id", "country")
        case "models/products":
            return company.goods
    raise AssertionError(name)


QUERIES = [
    "models/purchases",
    "models/customer_slices",
    "models/purchases_by_country",
    "models/customers_without_orders",
    "models/products",
]


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("tables", [literal_company(), random_company(1)], ids=["literal", "random"])
def test_both_engines_give_what_the_reference_expects(name: str, tables: Tables, tmp_path: Path) -> None:
    file = read_sql(name)
    given = {"as_of_day": to_day(AS_OF), "first_customer_id": 1, "last_customer_id": 20, "slice_size": 7}
    wanted = {key: given[key] for key in file.parameters}
    expected = comparable(_reference(tables, name, 1, 20, 7).select(*file.columns), file)
    with open_database(str(write_sqlite(tables, tmp_path / "company.sqlite"))) as database:
        found = comparable(database.query(name, **wanted), file)
        keys = [key.strip() for key in file.grain.split(",")]
        assert not found.select(keys).is_duplicated().any()
    assert expected.height > 0 or name == "models/customers_without_orders"
    assert_frame_equal(found, expected)
    duck = open_duckdb(tables)
    assert_frame_equal(comparable(query_duckdb(duck, name, **wanted), file), expected)
    duck.close()


def test_a_company_is_trained_scored_and_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = random_company(4, customers=40, orders=700)
    with open_database(str(write_sqlite(tables, tmp_path / "company.sqlite"))) as database:
        day = to_day(date(2024, 11, 1))
        model, card = recommend.train(database, as_of_day=day, horizon=60, terms_days=30, progress=silent)
        assert card.to_json()
        assert card.task == "recommend"
        whole = recommend.score(database, model, as_of_day=day, terms_days=30, progress=silent)
        monkeypatch.setattr(recommend, "CUSTOMERS_AT_ONCE", 9)
        parts = recommend.score(database, model, as_of_day=day, terms_days=30, progress=silent)
        keys = ["customer_id", "kind", "rank"]
        assert_frame_equal(parts.sort(keys), whole.sort(keys))
        stock = {str(row["productCode"]): row["quantityInStock"] for row in tables["products"]}
        assert all(stock.get(product, 1) > 0 for product in whole["product_id"])
        ordered = {row["customerNumber"] for row in tables["orders"]}
        assert set(whole["customer_id"]) <= ordered | {row["customerNumber"] for row in tables["customers"]}


def test_a_random_part_of_many_customers_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = random_company(4, customers=60, orders=700)
    monkeypatch.setattr(recommend, "TRAINING_CUSTOMERS", 30)
    with open_database(str(write_sqlite(tables, tmp_path / "company.sqlite"))) as database:
        day = to_day(date(2024, 11, 1))
        model, card = recommend.train(database, as_of_day=day, horizon=60, terms_days=30, progress=silent)
        assert 15 <= model.judged_["customers"] <= 30
        assert "random sample" in card.notes[0]


def test_a_flat_table_of_order_lines_is_enough(tmp_path: Path) -> None:
    lines = order_lines(120, orders=12)
    file = tmp_path / "flat.sqlite"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE till (buyer INTEGER, article TEXT, bought DATE, paid REAL)")
        rows = [
            (customer, product, to_date(day).isoformat(), 10.0)
            for customer, product, day in lines.select("customer_id", "product_id", "order_day").iter_rows()
        ]
        connection.executemany("INSERT INTO till VALUES (?, ?, ?, ?)", rows)
    fields = {"customer_id": "buyer", "product_id": "article", "order_date": "bought", "amount": "paid"}
    with open_database(str(file), read_only=False) as database:
        store_mapping(database, Mapping.of(sales=("till", fields)))
        model, card = recommend.train(database, as_of_day=END, horizon=90, terms_days=30, progress=silent)
        assert any("no stock" in note and "no purchase prices" in note for note in card.notes)
        found = recommend.score(database, model, as_of_day=END, terms_days=30, progress=silent)
        assert found["customer_id"].n_unique() == 120
        assert set(found["kind"]) == {"buy again", "new"}
        evaluation = recommend.backtest(
            database, horizon=90, cutoffs=[END - 90], terms_days=30, progress=silent
        )
        assert evaluation.score("personal frequency", "NDCG@10 repeat").value > 0.2


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    company = literal_company()
    with open_database(str(write_sqlite(company, tmp_path / "company.sqlite"))) as database:
        early = to_day(date(2023, 1, 10))
        with pytest.raises(SalesError, match="no orders"):
            recommend.train(database, as_of_day=early, horizon=90, terms_days=30, progress=silent)
        with pytest.raises(SalesError, match="too few"):
            recommend.backtest(database, horizon=400, cutoffs=None, terms_days=30, progress=silent)
        model, card = recommend.train(
            database, as_of_day=to_day(AS_OF) + 1, horizon=90, terms_days=30, progress=silent
        )
        assert isinstance(model, Model)
        assert card.badge == "not enough data"
        later = to_day(AS_OF + timedelta(days=9))
        found = recommend.score(database, model, as_of_day=later, terms_days=30, progress=silent)
        assert set(found["customer_id"]) == {1, 2, 3, 4}
