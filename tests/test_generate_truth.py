"""The company that is generated behaves as its truth says."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core.generate import generate_company

CUSTOMERS = 3_000
LAST_DAY = date(2026, 6, 30)


@dataclass(frozen=True)
class Company:
    """Tables and truth of one company, joined as the tests need them."""

    data: Path
    truth: Path

    def table(self, name: str) -> pl.DataFrame:
        return read(self.data / f"{name}.csv")

    def true(self, name: str) -> pl.DataFrame:
        return read(self.truth / f"{name}.csv")


@cache
def read(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, try_parse_dates=True, infer_schema_length=10_000)


def fifths(frame: pl.DataFrame, column: str) -> Iterator[pl.DataFrame]:
    """The frame in five parts, from the smallest values of a column to the largest."""
    return frame.sort(column).iter_slices(-(-frame.height // 5))


def cents(column: str) -> pl.Expr:
    return (pl.col(column) * 100).round().cast(pl.Int64)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company of 3 000 customers, more than one block."""
    out = tmp_path_factory.mktemp("truth") / "company"
    result = generate_company(out, customers=CUSTOMERS, years=3, seed=11)
    return Company(result.folder, result.truth_folder)


def test_truth_lies_beside_the_data_not_in_it(made: Company) -> None:
    assert made.truth == made.data.with_name("company-truth")
    assert {path.name for path in made.truth.iterdir()} == {
        "customers.csv", "invoices.csv", "calendar.csv", "products.csv", "parameters.json",
    }  # fmt: skip
    latent = {"ratePerOperationalDay", "dropoutProbability", "creditQuality", "pLate", "popularity"}
    for path in made.data.iterdir():
        assert latent.isdisjoint(made.table(path.stem).columns)


def test_dropouts_order_on_their_last_day_and_never_after(made: Company) -> None:
    last = made.table("orders").group_by("customerNumber").agg(pl.col("orderDate").max())
    dead = made.true("customers").filter(pl.col("deathDate").is_not_null()).join(last, on="customerNumber")
    assert dead.height > 400
    assert (dead["deathDate"] == dead["orderDate"]).all()


def test_new_accounts_open_with_an_order_and_prospects_never_order(made: Company) -> None:
    first = made.table("orders").group_by("customerNumber").agg(pl.col("orderDate").min())
    truth = made.true("customers").join(first, on="customerNumber", how="left")
    new, prospects = (truth.filter(pl.col("account") == kind) for kind in ("new", "prospect"))
    assert (new["orderDate"] == new["openedDate"]).all()
    assert prospects["orderDate"].null_count() == prospects.height > 300
    assert 0.13 < truth["orderDate"].null_count() / truth.height < 0.20


def test_orders_come_at_the_rate_of_the_customer_in_operational_time(made: Company) -> None:
    """Repeat orders less rate times time alive is a martingale: on average it vanishes, for slow and fast."""
    calendar = made.true("calendar").select("date", "operationalTime")
    end = made.true("calendar").select(pl.col("operationalTime").last() + pl.col("intensity").last()).item()
    orders = made.table("orders").group_by("customerNumber").len("orders")
    truth = (
        made.true("customers")
        .filter(pl.col("account") != "prospect")
        .join(orders, on="customerNumber", how="left")
        .join(calendar.rename({"date": "openedDate", "operationalTime": "opened"}), on="openedDate")
        .join(calendar.rename({"date": "deathDate", "operationalTime": "died"}), on="deathDate", how="left")
        .with_columns(repeats=pl.col("orders").fill_null(0) - (pl.col("account") == "new"))
        .with_columns(
            expected=pl.col("ratePerOperationalDay") * (pl.col("died").fill_null(end) - pl.col("opened"))
        )
    )
    for fifth in fifths(truth, "ratePerOperationalDay"):
        repeats, expected = fifth["repeats"].sum(), fifth["expected"].sum()
        # Fast customers lose a little more where two orders on one day became one.
        assert abs(repeats - expected) < 4 * expected**0.5 + 0.02 * expected


def test_every_repeat_order_risks_the_dropout_probability(made: Company) -> None:
    orders = made.table("orders").group_by("customerNumber").len("orders")
    truth = made.true("customers").join(orders, on="customerNumber")
    repeats = truth["orders"] - (truth["account"] == "new")
    expected = (truth["dropoutProbability"] * repeats).sum()
    died = truth["deathDate"].is_not_null().sum()
    assert abs(died - expected) < 4 * expected**0.5


def test_november_is_three_normal_months(made: Company) -> None:
    orders = made.table("orders")
    for year in (2023, 2024, 2025):
        window = orders.filter(pl.col("orderDate").is_between(date(year, 7, 1), date(year + 1, 6, 30)))
        months = window.group_by(pl.col("orderDate").dt.month().alias("month")).len().sort("month")
        by_month = dict(months.rows())
        assert 2.5 < by_month[11] / np.median(list(by_month.values())) < 4.0
        assert by_month[4] > 1.1 * by_month[2]
    weekend = orders.filter(pl.col("orderDate").dt.weekday() >= 6).height / orders.height
    assert 0.15 < weekend < 2 / 7 - 0.03


def test_one_order_per_customer_and_day_within_the_window(made: Company) -> None:
    orders = made.table("orders")
    assert not orders.select("customerNumber", "orderDate").is_duplicated().any()
    assert orders["orderDate"].min() >= date(2023, 7, 1)
    assert orders["orderDate"].max() <= LAST_DAY
    assert (orders["requiredDate"] > orders["orderDate"]).all()
    shipped = orders.filter(pl.col("shippedDate").is_not_null())
    assert (shipped["shippedDate"] > shipped["orderDate"]).all()
    assert shipped["shippedDate"].max() <= LAST_DAY


def test_statuses_fit_the_age_of_the_order(made: Company) -> None:
    orders = made.table("orders")
    shares = dict(orders["status"].value_counts(normalize=True).rows())
    assert set(shares) == {"Shipped", "In Process", "Cancelled", "On Hold", "Disputed", "Resolved"}
    assert 0.015 < shares["Cancelled"] < 0.025
    assert shares["Shipped"] > 0.93
    waiting = orders["status"].is_in(["In Process", "On Hold", "Cancelled"])
    assert (orders["shippedDate"].is_null() == waiting).all()
    recent = orders.filter(pl.col("status").is_in(["In Process", "On Hold"]))
    assert recent["orderDate"].min() > LAST_DAY - timedelta(days=45)


def test_lines_look_like_classic_models(made: Company) -> None:
    lines = made.table("orderdetails").join(made.table("products"), on="productCode")
    per_order = lines.group_by("orderNumber").agg(
        lines=pl.len(), last=pl.col("orderLineNumber").max(), different=pl.col("orderLineNumber").n_unique()
    )
    assert 8.5 < per_order["lines"].mean() < 9.8
    assert per_order["lines"].max() <= 18
    assert (per_order["lines"] == per_order["last"]).all()
    assert (per_order["lines"] == per_order["different"]).all()
    assert lines["quantityOrdered"].is_between(4, 99).all()
    discount = 1 - lines["priceEach"] / lines["MSRP"]
    assert discount.min() > -0.001
    assert discount.max() < 0.201
    assert (lines["priceEach"] > lines["buyPrice"]).all()


def test_catalogue_has_unsold_slow_and_scarce_products(made: Company) -> None:
    products, sold = made.table("products"), made.table("orderdetails")["productCode"].value_counts()
    assert products.height == 110
    assert (products["buyPrice"] < products["MSRP"]).all()
    never = made.true("products").filter(pl.col("popularity") == 0)["productCode"]
    assert never.len() == 4
    unsold = products.join(sold, on="productCode", how="anti")["productCode"]
    assert set(never) == set(unsold)
    stock = products.join(sold, on="productCode")
    assert stock.filter(pl.col("quantityInStock") < 64, pl.col("count") > 100).height >= 5
    assert stock.filter(pl.col("quantityInStock") > 2000, pl.col("count") < 300).height >= 4


def repeat_share(lines: pl.DataFrame) -> float:
    """Share of the lines after a customer's first order whose product the customer had bought before."""
    bought = ["customerNumber", "productCode"]
    first = lines.group_by(bought).agg(pl.col("orderNumber").min().alias("firstBought"))
    start = lines.group_by("customerNumber").agg(pl.col("orderNumber").min().alias("firstOrder"))
    later = lines.join(start, on="customerNumber").filter(pl.col("orderNumber") > pl.col("firstOrder"))
    return later.join(first, on=bought).select((pl.col("orderNumber") > pl.col("firstBought")).mean()).item()


def test_customers_repeat_products_more_than_popularity_explains(made: Company) -> None:
    lines = made.table("orderdetails").join(made.table("orders"), on="orderNumber")
    lines = lines.select("customerNumber", "orderNumber", "productCode")
    popular = lines.with_columns(pl.col("productCode").shuffle(seed=1))
    # Taste for a product line explains part of it: shuffle products among lines of the same taste, too.
    line = made.true("products").select("productCode", "productLine")
    lines = lines.join(line, on="productCode")
    tasteful = lines.with_columns(pl.col("productCode").shuffle(seed=1).over("productLine"))
    assert repeat_share(lines) > repeat_share(popular) + 0.2
    assert repeat_share(lines) > repeat_share(tasteful) + 0.05


def test_lines_follow_the_taste_of_the_customer(made: Company) -> None:
    lines = made.table("orderdetails").join(made.table("orders"), on="orderNumber")
    lines = lines.join(made.true("products"), on="productCode")
    bought = lines.group_by("customerNumber").agg(
        (pl.col("productLine") == "Planes").mean().alias("share"), pl.len().alias("lines")
    )
    both = bought.filter(pl.col("lines") >= 50).join(made.true("customers"), on="customerNumber")
    assert both.select(pl.corr("share", "taste Planes")).item() > 0.7


def test_invoices_are_the_orders_that_are_not_cancelled(made: Company) -> None:
    amounts = (
        made.table("orderdetails")
        .group_by("orderNumber")
        .agg((pl.col("quantityOrdered") * cents("priceEach")).sum().alias("ordered"))
    )
    orders = made.table("orders").filter(pl.col("status") != "Cancelled").join(amounts, on="orderNumber")
    invoices = made.true("invoices").join(orders, on="orderNumber", how="full", coalesce=True)
    assert invoices.null_count().select("ordered", "amount").row(0) == (0, 0)
    assert invoices.select((cents("amount") == pl.col("ordered")).all()).item()
    dated = pl.coalesce("shippedDate", "orderDate")
    assert invoices.select((pl.col("invoiceDate") == dated).all()).item()
    assert invoices.select((pl.col("dueDate") == dated + pl.duration(days=30)).all()).item()


def test_payments_settle_the_invoices_to_the_cent(made: Company) -> None:
    invoices = made.true("invoices").with_columns(customerNumber=pl.col("orderNumber") // 1000)
    settled = (pl.col("paidDate") <= LAST_DAY).fill_null(False)
    owed = invoices.group_by("customerNumber").agg(
        settled=cents("amount").filter(settled).sum(),
        open=cents("amount").filter(~settled).sum(),
        lateOpen=(~settled & pl.col("paidDate").is_not_null()).any(),
    )
    paid = made.table("payments").group_by("customerNumber").agg(paid=cents("amount").sum())
    books = owed.join(paid, on="customerNumber", how="left").with_columns(pl.col("paid").fill_null(0))
    # First parts of invoices that are settled after the window are the only other money.
    exact = books.filter(~pl.col("lateOpen"))
    assert exact.height > 1_500
    assert (exact["paid"] == exact["settled"]).all()
    assert (books["paid"] >= books["settled"]).all()
    assert (books["paid"] <= books["settled"] + books["open"]).all()


def test_most_payments_are_of_exactly_one_order(made: Company) -> None:
    payments = made.table("payments").with_columns(cents=cents("amount"))
    invoices = made.true("invoices").with_columns(
        customerNumber=pl.col("orderNumber") // 1000, cents=cents("amount")
    )
    exact = payments.join(invoices, on=["customerNumber", "cents"], how="semi").height / payments.height
    assert 0.80 < exact < 0.97
    # Several invoices paid on the same day in one payment.
    together = invoices.filter(pl.col("paidDate") <= LAST_DAY).group_by("customerNumber", "paidDate")
    sums = together.agg(pl.col("cents").sum(), pl.len()).filter(pl.col("len") > 1)
    merged = payments.join(
        sums,
        left_on=["customerNumber", "paymentDate", "cents"],
        right_on=["customerNumber", "paidDate", "cents"],
    )
    assert merged.height > 300
    assert set(merged["len"]) == {2, 3}
    assert payments["paymentDate"].max() <= LAST_DAY


def test_late_payers_and_defaults_are_as_probable_as_the_truth_says(made: Company) -> None:
    invoices = made.true("invoices").join(made.table("orders"), on="orderNumber")
    invoices = invoices.filter(pl.col("status") != "On Hold")
    defaulted = invoices["defaulted"]
    assert 0.005 < defaulted.mean() < 0.02
    expected = invoices["pDefault"].sum()
    assert abs(defaulted.sum() - expected) < 4 * expected**0.5
    paid = invoices.filter(pl.col("defaulted") == 0)
    late = paid.with_columns((pl.col("paidDate") > pl.col("dueDate")).alias("late"))
    assert 0.14 < late["late"].mean() < 0.26
    for fifth in fifths(late, "pLate"):
        error = (fifth["pLate"].mean() * (1 - fifth["pLate"].mean()) / fifth.height) ** 0.5
        assert fifth["late"].mean() == pytest.approx(fifth["pLate"].mean(), abs=4 * error)
    assert (paid["paidDate"] > paid["invoiceDate"]).all()


def test_credit_limits_know_size_and_quality_but_not_perfectly(made: Company) -> None:
    customers = made.table("customers").join(made.true("customers"), on="customerNumber")
    assert 0.02 < (customers["creditLimit"] == 0).mean() < 0.2
    assert 0.01 < customers["salesRepEmployeeNumber"].is_null().mean() < 0.06
    limited = customers.filter(pl.col("creditLimit") > 0, pl.col("account") != "prospect")
    by_size = limited.select(pl.corr("ratePerOperationalDay", "creditLimit", method="spearman")).item()
    by_quality = limited.select(pl.corr("creditQuality", "creditLimit", method="spearman")).item()
    assert 0.5 < by_size < 0.95
    assert 0.1 < by_quality < 0.6


def test_customers_have_a_rep_of_an_office_that_serves_their_country(made: Company) -> None:
    reps = made.table("employees").join(made.table("offices"), on="officeCode")
    customers = made.table("customers").join(
        reps, left_on="salesRepEmployeeNumber", right_on="employeeNumber", suffix="Office"
    )
    assert (customers["jobTitle"] == "Sales Rep").all()
    assert set(customers["officeCode"]) == set(made.table("offices")["officeCode"])
    territory = customers.group_by("country").agg(pl.col("territory").n_unique())
    assert set(territory["territory"]) == {1}
    assert 20 <= territory.height <= 25
