"""Every query gives the same rows on SQLite and DuckDB, and those that an independent calculation expects."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_companies import (
    Tables,
    comparable,
    literal_company,
    open_duckdb,
    query_duckdb,
    random_company,
    write_sqlite,
)
from sql_reference import REFERENCES, Company

from core.database import open_database
from core.days import to_day
from core.sql_files import read_sql, sql_names

PORTABLE = [*sql_names("marts"), *sql_names("eda")]
COMPANIES = {"literal": literal_company(), "random 1": random_company(1), "random 2": random_company(2)}
DATES = [date(2022, 6, 1), date(2023, 3, 1), date(2024, 2, 11), date(2024, 2, 25), date(2025, 1, 1)]


def _params(as_of: date) -> dict[str, int]:
    day = to_day(as_of)
    return {"as_of_day": day, "terms_days": 30, "from_day": day - 500, "until_day": day}


def _agree(name: str, found: pl.DataFrame, expected: pl.DataFrame, whose: str) -> None:
    file = read_sql(name)
    left, right = comparable(found, file), comparable(expected, file)
    try:
        assert_frame_equal(left, right, check_exact=False, abs_tol=0.005, rel_tol=0)
    except AssertionError as error:
        raise AssertionError(f"{name} by {whose}: {error}") from None


@pytest.fixture(scope="module", params=COMPANIES)
def company(request: pytest.FixtureRequest) -> Tables:
    return COMPANIES[request.param]


def test_every_query_has_a_reference() -> None:
    assert sorted(REFERENCES) == sorted(PORTABLE)


def test_both_engines_give_what_the_reference_expects(company: Tables, tmp_path: Path) -> None:
    with open_database(str(write_sqlite(company, tmp_path / "company.sqlite"))) as sqlite:
        duck = open_duckdb(company)
        for as_of in DATES:
            params = _params(as_of)
            reference = Company(company, **params)
            for name in PORTABLE:
                declared = {key: params[key] for key in read_sql(name).parameters}
                expected = REFERENCES[name](reference)
                _agree(name, sqlite.query(name, **declared), expected, f"SQLite, {as_of}")
                _agree(name, query_duckdb(duck, name, **params), expected, f"DuckDB, {as_of}")
        duck.close()


def test_the_comparison_notices_a_cent() -> None:
    file = read_sql("eda/payments_and_invoices")
    row = pl.DataFrame({"day": [1], "invoiced": [10.0], "received": [0.0]})
    assert comparable(row, file).height == 1
    with pytest.raises(AssertionError, match="payments_and_invoices by a test"):
        _agree(file.name, row, row.with_columns(invoiced=pl.lit(10.01)), "a test")


@pytest.mark.parametrize("name", PORTABLE)
def test_grain_is_unique(name: str, tmp_path: Path) -> None:
    keys = [key.strip() for key in read_sql(name).grain.split(",")]
    with open_database(str(write_sqlite(random_company(3), tmp_path / "company.sqlite"))) as sqlite:
        params = _params(date(2024, 6, 1))
        found = sqlite.query(name, **{key: params[key] for key in read_sql(name).parameters})
    if keys == ["one row"]:
        assert found.height == 1
        return
    if name == "eda/seasonality":
        keys = ["order_year", "month_of_year"]
    assert not found.select(keys).is_duplicated().any()
