"""Column profiles: the same figures from a frame and from the database."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from core.database import Database, open_database
from core.errors import DatabaseError
from core.profile import Bin, ColumnProfile, TopValue, profile_frame, profile_table

FRAME = pl.DataFrame(
    {
        "id": list(range(100)),
        "country": ["France"] * 60 + ["Spain"] * 30 + [None] * 10,
        "amount": [n / 2 for n in range(100)],
        "day": [date(2024, 1, 1)] * 99 + [None],
        "seen": pl.date_range(date(2024, 1, 1), date(2024, 4, 9), eager=True),
        "grade": [1, 2] * 50,
    }
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = open_database(str(tmp_path_factory.mktemp("p") / "t.sqlite"), read_only=False)
    database.write("my table", FRAME)
    yield database
    database.close()


def by_name(profiles: object) -> dict[str, ColumnProfile]:
    return {profile.name: profile for profile in profiles}  # type: ignore[attr-defined]


def test_a_frame_and_its_table_have_the_same_profile(database: Database) -> None:
    assert list(profile_table(database, "My Table")) == list(profile_frame(FRAME))


def test_figures_of_each_kind() -> None:
    found = by_name(profile_frame(FRAME))
    assert found["id"].is_unique
    country = found["country"]
    assert (country.rows, country.missing, country.distinct, country.missing_share) == (100, 10, 2, 0.1)
    assert country.top == (TopValue("France", 60), TopValue("Spain", 30))
    assert country.lengths == (5, 6)
    assert country.examples == ("France", "Spain")
    amount = found["amount"]
    assert (amount.least, amount.most, amount.mean) == (0.0, 49.5, 24.75)
    assert len(amount.bins) == 20
    assert sum(each.rows for each in amount.bins) == 100
    assert found["day"].top == (TopValue(date(2024, 1, 1), 99),)
    assert found["seen"].bins[0] == Bin(date(2024, 1, 1), date(2024, 1, 6), 5)
    assert sum(each.rows for each in found["seen"].bins) == 100
    assert [(each.value, each.rows) for each in found["grade"].top] == [(1, 50), (2, 50)]


def test_chosen_columns_and_empty_ones(database: Database) -> None:
    assert [profile.name for profile in profile_table(database, "my table", ["DAY"])] == ["day"]
    empty = profile_frame(pl.DataFrame({"a": pl.Series([None, None], dtype=pl.Int64)}))[0]
    assert (empty.missing, empty.distinct, empty.top, empty.bins) == (2, 0, (), ())
    assert profile_frame(pl.DataFrame({"a": []}))[0].missing_share == 0.0


def test_missing_tables_and_columns_are_told_at_once(database: Database) -> None:
    with pytest.raises(DatabaseError, match=r"no table my tabel.*Did you mean my table"):
        profile_table(database, "my tabel")
    with pytest.raises(DatabaseError, match="has no column nothing"):
        profile_table(database, "my table", ["nothing"])


def test_long_texts_are_shortened_in_examples() -> None:
    (profile,) = profile_frame(pl.DataFrame({"a": ["x" * 500]}))
    assert len(profile.examples[0]) == 80


def test_a_stored_table_with_odd_values(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "t.sqlite"), read_only=False) as database:
        database.write("t", pl.DataFrame({"b": [b"x", None], "f": [1.5, None], "c": [True, False]}))
        found = by_name(profile_table(database, "t"))
    assert (found["b"].kind, found["b"].missing, found["b"].top) == ("binary", 1, ())
    assert found["f"].mean == 1.5
    assert {value.value for value in found["c"].top} == {0, 1}
