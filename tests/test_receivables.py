"""Invoices and payments: every rule of the matching, and what must hold for any of them."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from core.database import Database, open_database
from core.errors import MissingDataError
from core.receivables import Matching, load_matching, match, matching, quality
from core.receivables.claims import claim
from core.receivables.rows import sorted_rows

TERMS = 30
INVOICE = {"invoice_id": pl.Int64, "customer_id": pl.Int64, "order_day": pl.Int64, "invoice_day": pl.Int64,
           "amount": pl.Float64}  # fmt: skip
PAYMENT = {"customer_id": pl.Int64, "payment_id": pl.String, "payment_day": pl.Int64, "amount": pl.Float64}


def bills(*rows: tuple[int, int, float]) -> pl.DataFrame:
    """Invoices of customer 1: (key, day, amount)."""
    return pl.DataFrame(
        [(key, 1, day, day, amount) for key, day, amount in rows], schema=INVOICE, orient="row"
    )


def money(*rows: tuple[str, int, float]) -> pl.DataFrame:
    """Payments of customer 1: (key, day, amount)."""
    return pl.DataFrame([(1, key, day, amount) for key, day, amount in rows], schema=PAYMENT, orient="row")


def settled(found: Matching) -> dict[int, tuple[str, int | None]]:
    """Rule and settled day by invoice."""
    rows = found.invoices.select("invoice_id", pl.col("rule").cast(pl.String), "settled_day").iter_rows()
    return {key: (rule, day) for key, rule, day in rows}


def test_the_exact_amount_wins_over_the_oldest_invoice() -> None:
    found = match(
        bills((1, 0, 100), (2, 10, 250.55)), money(("a", 40, 250.55)), terms_days=TERMS, as_of_day=50
    )
    assert settled(found) == {1: ("open", None), 2: ("exact", 40)}
    first, second = found.invoices.sort("invoice_id").to_dicts()
    assert (first["open_amount"], first["days_past_due"], first["days_to_pay"]) == (100, 20, None)
    assert (second["paid"], second["days_past_due"], second["days_to_pay"]) == (250.55, 0, 30)


def test_of_equal_amounts_the_oldest_is_settled_first() -> None:
    found = match(bills((1, 0, 80), (2, 5, 80)), money(("a", 20, 80)), terms_days=TERMS)
    assert settled(found) == {1: ("exact", 20), 2: ("open", None)}


def test_a_payment_that_is_a_sum_settles_two_or_three_invoices() -> None:
    found = match(
        bills((1, 0, 10.1), (2, 1, 20.2), (3, 2, 30.4), (4, 3, 7)), money(("a", 9, 60.7)), terms_days=TERMS
    )
    assert settled(found) == {1: ("sum", 9), 2: ("sum", 9), 3: ("sum", 9), 4: ("open", None)}
    assert found.settlements["amount"].to_list() == [10.1, 20.2, 30.4]


def test_an_invoice_paid_in_two_parts_is_settled_by_the_second() -> None:
    found = match(
        bills((1, 0, 500), (2, 1, 90)), money(("a", 9, 70), ("b", 33, 20)), terms_days=TERMS, as_of_day=60
    )
    assert settled(found) == {1: ("open", None), 2: ("parts", 33)}
    assert found.invoices.filter(pl.col("invoice_id") == 2)["days_past_due"].item() == 2


def test_what_fits_nothing_settles_the_oldest_invoices() -> None:
    found = match(bills((1, 0, 100), (2, 10, 100), (3, 20, 100)), money(("a", 30, 150)), terms_days=TERMS)
    assert settled(found) == {1: ("fifo", 30), 2: ("open", None), 3: ("open", None)}
    assert found.invoices["open_amount"].to_list() == [0, 50, 100]
    assert found.on_account.is_empty()


def test_money_before_any_invoice_is_on_account_until_one_comes() -> None:
    early = money(("a", 5, 130))
    alone = match(bills(), early, terms_days=TERMS)
    assert alone.on_account["amount"].to_list() == [130]
    found = match(bills((1, 10, 100)), early, terms_days=TERMS)
    assert settled(found) == {1: ("on account", 10)}
    assert found.on_account["amount"].to_list() == [30]


def test_a_payment_of_the_exact_amount_may_come_before_its_order() -> None:
    found = match(bills((1, 10, 100)), money(("a", 5, 100)), terms_days=TERMS)
    assert settled(found) == {1: ("exact", 10)}
    assert quality(found).payments_before_order == 1
    assert settled(match(bills((1, 10, 100)), money(("a", 5, 100)), terms_days=TERMS, window_days=4)) == {
        1: ("on account", 10)
    }


def test_a_credit_note_settles_what_is_owed() -> None:
    found = match(bills((1, 0, 100), (2, 4, -30)), money(("a", 9, 70)), terms_days=TERMS)
    assert settled(found) == {1: ("fifo", 9), 2: ("credit note", 4)}
    assert found.settlements.filter(pl.col("rule") == "credit note")["payment_id"].to_list() == [None]


def test_a_refund_stays_on_account() -> None:
    found = match(bills((1, 0, 100)), money(("a", 9, 100), ("b", 20, -40)), terms_days=TERMS)
    assert settled(found) == {1: ("exact", 9)}
    assert found.on_account["amount"].to_list() == [-40]


def test_an_order_of_nothing_owes_nothing() -> None:
    assert settled(match(bills((1, 3, 0)), money(), terms_days=TERMS)) == {1: ("nothing due", 3)}


def test_rows_that_say_too_little_are_left_out_and_counted() -> None:
    guest = bills((1, 0, 10)).with_columns(customer_id=pl.lit(None, dtype=pl.Int64))
    found = match(pl.concat([guest, bills((2, 0, 10))]), money(("a", 1, 10)), terms_days=TERMS)
    assert found.left_out == 1
    assert settled(found) == {2: ("exact", 1)}


amounts = st.one_of(st.sampled_from([10.0, 20.0, 30.0, 50.0]), st.integers(1, 9_000).map(lambda c: c / 100))
odd_amounts = st.one_of(amounts, amounts, amounts.map(lambda a: -a), st.just(0.0))
days = st.integers(0, 400)


@st.composite
def companies(
    draw: st.DrawFn, amount: st.SearchStrategy[float] = odd_amounts
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Invoices and payments of a few customers; many payments have amounts that say what they settle."""
    invoices, payments = [], []
    for number in range(draw(st.integers(0, 16))):
        ordered = draw(days)
        owed = draw(amount)
        customer = draw(st.integers(1, 3))
        invoices.append((number, customer, ordered, ordered + draw(st.integers(0, 40)), owed))
        if draw(st.booleans()):
            payments.append((customer, f"p{number}", max(0, ordered + draw(st.integers(-30, 90))), owed))
    for number in range(draw(st.integers(0, 6))):
        some = draw(st.lists(st.sampled_from(invoices), min_size=1, max_size=3)) if invoices else []
        sums = st.just(round(sum(row[4] for row in some), 2)) if some else amount
        payments.append((draw(st.integers(1, 3)), f"q{number}", draw(days), draw(st.one_of(sums, amount))))
    return (
        pl.DataFrame(invoices, schema=INVOICE, orient="row"),
        pl.DataFrame(payments, schema=PAYMENT, orient="row"),
    )


def cents(series: pl.Series) -> int:
    """The sum of amounts in cents."""
    return int((series * 100).round().cast(pl.Int64).sum())


@settings(max_examples=150, deadline=None)
@given(companies())
def test_every_cent_is_allocated_exactly_once(company: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    invoices, payments = company
    found = match(invoices, payments, terms_days=TERMS, window_days=200)
    by_payment = found.settlements.filter(pl.col("payment_id").is_not_null())
    assert cents(by_payment["amount"]) + cents(found.on_account["amount"]) == cents(payments["amount"])
    used = pl.concat(
        [frame.select("customer_id", "payment_id", "amount") for frame in (by_payment, found.on_account)]
    )
    sums = used.group_by("customer_id", "payment_id").agg(pl.col("amount").sum().round(2))
    given_sums = payments.filter(pl.col("amount") != 0).select("customer_id", "payment_id", "amount")
    assert_frame_equal(sums.sort(sums.columns), given_sums.sort(sums.columns))
    assert (found.settlements["amount"] > 0).all()


@settings(max_examples=150, deadline=None)
@given(companies())
def test_no_invoice_is_overpaid_and_settled_means_paid(company: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    invoices, payments = company
    found = match(invoices, payments, terms_days=TERMS, window_days=200)
    rows = found.invoices
    assert rows.height == invoices.height
    assert ((rows["paid"] + rows["open_amount"] - rows["amount"]).abs() < 0.001).all()
    assert (rows["open_amount"] * rows["amount"].sign() >= 0).all()
    assert rows["settled_day"].is_null().equals(rows["open_amount"] != 0)
    parts = found.settlements.group_by("invoice_id").agg(pl.col("amount").sum())
    both = rows.filter(pl.col("amount") > 0).join(parts, on="invoice_id", how="left")
    assert ((both["paid"] - both["amount_right"].fill_null(0)).abs() < 0.001).all()


@settings(max_examples=60, deadline=None)
@given(companies(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    company: tuple[pl.DataFrame, pl.DataFrame], shuffle: object
) -> None:
    invoices, payments = company
    found = match(invoices, payments, terms_days=TERMS)
    seed = shuffle.randrange(1000)  # type: ignore[attr-defined]
    other = match(
        invoices.sample(fraction=1, shuffle=True, seed=seed),
        payments.sample(fraction=1, shuffle=True, seed=seed),
        terms_days=TERMS,
    )
    for name in ("settlements", "invoices", "on_account"):
        one, two = getattr(found, name), getattr(other, name)
        assert_frame_equal(one.sort(one.columns), two.sort(two.columns))


@settings(max_examples=100, deadline=None)
@given(companies(), st.integers(0, 450))
def test_what_was_matched_by_amount_never_changes_later(
    company: tuple[pl.DataFrame, pl.DataFrame], day: int
) -> None:
    invoices, payments = company
    whole = match(invoices, payments, terms_days=TERMS, window_days=200)
    past = match(
        invoices.filter(pl.col("order_day") < day),
        payments.filter(pl.col("payment_day") < day),
        terms_days=TERMS,
        window_days=200,
        as_of_day=day,
    )
    again = match(invoices, payments, terms_days=TERMS, window_days=200, as_of_day=day)
    for name in ("settlements", "invoices", "on_account"):
        assert_frame_equal(getattr(past, name), getattr(again, name))

    def by_amount(found: Matching) -> pl.DataFrame:
        certain = found.settlements.filter(pl.col("rule").cast(pl.String).is_in(["exact", "sum", "parts"]))
        days = found.invoices.select("invoice_id", "order_day", "settled_day")
        known = certain.join(days, on="invoice_id").filter(pl.col("settled_day") < day)
        return known.select("invoice_id", "payment_id", "amount", "settled_day").sort(pl.all())

    def covered(found: Matching) -> pl.DataFrame:
        known = found.invoices.filter(pl.col("first_covered_day") < day, pl.col("order_day") < day)
        return known.select("invoice_id", "first_covered_day").sort("invoice_id")

    assert_frame_equal(by_amount(whole), by_amount(past))
    assert_frame_equal(covered(whole), covered(past))


@settings(max_examples=100, deadline=None)
@given(companies(amount=amounts))
def test_customers_done_at_once_are_matched_as_if_followed(
    company: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    from core.receivables import claims as module

    rows = sorted_rows(*company, as_of_day=None)
    quick = claim(rows, 200)
    nothing = np.empty(0, dtype=np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_same_rank", lambda _rows: (nothing, nothing))
        slow = claim(rows, 200)
    for name in ("rule", "day", "first_covered", "used"):
        assert np.array_equal(getattr(quick, name), getattr(slow, name)), name
    assert sorted(zip(quick.invoice, quick.payment, strict=True)) == sorted(
        zip(slow.invoice, slow.payment, strict=True)
    )


def test_slices_of_customers_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(1)
    invoices = pl.DataFrame(
        {
            "invoice_id": np.arange(300),
            "customer_id": draw.integers(0, 40, 300),
            "invoice_day": draw.integers(0, 300, 300),
            "amount": draw.integers(1, 60, 300) * 5.0,
        }
    )
    payments = pl.DataFrame(
        {
            "customer_id": draw.integers(0, 40, 200),
            "payment_id": np.arange(200).astype(str),
            "payment_day": draw.integers(0, 330, 200),
            "amount": draw.integers(1, 60, 200) * 5.0,
        }
    )
    whole = match(invoices, payments, terms_days=TERMS)
    monkeypatch.setattr(matching, "_ROWS_AT_ONCE", 100)
    sliced = match(invoices, payments, terms_days=TERMS)
    assert whole.as_of_day == sliced.as_of_day
    for name in ("settlements", "invoices", "on_account"):
        one, two = getattr(whole, name), getattr(sliced, name)
        assert_frame_equal(one.sort(one.columns), two.sort(two.columns))


def test_the_genuine_data(genuine_sqlite: Path) -> None:
    with open_database(str(genuine_sqlite)) as database:
        last = database.query("SELECT MAX(payment_day) AS day FROM stg_payments").item()
        found = load_matching(database, last + 1, 30)
        assert load_matching(database, last + 1, 30) is found
    figures = quality(found)
    assert (figures.invoices, figures.payments, figures.exact_invoices) == (320, 273, 250)
    assert figures.payments_before_order == 2
    assert figures.received == 8_853_839.23
    assert figures.invoiced == 9_365_336.43
    exact = found.invoices.filter(pl.col("rule") == "exact")
    assert (exact["days_to_pay"] > 30).sum() == 9
    assert figures.defaulted_invoices == 2
    assert figures.certain_share > 0.97


def test_the_demo_company_is_matched_as_it_was_generated(tmp_path: Path) -> None:
    from core.generate import generate_company

    made = generate_company(tmp_path / "company", customers=300, years=2, seed=5)
    day = lambda name: pl.col(name).str.to_date().to_physical().cast(pl.Int64)  # noqa: E731
    read = {name: pl.read_csv(path) for name, path in made.paths.items()}
    amount = (pl.col("quantityOrdered") * pl.col("priceEach")).sum().alias("amount")
    orders = read["orders"].filter(pl.col("status") != "Cancelled")
    invoices = orders.join(read["orderdetails"].group_by("orderNumber").agg(amount), on="orderNumber").select(
        invoice_id="orderNumber",
        customer_id="customerNumber",
        order_day=day("orderDate"),
        invoice_day=pl.coalesce(day("shippedDate"), day("orderDate")),
        amount="amount",
    )
    payments = read["payments"].select(
        customer_id="customerNumber",
        payment_id="checkNumber",
        payment_day=day("paymentDate"),
        amount="amount",
    )
    found = match(invoices, payments, terms_days=30)
    truth = pl.read_csv(made.truth_folder / "invoices.csv").select(
        invoice_id="orderNumber", paid_day=day("paidDate")
    )
    both = found.invoices.join(truth, on="invoice_id").with_columns(
        paid_day=pl.when(pl.col("paid_day") < found.as_of_day).then("paid_day")
    )
    assert both.height == invoices.height
    assert both["settled_day"].eq_missing(both["paid_day"]).mean() > 0.995
    figures = quality(found)
    assert figures.exact_share > 0.75
    assert figures.sum_invoices > 50


def test_without_payments_it_says_so(demo_database: Database) -> None:
    with pytest.raises(MissingDataError, match="no payments before"):
        load_matching(demo_database, 0, 30)
