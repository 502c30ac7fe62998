"""Credit: outcomes, what was known on a day, the record, the model, customers and the credit desk."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal
from test_receivables import companies

from core.database import Database, open_database
from core.errors import MissingDataError
from core.evaluation.metrics import AUC
from core.generate import generate_company
from core.ingest import ingest
from core.jobs import credit as job
from core.jobs.registry import load_model
from core.models.calibration import expit
from core.models.credit import Book, Ceilings, CreditDesk, CreditModel, outcomes, review_list
from core.models.credit.customers import Waiting, exposures, open_invoices
from core.models.credit.features import FEATURES, Portfolio, request_features
from core.models.credit.ledger import ledger
from core.models.credit.outcomes import event_customers
from core.models.credit.record import Recollection, Record, fit_record
from core.receivables import Matching, load_matching, match

TERMS = 30
PORTFOLIO = Portfolio(0.25, 3.0, Record(-1.2, 0.3, 1.1, 6.0, {"France": 0.2}))


def silent(_what: str, _fraction: float) -> None:
    """No progress."""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A generated company of 400 customers and three years."""
    folder = tmp_path_factory.mktemp("credit")
    made = generate_company(folder / "csv", customers=400, years=3, seed=11)
    ingest([made.folder], f"sqlite:///{folder / 'company.sqlite'}")
    with open_database(str(folder / "company.sqlite")) as database:
        yield database


@pytest.fixture(scope="module")
def end(company: Database) -> int:
    """The day after the last order."""
    return int(company.query("SELECT MAX(order_day) AS day FROM stg_orders").item()) + 1


@pytest.fixture(scope="module")
def matched(company: Database, end: int) -> Matching:
    """Its invoices, matched."""
    return load_matching(company, end, TERMS)


@pytest.fixture(scope="module")
def customers(company: Database) -> pl.DataFrame:
    """Its customers."""
    return company.query("SELECT customer_id, country FROM stg_customers")


@pytest.fixture(scope="module")
def model(matched: Matching, customers: pl.DataFrame, end: int) -> CreditModel:
    """A model trained on all of it."""
    return CreditModel().fit(matched.invoices, customers, as_of_day=end, terms_days=TERMS)


@pytest.fixture(scope="module")
def desk(model: CreditModel, matched: Matching, customers: pl.DataFrame, end: int) -> CreditDesk:
    """The credit desk at the end of the data."""
    return CreditDesk(model, matched.invoices, customers, as_of_day=end, terms_days=TERMS, currency="USD")


def invoices_of(*rows: tuple[int, int, float, int | None]) -> Matching:
    """Invoices (key, day, amount, day paid) of customer 1, matched on day 200."""
    bills = pl.DataFrame(
        [(key, 1, day, amount) for key, day, amount, _paid in rows],
        schema=["invoice_id", "customer_id", "invoice_day", "amount"],
        orient="row",
    )
    paid = pl.DataFrame(
        [(1, str(key), day, amount) for key, _, amount, day in rows if day is not None],
        schema={
            "customer_id": pl.Int64,
            "payment_id": pl.String,
            "payment_day": pl.Int64,
            "amount": pl.Float64,
        },
        orient="row",
    )
    return match(bills, paid, terms_days=TERMS, as_of_day=200)


def test_an_unfinished_story_is_no_good_one() -> None:
    found = invoices_of(
        (1, 0, 10.0, 20),  # paid in time
        (2, 0, 11.0, 50),  # 20 days late
        (3, 0, 12.0, None),  # due on day 30, 170 days past due
        (4, 120, 13.0, None),  # due on day 150, 50 days past due: late, but not yet a default
        (5, 120, 14.0, 130),  # paid in time, but a default would not be known yet
        (6, 190, 15.0, None),  # not due
    )
    rows = outcomes(found.invoices, 200).sort("invoice_id")
    assert rows["late"].to_list() == [0, 1, 1, 1, 0, None]
    assert rows["late_15"].to_list() == [0, 1, 1, 1, 0, None]
    assert rows["late_30"].to_list() == [0, 0, 1, 1, 0, None]
    assert rows["default"].to_list() == [0, 0, 1, None, None, None]


def test_events_are_customers_with_the_rarer_outcome() -> None:
    who = pl.Series([1, 1, 2, 3, 3, 4])
    assert event_customers(who, pl.Series([1, 1, 0, 0, 1, None])) == 2
    assert event_customers(who, pl.Series([0, 0, 0, 0, 0, 0])) == 0


def test_behaviour_known_on_a_day_by_hand() -> None:
    found = invoices_of((1, 0, 100.0, 20), (2, 40, 300.0, 90), (3, 60, 50.0, None))
    book = Book.of(found.invoices, pl.DataFrame({"customer_id": [1], "country": ["France"]}), TERMS)
    asked = pl.DataFrame({"customer_id": [1, 1, 1, 9], "day": [0, 75, 100, 100], "amount": [80.0] * 4})
    rows = request_features(book, PORTFOLIO, asked)
    assert rows["invoices"].to_list() == [0, 3, 3, 0]
    assert rows["open_amount"].to_list() == [0, 350, 50, 0]
    # day 75: invoice 2 fell due on day 70; day 100: it was paid on day 90, and 3 fell due on day 90
    assert rows["overdue_amount"].to_list() == [0, 300, 50, 0]
    assert rows["overdue_invoices"].to_list() == [0, 1, 1, 0]
    shrunk = [(late + 5 * 0.25) / (known + 5) for late, known in ((0, 0), (1, 2), (2, 3), (0, 0))]
    assert rows["late_share"].to_list() == pytest.approx(shrunk)
    # 10 days early and 20 days late, and three days of the company's mean 3
    assert rows["days_past_due_mean"][2] == pytest.approx((-10 + 20 + 3 * 3) / 5)
    assert rows["amount_ratio"].to_list() == pytest.approx([1, 80 / 150, 80 / 150, 1])
    assert rows["exposure_ratio"][2] == pytest.approx((50 + 80) / 450)
    assert rows["recency_days"].to_list() == [None, 15, 40, None]
    assert rows["tenure_days"].to_list() == [None, 75, 100, None]
    assert rows["country"].to_list() == ["France", "France", "France", None]
    assert rows["record_risk"][2] > rows["record_risk"][0] > rows["record_risk"][3] - 0.2


@settings(max_examples=80, deadline=None)
@given(companies())
def test_features_never_see_what_came_later(company: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    """Every feature of every day is the same when all rows on or after that day are deleted."""
    invoices, payments = company
    people = pl.DataFrame({"customer_id": [1, 2, 3], "country": ["France", "USA", None]})
    whole = match(invoices, payments, terms_days=TERMS, window_days=200)
    book = Book.of(whole.invoices, people, TERMS)
    for day in (20, 77, 150, 260, 431):
        asked = pl.DataFrame({"customer_id": [1, 2, 3, 4], "day": [day] * 4, "amount": [50.0] * 4})
        then = invoices.filter(pl.col("order_day") < day).with_columns(
            invoice_day=pl.when(pl.col("invoice_day") < day).then("invoice_day").otherwise("order_day")
        )
        past = match(
            then,
            payments.filter(pl.col("payment_day") < day),
            terms_days=TERMS,
            window_days=200,
            as_of_day=day,
        )
        known = request_features(Book.of(past.invoices, people, TERMS), PORTFOLIO, asked)
        # a customer without any invoice by then has no country in the book of that day
        seen = request_features(book, PORTFOLIO, asked)
        mine = pl.col("invoices") > 0
        assert_frame_equal(seen.filter(mine), known.filter(mine), check_exact=False, abs_tol=1e-6)


def test_a_planted_leak_is_noticed() -> None:
    """Were outcomes known on the day of the invoice, the comparison above would fail."""
    found = invoices_of((1, 0, 100.0, 60))
    leaky = found.invoices.with_columns(first_covered_day=pl.lit(1))
    people = pl.DataFrame({"customer_id": [1], "country": ["France"]})
    asked = pl.DataFrame({"customer_id": [1], "day": [20], "amount": [1.0]})
    honest = request_features(Book.of(found.invoices, people, TERMS), PORTFOLIO, asked)
    dishonest = request_features(Book.of(leaky, people, TERMS), PORTFOLIO, asked)
    assert not honest.equals(dishonest)


def test_the_record_finds_the_spread_of_customers() -> None:
    draw = np.random.default_rng(3)
    quality = draw.normal(size=700)
    who = np.repeat(np.arange(700), 12)
    day = np.tile(np.arange(12) * 40, 700)
    amount = np.exp(draw.normal(7, 0.5, len(who)))
    late = draw.random(len(who)) < expit(-1.0 + 0.5 * (np.log(amount) - 7) + 1.3 * quality[who])
    invoices = pl.DataFrame(
        {
            "invoice_id": np.arange(len(who)),
            "customer_id": who,
            "order_day": day,
            "invoice_day": day,
            "due_day": day + TERMS,
            "amount": amount,
            "first_covered_day": day + TERMS + np.where(late, 5, -5),
        }
    )
    book = ledger(invoices, TERMS)
    countries = pl.Series(["France"] * 700)
    found = fit_record(book, countries, 10_000)
    assert found is not None
    assert found.intercept + found.countries["France"] == pytest.approx(-1.0, abs=0.2)
    assert found.size_effect == pytest.approx(0.5, abs=0.12)
    assert found.spread == pytest.approx(1.3, abs=0.15)
    memory = Recollection.of(found, book, countries)
    chance = memory.late(np.arange(700), np.full(700, 10_000), np.full(700, np.exp(7.0)), countries)
    assert np.corrcoef(chance, quality)[0, 1] > 0.75
    assert fit_record(book, countries, 10) is None


def test_an_invoice_open_for_long_is_a_bad_sign() -> None:
    waiting = Waiting(-30, (1.0,) * 20 + (0.5,) * 10 + (0.1,) * 60)
    chance = waiting.chance(np.full(4, 0.05), np.array([-30, -5, 10, 60]))
    assert chance.tolist() == pytest.approx([0.05, 0.05 / 0.525, 0.05 / 0.145, 1.0])


def test_expected_loss_is_chance_times_loss_times_exposure() -> None:
    found = invoices_of((1, 190, 100.0, None), (2, 0, 40.0, None))
    chances = pl.DataFrame({"customer_id": [1], "chance": [0.1]})
    row = exposures(open_invoices(found.invoices, 200), chances, Waiting(-90, (1.0,) * 150), 0.5).row(
        0, named=True
    )
    assert (row["exposure"], row["overdue"]) == (140, 40)
    assert row["open_default"] == pytest.approx((0.1 * 100 + 40) / 140)
    assert row["expected_loss"] == pytest.approx(0.5 * (0.1 * 100 + 40))


def test_the_model_ranks_customers_and_its_parts_are_told(model: CreditModel) -> None:
    late, default = model.outcomes_["late"], model.outcomes_["default"]
    assert late.rows > 2_000
    assert late.held_out["AUC"]["value"] > 0.68
    assert default.held_out["AUC"]["value"] > 0.55
    assert late.decision is not None
    assert model.badge in ("thin", "enough data")
    assert late.scorecard is not None
    assert "late_share" in {bins.name for bins in late.scorecard.features}


def test_points_add_up_and_more_points_are_safer(
    model: CreditModel, matched: Matching, customers: pl.DataFrame
) -> None:
    card = model.outcomes_["late"].scorecard
    assert card is not None
    book = Book.of(matched.invoices, customers, TERMS)
    asked = matched.invoices.filter(pl.col("amount") > 0).head(300)
    frame = model.features(book, asked.select("customer_id", day="order_day", amount="amount"))
    parts = card.by_feature(frame)
    assert np.array_equal(parts.sum(axis=1) + card.base, card.score(frame))
    assert (parts == np.round(parts)).all()
    assert (parts >= 0).all()
    order = np.argsort(card.score(frame))
    assert (np.diff(card.probability(frame)[order]) <= 1e-12).all()
    table = card.table()
    assert table.columns == ["feature", "bin", "points", "evidence"]
    contributions, base = card.contributions(frame)
    assert contributions.sum(axis=1) + base == pytest.approx(card.log_odds(frame))


@pytest.mark.parametrize("members", [("record",), ("record", "scorecard"), ("record", "scorecard", "trees")])
def test_explanations_add_up_to_the_score(
    model: CreditModel, matched: Matching, customers: pl.DataFrame, members: tuple[str, ...]
) -> None:
    changed = CreditModel.load(model.save())
    changed.outcomes_["late"] = replace(model.outcomes_["late"], members=members)
    book = Book.of(matched.invoices, customers, TERMS)
    asked = matched.invoices.filter(pl.col("amount") > 0).tail(60)
    frame = changed.features(book, asked.select("customer_id", day="order_day", amount="amount"))
    told = changed.explain(frame, "late", currency="USD")
    assert [one.score for one in told] == pytest.approx(changed.log_odds(frame, "late").tolist())
    for one in told:
        assert one.base + sum(part.value for part in one.contributions) == pytest.approx(one.score)
        assert all(reason.endswith("the risk.") for reason in one.reasons)
    assert any("Based in " in reason for one in told for reason in one.reasons)
    strongest = [
        " ".join(part.sentence for part in one.contributions[:3] if part.sentence)
        for one in changed.explain(frame, "late")
    ]
    assert [text.replace("¤ ", "") for text in changed.reasons(frame, "late")] == strongest
    groups = {part.group for one in told for part in one.contributions}
    assert (
        {"payment record", "size"}
        <= groups
        <= {feature.group for feature in FEATURES.values()} | {"calibration"}
    )


def test_risk_rises_with_what_can_only_be_bad(
    model: CreditModel, matched: Matching, customers: pl.DataFrame
) -> None:
    changed = CreditModel.load(model.save())
    changed.outcomes_["late"] = replace(model.outcomes_["late"], members=("record", "scorecard", "trees"))
    book = Book.of(matched.invoices, customers, TERMS)
    asked = matched.invoices.filter(pl.col("amount") > 0).tail(200)
    frame = changed.features(book, asked.select("customer_id", day="order_day", amount="amount"))
    before = changed.score(frame)["late"]
    for name in ("late_share", "overdue_amount", "defaults", "exposure_ratio", "record_risk"):
        worse = frame.with_columns(
            (pl.col(name) * 1.3 + 0.01).clip(upper_bound=None if name != "record_risk" else 0.99)
        )
        assert (changed.score(worse)["late"] - before).min() > -1e-9, name  # type: ignore[operator]


def test_a_saved_model_scores_the_same(
    model: CreditModel, matched: Matching, customers: pl.DataFrame, end: int
) -> None:
    parts = model.save()
    assert all(isinstance(part, dict | bytes) for part in parts.values())
    again = load_model("core.models.credit.model:CreditModel", parts)
    assert isinstance(again, CreditModel)
    given_days = {"as_of_day": end, "terms_days": TERMS}
    one = model.score_customers(matched.invoices, customers, **given_days)
    assert_frame_equal(one, again.score_customers(matched.invoices, customers, **given_days))


def test_slices_of_customers_score_the_same(
    model: CreditModel,
    matched: Matching,
    customers: pl.DataFrame,
    end: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given_days = {"as_of_day": end, "terms_days": TERMS}
    whole = model.score_customers(matched.invoices, customers, **given_days)
    monkeypatch.setattr("core.models.credit.model._ROWS_AT_ONCE", 700)
    sliced = model.score_customers(matched.invoices, customers, **given_days)
    told = ["customer_id", "score", "low", "high", "late", "exposure", "expected_loss", "reasons"]
    one, other = (frame.select(told).sort("customer_id") for frame in (whole, sliced))
    assert_frame_equal(one, other, abs_tol=1e-6)


def test_the_job_scores_every_customer_with_invoices(company: Database, end: int, matched: Matching) -> None:
    heard: list[float] = []
    model, card = job.train(
        company,
        as_of_day=end,
        horizon=90,
        terms_days=TERMS,
        progress=lambda _what, share: heard.append(share),
    )
    assert heard[-1] == 1
    assert card.task == "credit"
    assert card.events >= 20
    assert card.metrics["AUC"]["low"] is not None
    scores = job.score(company, model, as_of_day=end, terms_days=TERMS, progress=silent)
    assert scores.height == matched.invoices.filter(pl.col("amount") > 0)["customer_id"].n_unique()
    assert not scores["customer_id"].is_duplicated().any()
    for name in ("score", "low", "high", "late"):
        assert scores[name].is_between(0, 1).all()
    assert (scores["low"] <= scores["score"]).all()
    assert (scores["score"] <= scores["high"]).all()
    owed = matched.invoices.filter(pl.col("amount") > 0)["open_amount"].sum()
    assert scores["exposure"].sum() == pytest.approx(owed, abs=0.01)
    assert (scores["expected_loss"] <= 0.4501 * scores["exposure"] + 0.01).all()
    assert (scores["reasons"].str.len_chars() > 0).mean() > 0.9
    again = job.train(company, as_of_day=end, horizon=90, terms_days=TERMS, progress=silent)[1]
    assert again.fingerprint == card.fingerprint


def test_the_review_list_begins_with_high_risk_and_high_limit() -> None:
    scores = pl.DataFrame(
        {"customer_id": [1, 2, 3], "score": [0.2, 0.01, 0.2], "exposure": [10.0, 500.0, 10.0],
         "expected_loss": [1.0, 2.0, 1.0]}
    )  # fmt: skip
    limits = pl.DataFrame({"customer_id": [1, 2, 3], "credit_limit": [100.0, 1000.0, 90_000.0]})
    assert review_list(scores, limits)["customer_id"].to_list() == [3, 1, 2]
    assert review_list(scores, limits, most=1)["at_risk"].to_list() == [18_000]


def test_backtest(company: Database) -> None:
    found = job.backtest(company, horizon=90, cutoffs=None, terms_days=TERMS, progress=silent)
    assert found.predictions["cutoff_day"].n_unique() == 3
    auc = found.score(job.MODEL, "AUC")
    assert auc.low > 0.55
    assert auc.value < 0.85  # the truth itself is not sharper: more would be a leak
    assert {row["baseline"] for row in found.differences.to_dicts()} >= {job.PAST_RATE, job.WOE}
    assert "default" in found.details
    assert any(": late: " in note and "customers with events" in note for note in found.notes)


def test_backtest_judges_only_what_was_asked_after_the_cutoff(company: Database, end: int) -> None:
    cutoff = end - 300
    found = job.backtest(company, horizon=60, cutoffs=[cutoff], terms_days=TERMS, progress=silent)
    days = company.query("SELECT order_id AS invoice_id, order_day FROM stg_orders")
    judged = found.predictions.join(days, on="invoice_id")
    assert judged.height == found.predictions.height > 50
    assert judged["order_day"].is_between(cutoff, cutoff + 59).all()


def test_too_little_history_says_so() -> None:
    with pytest.raises(MissingDataError, match="too few to learn"):
        job.default_cutoffs(0, 250, 90, TERMS)
    assert job.default_cutoffs(0, 1000, 90, TERMS) == [626, 716, 806]


def test_without_payments_it_says_so(tmp_path: Path) -> None:
    import sqlite3

    from sql_companies import random_company, write_sqlite

    file = write_sqlite(random_company(1), tmp_path / "company.sqlite")
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE payments")
    connection.close()
    with (
        open_database(str(file)) as database,
        pytest.raises(MissingDataError, match="no payments, so nothing"),
    ):
        job.train(database, as_of_day=20_000, horizon=90, terms_days=TERMS, progress=silent)


def test_the_genuine_data_are_too_few(genuine_sqlite: Path) -> None:
    with open_database(str(genuine_sqlite)) as database:
        day = int(database.query("SELECT MAX(payment_day) AS day FROM stg_payments").item()) + 1
        model, card = job.train(database, as_of_day=day, horizon=90, terms_days=TERMS, progress=silent)
        assert card.badge == model.badge == "not enough data (2 events)"
        assert card.decision is None
        assert any("2 of " in note and "not enough data (2 events)" in note for note in card.notes)
        scores = job.score(database, model, as_of_day=day, terms_days=TERMS, progress=silent)
        assert scores["score"].n_unique() == 1
        assert 0.001 < scores["low"][0] < scores["score"][0] < scores["high"][0] < 0.03
        invoices = load_matching(database, day, TERMS).invoices
        people = database.query("SELECT customer_id, country FROM stg_customers")
        answer = CreditDesk(model, invoices, people, as_of_day=day, terms_days=TERMS).ask(20_000, 103)
    assert answer.abstains.startswith("Not enough data: only 2 customers")
    assert not answer.passes
    assert answer.largest_limit is None


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.with_columns(first_covered_day=pl.col("order_day"), settled_day=pl.col("order_day"),
                                       days_past_due=pl.lit(0)),  # nobody is ever late
        lambda rows: rows.with_columns(amount=pl.lit(100.0)),  # a constant column
        lambda rows: rows.group_by("customer_id", maintain_order=True).first(),  # one invoice each
        lambda rows: rows.head(3),
    ],
    ids=["one class", "constant amount", "one invoice each", "three invoices"],
)  # fmt: skip
def test_odd_data_train_and_score(
    matched: Matching, customers: pl.DataFrame, end: int, change: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    rows = change(matched.invoices)
    trained = CreditModel().fit(rows, customers, as_of_day=end, terms_days=TERMS)
    scores = trained.score_customers(rows, customers, as_of_day=end, terms_days=TERMS)
    assert scores["score"].is_between(0, 1).all()
    assert scores["late"].is_finite().all()


def test_shuffled_outcomes_cannot_be_learned(matched: Matching, customers: pl.DataFrame, end: int) -> None:
    from core.models.credit.model import training_requests
    from core.models.credit.outcome_training import train_outcome

    book = Book.of(matched.invoices, customers, TERMS)
    rows = training_requests(matched.invoices, outcomes(matched.invoices, end))
    frame = request_features(book, book.portfolio(end), rows)
    late = rows["late"].cast(pl.Float64).to_numpy()
    found = [
        train_outcome(
            "late",
            frame,
            np.random.default_rng(seed).permutation(late),
            frame["customer_id"],
            list(FEATURES),
        ).held_out["AUC"]["value"]
        for seed in range(6)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.03)  # each has a standard deviation of .017


class TestDesk:
    """Requests to the credit desk."""

    def test_a_known_customer(self, desk: CreditDesk, matched: Matching) -> None:
        customer = matched.invoices["customer_id"].value_counts().sort("count").row(-1)[0]
        answer = desk.ask(10_000, customer)
        assert answer.abstains == ""
        assert 0 < answer.default_low < answer.default < answer.default_high < 1
        assert answer.exposure == pytest.approx(answer.open_amount + 10_000)
        assert answer.expected_loss > 0
        assert answer.reasons
        assert answer.features["invoices"] > 5
        assert answer.explanation.score == pytest.approx(np.log(answer.default / (1 - answer.default)))

    def test_a_new_customer_and_a_country_nobody_knows(self, desk: CreditDesk) -> None:
        answer = desk.ask(15_000, country="France")
        assert answer.abstains == ""
        assert answer.open_amount == 0
        assert answer.features["invoices"] == 0
        assert "no invoice so far has the country Atlantis" in desk.ask(15_000, country="Atlantis").abstains

    def test_outside_the_data_it_abstains(self, desk: CreditDesk) -> None:
        answer = desk.ask(50_000_000, country="France")
        assert answer.abstains.startswith("Outside the data: the amount of the invoice is USD 50,000,000")
        assert not answer.passes
        assert answer.largest_limit is None
        assert answer.flips == ()

    def test_the_largest_limit_is_where_a_ceiling_is_met(self, desk: CreditDesk) -> None:
        base = desk.ask(5_000, country="France", ceilings=Ceilings(default=0.9))
        ceilings = Ceilings(default=0.9, expected_loss=base.expected_loss * 4)
        answer = desk.ask(5_000, country="France", ceilings=ceilings)
        assert answer.passes
        limit = answer.largest_limit
        assert limit is not None
        assert limit > 5_000
        assert desk.ask(limit, country="France", ceilings=ceilings).passes
        assert not desk.ask(limit * 1.2, country="France", ceilings=ceilings).passes

    def test_what_would_flip_it_flips_it(self, desk: CreditDesk) -> None:
        base = desk.ask(20_000, country="France", ceilings=Ceilings(default=0.9))
        tight = Ceilings(default=0.9, expected_loss=base.expected_loss / 3)
        answer = desk.ask(20_000, country="France", ceilings=tight)
        assert not answer.passes
        (flip,) = answer.flips
        assert flip.startswith("An amount of up to USD ")
        amount = float(flip.split("USD ")[1].split(" ")[0].replace(",", ""))
        assert desk.ask(amount * 0.99, country="France", ceilings=tight).passes
        assert not desk.ask(amount * 1.2, country="France", ceilings=tight).passes

    def test_paying_what_is_overdue_may_flip_it(self, desk: CreditDesk, matched: Matching, end: int) -> None:
        owed = open_invoices(matched.invoices, end).filter(pl.col("past_due").is_between(5, 45))
        customer = owed.sort("open_amount", descending=True)["customer_id"][0]
        open_then = desk.ask(1_000, customer, ceilings=Ceilings(default=0.99))
        without = desk.model.loss_given_default * open_then.default * 1_000
        ceilings = Ceilings(default=0.99, expected_loss=max(without * 1.5, open_then.expected_loss * 0.2))
        answer = desk.ask(1_000, customer, ceilings=ceilings)
        assert not answer.passes
        assert any("is paid" in flip for flip in answer.flips) or "would make it pass" in answer.flips[0]

    def test_a_what_if_changes_features_by_hand(self, desk: CreditDesk) -> None:
        usual = desk.ask(15_000, country="France")
        worse = desk.ask(15_000, country="France", changes={"record_risk": 0.9, "late_share": 0.9})
        assert worse.default > usual.default
        assert worse.late > usual.late
        assert worse.features["late_share"] == 0.9

    def test_it_flips_upwards_too(self, desk: CreditDesk) -> None:
        base = desk.ask(5_000, country="France", ceilings=Ceilings(default=0.9))
        answer = desk.ask(5_000, country="France", ceilings=Ceilings(0.9, base.expected_loss * 2))
        assert answer.passes
        assert answer.flips[0].startswith("From an amount of USD ")


def test_the_past_late_rate_is_beaten(
    model: CreditModel, matched: Matching, customers: pl.DataFrame, end: int
) -> None:
    book = Book.of(matched.invoices, customers, TERMS)
    fates = outcomes(matched.invoices, end).filter(pl.col("late").is_not_null())
    rows = matched.invoices.select("invoice_id", "customer_id", day="order_day", amount="amount").join(
        fates.select("invoice_id", "late"), on="invoice_id"
    )
    frame = model.features(book, rows)
    actual = frame["late"].to_numpy()
    assert AUC(actual, model.score(frame)["late"].to_numpy()) > AUC(actual, frame["late_share"].to_numpy())
