"""The Bayes-optimal scores: calibrated, better than simple scores, equal to brute force."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core.days import to_day
from core.errors import GenerateError
from core.evaluation.metrics import auc, gini
from core.generate import generate_company
from core.oracle import oracle_scores

START = to_day(date(2023, 7, 1))
CUTOFF = START + 850
HORIZON = 90
CUSTOMERS = 1_200
EVERYTHING = "rhythm,covariates,shocks,launches,bundles,substitution,drift,cancelled,lostpayments,noise"
WORLDS = ("bgnbd", "rhythm", "covariates", "shocks", "drift,cancelled,lostpayments", EVERYTHING)
PRODUCT_WORLDS = ("bgnbd", "launches,bundles", "substitution,drift")
Folder = Callable[[str], Path]
Scores = Callable[[str, str], pl.DataFrame]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The tables of a world, made once; the truth is beside them."""
    home = tmp_path_factory.mktemp("oracle")

    def made(world: str) -> Path:
        if not (home / world).exists():
            generate_company(home / world, customers=CUSTOMERS, years=3, seed=33, world=world)
        return home / world

    return made


@pytest.fixture(scope="module")
def scores(folder: Folder) -> Scores:
    """The oracle of a world and task at one cutoff, computed once."""
    known: dict[tuple[str, str], pl.DataFrame] = {}

    def found(world: str, task: str) -> pl.DataFrame:
        if (world, task) not in known:
            out = folder(world)
            known[world, task] = oracle_scores(
                out, out.with_name(f"{out.name}-truth"), task, [CUTOFF], HORIZON
            )
        return known[world, task]

    return found


def table(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_csv(folder / f"{name}.csv", try_parse_dates=True, infer_schema_length=20_000)


def assert_calibrated(frame: pl.DataFrame, parts: int) -> None:
    """In each part by rising score there happened what was expected, within its interval (99.99 %)."""
    for part in frame.sort("oracle").iter_slices(-(-frame.height // parts)):
        expected = part["oracle"].sum()
        spread = (part["oracle"] * (1 - part["oracle"])).sum() ** 0.5
        # Few events are skewed: two more than the normal interval are allowed.
        assert abs(part["actual"].sum() - expected) < 3.9 * spread + 2


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("task", ["churn", "late", "default"])
def test_probabilities_are_calibrated(scores: Scores, task: str, world: str) -> None:
    frame = scores(world, task)
    assert frame["oracle"].is_between(0, 1).all()
    assert set(frame["actual"].unique()) == {0.0, 1.0}
    assert_calibrated(frame, 6)


@pytest.mark.parametrize("world", WORLDS)
def test_churn_is_of_the_customers_and_orders_in_the_tables(
    scores: Scores, folder: Folder, world: str
) -> None:
    orders = table(folder(world), "orders").with_columns(day=pl.col("orderDate").cast(pl.Int32))
    before = orders.filter(pl.col("day") < CUTOFF)
    after = orders.filter(
        pl.col("day") >= CUTOFF, pl.col("day") < CUTOFF + HORIZON, pl.col("status") != "Cancelled"
    )
    frame = scores(world, "churn")
    assert frame["customer_id"].to_list() == sorted(before["customerNumber"].unique().to_list())
    ordered = frame["customer_id"].is_in(after["customerNumber"].unique().implode())
    assert (frame["actual"] == (~ordered).cast(pl.Float64)).all()
    recent = before.filter(pl.col("day") >= CUTOFF - 365)["customerNumber"].unique()
    assert set(frame.filter("active")["customer_id"]) == set(recent)


@pytest.mark.parametrize("world", WORLDS)
def test_churn_beats_recency_and_frequency(scores: Scores, folder: Folder, world: str) -> None:
    orders = table(folder(world), "orders").filter(pl.col("orderDate").cast(pl.Int32) < CUTOFF)
    simple = orders.group_by(customer_id="customerNumber").agg(
        recency=-pl.col("orderDate").max().cast(pl.Int32), orders=-pl.len().cast(pl.Int64)
    )
    frame = scores(world, "churn").join(simple, on="customer_id")
    best = auc(frame["actual"], frame["oracle"])
    assert best > auc(frame["actual"], frame["recency"])
    assert best > auc(frame["actual"], frame["orders"])


@pytest.mark.parametrize("world", ["bgnbd", "covariates", "drift,cancelled,lostpayments"])
def test_spend_is_unbiased_and_beats_past_revenue(scores: Scores, folder: Folder, world: str) -> None:
    frame = scores(world, "spend")
    for part in frame.sort("oracle").tail(frame.height // 2).iter_slices(frame.height // 6 + 1):
        spread = part.select((pl.col("actual") - pl.col("oracle")).std()).item() * part.height**0.5
        assert abs(part["actual"].sum() - part["oracle"].sum()) < 3.9 * spread
    orders = table(folder(world), "orders").filter(pl.col("orderDate").cast(pl.Int32) < CUTOFF)
    lines = table(folder(world), "orderdetails").join(orders, on="orderNumber")
    past = lines.group_by(customer_id="customerNumber").agg(
        past=(pl.col("quantityOrdered") * pl.col("priceEach")).sum()
    )
    both = frame.join(past, on="customer_id")
    assert gini(both["actual"], both["oracle"]) > gini(both["actual"], both["past"]) + 0.02


@pytest.mark.parametrize("world", ["bgnbd", EVERYTHING])
def test_spend_counts_what_was_sold(scores: Scores, folder: Folder, world: str) -> None:
    orders = table(folder(world), "orders").filter(
        pl.col("orderDate").cast(pl.Int32).is_between(CUTOFF, CUTOFF + HORIZON - 1),
        pl.col("status") != "Cancelled",
    )
    lines = table(folder(world), "orderdetails").join(orders, on="orderNumber")
    known = scores(world, "spend")
    lines = lines.filter(pl.col("customerNumber").is_in(known["customer_id"].implode()))
    sold = lines.select((pl.col("quantityOrdered") * pl.col("priceEach")).sum()).item()
    assert known["actual"].sum() == pytest.approx(sold)


def test_late_payment_beats_the_past_late_rate(folder: Folder) -> None:
    gains = []
    for world in WORLDS:
        out, truth = folder(world), folder(world).with_name(f"{folder(world).name}-truth")
        days = [CUTOFF - 270, CUTOFF - 180, CUTOFF - 90, CUTOFF]
        for part in oracle_scores(out, truth, "late", days, HORIZON).partition_by("cutoff_day"):
            due = table(truth, "invoices").filter(pl.col("dueDate").cast(pl.Int32) < part["cutoff_day"][0])
            in_time = (pl.col("paidDate") <= pl.col("dueDate")).fill_null(False)
            rate = due.group_by(customer_id=pl.col("orderNumber") // 1000).agg(
                rate=((~in_time).sum() + 1) / (pl.len() + 5)
            )
            frame = part.join(rate, on="customer_id", how="left")
            simple = frame["rate"].fill_null(0.2)
            gains.append(auc(frame["actual"], frame["oracle"]) - auc(frame["actual"], simple))
    assert np.mean(gains) > 0.005


def first_choices(folder: Path) -> pl.DataFrame:
    """The first line of each customer's first order in the window."""
    orders = table(folder, "orders").with_columns(day=pl.col("orderDate").cast(pl.Int32))
    orders = orders.filter(
        pl.col("day") >= CUTOFF, pl.col("day") < CUTOFF + HORIZON, pl.col("status") != "Cancelled"
    )
    first = orders.sort("day").group_by("customerNumber", maintain_order=True).first()
    lines = table(folder, "orderdetails").filter(pl.col("orderLineNumber") == 1)
    return lines.join(first, on="orderNumber").select(
        customer_id="customerNumber", product_id="productCode", chosen=pl.lit(1.0)
    )


@pytest.mark.parametrize("world", PRODUCT_WORLDS)
def test_the_next_product_is_calibrated(scores: Scores, folder: Folder, world: str) -> None:
    """The first product a customer chooses in the window is each product as often as the oracle says."""
    frame = scores(world, "recommend").join(
        first_choices(folder(world)), on=["customer_id", "product_id"], how="left"
    )
    sums = frame.group_by("customer_id").agg(pl.col("oracle").sum())["oracle"]
    if "bundles" not in world:  # a companion comes on top
        assert sums.to_numpy() == pytest.approx(1.0, abs=1e-3)
        assert_calibrated(frame.select("oracle", actual=pl.col("chosen").fill_null(0.0)), 12)
    assert (frame["standard_error"] < 0.15 * frame["oracle"] + 1e-4).mean() > 0.95


def precision_at_10(frame: pl.DataFrame, score: str) -> float:
    top = frame.sort(score, descending=True).group_by("customer_id").head(10)
    return top["actual"].mean()


@pytest.mark.parametrize("world", PRODUCT_WORLDS)
def test_recommendations_beat_frequency_and_popularity(scores: Scores, world: str) -> None:
    frame = scores(world, "recommend").with_columns(
        popularity=pl.col("bought").sum().over("product_id").cast(pl.Float64)
    )
    repeat, novel = frame.filter(pl.col("bought") > 0), frame.filter(pl.col("bought") == 0)
    for part, simple in ((repeat, "bought"), (novel, "popularity")):
        assert precision_at_10(part, "oracle") > precision_at_10(part, simple)


def test_a_task_or_a_window_that_is_not_there_is_refused(folder: Folder) -> None:
    out = folder("bgnbd")
    truth = out.with_name("bgnbd-truth")
    with pytest.raises(GenerateError, match="weather"):
        oracle_scores(out, truth, "weather", [CUTOFF], HORIZON)
    with pytest.raises(GenerateError, match="does not lie"):
        oracle_scores(out, truth, "churn", [START + 1050], HORIZON)
    with pytest.raises(GenerateError, match=r"parameters\.json"):
        oracle_scores(out, out, "churn", [CUTOFF], HORIZON)
