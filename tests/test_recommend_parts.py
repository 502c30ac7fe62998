"""The parts of recommendations, checked against literal or brute-force answers."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recommend_purchases import DAYS, FIRST_DAY, catalogue, order_lines

from core.evaluation.metrics import ndcg
from core.models.recommend.bundles import bundles
from core.models.recommend.chance import Chance, features, fit_coefficients, month_profile, season_factor
from core.models.recommend.cooccurrence import also_bought, wilson_low
from core.models.recommend.neighbours import ease, item_knn, signal
from core.models.recommend.newcomers import Newcomers
from core.models.recommend.purchases import Catalogue, bought_within, histories, purchases
from core.models.recommend.ranking import (
    frequency_then_popularity,
    ndcg_by_customer,
    personal_frequency,
    top,
)
from core.models.recommend.reasons import because, bought_before, contributions
from core.models.recommend.shortlist import shares_of
from core.models.recommend.tastes import learn_tastes, popularity, still_sold
from core.models.recommend.tuning import Settings

END = FIRST_DAY + DAYS


def _lines(*rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["customer_id", "product_id", "order_day", "quantity"], orient="row")


def test_returns_guests_and_lines_without_product_are_no_purchases() -> None:
    found = purchases(
        _lines((1, "A", 5, 1), (1, "A", 5, 2), (1, "B", 5, -1), (None, "A", 5, 1), (2, None, 5, 1))
    )
    assert found.rows() == [(1, "A", 5)]


def test_histories_count_days_and_fade() -> None:
    lines = _lines((1, "A", 0, 1), (1, "A", 10, 1), (1, "B", 10, 1), (2, "B", 19, 1), (2, "A", 20, 1))
    known = Catalogue.of(lines)
    found = histories(purchases(lines), known, 20, half_life=10.0)
    assert found.customers.to_list() == [1, 2]
    assert found.dense(found.count, 2).tolist() == [[2, 1], [0, 1]]  # day 20 is not known yet
    assert found.dense(found.weight, 2)[0] == pytest.approx([0.25 + 0.5, 0.5])
    assert found.last_order.tolist() == [10, 19]
    assert found.take(1, 2).dense(found.take(1, 2).count, 2).tolist() == [[0, 1]]


def test_cancelled_lines_were_not_bought_and_unknown_products_are_kept() -> None:
    lines = _lines((1, "A", 5, 1), (1, "B", 6, 1), (1, "NEW", 7, 1)).with_columns(
        is_cancelled=pl.Series([0, 1, 0])
    )
    known = Catalogue.of(lines.filter(pl.col("product_id") != "NEW"))
    owner, product = bought_within(lines, known, pl.Series("customer_id", [1]), 0, 10)
    assert owner.tolist() == [0, 0]
    assert sorted(product.tolist()) == [-1, 0]


@given(st.integers(1, 12), st.integers(1, 8), st.integers(0, 10_000), st.integers(1, 12))
def test_ndcg_of_arrays_is_that_of_one_ranking_and_within_bounds(
    products: int, customers: int, seed: int, k: int
) -> None:
    draw = np.random.default_rng(seed)
    scores = draw.random((customers, products))
    candidates, bought = draw.random((2, customers, products)) < 0.6
    found = ndcg_by_customer(scores, candidates, bought, k=k)
    for row in range(customers):
        order = [i for i in np.argsort(-scores[row]) if candidates[row, i]]
        relevance = [bought[row, i] for i in order]
        expected = ndcg(relevance, int(sum(relevance)), k)
        assert found[row] == pytest.approx(expected, nan_ok=True)
        assert np.isnan(found[row]) or 0 <= found[row] <= 1 + 1e-12


def test_a_product_that_nobody_could_rank_counts_in_the_ideal() -> None:
    mask = np.array([[True, True]])
    alone = ndcg_by_customer(np.array([[2.0, 1.0]]), mask, np.array([[True, False]]))
    missed = ndcg_by_customer(np.array([[2.0, 1.0]]), mask, np.array([[True, False]]), np.array([1]))
    assert alone[0] == 1.0
    assert missed[0] == pytest.approx(1 / (1 + 1 / np.log2(3)))


@given(st.integers(2, 40), st.integers(1, 12), st.integers(0, 1_000))
def test_top_is_a_stable_sort_of_the_candidates(products: int, count: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    scores = draw.integers(0, 4, (3, products)).astype(float)
    candidates = draw.random((3, products)) < 0.7
    places, filled = top(scores, candidates, count)
    for row in range(3):
        expected = sorted(np.flatnonzero(candidates[row]), key=lambda i: (-scores[row, i], i))[:count]
        assert places[row][filled[row]].tolist() == expected


def test_ties_of_the_baselines() -> None:
    lines = _lines((1, "A", 1, 1), (1, "B", 9, 1), (1, "C", 2, 1), (1, "C", 3, 1), (2, "A", 3, 1))
    known = Catalogue.of(lines)
    block = histories(purchases(lines), known, 10)
    assert np.argsort(-personal_frequency(block, 3)[0]).tolist() == [2, 1, 0]  # B was bought after A
    popular = np.array([0.6, 0.1, 0.3])
    assert np.argsort(-frequency_then_popularity(block, popular)[0]).tolist() == [2, 0, 1]


def test_ease_minimises_what_it_says() -> None:
    lines = order_lines(60)
    known = Catalogue.of(lines)
    history = histories(purchases(lines), known, END)
    weights = ease(history, known.size, penalty=5.0, keep=None).dense()
    assert np.all(np.diag(weights) == 0)
    x = history.dense(signal(history.count), known.size)
    for target in (0, 7):  # ridge regression of one product on the others
        others = np.arange(known.size) != target
        a = x[:, others]
        expected = np.linalg.solve(a.T @ a + 5.0 * np.eye(known.size - 1), a.T @ x[:, target])
        assert weights[others, target] == pytest.approx(expected, abs=1e-9)


def test_kept_neighbours_are_the_strongest_of_each_product() -> None:
    lines = order_lines(60)
    known = Catalogue.of(lines)
    history = histories(purchases(lines), known, END)
    every, few = (ease(history, known.size, 5.0, keep).dense() for keep in (None, 3))
    assert ((few != 0).sum(axis=0) == 3).all()
    for column in range(known.size):
        strongest = np.sort(np.argsort(-np.abs(every[:, column]))[:3])
        assert np.flatnonzero(few[:, column]).tolist() == strongest.tolist()


def test_item_neighbours_are_shrunk_cosines() -> None:
    lines = _lines(*[(c, p, 1, 1) for c in range(4) for p in "AB"], (9, "A", 1, 1), (9, "C", 1, 1))
    known = Catalogue.of(lines)
    found = item_knn(histories(purchases(lines), known, 5), 3, shrink=20.0).dense()
    assert found[0, 1] == pytest.approx(4 / np.sqrt(5 * 4) * 4 / 24)
    assert found[1, 2] == 0


@pytest.fixture(scope="module")
def learned():
    lines = order_lines()
    known = Catalogue.of(lines, catalogue())
    bought = purchases(lines)
    history = histories(bought, known, END, 200.0)
    return known, history, learn_tastes(history, known, bought)


def test_components_are_distributions(learned) -> None:
    _known, history, tastes = learned
    parts = tastes.components(history)
    assert (parts >= 0).all()
    assert parts.sum(axis=2) == pytest.approx(np.ones(parts.shape[:2]))


def test_shares_are_a_distribution_and_own_purchases_raise_them(learned) -> None:
    _known, history, tastes = learned
    shares = shares_of(tastes, Settings(strength=20.0), history)
    assert shares.posterior.sum(axis=1) == pytest.approx(np.ones(history.size))
    assert shares.posterior[shares.seen].mean() > 2 * shares.posterior[~shares.seen].mean()


def test_contributions_add_up_to_the_score(learned) -> None:
    _known, history, tastes = learned
    block = history.take(10, 40)
    mix = np.array([0.2, 0.3, 0.1, 0.4])
    owner, target = np.repeat(np.arange(30), 5), np.tile([0, 5, 9, 13, 20], 30)
    which, source, added, rest = contributions(tastes, mix, block, owner, target)
    total = np.bincount(which, weights=added, minlength=len(owner)) + rest
    expected = np.tensordot(mix, tastes.components(block), axes=1)[owner, target]
    assert total == pytest.approx(expected, abs=1e-12)
    bought = block.dense(block.count, tastes.products) > 0
    assert bought[owner[which], source].all()


def test_the_reason_is_the_largest_contribution(learned) -> None:
    known, history, tastes = learned
    block = history.take(0, 20)
    mix = np.array([0.0, 0.0, 0.0, 1.0])
    owner, target = np.arange(20), np.full(20, 4)
    which, source, added, rest = contributions(tastes, mix, block, owner, target)
    said = because(tastes, mix, block, owner, target, known.names)
    for row, text in enumerate(said):
        mine = np.where(which == row, added, -np.inf)
        if np.maximum(added[which == row], 0).sum() > rest[row]:
            assert text.startswith(f"Because you bought {known.names[source[mine.argmax()]]}")
        else:
            assert text == "Popular with all customers"
    assert "Because" in " ".join(said)


def test_purchases_are_told_in_words() -> None:
    said = bought_before(np.array([1.0, 3.0]), np.array([19_000, 19_001]))
    assert said.to_list() == ["Bought once, on 8 January 2022", "Bought on 3 days, last on 9 January 2022"]


def test_also_bought_needs_support_and_a_lift_that_is_sure() -> None:
    together = [(c, p, 1, 1) for c in range(20) for p in "AB"]
    others = [(c, p, 1, 1) for c in range(20, 100) for p in "CD"]
    rare = [(200 + c, p, 1, 1) for c in range(4) for p in "EF"]
    lines = _lines(*together, *others, *rare)
    known = Catalogue.of(lines)
    found = also_bought(histories(purchases(lines), known, 5), known.size)
    pairs = {
        (known.ids[j], known.ids[int(found.product[i])]): (found.count[i], found.lift[i], found.low[i])
        for j in range(known.size)
        for i in range(found.starts[j], found.starts[j + 1])
    }
    assert set(pairs) == {("A", "B"), ("B", "A"), ("C", "D"), ("D", "C")}  # E and F: too few
    count, lift, low = pairs["A", "B"]
    assert (count, lift) == (20, pytest.approx(104 / 20))
    assert 1 < low < lift


@given(st.integers(0, 50), st.integers(1, 50), st.floats(0.1, 4))
def test_wilson_lies_below_the_share(hits: int, more: int, z: float) -> None:
    found = float(wilson_low(np.array(float(hits)), np.array(float(hits + more)), z))
    assert 0 <= found <= hits / (hits + more) + 1e-12


def test_planted_bundles_are_found_and_habits_are_none() -> None:
    lines = order_lines(150, orders=14)
    known = Catalogue.of(lines)
    assert len(bundles(lines, known).count) == 0  # customers have strong habits, but nothing belongs together
    draw = np.random.default_rng(3)
    with_p5 = lines.filter(pl.col("product_id") == "P05")
    joined = with_p5.filter(pl.Series(draw.random(with_p5.height) < 0.5)).with_columns(
        product_id=pl.lit("P18")
    )
    found = bundles(pl.concat([lines, joined]).unique(["order_id", "product_id"]), known)
    assert {tuple(known.ids[p] for p in row if p >= 0) for row in found.product.tolist()} == {("P05", "P18")}
    assert 1 < found.low[0] < found.lift[0]


def test_planted_triples_are_found() -> None:
    lines = order_lines(150, orders=14)
    draw = np.random.default_rng(3)
    first = lines.filter(pl.col("product_id") == "P05")
    first = first.filter(pl.Series(draw.random(first.height) < 0.6))
    extra = [first.with_columns(product_id=pl.lit(other)) for other in ("P18", "P22")]
    known = Catalogue.of(lines)
    found = bundles(pl.concat([lines, *extra]).unique(["order_id", "product_id"]), known)
    sets = [tuple(known.ids[p] for p in row if p >= 0) for row in found.product.tolist()]
    assert ("P05", "P18", "P22") in sets


def test_bundles_of_guests_compare_orders_with_each_other() -> None:
    rows = [(c, p, 1, 1) for c in range(30) for p in "AB"] + [
        (100 + c, "CDEF"[c % 4], 1, 1) for c in range(80)
    ]
    rows += [(300 + c, p, 1, 1) for c in range(20) for p in ("C", "E")]
    rows += [(400 + c, p, 1, 1) for c in range(20) for p in ("D", "F")]
    lines = _lines(*rows)
    known = Catalogue.of(lines)
    found = bundles(lines, known)
    assert ("A", "B") in {tuple(known.ids[p] for p in row if p >= 0) for row in found.product.tolist()}


def test_newcomers_get_what_sells_in_their_country_or_anywhere() -> None:
    known = Catalogue.of(_lines((1, "A", 1, 1), (1, "B", 1, 1), (1, "C", 1, 1)))
    popular = np.array([0.5, 0.3, 0.2])
    by_country = pl.DataFrame(
        {"country": ["Norway", "Norway ", "Peru"], "product_id": ["C", "A", "B"], "purchases": [900, 60, 3]}
    )
    newcomers = Newcomers.of(by_country, known, popular)
    assert newcomers.countries == ("Norway",)  # Peru has too few purchases
    people = pl.DataFrame({"customer_id": [7, 8, 9], "country": ["Norway", "Peru", None]})
    who, product, rank, share, said = newcomers.offers(people, 2, None, None)
    assert who.tolist() == [0, 0, 1, 1, 2, 2]
    assert product.tolist() == [2, 0, 0, 1, 0, 1]
    assert rank.tolist() == [1, 2, 1, 2, 1, 2]
    assert (np.diff(share.reshape(3, 2), axis=1) < 0).all()
    assert said.to_list()[::2] == ["Popular in Norway", *["Popular with all customers"] * 2]


@settings(max_examples=30)
@given(st.floats(0.2, 3.0), st.floats(-3.0, 1.0), st.integers(0, 100))
def test_probabilities_recover_the_truth(slope: float, base: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    share, expected = draw.uniform(0.01, 0.3, 20_000), draw.uniform(1, 20, 20_000)
    x = features(share, expected, draw.uniform(0, 200, 20_000))
    truth = 1 / (1 + np.exp(-(base + slope * x[:, 1])))
    found = fit_coefficients(x, (draw.random(20_000) < truth).astype(float))
    assert found is not None
    chance = Chance(90, coefficients={"new": found})
    assert np.abs(chance.probability("new", share, expected, np.expm1(x[:, 3])) - truth).mean() < 0.03


def test_probabilities_need_events() -> None:
    x = features(np.full(1_000, 0.1), np.full(1_000, 2.0), np.full(1_000, 5.0))
    assert fit_coefficients(x, np.zeros(1_000)) is None


def test_seasons_need_two_years() -> None:
    days = [FIRST_DAY + d for d in range(730)]
    frame = pl.DataFrame({"order_day": days})
    assert month_profile(frame, FIRST_DAY + 700) == (1.0,) * 12
    busy = frame["order_day"].cast(pl.Int32).cast(pl.Date).dt.month() == 11
    doubled = pl.concat([frame, frame.filter(busy), frame.filter(busy)])
    profile = month_profile(doubled, FIRST_DAY + 730)
    assert profile[10] == pytest.approx(3 * profile[0])
    assert season_factor((1.0,) * 12, FIRST_DAY, 90) == pytest.approx(1.0)
    november_first = 18_932  # 2021-11-01
    assert season_factor(profile, november_first, 30) > 2


def test_products_that_nobody_buys_any_more_are_noticed() -> None:
    daily = [(c, "often", d, 1) for c, d in enumerate(range(0, 100))]
    seasonal = [(c, "winter", d, 1) for c, d in enumerate([*range(0, 20), *range(60, 80)])]
    rare = [(c, "rare", d, 1) for c, d in enumerate((0, 50))]
    lines = _lines(*daily, *seasonal, *rare)
    known = Catalogue.of(lines)
    sold = {
        day: dict(zip(known.ids, still_sold(purchases(lines), known, day), strict=True)) for day in (105, 130)
    }
    assert sold[105] == {"often": True, "winter": True, "rare": True}  # too early to say
    assert sold[130] == {"often": False, "winter": True, "rare": True}  # winter goods paused as long before


def test_popularity_follows_the_latest_purchases() -> None:
    lines = _lines(*[(c, "old", 0, 1) for c in range(90)], *[(c, "new", 99, 1) for c in range(10)])
    known = Catalogue.of(lines)
    slow, quick = (popularity(purchases(lines), known, 100, half_life) for half_life in (1e9, 10.0))
    assert slow == pytest.approx([0.1, 0.9])  # "new" comes first by name
    assert quick[0] > 0.99
