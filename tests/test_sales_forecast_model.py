"""The sales forecast as a whole: robust on odd companies, no look ahead, stored and loaded, on databases."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import numpy as np
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
from sql_reference import Company

from core.database import open_database
from core.days import LAST_DAY, to_date, to_day
from core.errors import MissingDataError, SalesError
from core.jobs import sales
from core.mapping import Mapping, store_mapping
from core.models.model import Parts
from core.models.sales import SalesForecaster, backtest_sales, sales_within
from core.models.sales.backtest import month_cutoffs
from core.sql_files import read_sql

START = date(2021, 1, 1)


def silent(_what: str, _fraction: float) -> None:
    """Progress that nobody watches."""


def company(months: int, lines: tuple[str, ...] = ("Cars", "Ships"), seed: int = 0) -> pl.DataFrame:
    """Sales of every third day with a strong November, a little growth and noise."""
    draw = np.random.default_rng(seed)
    rows = []
    when = START
    end = date(START.year + (START.month - 1 + months) // 12, (START.month - 1 + months) % 12 + 1, 1)
    while when < end:
        season = 3.0 if when.month == 11 else 1.0
        for place, line in enumerate(lines):
            amount = 100 * (place + 1) * season * float(np.exp(0.2 * draw.standard_normal()))
            rows.append((to_day(when), line, amount, amount * (draw.random() > 0.02)))
        when += timedelta(days=3)
    return pl.DataFrame(rows, schema=["order_day", "product_line", "ordered", "revenue"], orient="row")


def fit(daily: pl.DataFrame, as_of: date, **parameters: object) -> SalesForecaster:
    return SalesForecaster(**parameters).fit(daily, as_of_day=to_day(as_of))


@pytest.fixture(scope="module")
def long_company() -> pl.DataFrame:
    return company(42)


@pytest.fixture(scope="module")
def model(long_company: pl.DataFrame) -> SalesForecaster:
    return fit(long_company, date(2024, 7, 1))


def check(found: pl.DataFrame) -> None:
    """What holds for every forecast: it adds up, and its intervals lie around it, one in the other."""
    by_month = found.group_by("month", "series").agg(pl.col("forecast").sum())
    total = by_month.filter(pl.col("series") == "total").sort("month")["forecast"].to_numpy()
    lines = by_month.filter(pl.col("series") != "total").group_by("month").agg(pl.col("forecast").sum())
    if lines.height:
        assert lines.sort("month")["forecast"].to_numpy() == pytest.approx(total, rel=1e-9, abs=1e-6)
    for column in ("forecast", "baseline", "observed"):
        assert found[column].is_finite().all()
    for low, high in (
        ("low95", "low80"),
        ("low80", "forecast"),
        ("forecast", "high80"),
        ("high80", "high95"),
    ):
        known = found.drop_nulls([low, high])
        assert (known[low] <= known[high] + 1e-9).all(), (low, high)


def test_the_forecast_of_a_steady_company_is_good(long_company: pl.DataFrame, model: SalesForecaster) -> None:
    found = model.score(long_company, as_of_day=to_day(date(2024, 7, 1)))
    check(found)
    assert found["series"].unique(maintain_order=True).to_list() == ["total", "Cars", "Ships"]
    assert found.filter(pl.col("series") == "total")["month"].to_list() == [
        date(2024, 7, 1), date(2024, 8, 1), date(2024, 9, 1)
    ]  # fmt: skip
    expected = 10.2 * 300
    total = found.filter(pl.col("series") == "total")["forecast"]
    assert total.to_numpy() == pytest.approx(np.full(3, expected), rel=0.15)
    quality = model.quality()
    assert quality["coverage80"].is_between(0.5, 1.0).all()
    assert quality["judged80"].min() > 20


def test_within_a_month_what_is_known_is_part_of_the_forecast(long_company: pl.DataFrame) -> None:
    as_of = date(2024, 5, 21)
    found = fit(long_company, as_of).score(long_company, as_of_day=to_day(as_of))
    check(found)
    total = found.filter(pl.col("series") == "total")
    assert total["month"].to_list() == [date(2024, m, 1) for m in (5, 6, 7, 8)]
    known = long_company.filter(
        pl.col("order_day") >= to_day(date(2024, 5, 1)), pl.col("order_day") < to_day(as_of)
    )["ordered"].sum()
    assert total["observed"].to_list() == [pytest.approx(known, rel=0.06), 0.0, 0.0, 0.0]
    assert total["forecast"][0] > total["observed"][0]
    assert total["low95"][0] >= total["observed"][0]
    wide = (total["high80"] - total["low80"]).to_list()
    assert wide[0] < 0.6 * wide[1]  # only a third of the month is uncertain
    assert total["forecast"][0] == pytest.approx(3060, rel=0.15)


def test_nothing_after_the_as_of_day_is_seen(long_company: pl.DataFrame) -> None:
    as_of = date(2024, 3, 12)
    day = to_day(as_of)
    poisoned = long_company.with_columns(
        pl.when(pl.col("order_day") >= day).then(pl.col(name) * 1_000).otherwise(name).alias(name)
        for name in ("ordered", "revenue")
    )
    past = long_company.filter(pl.col("order_day") < day)
    found = [fit(frame, as_of).score(frame, as_of_day=day) for frame in (poisoned, past)]
    assert_frame_equal(*found, check_exact=True)


@pytest.mark.parametrize("months", [1, 2, 5, 8, 12, 14, 23, 25])
def test_young_companies_get_what_their_history_bears(months: int) -> None:
    daily = company(months)
    as_of = to_date(int(daily["order_day"].max()) + 3).replace(day=1)
    young = fit(daily, as_of)
    found = young.score(daily, as_of_day=to_day(as_of))
    check(found)
    assert set(found["method"]) <= (
        {"mean of the last 3", "theta without seasons", "mean of all"}
        if months < 12
        else {"seasonal naive", "seasonal naive with growth", "mean of all", "theta", "ETS", "boosted lags"}
    )
    if months <= 2:
        assert found["low80"].null_count() == found.height


def _odd() -> dict[str, pl.DataFrame]:
    plain = company(30)
    day = pl.col("order_day")
    gap = (day >= to_day(date(2022, 3, 1))) & (day < to_day(date(2022, 6, 1)))
    returned = plain.with_columns(
        pl.when(day.is_between(to_day(date(2022, 2, 1)), to_day(date(2022, 2, 28))))
        .then(-2 * pl.col(name))
        .otherwise(name)
        .alias(name)
        for name in ("ordered", "revenue")
    )
    late = pl.col("product_line").eq("Ships") & (day < to_day(date(2023, 2, 1)))
    return {
        "time gap": plain.filter(~gap),
        "negative months": returned,
        "one product line": plain.filter(pl.col("product_line") == "Cars"),
        "no product lines": plain.with_columns(product_line=pl.lit(None, pl.String)),
        "constant": plain.with_columns(
            pl.when(day == to_day(date(2021, 1, 1)) + 0).then(30.0).otherwise(0.0).alias("ordered")
        ).with_columns(revenue="ordered"),
        "new product line": plain.filter(~late),
        "empty product line": pl.concat(
            [plain, plain.with_columns(pl.lit("Nothing").alias("product_line"), ordered=0.0, revenue=0.0)]
        ),
        "no cancelled amounts": plain.select("order_day", "product_line", "revenue"),
    }


@pytest.mark.parametrize("name", list(_odd()))
def test_odd_companies_get_a_forecast(name: str) -> None:
    daily = _odd()[name]
    as_of = date(2023, 7, 1)
    odd = fit(daily, as_of)
    found = odd.score(daily, as_of_day=to_day(as_of))
    check(found)
    if name != "negative months":
        assert found["forecast"].min() >= 0
        assert found["low95"].drop_nulls().min() >= 0
    assert set(found["series"]) == (
        {"total"} if name in ("one product line", "no product lines") else set(odd.names_)
    )


def test_weeks_are_forecast_too() -> None:
    daily = company(30)
    weekly = fit(daily, date(2023, 6, 28), grain="week", periods=4)
    found = weekly.score(daily, as_of_day=to_day(date(2023, 6, 28)))
    check(found)
    assert found.filter(pl.col("series") == "total")["month"][0] == date(2023, 6, 26)
    assert found.height == 5 * 3


def test_without_a_whole_month_there_is_no_forecast() -> None:
    with pytest.raises(MissingDataError, match="no whole month"):
        fit(company(3), date(2021, 1, 20))


def test_any_number_of_days_is_a_sum_of_months(long_company: pl.DataFrame, model: SalesForecaster) -> None:
    day = to_day(date(2024, 7, 1))
    found = model.score(long_company, as_of_day=day)
    total = found.filter(pl.col("series") == "total")["forecast"].to_list()
    assert sales_within(found, day, 31) == pytest.approx(total[0])
    assert sales_within(found, day, 31 + 31 + 15) == pytest.approx(total[0] + total[1] + total[2] / 2)
    assert np.isnan(sales_within(found, day, 400))


def _stored(model: SalesForecaster) -> Parts:
    return {
        name: json.loads(json.dumps(part, allow_nan=False)) if isinstance(part, dict) else part
        for name, part in model.save().items()
    }


def test_a_stored_model_is_the_same_and_needs_no_statistics(
    long_company: pl.DataFrame, model: SalesForecaster, tmp_path: Path
) -> None:
    day = to_day(date(2024, 7, 1))
    found = SalesForecaster.load(_stored(model))
    assert_frame_equal(found.score(long_company, as_of_day=day), model.score(long_company, as_of_day=day))
    assert_frame_equal(found.quality(), model.quality())
    growing = long_company.with_columns(
        pl.col(name) * 1.001 ** (pl.col("order_day") - to_day(START)) for name in ("ordered", "revenue")
    )
    trained = fit(growing, date(2024, 7, 1))
    assert any(method in ("ETS", "theta", "mean of all") for method in trained.quality()["method"])
    parts = _stored(trained)
    for name, part in parts.items():
        if isinstance(part, np.ndarray):
            np.save(tmp_path / f"{name}.npy", part, allow_pickle=False)
        elif isinstance(part, bytes):
            (tmp_path / f"{name}.ubj").write_bytes(part)
        else:
            (tmp_path / f"{name}.json").write_text(json.dumps(part))
    growing.write_parquet(tmp_path / "daily.parquet")
    code = (
        "import sys, json, numpy as np, polars as pl\n"
        "from pathlib import Path\n"
        "from core.models.sales import SalesForecaster\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "parts = {p.stem: np.load(p, mmap_mode='r') for p in folder.glob('*.npy')}\n"
        "parts |= {p.stem: json.loads(p.read_text()) for p in folder.glob('*.json')}\n"
        "parts |= {p.stem: p.read_bytes() for p in folder.glob('*.ubj')}\n"
        "model = SalesForecaster.load(parts)\n"
        "heavy = {'sklearn', 'statsmodels', 'xgboost', 'scipy'} & set(sys.modules)\n"
        f"found = model.score(pl.read_parquet(folder / 'daily.parquet'), as_of_day={day})\n"
        "print(sorted(heavy), 'statsmodels' in sys.modules, found['forecast'].sum())\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said = ran.stdout.split()
    assert said[:2] == ["[]", "False"]
    assert float(said[2]) == pytest.approx(trained.score(growing, as_of_day=day)["forecast"].sum())


def test_a_model_scores_later_days_from_longer_histories(long_company: pl.DataFrame) -> None:
    early = fit(long_company, date(2024, 4, 1))
    new_line = pl.DataFrame(
        {
            "order_day": [to_day(date(2024, 5, 3))],
            "product_line": ["Kites"],
            "ordered": [50.0],
            "revenue": [50.0],
        }
    )
    later = pl.concat([long_company, new_line])
    found = early.score(later, as_of_day=to_day(date(2024, 6, 1)))
    check(found)
    assert found["month"].min() == date(2024, 6, 1)
    assert "Kites" not in found["series"]


def test_backtests_judge_what_came(long_company: pl.DataFrame) -> None:
    cutoffs = month_cutoffs(to_day(START), to_day(date(2024, 6, 29)), 3, count=2)
    assert [to_date(day) for day in cutoffs] == [date(2023, 12, 1), date(2024, 3, 1)]
    found = backtest_sales(long_company, cutoffs)
    assert 0 < found.score("champion", "WAPE total").value < 0.15
    assert found.score("simple", "WAPE total").value > 0
    assert 0.5 <= found.score("champion", "coverage 80 %").value <= 1
    row = found.predictions.filter(pl.col("series") == "Cars", pl.col("month") == date(2024, 4, 1))
    april = long_company.filter(
        pl.col("product_line") == "Cars",
        pl.col("order_day").is_between(to_day(date(2024, 4, 1)), to_day(date(2024, 4, 30))),
    )
    assert row["actual"].item() == pytest.approx(april["revenue"].sum())


def test_the_genuine_company_is_forecast_as_well_as_can_be_defended(genuine_sqlite: Path) -> None:
    with open_database(str(genuine_sqlite)) as database:
        daily = database.query("models/revenue_daily", as_of_day=LAST_DAY)
    cutoffs = [to_day(date(2004, month, 1)) for month in (6, 9, 12)]
    found = backtest_sales(daily, cutoffs)
    assert found.score("champion", "WAPE total").value <= 0.228
    assert found.score("champion", "coverage 80 %").value >= 0.75


def _reference(tables: Tables, name: str, as_of_day: int) -> pl.DataFrame:
    c = Company(tables, as_of_day=as_of_day, terms_days=30, from_day=0, until_day=0)
    lines = c.all_lines.filter(pl.col("order_day") < as_of_day)
    kept = pl.when(pl.col("cancelled")).then(0.0).otherwise("revenue")
    if name == "models/revenue_daily":
        return lines.group_by("order_day", "product_line").agg(
            ordered=pl.col("revenue").sum(), revenue=kept.sum()
        )
    firsts = (
        c.orders.filter(pl.col("order_day") < as_of_day)
        .group_by("customer_id")
        .agg(first_order_month=pl.col("order_month").min())
    )
    joined = c.sales.join(firsts, on="customer_id", how="left")
    return joined.group_by("order_month", "first_order_month").agg(pl.col("revenue").sum())


@pytest.mark.parametrize("name", ["models/revenue_daily", "models/revenue_by_first_month"])
@pytest.mark.parametrize("tables", [literal_company(), random_company(1)], ids=["literal", "random"])
def test_both_engines_give_what_the_reference_expects(name: str, tables: Tables, tmp_path: Path) -> None:
    file = read_sql(name)
    day = to_day(date(2024, 2, 21))
    expected = comparable(_reference(tables, name, day).select(*file.columns), file)
    with open_database(str(write_sqlite(tables, tmp_path / "company.sqlite"))) as database:
        found = comparable(database.query(name, as_of_day=day), file)
    keys = [key.strip() for key in file.grain.split(",")]
    assert not found.select(keys).is_duplicated().any()
    assert_frame_equal(found, expected, abs_tol=0.005, rel_tol=0)
    duck = open_duckdb(tables)
    assert_frame_equal(
        comparable(query_duckdb(duck, name, as_of_day=day), file), expected, abs_tol=0.005, rel_tol=0
    )
    duck.close()


def test_jobs_run_on_companies_and_flat_tables(tmp_path: Path) -> None:
    day = to_day(date(2024, 11, 1))
    file = write_sqlite(random_company(4, customers=40, orders=700), tmp_path / "company.sqlite")
    with open_database(str(file)) as database:
        model, card = sales.train(database, as_of_day=day, horizon=90, terms_days=30, progress=silent)
        assert json.loads(card.to_json())["task"] == "sales"
        assert card.badge == "enough data"
        check(sales.score(database, model, as_of_day=day, terms_days=30, progress=silent))
        found = sales.backtest(database, horizon=60, cutoffs=None, terms_days=30, progress=silent)
        assert found.score("champion", "WAPE total").value > 0
    flat = tmp_path / "flat.sqlite"
    with closing(sqlite3.connect(flat)) as connection, connection:
        connection.execute("CREATE TABLE till (buyer INTEGER, bought DATE, paid REAL)")
        rows = [
            (number % 30, to_date(int(day)).isoformat(), amount)
            for number, (day, amount) in enumerate(
                company(10, ("Cars",)).select("order_day", "revenue").iter_rows()
            )
        ]
        connection.executemany("INSERT INTO till VALUES (?, ?, ?)", rows)
    fields = {"customer_id": "buyer", "order_date": "bought", "amount": "paid"}
    with open_database(str(flat), read_only=False) as database:
        store_mapping(database, Mapping.of(sales=("till", fields)))
        day = to_day(date(2021, 11, 1))
        model, card = sales.train(database, as_of_day=day, horizon=30, terms_days=30, progress=silent)
        assert card.badge == "thin"
        check(sales.score(database, model, as_of_day=day, terms_days=30, progress=silent))
        with pytest.raises(SalesError, match="needs a year"):
            sales.backtest(database, horizon=90, cutoffs=None, terms_days=30, progress=silent)
