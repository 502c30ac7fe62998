"""Filters: URL, chips, toggling, conditions, equality."""

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.days import FIRST_DAY, LAST_DAY, to_day
from core.filters import DIMENSIONS, LISTS, SalesFilters, dimension_name

names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)
keys = names | st.integers(0, 10**9)
lists = st.lists(keys, max_size=4)
amounts = st.floats(0, 1e12, allow_nan=False)
periods = st.tuples(st.dates(), st.dates()).map(lambda ends: tuple(sorted(ends)))


@st.composite
def filters(draw: st.DrawFn) -> SalesFilters:
    return SalesFilters(
        period=draw(st.none() | periods),
        countries=draw(st.lists(names, max_size=4)),
        product_lines=draw(st.lists(names, max_size=3)),
        offices=draw(st.lists(names, max_size=3)),
        sales_reps=draw(lists),
        products=draw(lists),
        customers=draw(lists),
        credit_limit=draw(st.none() | st.tuples(amounts, amounts).map(lambda x: tuple(sorted(x)))),
        spend=draw(st.none() | st.tuples(amounts, amounts).map(lambda x: (-x[0], x[1]))),
    )


@settings(deadline=None)
@given(filters())
def test_a_url_holds_the_filters(chosen: SalesFilters) -> None:
    back, problems = SalesFilters.from_query(chosen.to_query())
    assert problems == []
    assert back == chosen
    assert back.key() == chosen.key()
    assert back.to_query() == chosen.to_query()


@settings(deadline=None)
@given(filters())
def test_every_chip_can_be_removed_until_none_is_left(chosen: SalesFilters) -> None:
    count = len(chosen.chips())
    for left in range(count, 0, -1):
        assert len(chosen.chips()) == left
        key, value, label = chosen.chips()[0]
        assert label
        chosen = chosen.without(key, value)
    assert chosen == SalesFilters()
    assert chosen.to_query() == {}


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(DIMENSIONS) | st.text(max_size=5), st.text(max_size=20)))
def test_any_query_is_survived(query: dict[str, str]) -> None:
    chosen, problems = SalesFilters.from_query(query)
    assert isinstance(chosen, SalesFilters)
    assert all(isinstance(problem, str) for problem in problems)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"period": "2024-02-01..2024-01-01"}, "Period"),
        ({"period": "2024-02-01"}, "Period"),
        ({"period": "yesterday..today"}, "2024-01-01..2024-12-31"),
        ({"credit_limit": "5..1"}, "Credit limit '5..1' was ignored"),
        ({"credit_limit": "-5..1"}, "Credit limit"),
        ({"credit_limit": "nan..1"}, "1000..50000"),
        ({"spend": "0..inf"}, "Revenue of 365 days"),
        ({"country": "Narnia"}, "Country 'Narnia' is not in the data and was ignored."),
    ],
)
def test_what_cannot_be_used_is_left_out_and_said(query: dict[str, str], problem: str) -> None:
    chosen, problems = SalesFilters.from_query(query | {"office": "Paris"}, known={"country": ["France"]})
    assert chosen == SalesFilters(offices=["Paris"])
    assert len(problems) == 1
    assert problem in problems[0]


def test_other_keys_of_the_address_are_passed_over() -> None:
    assert SalesFilters.from_query({"page": "explore", "as_of": "2024-01-01"}) == (SalesFilters(), [])


def test_known_values_may_be_numbers() -> None:
    chosen, problems = SalesFilters.from_query({"customer": "103,104"}, known={"customer": [103]})
    assert chosen.values_of("customer") == ("103",)
    assert problems == ["Customer '104' is not in the data and was ignored."]


def test_the_query_is_short_and_readable() -> None:
    chosen = SalesFilters(
        countries=["USA", "Korea, South", "a\\b"],
        period=(date(2024, 1, 1), date(2024, 3, 31)),
        credit_limit=(0, 50000.0),
        spend=(-0.5, 1e6),
        customers=[103],
    )
    assert chosen.to_query() == {
        "period": "2024-01-01..2024-03-31",
        "country": "USA,Korea\\, South,a\\\\b",
        "customer": "103",
        "credit_limit": "0..50000",
        "spend": "-0.5..1000000",
    }


def test_chips_use_readable_names() -> None:
    chosen = SalesFilters(
        customers=[103], credit_limit=(0, 50_000), period=(date(2024, 1, 1), date(2024, 1, 31))
    )
    assert chosen.chips({"customer": {"103": "Atelier graphique"}}) == [
        ("period", "2024-01-01..2024-01-31", "Period: 2024-01-01 to 2024-01-31"),
        ("customer", "103", "Customer: Atelier graphique"),
        ("credit_limit", "0..50000", "Credit limit: 0 to 50,000"),
    ]


def test_toggle_sets_and_lifts() -> None:
    chosen = SalesFilters()
    changes = []
    chosen.param.watch(lambda event: changes.append(event.new), "customers")
    chosen.toggle("customer", 103)
    assert chosen.is_active("customers")
    chosen.toggle("customers", "103")
    assert not chosen.is_active("customer")
    assert changes == [["103"], []]
    period = (date(2024, 1, 1), date(2024, 1, 31))
    chosen.toggle("period", period)
    assert chosen.active() == ("period",)
    chosen.toggle("period", period)
    assert chosen.active() == ()


def test_without_leaves_the_original_alone_and_assign_changes_it_once() -> None:
    chosen = SalesFilters(countries=["USA", "France"], offices=["Paris"])
    other = chosen.without("country", "USA")
    assert other.countries == ["France"]
    assert chosen.countries == ["USA", "France"]
    batches = []
    chosen.param.watch(lambda *events: batches.append(len(events)), ["countries", "offices"])
    chosen.assign(SalesFilters(countries=["Japan"]))
    assert batches == [2]
    assert chosen == SalesFilters(countries=["Japan"])
    chosen.clear()
    assert chosen == SalesFilters()


def test_copies_share_no_lists() -> None:
    chosen = SalesFilters(countries=["USA"])
    chosen.copy().countries.append("France")
    assert chosen.countries == ["USA"]


def test_equality_ignores_order_and_the_type_of_keys() -> None:
    one = SalesFilters(customers=[1, 2], countries=["A", "B"])
    other = SalesFilters(customers=["2", "1"], countries=["B", "A"])
    assert one == other
    assert hash(one.key()) == hash(other.key())
    assert one != SalesFilters(customers=[1])
    assert one != "filters"


@pytest.mark.parametrize(
    "wrong",
    [
        {"credit_limit": (-1, 5)},
        {"period": (date(2024, 2, 1), date(2024, 1, 1))},
        {"countries": [1]},
        {"customers": [1.5]},
    ],
)
def test_values_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        SalesFilters(**wrong)


def test_every_parameter_is_documented() -> None:
    parameters = SalesFilters.param.objects("existing")
    assert all(p.doc for name, p in parameters.items() if name != "name")
    assert set(parameters) - {"name"} == {LISTS.get(dimension, dimension) for dimension in DIMENSIONS}


def test_datetimes_count_as_their_dates() -> None:
    chosen = SalesFilters(period=(datetime(2024, 1, 1, 5), datetime(2024, 1, 31, 23)))
    assert chosen.values_of("period") == (date(2024, 1, 1), date(2024, 1, 31))
    assert chosen.to_query() == {"period": "2024-01-01..2024-01-31"}


def test_an_unknown_dimension_is_refused() -> None:
    assert dimension_name("sales_reps") == "sales_rep"
    with pytest.raises(ValueError, match="no dimension 'colour'"):
        SalesFilters().toggle("colour", "red")


def test_the_condition_keeps_what_is_chosen_and_skips_what_is_asked() -> None:
    frame = pl.DataFrame(
        {
            "day": [date(2024, 1, 1), date(2024, 1, 31), date(2024, 2, 1)],
            "country": ["USA", "France", "USA"],
            "customer_id": [1, 2, 3],
        }
    )
    chosen = SalesFilters(
        period=(date(2024, 1, 1), date(2024, 1, 31)),
        countries=["USA"],
        customers=["1", "2"],
        offices=["Paris"],
    )
    columns = {"period": "day", "country": "country", "customer": "customer_id"}
    assert frame.filter(chosen.expression(columns))["customer_id"].to_list() == [1]
    assert frame.filter(chosen.expression(columns, skip=("country",)))["customer_id"].to_list() == [1, 2]
    assert frame.filter(SalesFilters().expression(columns)).height == 3


def test_sql_parameters_are_half_open_and_never_beyond_the_as_of_date() -> None:
    as_of = date(2024, 6, 1)
    assert SalesFilters().sql_parameters() == {"from_day": FIRST_DAY, "until_day": LAST_DAY}
    chosen = SalesFilters(period=(date(2024, 1, 1), date(2024, 1, 31)))
    assert chosen.sql_parameters(as_of) == {
        "from_day": to_day(date(2024, 1, 1)),
        "until_day": to_day(date(2024, 2, 1)),
        "as_of_day": to_day(as_of),
    }
    later = SalesFilters(period=(date(2024, 5, 1), date(2025, 1, 31)))
    assert later.sql_parameters(as_of)["until_day"] == to_day(as_of)
