"""Keys that repeat are noticed while rows go by, in order or not."""

import polars as pl
import pytest

from core.database.key_watch import KeyWatch


def batches(rows: list[tuple[object, ...]], size: int) -> list[pl.DataFrame]:
    return [
        pl.DataFrame(rows[i : i + size], schema=["order", "product"], orient="row")
        for i in range(0, len(rows), size)
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_keys_in_order_are_told_apart_across_batches(size: int) -> None:
    rows = [(1, "b"), (1, "a"), (2, "a"), (2, "c"), (2, "b"), (3, "a")]
    watch = KeyWatch(["order", "product"])
    assert all(watch.add(batch) for batch in batches(rows, size))
    assert watch.is_sure
    watch = KeyWatch(["order", "product"])
    assert not all(watch.add(batch) for batch in batches([*rows[:5], (2, "a"), (3, "a")], size))


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_single_key_must_rise(size: int) -> None:
    watch = KeyWatch(["order"])
    assert all(watch.add(batch) for batch in batches([(1, "a"), (2, "a"), (4, "a")], size))
    assert not all(watch.add(batch) for batch in batches([(4, "b"), (5, "a")], size))


def test_out_of_order_or_empty_keys_leave_it_open() -> None:
    for rows in ([(2, "a"), (1, "a")], [(1, "a"), (2, None)]):
        watch = KeyWatch(["order", "product"])
        assert all(watch.add(batch) for batch in batches(rows, 1))
        assert not watch.is_sure
    watch = KeyWatch([])
    assert watch.add(pl.DataFrame({"a": [1, 1]}))
    assert watch.is_sure
