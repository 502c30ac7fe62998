"""Queries of features and labels: the same rows on SQLite and DuckDB, those of an independent calculation."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from feature_reference import FEATURE_REFERENCES, Facts, labels, odd_company
from polars.testing import assert_frame_equal
from sql_companies import (
    comparable,
    literal_company,
    open_duckdb,
    query_duckdb,
    random_company,
    write_sqlite,
)

from core.database import Database, open_database
from core.days import to_day
from core.snapshots.build import DAYS_PER_PASS
from core.sql_files import read_sql, sql_names

COMPANIES = {
    "literal": literal_company(),
    "random": random_company(1),
    "odd 1": odd_company(1),
    "odd 2": odd_company(2),
}
DATES = [
    date(2022, 6, 1),
    date(2023, 3, 1),
    date(2023, 9, 9),
    date(2024, 2, 11),
    date(2024, 2, 25),
    date(2025, 1, 1),
]
DAYS = [to_day(day) for day in DATES]
PARAMETERS = {f"as_of_day_{i}": DAYS[min(i, len(DAYS)) - 1] for i in range(1, DAYS_PER_PASS + 1)}
PARAMETERS |= {"terms_days": 30, "horizon_days": 90, "as_of_day": DAYS[-2]}
UNDATED = {"features/profile", "features/sales_office", "features/coverage"}


@dataclass(frozen=True)
class Opened:
    facts: Facts
    sqlite: Database
    duck: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module", params=COMPANIES)
def company(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    tables, file = COMPANIES[request.param], tmp_path_factory.mktemp("company") / "company.sqlite"
    with open_database(str(write_sqlite(tables, file))) as sqlite:
        duck = open_duckdb(tables)
        yield Opened(Facts(tables), sqlite, duck)
        duck.close()


def _expected(facts: Facts, name: str) -> pl.DataFrame:
    if name == "labels/orders":
        rows = [row for day in DAYS for row in labels(facts, day, 90)]
    else:
        rows = [row for day in DAYS for row in FEATURE_REFERENCES[name](facts, day)]
    return pl.DataFrame(rows, infer_schema_length=None)


def _agree(name: str, found: pl.DataFrame, expected: pl.DataFrame, whose: str) -> None:
    file = read_sql(name)
    left, right = comparable(found, file), comparable(expected, file)
    try:
        assert_frame_equal(left, right, check_exact=False, abs_tol=1e-6, rel_tol=1e-9)
    except AssertionError as error:
        raise AssertionError(f"{name} by {whose}: {error}") from None


def test_every_query_has_a_reference() -> None:
    assert {*FEATURE_REFERENCES, *UNDATED} == set(sql_names("features"))
    assert sql_names("labels") == ["labels/orders"]


@pytest.mark.parametrize("name", [*FEATURE_REFERENCES, "labels/orders"])
def test_both_engines_give_what_the_reference_expects(company: Opened, name: str) -> None:
    expected = _expected(company.facts, name)
    found = company.sqlite.query(name, **{key: PARAMETERS[key] for key in read_sql(name).parameters})
    _agree(name, found, expected, "SQLite")
    assert not found.select("customer_id", "as_of_day").is_duplicated().any()
    _agree(name, query_duckdb(company.duck, name, **PARAMETERS), expected, "DuckDB")


@pytest.mark.parametrize("name", [*FEATURE_REFERENCES, "labels/orders"])
def test_the_comparison_notices_a_difference(name: str) -> None:
    expected = _expected(Facts(COMPANIES["odd 1"]), name)
    last = expected.columns[-1]
    wrong = expected.with_columns((pl.col(last) + 1).alias(last))
    with pytest.raises(AssertionError, match="by a test"):
        _agree(name, wrong, expected, "a test")


def test_profile_office_and_coverage(tmp_path: Path) -> None:
    company = literal_company()
    company["orders"][2]["customerNumber"] = None
    duck = open_duckdb(company)
    with open_database(str(write_sqlite(company, tmp_path / "company.sqlite"))) as sqlite:
        for name in sorted(UNDATED):
            given = {key: PARAMETERS[key] for key in read_sql(name).parameters}
            _agree(name, query_duckdb(duck, name, **PARAMETERS), sqlite.query(name, **given), "DuckDB")
        profile = sqlite.query("features/profile").sort("customer_id")
        assert profile["country"].to_list() == ["France", "USA", "Norway", "France"]
        office = sqlite.query("features/sales_office").sort("customer_id")
        assert office["office_id"].to_list() == ["1", "2", None, "1"]
        covered = sqlite.query("features/coverage", as_of_day=to_day(date(2024, 2, 11))).row(0)
        assert covered == (3, 1, to_day(date(2023, 1, 10)))
    duck.close()
