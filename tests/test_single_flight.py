"""Many threads, one computation."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from core.single_flight import SingleFlightCache


def test_threads_asking_at_once_compute_once() -> None:
    cache: SingleFlightCache[object] = SingleFlightCache(4)
    calls = []
    together = Barrier(16)

    def compute() -> object:
        calls.append(1)
        time.sleep(0.05)
        return object()

    def ask(_: int) -> object:
        together.wait()
        return cache.get("key", compute)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(16)))
    assert len(calls) == 1
    assert len({id(answer) for answer in answers}) == 1


def test_other_keys_do_not_wait() -> None:
    cache: SingleFlightCache[int] = SingleFlightCache(4)
    release = Event()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.get, "slow", lambda: int(release.wait(5)))
        assert cache.get("quick", lambda: 7) == 7
        release.set()
        assert slow.result() == 1


def test_errors_reach_all_who_wait_and_are_not_kept() -> None:
    cache: SingleFlightCache[int] = SingleFlightCache(4)
    together = Barrier(4)

    def fail() -> int:
        time.sleep(0.05)
        raise OSError("no database")

    def ask(_: int) -> str:
        together.wait()
        with pytest.raises(OSError, match="no database"):
            cache.get("key", fail)
        return "told"

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == ["told"] * 4
    assert len(cache) == 0
    assert cache.get("key", lambda: 3) == 3


def test_the_least_recently_used_value_goes_first() -> None:
    cache: SingleFlightCache[int] = SingleFlightCache(2)
    cache.get("a", lambda: 1)
    cache.get("b", lambda: 2)
    cache.get("a", lambda: 0)
    cache.get("c", lambda: 3)
    assert len(cache) == 2
    assert cache.get("a", lambda: 9) == 1
    assert cache.get("b", lambda: 9) == 9


def test_clearing_forgets_values_and_what_is_on_its_way() -> None:
    cache: SingleFlightCache[int] = SingleFlightCache(4)
    started, release = Event(), Event()

    def slow() -> int:
        started.set()
        release.wait(5)
        return 1

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(cache.get, "key", slow)
        started.wait(5)
        cache.clear()
        release.set()
        assert waiting.result() == 1
    assert cache.get("key", lambda: 2) == 2


def test_a_value_may_be_computed_from_another() -> None:
    cache: SingleFlightCache[int] = SingleFlightCache(4)
    assert cache.get("outer", lambda: cache.get("inner", lambda: 2) + 1) == 3


def test_a_cache_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        SingleFlightCache(0)
