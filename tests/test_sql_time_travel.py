"""What is known as of a date does not change when everything later is deleted."""

from datetime import date
from pathlib import Path

import pytest
from sql_companies import before, random_company, write_sqlite

from core.database import open_database
from core.days import to_day
from core.sql_files import read_sql, sql_names

DATED = [name for name in [*sql_names("marts"), *sql_names("eda")] if read_sql(name).parameters]


@pytest.mark.parametrize("as_of", [date(2023, 1, 1), date(2023, 9, 30), date(2024, 8, 1)])
@pytest.mark.parametrize("seed", [1, 5])
def test_rows_on_or_after_the_as_of_date_change_nothing(seed: int, as_of: date, tmp_path: Path) -> None:
    company, day = random_company(seed), to_day(as_of)
    past = before(company, as_of)
    assert 0 < len(past["orders"]) < len(company["orders"])
    params = {"as_of_day": day, "terms_days": 30, "from_day": day - 400, "until_day": day}
    whole = open_database(str(write_sqlite(company, tmp_path / "whole.sqlite")))
    cut = open_database(str(write_sqlite(past, tmp_path / "past.sqlite")))
    with whole, cut:
        for name in DATED:
            given = {key: params[key] for key in read_sql(name).parameters}
            one, other = whole.query(name, **given), cut.query(name, **given)
            assert one.sort(one.columns).equals(other.sort(other.columns)), name


def test_every_query_of_orders_has_a_date_limit() -> None:
    for name in [*sql_names("marts"), *sql_names("eda")]:
        file = read_sql(name)
        if {"stg_sales", "stg_orders", "stg_payments"} & set(file.needs):
            assert "as_of_day" in file.parameters or "until_day" in file.parameters, name


def test_shipping_after_the_as_of_date_is_not_known(tmp_path: Path) -> None:
    company = random_company(4)
    late = [row | {"shippedDate": "2030-01-01" if row["shippedDate"] else None} for row in company["orders"]]
    unshipped = [row | {"shippedDate": None} for row in company["orders"]]
    day = to_day(date(2024, 8, 1))
    found = []
    for number, orders in enumerate((late, unshipped)):
        file = write_sqlite(company | {"orders": orders}, tmp_path / f"{number}.sqlite")
        with open_database(str(file)) as database:
            found.append(database.query("marts/customer_receivables", as_of_day=day, terms_days=30))
    assert found[0].equals(found[1])
