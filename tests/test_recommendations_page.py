"""Recommendations page: what is offered to whom, the stock it needs, and what happened after."""

import datetime as dt
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from core.database import Database
from core.filters import SalesFilters
from core.model_store import ModelStore, open_model_store
from core.models.card import ModelCard
from core.predictions import dates_scored, scores_on, stored_backtest
from core.predictions.people import with_customers
from core.predictions.recommendations import (
    UnreadableModelError,
    associations,
    bought_after,
    campaign_offers,
    campaign_rows,
    cold_start,
    expected,
    expected_of_products,
    offers,
    only_products,
    past_hits,
    product_facts,
    ranking_quality,
    recommender,
    stock_needed,
    with_outcome,
)
from core.sales_data import SalesData, load_sales
from core.settings import Settings

PEOPLE = {"A": "Atelier", "B": "Bazar", "C": "Casa"}


def offered(*rows: tuple[str, str, int, float | None, float, float, int | None, bool | None]) -> pl.DataFrame:
    """Offers by customer, product, rank, chance, usual amount, profit of a line, stock, bought; a line is of
    10 pieces."""
    names = ("key", "product", "rank", "score", "usual", "line_profit", "stock", "bought")
    types = (pl.String, pl.String, pl.Int64, *[pl.Float64] * 3, pl.Int64, pl.Boolean)
    frame = pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")
    return frame.with_columns(
        customer_id="key",
        customer_name=pl.col("key").replace(PEOPLE),
        owner=pl.lit("Ada"),
        country=pl.lit("France"),
        office=pl.lit("Paris"),
        product_name=pl.concat_str(pl.lit("Model "), "product"),
        product_line=pl.col("product").replace({"p": "Ships", "q": "Ships", "r": "Trains", "s": "Trains"}),
        kind=pl.lit("new"),
        reasons=pl.concat_str(pl.lit("because of "), "product"),
        low=pl.col("score") * 0.5,
        high=pl.col("score") * 1.5,
        pieces=pl.lit(10.0),
        expected_pieces=pl.col("score") * 10.0,
        value=pl.col("score") * pl.col("usual"),
        value_low=pl.col("score") * 0.5 * pl.col("usual"),
        value_high=pl.col("score") * 1.5 * pl.col("usual"),
        profit=pl.col("score") * pl.col("line_profit"),
    )


COMPANY = offered(
    ("A", "p", 1, 0.5, 100.0, 10.0, 8, True),
    ("A", "q", 2, 0.4, 50.0, 40.0, 100, False),
    ("A", "r", 3, 0.1, 1000.0, 5.0, 100, False),
    ("B", "p", 1, 0.6, 100.0, 10.0, 8, False),
    ("C", "s", 1, None, 70.0, 7.0, 100, False),
)


def test_customers_of_a_campaign_come_by_what_their_products_bring() -> None:
    rows = campaign_rows(campaign_offers(COMPANY, "value", most=2))
    assert rows["customer_name"].to_list() == ["Atelier", "Bazar", "Casa"]
    assert rows["product_name"].to_list() == ["Model r", "Model p", "Model s"]
    assert rows["products"][0] == "Model r; Model p"
    assert rows["value"].to_list() == [pytest.approx(150.0), pytest.approx(60.0), None]
    assert rows["value_low"][0] == pytest.approx(75.0)
    assert rows["chance"].to_list() == [0.1, 0.6, None]
    assert rows["reason"][0] == "because of r"


@pytest.mark.parametrize(
    ("rank", "first", "order"),
    [("profit", "Model q", ["A", "B", "C"]), ("score", "Model p", ["B", "A", "C"])],
)
def test_margins_or_chances_can_decide_instead(rank: str, first: str, order: list[str]) -> None:
    rows = campaign_rows(campaign_offers(COMPANY, rank, most=1))
    assert rows["key"].to_list() == order
    assert rows.filter(pl.col("key") == "A")["product_name"][0] == first


def test_an_unknown_ranking_is_refused() -> None:
    with pytest.raises(ValueError, match="rank must be one of"):
        campaign_offers(COMPANY, "luck")


def test_the_stock_runs_out_for_those_who_come_later() -> None:
    ships = only_products(COMPANY, products=["p"])
    rows = campaign_rows(campaign_offers(ships, "score"))
    assert rows["key"].to_list() == ["B", "A"]
    # 6 pieces of 8 are expected to go to B, so 5 more for A are too many
    assert rows["stock_state"].to_list() == ["enough", "runs out"]
    unknown = campaign_rows(campaign_offers(ships.with_columns(stock=pl.lit(None, pl.Int64)), "score"))
    assert unknown["stock_state"].to_list() == [None, None]


def test_stock_needed_names_the_scarcest_product_first() -> None:
    needed = stock_needed(campaign_offers(COMPANY, "value"))
    first = needed.row(0, named=True)
    assert (first["product"], first["customers"], first["state"]) == ("p", 2, "short")
    assert first["pieces"] == pytest.approx(11.0)
    assert first["pieces_high"] == pytest.approx(11.0 + 1.2816 * 10 * (0.25 + 0.24) ** 0.5)
    assert needed.filter(pl.col("product") == "q")["state"].item() == "enough"
    assert "s" not in needed["product"].to_list()  # nobody can say how many of it will be bought
    tight = stock_needed(COMPANY.filter(pl.col("product") == "p").with_columns(stock=pl.lit(12)))
    assert tight["state"].item() == "tight"


def test_what_happened_is_said_per_customer() -> None:
    rows = campaign_rows(campaign_offers(COMPANY, "value"))
    assert dict(rows.select("key", "after").iter_rows()) == {
        "A": "1 of 3 bought", "B": "not bought", "C": "not bought",
    }  # fmt: skip
    still_open = campaign_rows(campaign_offers(COMPANY.with_columns(bought=pl.lit(None, pl.Boolean))))
    assert still_open["after"].to_list() == [None, None, None]


def test_expected_purchases_have_an_interval_over_customers() -> None:
    found = expected(campaign_offers(COMPANY, "value"))
    assert (found.customers, found.without_chance, found.offers, found.bought) == (3, 1, 5, 1)
    mean, low, high = found.purchases
    assert mean == pytest.approx(1.6)
    of_a = (0.5 * 0.5) ** 0.5 + (0.4 * 0.6) ** 0.5 + (0.1 * 0.9) ** 0.5
    width = 1.2816 * (of_a**2 + 0.6 * 0.4) ** 0.5
    assert (low, high) == (pytest.approx(max(mean - width, 0)), pytest.approx(mean + width))
    assert found.value[0] == pytest.approx(230.0)
    assert found.profit == pytest.approx(5 + 16 + 0.5 + 6)
    no_costs = COMPANY.with_columns(profit=pl.lit(None, pl.Float64))
    assert expected(campaign_offers(no_costs)).profit is None


def test_expected_of_products_sums_over_customers() -> None:
    found = expected_of_products(COMPANY).filter(pl.col("product") == "p").row(0, named=True)
    assert (found["customers"], found["bought"]) == (2, 1)
    assert found["purchases"] == pytest.approx(1.1)
    assert found["value"] == pytest.approx(110.0)


def test_offers_are_kept_to_product_lines_and_products() -> None:
    assert only_products(COMPANY, lines=["Trains"])["product"].to_list() == ["r", "s"]
    assert only_products(COMPANY, lines=["Trains"], products=["p"]).is_empty()
    assert only_products(COMPANY).height == COMPANY.height


def test_offers_take_the_amount_of_a_usual_line() -> None:
    scores = pl.DataFrame(
        {"product_id": [7, 8], "score": [0.5, None], "low": [0.2, None], "high": [0.8, None]}
    )
    facts = pl.DataFrame(
        {
            "product": ["7"],
            "product_name": ["Seven"],
            "usual": [200.0],
            "line_profit": [40.0],
            "pieces": [20.0],
        }
    )
    found = offers(scores, facts)
    assert found.row(0, named=True)["value"] == pytest.approx(100.0)
    assert found.row(0, named=True)["value_high"] == pytest.approx(160.0)
    assert found.row(0, named=True)["expected_pieces"] == pytest.approx(10.0)
    assert found["product_name"].to_list() == ["Seven", "8"]
    assert found["profit"].to_list() == [pytest.approx(20.0), None]


def test_outcomes_are_null_until_the_window_is_over() -> None:
    frame = pl.DataFrame({"customer_id": [1, 1, 2], "product": ["p", "q", "p"]})
    bought = pl.DataFrame({"customer": ["1", "2"], "product": ["q", "r"], "quantity": [1, 1]})
    assert with_outcome(frame, bought)["bought"].to_list() == [False, True, False]
    assert with_outcome(frame, None)["bought"].null_count() == 3


def test_past_hits_count_by_date_and_kind() -> None:
    day = dt.date(2025, 1, 1)
    rows = pl.DataFrame(
        [
            (day, "new", 1, 0.5, True),
            (day, "new", 1, 0.3, False),
            (day, "new", 2, 0.2, False),
            (day, "buy again", 2, 0.9, True),
            (day, "new", 3, None, False),
        ],
        schema=["as_of", "kind", "customer_id", "score", "bought"],
        orient="row",
    )
    found = past_hits(rows)
    assert found["kind"].to_list() == ["buy again", "new"]
    new = found.row(1, named=True)
    assert (new["customers"], new["recommended"], new["bought"]) == (2, 3, 1)
    assert new["expected"] == pytest.approx(1.0)
    width = 1.2816 * (((0.25**0.5) + (0.21**0.5)) ** 2 + 0.16) ** 0.5
    assert (new["low"], new["high"]) == (pytest.approx(max(1 - width, 0)), pytest.approx(1 + width))
    assert new["hit_share"] == pytest.approx(1 / 3)


def test_the_ladder_counts_customers_by_what_is_known() -> None:
    scores = pl.DataFrame(
        [
            (1, "buy again", 0.5, "Bought once"),
            (1, "new", 0.1, "Popular with all customers"),
            (2, "new", None, "Popular in France"),
            (3, "new", None, "Popular with all customers"),
        ],
        schema=["customer_id", "kind", "score", "reasons"],
        orient="row",
    )
    sales = cast(SalesData, SimpleNamespace(customers=pl.DataFrame({"key": ["1", "2", "3", "4"]})))
    assert cold_start(scores, sales)["customers"].to_list() == [1, 1, 1, 1]


@pytest.fixture(scope="module")
def past(predicted_database: Database) -> SalesData:
    """The generated company as known at the earliest date with recommendations."""
    return load_sales(predicted_database, dates_scored(predicted_database, "recommend")[0])


def test_recommendations_of_a_past_date_are_compared_with_what_was_bought(
    predicted_database: Database, past: SalesData
) -> None:
    found = scores_on(predicted_database, "recommend", past.as_of)
    assert found is not None
    assert found.as_of == past.as_of
    newest = load_sales(predicted_database)
    bought = bought_after(predicted_database, past.as_of, 90, newest.as_of)
    assert bought is not None
    # by another way: the lines in memory of the newest date
    until = past.as_of + dt.timedelta(days=90)
    lines = newest.lines.filter(
        pl.col("order_date").cast(pl.Date).is_between(past.as_of, until, closed="left"),
        pl.col("quantity") > 0,
    )
    pairs = lines.select(
        customer=newest.customers["key"].gather(lines["customer"]),
        product=newest.products["key"].gather(lines["product"]),
    ).unique()
    assert (
        bought.select("customer", "product")
        .sort("customer", "product")
        .equals(pairs.sort("customer", "product"))
    )
    named = offers(with_customers(found.frame, past, SalesFilters()), product_facts(past))
    outcome = with_outcome(named, bought)
    hits = outcome.filter(pl.col("bought")).select("key", "product")
    assert hits.height > 0
    assert (
        hits.join(pairs, left_on=["key", "product"], right_on=["customer", "product"]).height == hits.height
    )
    assert bought_after(predicted_database, newest.as_of, 90, newest.as_of) is None


def test_facts_of_products_agree_with_the_lines(past: SalesData) -> None:
    facts = product_facts(past)
    place = 3
    lines = past.lines.filter(pl.col("product") == place, pl.col("quantity") > 0)
    row = facts.row(place, named=True)
    assert row["usual"] == pytest.approx(lines["revenue"].mean())
    assert row["price"] == pytest.approx(lines["revenue"].sum() / lines["quantity"].sum())
    assert row["buyers"] == lines["customer"].n_unique()
    assert row["margin"] == pytest.approx(1 - past.products["buy_price"][place] / row["price"])


def test_associations_know_nothing_after_the_as_of_date(
    predicted_database: Database, predicted_settings: Settings, past: SalesData
) -> None:
    loaded = recommender(open_model_store(predicted_settings, predicted_database))
    assert loaded is not None
    newest = load_sales(predicted_database)
    now, then = associations(newest, loaded), associations(past, loaded)
    assert now is not None
    assert then is not None
    assert (now.known_until, now.is_of_lines) == (newest.as_of, False)
    assert (then.known_until, then.is_of_lines) == (past.as_of, True)
    facts = product_facts(past)
    rows = pl.concat(
        then.also_bought(key, facts).head(1).with_columns(of=pl.lit(key)) for key in facts["product"]
    )
    assert rows.height > 0
    # the first of them by hand: customers who bought both before the date
    first = rows.row(0, named=True)
    names = past.products["key"].gather(past.lines["product"])
    lines = past.lines.filter(pl.col("quantity") > 0).select("customer", "quantity")
    buyers = {
        key: set(past.lines.filter((names == key) & (pl.Series(past.lines["quantity"]) > 0))["customer"])
        for key in (first["of"], first["product"])
    }
    both = len(buyers[first["of"]] & buyers[first["product"]])
    everyone = lines["customer"].n_unique()
    assert first["customers"] == both
    lift = both / len(buyers[first["of"]]) / (len(buyers[first["product"]]) / everyone)
    assert first["lift"] == pytest.approx(lift)
    assert 1 < first["low"] <= first["lift"]


def test_without_a_model_associations_come_from_the_lines(past: SalesData) -> None:
    found = associations(past, None)
    assert found is not None
    assert found.is_of_lines
    assert found.also_bought("no such product", product_facts(past)).is_empty()


def test_the_quality_is_that_of_the_stored_backtest(predicted_database: Database) -> None:
    stored = stored_backtest(predicted_database, "recommend")
    assert stored is not None
    found = ranking_quality(stored)
    row = found.filter(pl.col("group") == "joint", pl.col("model") == "popularity").row(0, named=True)
    assert row["value"] == pytest.approx(stored.score("popularity", "NDCG@10 joint").value)
    own = found.filter(pl.col("group") == "joint", pl.col("model") == stored.models[0]).row(0, named=True)
    assert row["better"] == pytest.approx(own["value"] - row["value"])
    assert own["better"] is None
    # own purchases say nothing of new products
    assert "personal frequency" not in found.filter(pl.col("group") == "novel")["model"].to_list()


class StoreOfAnotherProgram:
    """A store whose model has other pieces."""

    def active(self, _task: str) -> Any:
        return SimpleNamespace(version="of another program", card=cast(ModelCard, None))

    def read(self, _task: str, _version: str) -> dict[str, Any]:
        return {"about": {"class": "core.models.recommend.model:Recommender", "task": "recommend"}}


def test_a_model_of_another_program_is_said_to_be_one() -> None:
    with pytest.raises(UnreadableModelError, match="Train it again"):
        recommender(cast(ModelStore, StoreOfAnotherProgram()))
