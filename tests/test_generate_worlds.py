"""The variants of the generated company: each does what its name says, and may be combined with others."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from core.errors import GenerateError
from core.generate import generate_company
from core.generate.world import VARIANTS, World
from dashboard.cli import cli

CUSTOMERS = 1_200
START = date(2023, 7, 1)
Read = Callable[[str, str], pl.DataFrame]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Reads a table, or with a leading "truth/" a table of the truth, of a world that is made once."""
    home = tmp_path_factory.mktemp("worlds")

    def table(world: str, name: str) -> pl.DataFrame:
        if not (home / world).exists():
            generate_company(home / world, customers=CUSTOMERS, years=3, seed=5, world=world)
        folder = home / (f"{world}-truth" if name.startswith("truth/") else world)
        file = folder / f"{name.removeprefix('truth/')}.csv"
        return pl.read_csv(file, try_parse_dates=True, infer_schema_length=20_000)

    return table


@pytest.mark.parametrize("world", VARIANTS)
def test_every_world_is_reproducible_and_stable_when_it_grows(world: str, tmp_path: Path) -> None:
    generate_company(tmp_path / "few", customers=40, years=2, seed=3, world=world)
    generate_company(tmp_path / "many", customers=90, years=2, seed=3, world=world)
    for table in ("orders", "payments", "products"):
        few, many = (pl.read_csv(tmp_path / size / f"{table}.csv") for size in ("few", "many"))
        if "customerNumber" in few.columns:
            many = many.filter(pl.col("customerNumber") < 1041)
        assert few.height > 0
        assert few.equals(many), table


def test_an_unknown_world_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GenerateError, match="flat") as caught:
        generate_company(tmp_path / "c", customers=5, world="rhythm,flat")
    assert "rhythm" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_the_truth_names_its_world(tmp_path: Path) -> None:
    generate_company(tmp_path / "c", customers=5, seed=4, world="drift, shocks")
    world = World.of_truth(tmp_path / "c-truth")
    assert world == World.named("shocks,drift", seed=4, customers=5, years=3, start=START)
    with pytest.raises(GenerateError, match=r"parameters\.json"):
        World.of_truth(tmp_path / "c")


def gap_variation(orders: pl.DataFrame) -> float:
    """Mean over customers of the coefficient of variation of the gaps between orders."""
    gaps = orders.sort("customerNumber", "orderDate").with_columns(
        gap=pl.col("orderDate").diff().over("customerNumber").dt.total_days()
    )
    each = gaps.group_by("customerNumber").agg(
        cv=pl.col("gap").std() / pl.col("gap").mean(), gaps=pl.col("gap").count()
    )
    return each.filter(pl.col("gaps") >= 6)["cv"].mean()


def test_rhythm_makes_gaps_regular(read: Read) -> None:
    assert gap_variation(read("rhythm", "orders")) < 0.75 * gap_variation(read("bgnbd", "orders"))
    # The rate of orders is the same.
    assert read("rhythm", "orders").height == pytest.approx(read("bgnbd", "orders").height, rel=0.10)


def test_covariates_drive_dropout(read: Read) -> None:
    orders = read("covariates", "orders").with_columns(
        delay=(pl.col("shippedDate") - pl.col("orderDate")).dt.total_days()
    )
    truth = read("covariates", "truth/customers")
    lasts = (
        orders.join(truth.select("customerNumber", "deathDate"), on="customerNumber")
        .filter(pl.col("delay").is_not_null())
        .with_columns(died=(pl.col("deathDate") == pl.col("orderDate")))
    )
    late = lasts.filter(pl.col("delay") >= 5)["died"].fill_null(False).mean()
    prompt = lasts.filter(pl.col("delay") < 5)["died"].fill_null(False).mean()
    assert late > 2.5 * prompt
    assert truth["dropoutProbability"].n_unique() == 7


def test_shocks_lower_orders_and_close_accounts(read: Read) -> None:
    first = START + timedelta(days=int(0.8 * 1096))
    deaths = read("shocks", "truth/customers")["deathDate"]
    assert (deaths == first).sum() > 0.04 * CUSTOMERS
    within = pl.col("orderDate").is_between(first, first + timedelta(days=74))
    assert (
        read("shocks", "orders").filter(within).height < 0.5 * read("bgnbd", "orders").filter(within).height
    )


def sold(read: Read, world: str) -> pl.DataFrame:
    lines = read(world, "orderdetails").join(read(world, "orders"), on="orderNumber")
    return lines.join(read(world, "truth/products"), on="productCode")


def test_launches_appear_at_their_date(read: Read) -> None:
    lines = sold(read, "launches")
    launched = lines.filter(pl.col("firstDate").is_not_null())
    assert launched["productCode"].n_unique() >= 20
    assert (launched["orderDate"] >= launched["firstDate"]).all()


def test_bundles_are_bought_together(read: Read) -> None:
    def together(world: str) -> float:
        """Share of the orders with the first product of a bundle that have the second, too."""
        pairs = read("bundles", "truth/products").drop_nulls("companion").select("productCode", "companion")
        lines = read(world, "orderdetails").select("orderNumber", "productCode")
        first = lines.join(pairs, on="productCode")
        both = first.join(
            lines, left_on=["orderNumber", "companion"], right_on=["orderNumber", "productCode"], how="semi"
        )
        return both.height / first.height

    assert together("bundles") > 0.5 > 0.3 > together("bgnbd")


def test_substitutes_take_over_on_their_day(read: Read) -> None:
    lines = sold(read, "substitution")
    old = lines.drop_nulls("successor")
    assert old["productCode"].n_unique() >= 5
    assert (old["orderDate"] < old["endDate"]).all()
    new = lines.filter(pl.col("productCode").is_in(old["successor"].implode()))
    assert (new["orderDate"] >= new["firstDate"]).all()
    # Who bought the old one buys the new one more often than others do.
    habit = old.select("customerNumber", code=pl.col("successor")).unique()
    buyers = new.select("customerNumber", code=pl.col("productCode")).unique()
    kept = habit.join(buyers, on=["customerNumber", "code"], how="semi").height / habit.height
    others = buyers.height / (CUSTOMERS * new["productCode"].n_unique())
    assert kept > 1.5 * others


def test_drift_changes_rates_tastes_and_credit(read: Read) -> None:
    day = START + timedelta(days=int(0.62 * 1096))
    later = pl.col("orderDate") >= day
    trains = [
        sold(read, world).filter(later).select((pl.col("productLine") == "Trains").mean()).item()
        for world in ("drift", "bgnbd")
    ]
    assert trains[0] > 1.5 * trains[1]
    invoices = read("drift", "truth/invoices").with_columns(later=pl.col("invoiceDate") >= day)
    late = dict(invoices.group_by("later").agg(pl.col("pLate").mean()).rows())
    assert late[True] > 1.4 * late[False]
    changes = []
    for group in range(3):
        clock = read("drift", "truth/calendar").filter(pl.col("clock") == group)
        base = read("bgnbd", "truth/calendar")
        changes.append(clock["intensity"].last() / base["intensity"].last())
    assert changes == pytest.approx([0.65, 1.0, 1.35])


def test_more_cancelled_orders_and_lost_payments(read: Read) -> None:
    assert 0.13 < (read("cancelled", "orders")["status"] == "Cancelled").mean() < 0.17
    kept, all_ = read("lostpayments", "payments"), read("bgnbd", "payments")
    assert kept.join(all_, on=["customerNumber", "checkNumber"], how="semi").height == kept.height
    assert 0.88 < kept.height / all_.height < 0.92


def test_noise_changes_nothing_else(read: Read) -> None:
    for table, extra in (("customers", "surveyScore"), ("products", "shelfScore")):
        noisy, plain = read("noise", table), read("bgnbd", table)
        assert len(noisy.columns) == len(plain.columns) + 4
        assert noisy.select(plain.columns).equals(plain)
        assert noisy[extra].n_unique() > 50
    limits = read("noise", "customers").select(pl.corr("surveyScore", "creditLimit")).item()
    assert abs(limits) < 4 / np.sqrt(CUSTOMERS)
    assert read("noise", "orders").equals(read("bgnbd", "orders"))


def test_worlds_combine(read: Read) -> None:
    both = "rhythm,launches"
    assert read(both, "orders").equals(read("rhythm", "orders"))
    assert read(both, "truth/products").equals(read("launches", "truth/products"))


def test_the_command_takes_worlds_and_refuses_others(tmp_path: Path) -> None:
    runner = CliRunner()
    arguments = ["generate", "--out", str(tmp_path / "c"), "--customers", "20", "--world"]
    made = runner.invoke(cli, [*arguments, "shocks,noise"])
    assert made.exit_code == 0, made.output
    assert World.of_truth(tmp_path / "c-truth").noise_columns == VARIANTS["noise"]["noise_columns"]
    refused = runner.invoke(cli, [*arguments, "flat", "--overwrite"])
    assert refused.exit_code != 0
    help_text = " ".join(runner.invoke(cli, ["generate", "--help"]).output.split())
    assert all(name in help_text for name in VARIANTS)


def test_columns_that_mean_nothing_are_loaded_with_the_rest(tmp_path: Path) -> None:
    from core.database import open_database
    from core.ingest import ingest

    generate_company(tmp_path / "c", customers=30, world="noise")
    url = f"sqlite:///{tmp_path / 'c.sqlite'}"
    ingest([tmp_path / "c"], url)
    with open_database(url) as database:
        found = database.query("SELECT COUNT(surveyScore) AS scores, COUNT(*) AS customers FROM customers")
    assert found.row(0) == (30, 30)
