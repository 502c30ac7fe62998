"""The recommender as a whole: no look ahead, honest choices, constraints, storage, backtest."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from recommend_purchases import DAYS, FIRST_DAY, catalogue, order_lines

from core.errors import MissingDataError
from core.evaluation import Evaluation
from core.generate import generate_company
from core.models.model import Parts
from core.models.recommend import Recommender, backtest_recommendations

END = FIRST_DAY + DAYS
LINES = order_lines(250, orders=12)


@pytest.fixture(scope="module")
def model() -> Recommender:
    by_country = LINES.group_by("product_id").agg(purchases=pl.len()).with_columns(country=pl.lit("Norway"))
    return Recommender(horizon=90).fit(LINES, catalogue(), as_of_day=END, by_country=by_country)


@pytest.fixture(scope="module")
def scores(model: Recommender) -> pl.DataFrame:
    return model.score(LINES, as_of_day=END, products=catalogue())


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """A backtest on a generated company of 800 customers."""
    company = generate_company(tmp_path_factory.mktemp("company") / "data", customers=800, seed=5)
    orders = pl.read_csv(company.paths["orders"], try_parse_dates=True)
    lines = (
        pl.read_csv(company.paths["orderdetails"])
        .join(orders, on="orderNumber")
        .select(
            customer_id="customerNumber",
            product_id="productCode",
            order_day=pl.col("orderDate").cast(pl.Int32).cast(pl.Int64),
            order_id="orderNumber",
            quantity="quantityOrdered",
            is_cancelled=(pl.col("status") == "Cancelled").cast(pl.Int64),
        )
    )
    products = pl.read_csv(company.paths["products"]).select(
        product_id="productCode", product_name="productName", product_line="productLine"
    )
    last = lines["order_day"].max() + 1
    return backtest_recommendations(lines, products, [last - 270, last - 180, last - 90], 90)


def test_each_customer_gets_ranked_lists_of_both_kinds(scores: pl.DataFrame) -> None:
    keys = ["customer_id", "kind", "rank"]
    assert not scores.select(keys).is_duplicated().any()
    assert not scores.select("customer_id", "product_id").is_duplicated().any()
    most = scores.group_by("customer_id", "kind").agg(pl.col("rank").max(), pl.len())
    assert (most["rank"] == most["len"]).all()
    assert most["rank"].max() <= 10
    ordered = scores.sort(keys).with_columns(before=pl.col("share").shift(1).over("customer_id", "kind"))
    assert (ordered["before"].fill_null(1.0) >= ordered["share"] - 1e-12).all()


def test_probabilities_are_ordered_and_within_bounds(scores: pl.DataFrame) -> None:
    known = scores.drop_nulls("score")
    assert known.height > 0.5 * scores.height
    assert ((known["low"] <= known["score"]) & (known["score"] <= known["high"])).all()
    assert known["low"].min() >= 0
    assert known["high"].max() <= 1


def test_kinds_are_what_they_say(scores: pl.DataFrame) -> None:
    bought = LINES.select("customer_id", "product_id").unique().with_columns(seen=pl.lit(True))
    joined = scores.join(bought, on=["customer_id", "product_id"], how="left")
    assert (joined["seen"].fill_null(False) == (joined["kind"] == "buy again")).all()
    assert scores["reasons"].null_count() == 0


def test_nothing_out_of_stock_is_recommended(model: Recommender, scores: pl.DataFrame) -> None:
    assert "P00" not in scores["product_id"]
    assert "P00" in model.score(LINES, as_of_day=END)["product_id"]
    unknown = catalogue().with_columns(quantity_in_stock=pl.lit(None, pl.Int64))
    assert "P00" in model.score(LINES, as_of_day=END, products=unknown)["product_id"]


def test_margins_move_the_ranking_not_the_probability(model: Recommender, scores: pl.DataFrame) -> None:
    margins = Recommender.load(_stored(model))
    margins.margin_weight = 1.0
    found = margins.score(LINES, as_of_day=END, products=catalogue())
    dear = pl.col("product_id").str.slice(1).cast(pl.Int64) % 2 == 0  # margin of 80 % instead of 10 %
    first = [frame.filter(pl.col("rank") <= 3, dear).height for frame in (scores, found)]
    assert first[1] > 1.3 * first[0]
    both = scores.join(found, on=["customer_id", "product_id"])
    assert_frame_equal(both.select("score"), both.select(score="score_right"))


def test_nothing_after_the_as_of_day_is_seen() -> None:
    cut = END - 200
    past = LINES.filter(pl.col("order_day") < cut)
    poison = LINES.with_columns(
        product_id=pl.when(pl.col("order_day") >= cut).then(pl.lit("P07")).otherwise("product_id")
    )
    one, other = (Recommender(horizon=60).fit(lines, catalogue(), as_of_day=cut) for lines in (past, poison))
    assert_frame_equal(one.score(past, as_of_day=cut), other.score(poison, as_of_day=cut))


def test_cancellations_are_not_known_in_advance() -> None:
    """Whether an order was cancelled changes what is foretold of the past, not what customers showed."""
    cancelled = LINES.with_columns(is_cancelled=pl.lit(1))
    model = Recommender(horizon=90).fit(cancelled, catalogue(), as_of_day=END)
    assert (
        model.score(cancelled, as_of_day=END)["score"].null_count()
        == model.score(cancelled, as_of_day=END).height
    )  # nothing was ever kept, so no probability can be learned
    histories = model.score(cancelled, as_of_day=END).filter(pl.col("kind") == "buy again")
    assert histories["customer_id"].n_unique() == LINES["customer_id"].n_unique()


def test_newcomers_are_offered_what_is_popular(model: Recommender) -> None:
    people = pl.DataFrame({"customer_id": [0, 9_001, 9_002], "country": ["Norway", "Norway", None]})
    found = model.score(LINES, as_of_day=END, newcomers=people, products=catalogue())
    new = found.filter(pl.col("customer_id") > 9_000)
    assert new.height == 20
    assert new["score"].null_count() == 20
    assert set(new["reasons"]) == {"Popular in Norway", "Popular with all customers"}
    assert (
        "Popular" not in found.filter(pl.col("customer_id") == 0, pl.col("kind") == "buy again")["reasons"][0]
    )


def _stored(model: Recommender) -> Parts:
    """The parts after a way through JSON, as a store keeps them."""
    return {
        name: json.loads(json.dumps(part, allow_nan=False)) if isinstance(part, dict) else part
        for name, part in model.save().items()
    }


def test_a_stored_model_is_the_same(model: Recommender, scores: pl.DataFrame) -> None:
    found = Recommender.load(_stored(model)).score(LINES, as_of_day=END, products=catalogue())
    assert_frame_equal(found, scores, rel_tol=1e-4, abs_tol=1e-6)  # arrays are kept in single precision
    assert all(isinstance(part, dict | np.ndarray) for part in model.save().values())


def test_loading_and_scoring_need_no_training_library(model: Recommender, tmp_path: Path) -> None:
    for name, part in _stored(model).items():
        if isinstance(part, np.ndarray):
            np.save(tmp_path / f"{name}.npy", part, allow_pickle=False)
        else:
            (tmp_path / f"{name}.json").write_text(json.dumps(part))
    LINES.write_parquet(tmp_path / "lines.parquet")
    code = (
        "import sys, json, numpy as np, polars as pl\n"
        "from pathlib import Path\n"
        "from core.models.recommend import Recommender\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "parts = {p.stem: np.load(p, mmap_mode='r') for p in folder.glob('*.npy')}\n"
        "parts |= {p.stem: json.loads(p.read_text()) for p in folder.glob('*.json')}\n"
        "model = Recommender.load(parts)\n"
        f"found = model.score(pl.read_parquet(folder / 'lines.parquet'), as_of_day={END})\n"
        "heavy = {'sklearn', 'statsmodels', 'xgboost', 'scipy'} & set(sys.modules)\n"
        "print(found.height, sorted(heavy))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split(maxsplit=1)[1].strip() == "[]"


def test_the_backtest_beats_the_simple_rankings(evaluation: Evaluation) -> None:
    repeat = evaluation.difference("recommender", "personal frequency", "NDCG@10 repeat")
    assert repeat.is_above_zero
    novel = evaluation.score("recommender", "NDCG@10 novel").value
    assert novel > 1.5 * evaluation.score("popularity", "NDCG@10 novel").value
    for metric in ("NDCG@10 repeat", "NDCG@10 novel", "NDCG@10 joint"):
        assert 0 < evaluation.score("recommender", metric).value < 1
    assert len([note for note in evaluation.notes if "were expected to be bought" in note]) == 6


def test_probabilities_are_calibrated(evaluation: Evaluation) -> None:
    expected, made = np.zeros(2), np.zeros(2)
    for note in evaluation.notes:
        kind = int("(new)" in note)
        words = [word.rstrip(",.").replace(",", "") for word in note.split()]
        numbers = [float(word) for word in words if word.isdigit()]
        expected[kind] += numbers[0]
        made[kind] += numbers[1]
    assert expected[0] / made[0] == pytest.approx(1.0, abs=0.15)
    assert expected[1] / made[1] == pytest.approx(1.0, abs=0.35)  # a few hundred purchases


def test_customers_without_any_repeat_are_no_basis_for_choices() -> None:
    draw = np.random.default_rng(0)
    lines = pl.DataFrame(
        {
            "customer_id": np.arange(600),
            "product_id": [f"P{i:02d}" for i in draw.integers(24, size=600)],
            "order_day": FIRST_DAY + draw.integers(DAYS, size=600),
        }
    )
    model = Recommender().fit(lines, as_of_day=END)
    assert model.judged_["customers_judged"] == 0
    assert model.judged_["new"]["champion"] == "popularity"
    found = model.score(lines, as_of_day=END)
    assert found["customer_id"].n_unique() == 600
    assert found["score"].null_count() == found.height


def test_one_product_one_customer_one_day() -> None:
    lines = pl.DataFrame({"customer_id": ["x"], "product_id": ["only"], "order_day": [FIRST_DAY]})
    model = Recommender().fit(lines, as_of_day=END)
    found = Recommender.load(_stored(model)).score(lines, as_of_day=END)
    assert found.select("customer_id", "product_id", "kind").rows() == [("x", "only", "buy again")]
    assert model.bundles().is_empty()
    assert model.also_bought("only").is_empty()
    assert model.also_bought("unheard of").is_empty()


def test_without_purchases_there_is_nothing_to_recommend() -> None:
    with pytest.raises(MissingDataError, match="nothing to recommend"):
        Recommender().fit(LINES, as_of_day=FIRST_DAY)
