"""What the Credit page computes: the review list, losses, ageing by customer, and the credit desk."""

import datetime as dt

import polars as pl
import pytest

from core.database import Database
from core.days import to_day
from core.filters import SalesFilters
from core.model_store import open_model_store
from core.models.credit import Ceilings
from core.models.credit.binning import Bins
from core.models.credit.scorecard import Scorecard
from core.predictions import scores_on, stored_backtest
from core.predictions.credit import (
    BANDS,
    EDGES,
    RULES,
    defaulted_of_open,
    expected_loss,
    exposure_by_band,
    happened_after,
    in_bands,
    matching_facts,
    past_due_by_customer,
    points_of,
    points_table,
    quality_table,
    review,
    spread_of_points,
    then_and_after,
)
from core.predictions.credit_desk import (
    Request,
    boosted_chances,
    boosted_outcome,
    credit_of,
    hindsight,
    judge,
    loaded_credit,
    own_invoices,
)
from core.predictions.people import selected_customers
from core.receivables import load_matching
from core.sales.invoices import Invoices
from core.sales_data import SalesData, load_sales
from core.settings import Settings

PEOPLE = pl.DataFrame(
    {
        "customer_id": [1, 2, 3, 4],
        "key": ["1", "2", "3", "4"],
        "customer_name": ["Ant", "Bee", "Cat", "Dog"],
        "country": ["France"] * 4,
        "owner": ["Ann", "Ann", "Bob", "Bob"],
        "office": ["Paris"] * 4,
        "credit_limit": [10_000.0, 100_000.0, 50_000.0, None],
        "revenue_365": [1.0] * 4,
        "last_order_day": [1] * 4,
    }
)


def scores(**columns: list[float | None]) -> pl.DataFrame:
    plain: dict[str, list[object]] = {
        "customer_id": [1, 2, 3, 4],
        "score": [0.3, 0.04, 0.01, 0.02],
        "low": [0.2, 0.02, 0.001, 0.01],
        "high": [0.4, 0.06, 0.03, 0.04],
        "reasons": ["Pays late. Owes much.", "", "", ""],
        "late": [0.7, 0.3, 0.1, 0.2],
        "late_low": [0.6, 0.2, 0.05, 0.1],
        "late_high": [0.8, 0.4, 0.2, 0.3],
        "points": [520.0, 600.0, 640.0, 610.0],
        "amount": [1_000.0] * 4,
        "exposure": [1_000.0, 20_000.0, 0.0, 500.0],
        "overdue": [1_000.0, 0.0, 0.0, 0.0],
        "open_default": [1.0, 0.04, None, 0.02],
        "expected_loss": [450.0, 360.0, 0.0, 4.5],
    }
    return pl.DataFrame(plain | columns, strict=False)


def test_the_review_list_puts_high_risk_and_high_limit_first() -> None:
    rows = review(PEOPLE, scores(), currency="EUR")
    # 1.0 × 10 000, then 0.04 × 100 000, then 0.02 × 500; nothing is open of the safe third one
    assert rows["customer_name"].to_list() == ["Ant", "Bee", "Dog"]
    first = rows.row(0, named=True)
    assert (first["level"], first["points"], first["between"]) == ("high", 520.0, "20.0–40.0%")
    assert (first["reason"], first["why"]) == ("Pays late. Owes much.", "Pays late.")
    assert first["step"].startswith("Collect EUR 1,000")
    assert [BANDS[band] for band in rows["band"]] == ["50% and more", "2–5%", "2–5%"]
    assert rows["happened"].null_count() == 3


def test_bands_begin_where_the_named_thresholds_do() -> None:
    assert len(BANDS) == len(EDGES)
    assert RULES.watch_default in EDGES
    assert RULES.high_default in EDGES
    at_the_edge = review(
        PEOPLE, scores(open_default=[RULES.high_default, RULES.watch_default, None, 0.0199]), currency="EUR"
    )
    found = dict(zip(at_the_edge["customer_name"], at_the_edge["band"], strict=True))
    assert BANDS[found["Bee"]] == "5–10%"
    assert BANDS[found["Ant"]] == "20–50%"  # .3 for the next invoice, .2 for what is open


def test_exposure_adds_up_over_the_bands() -> None:
    rows = review(PEOPLE, scores(), currency="EUR")
    bands = exposure_by_band(rows)
    assert bands["label"].to_list() == list(BANDS)
    assert bands["exposure"].sum() == rows["exposure"].sum() == 21_500.0
    assert bands["share"].sum() == pytest.approx(1.0)
    assert bands.filter(pl.col("customers") > 0)["level"].to_list() == ["low", "high"]
    kept = in_bands(rows, [BANDS.index("2–5%")])
    assert kept["customer_name"].to_list() == ["Bee", "Dog"]
    assert in_bands(rows, []).equals(rows)


def test_exposure_by_band_of_nobody_is_all_zeros() -> None:
    bands = exposure_by_band(review(PEOPLE, scores(), currency="EUR").clear())
    assert bands["exposure"].sum() == 0
    assert bands.height == len(BANDS)


def test_what_is_in_default_is_lost_for_certain_and_the_rest_has_an_interval() -> None:
    loss = expected_loss(review(PEOPLE, scores(), currency="EUR"))
    assert loss.settled == 450.0
    assert loss.expected == pytest.approx(450.0 + 360.0 + 4.5)
    # one customer in 25 defaults on what would lose 9 000: in 95 of 100 cases up to that
    assert loss.low == 450.0
    assert loss.high == pytest.approx(450.0 + 9_000.0, abs=300)


def test_the_interval_of_many_small_losses_is_narrow() -> None:
    many = pl.DataFrame({"open_default": [0.1] * 5_000, "expected_loss": [10.0] * 5_000})
    loss = expected_loss(many)
    # 5 000 independent losses of 100 with chance .1: standard deviation 100 × √(5 000 × .09) = 2 121
    assert loss.expected == pytest.approx(50_000.0)
    assert loss.high - loss.low == pytest.approx(2 * 1.96 * 2_121, rel=0.1)


def test_no_exposure_means_no_loss() -> None:
    loss = expected_loss(review(PEOPLE, scores(), currency="EUR").clear())
    assert (loss.expected, loss.low, loss.high) == (0.0, 0.0, 0.0)


def invoice_rows(*rows: tuple[int, int, int, int, int | None, int]) -> pl.DataFrame:
    """(invoice, customer, order_day, due_day, settled_day, days_past_due) of 100 each."""
    names = ("invoice_id", "customer_id", "order_day", "due_day", "settled_day", "days_past_due")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Int64), orient="row")
    return frame.with_columns(
        amount=pl.lit(100.0),
        open_amount=pl.when(pl.col("settled_day").is_null()).then(100.0).otherwise(0.0),
    )


def test_what_happened_after_counts_only_fates_that_are_known() -> None:
    invoices = invoice_rows(
        (1, 1, 99, 129, 120, 0),  # before the window
        (2, 1, 100, 130, 128, 0),
        (3, 1, 110, 140, 150, 10),
        (4, 2, 120, 150, None, 100),
        (5, 3, 189, 219, None, 31),
        (6, 3, 190, 220, None, 30),  # after it
        (7, 4, 185, 250, None, 0),  # not yet due
    )
    found = happened_after(invoices, 100, 90, 250)
    said = dict(zip(found["customer_id"], found["happened"], strict=True))
    assert said == {1: "1 of 2 paid late", 2: "1 of 1 in default", 3: "1 of 1 paid late", 4: None}
    assert found.filter(pl.col("customer_id") == 3)["default_known"].item() == 0


def test_how_much_of_what_was_open_defaulted_later() -> None:
    then = invoice_rows((1, 1, 10, 40, None, 5), (2, 1, 20, 50, None, 0), (3, 2, 1, 31, 30, 0))
    now = invoice_rows((1, 1, 10, 40, None, 99), (2, 1, 20, 50, 55, 5), (3, 2, 1, 31, 30, 0))
    assert defaulted_of_open(then, now) == 100.0


def test_predicted_then_stands_beside_what_happened_after() -> None:
    day = dt.date(1970, 4, 11)
    assert to_day(day) == 100
    invoices = invoice_rows((1, 1, 100, 130, 128, 0), (2, 1, 110, 140, 150, 10), (3, 2, 120, 150, None, 100))
    frame = then_and_after([(day, scores())], invoices, 90, 250)
    row = frame.row(0, named=True)
    assert (row["invoices"], row["judged"]) == (3, 3)
    assert row["late_said"] == pytest.approx((0.7 + 0.7 + 0.3) / 3)
    assert row["late"] == pytest.approx(2 / 3)
    assert row["default"] == pytest.approx(1 / 3)
    assert row["late_low"] < row["late"] < row["late_high"]
    nothing = then_and_after([(dt.date(1970, 9, 1), scores())], invoices, 90, 250).row(0, named=True)
    assert (nothing["invoices"], nothing["late"]) == (0, None)


CARD = Scorecard(
    base=500,
    features=(
        Bins("late_share", cuts=(0.1, 0.25)),
        Bins("country", levels=("France",)),
        Bins("tenure_days", cuts=(30.0,)),
    ),
    points=((5, 40, 20, 0), (0, 7, 3), (1, 0, 9)),
)


def test_points_are_told_with_their_units() -> None:
    table = points_table(CARD)
    assert table["bin"].to_list() == [
        *("unknown", "up to 10.0%", "10.0% to 25.0%", "above 25.0%"),
        *("unknown", "France", "other"),
        *("unknown", "up to 30 days", "above 30 days"),
    ]
    assert table["feature"][0] == "Share of earlier invoices paid late"


def test_points_of_a_request_add_up_to_its_score() -> None:
    known = {"late_share": 0.2, "country": "Narnia", "tenure_days": None}
    rows = points_of(CARD, known, "EUR")
    assert rows["points"].to_list() == [20, 3, 1]
    assert rows["value"].to_list() == ["20%", "Narnia", "unknown"]
    frame = pl.DataFrame(
        {"late_share": [0.2], "country": ["Narnia"], "tenure_days": pl.Series([None], dtype=pl.Float64)}
    )
    assert CARD.base + rows["points"].sum() == CARD.score(frame)[0]


def test_the_spread_of_points_has_no_gaps() -> None:
    spread = spread_of_points(pl.Series([501.0, 509.0, None, 530.0]))
    assert spread["label"].to_list() == ["500–509", "510–519", "520–529", "530–539"]
    assert spread["customers"].to_list() == [2, 0, 0, 1]
    assert spread_of_points(pl.Series([None], dtype=pl.Float64)).is_empty()


@pytest.fixture(scope="module")
def sales(predicted_database: Database) -> SalesData:
    return load_sales(predicted_database, None, terms_days=30)


@pytest.fixture(scope="module")
def settings(predicted_settings: Settings) -> Settings:
    return predicted_settings


def test_ageing_by_customer_adds_up_to_the_balance(predicted_database: Database, sales: SalesData) -> None:
    from core.sales.invoices import BUCKETS, load_invoices

    invoices: Invoices = load_invoices(predicted_database, sales)
    people = selected_customers(sales, SalesFilters())
    rows = past_due_by_customer(sales, invoices, people)
    assert rows["open"].sum() == pytest.approx(invoices.open["open_amount"].sum())
    buckets = rows.select(pl.sum_horizontal(BUCKETS)).to_series()
    assert (buckets - rows["open"]).abs().max() == pytest.approx(0, abs=0.011)
    assert rows["overdue"].is_sorted(descending=True)
    some = past_due_by_customer(sales, invoices, people.head(20))
    assert set(some["customer_id"]) == set(rows["customer_id"]) & set(people["customer_id"].head(20))


def test_settled_shares_are_told_of_all_settled(predicted_database: Database, sales: SalesData) -> None:
    from core.receivables import quality

    told = quality(load_matching(predicted_database, to_day(sales.as_of), 30))
    facts = {fact["label"]: fact["value"] for fact in matching_facts(told, "EUR")}
    assert facts["Settled by a payment of exactly their amount"].startswith(f"{told.exact_invoices:,} (")
    assert facts["Open"] == f"{told.open_invoices:,}, EUR {told.open_amount:,.0f}"


def test_the_desk_gives_the_stored_score_for_the_usual_invoice(
    predicted_database: Database, settings: Settings, sales: SalesData
) -> None:
    """The desk reads one customer from the database, the scores came from all invoices at once."""
    loaded = loaded_credit(predicted_database, lambda: open_model_store(settings, predicted_database))
    assert loaded is not None
    stored = scores_on(predicted_database, "credit")
    assert stored is not None
    for row in stored.frame.sort("score").gather_every(40).iter_rows(named=True):
        request = Request(row["amount"], str(row["customer_id"]))
        judged = judge(predicted_database, loaded, sales, request, "EUR")
        assert judged is not None
        assert judged.answer.default == pytest.approx(row["score"])
        assert judged.answer.late == pytest.approx(row["late"])
        assert judged.answer.open_amount == pytest.approx(row["exposure"])
        assert judged.overdue == pytest.approx(row["overdue"])
        usual = judge(predicted_database, loaded, sales, Request(0.0, str(row["customer_id"])), "EUR")
        assert usual is not None
        assert usual.request.amount == pytest.approx(row["amount"], abs=0.51)


def test_the_desk_knows_no_stranger_and_takes_new_customers(
    predicted_database: Database, settings: Settings, sales: SalesData
) -> None:
    loaded = loaded_credit(predicted_database, lambda: open_model_store(settings, predicted_database))
    assert loaded is not None
    assert judge(predicted_database, loaded, sales, Request(100.0, "nobody"), "EUR") is None
    new = judge(
        predicted_database,
        loaded,
        sales,
        Request(0.0, country=sales.countries[0], ceilings=Ceilings(0.3)),
        "EUR",
    )
    assert new is not None
    assert new.invoices == 0
    assert new.answer.open_amount == 0.0
    assert new.request.amount == round(credit_of(loaded).typical_amount_)


def test_the_desk_says_nothing_with_hindsight(
    predicted_database: Database, settings: Settings, sales: SalesData
) -> None:
    loaded = loaded_credit(predicted_database, lambda: open_model_store(settings, predicted_database))
    assert loaded is not None
    model = credit_of(loaded)
    assert hindsight(model, sales.as_of) == ""
    assert "hindsight" in hindsight(model, sales.as_of - dt.timedelta(days=1))


def test_own_invoices_are_those_of_the_company(predicted_database: Database, sales: SalesData) -> None:
    matched = load_matching(predicted_database, to_day(sales.as_of), 30).invoices
    who = matched.group_by("customer_id").len().sort("len", "customer_id")["customer_id"][-1]
    own = own_invoices(predicted_database, sales, who).sort("invoice_id")
    same = matched.filter(pl.col("customer_id") == who).sort("invoice_id")
    for name in ("invoice_id", "due_day", "settled_day", "days_past_due"):
        assert own[name].to_list() == same[name].to_list()
    assert (own["amount"] - same["amount"]).abs().max() == pytest.approx(0, abs=0.005)


def test_trees_alone_are_shown_only_where_there_are_some(
    predicted_database: Database, settings: Settings, sales: SalesData
) -> None:
    loaded = loaded_credit(predicted_database, lambda: open_model_store(settings, predicted_database))
    assert loaded is not None
    found = boosted_chances(predicted_database, loaded, sales)
    if boosted_outcome(credit_of(loaded)):
        assert found is not None
        assert found["boosted"].is_between(0, 1).all()
    else:
        assert found is None
    early = load_sales(predicted_database, sales.as_of - dt.timedelta(days=30), terms_days=30)
    assert boosted_chances(predicted_database, loaded, early) is None


def test_the_quality_table_shows_what_was_stored(predicted_database: Database) -> None:
    stored = stored_backtest(predicted_database, "credit")
    assert stored is not None
    table = quality_table(stored)
    assert table.height == len(stored.models) + len(stored.baselines)
    assert table["model"][0] == f"{stored.champion} (in use)"
    assert table["AUC"][0].startswith(f"{stored.score(str(stored.champion), 'AUC').value:.3f} [")
    assert table["better"][0] == "–"
