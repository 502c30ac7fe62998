"""Filters of which some are fixed."""

from datetime import date

import pytest

from core.filters import SalesFilters
from core.pinned_filters import PinnedFilters, without_choices


@pytest.fixture
def pinned() -> PinnedFilters:
    """Two countries and a year are fixed."""
    return PinnedFilters(
        SalesFilters(countries=["USA", "France"], period=(date(2024, 1, 1), date(2024, 12, 31)))
    )


def test_what_is_fixed_holds_without_being_chosen(pinned: PinnedFilters) -> None:
    assert pinned.values_of("country") == ("USA", "France")
    assert pinned.is_active("period")
    assert pinned.to_query() == {"country": "USA,France", "period": "2024-01-01..2024-12-31"}


def test_a_chart_that_skips_its_own_dimension_stays_inside(pinned: PinnedFilters) -> None:
    assert pinned.active(skip=["country", "product_line"]) == ("period", "country")


def test_a_click_narrows_and_widens_as_far_as_the_pins(pinned: PinnedFilters) -> None:
    pinned.toggle("country", "USA")
    assert pinned.values_of("country") == ("USA",)
    pinned.toggle("country", "USA")
    assert pinned.values_of("country") == ("USA", "France")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("countries", ["Japan"]),
        ("countries", ["USA", "Japan"]),
        ("period", (date(2023, 12, 31), date(2024, 6, 30))),
        ("period", (date(2025, 1, 1), date(2025, 6, 30))),
    ],
)
def test_what_lies_outside_is_dropped_and_told(name: str, value: object) -> None:
    refused: list[str] = []
    fixed = SalesFilters(countries=["USA", "France"], period=(date(2024, 1, 1), date(2024, 12, 31)))
    pinned = PinnedFilters(fixed, refused.append)
    setattr(pinned, name, value)
    assert pinned.key() == PinnedFilters(fixed).key()
    assert refused == ["country" if name == "countries" else name]


def test_clearing_lifts_only_what_was_chosen(pinned: PinnedFilters) -> None:
    pinned.assign(SalesFilters(countries=["USA"], product_lines=["Trains"]))
    chosen = [(key, value) for key, value, _ in pinned.chips() if pinned.is_chosen(key, value)]
    assert chosen == [("country", "USA"), ("product_line", "Trains")]
    pinned.clear()
    assert pinned.active() == ("period", "country")
    pinned.remove("country", "USA")
    assert pinned.values_of("country") == ("USA", "France")


def test_copies_keep_the_pins(pinned: PinnedFilters) -> None:
    pinned.toggle("country", "USA")
    assert pinned.without("country", "USA").values_of("country") == ("USA", "France")
    assert pinned.copy() == pinned


def test_caches_tell_pinned_from_chosen(pinned: PinnedFilters) -> None:
    chosen = SalesFilters(countries=["USA", "France"], period=(date(2024, 1, 1), date(2024, 12, 31)))
    assert pinned.key() != chosen.key()
    assert without_choices(pinned) == chosen
    assert without_choices(chosen).key() == ()
