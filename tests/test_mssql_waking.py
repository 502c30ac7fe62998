"""A paused database that wakes up while a page is open."""

import asyncio
import contextvars
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sql_companies import literal_company, write_sqlite

from core.database import Database, open_database
from core.database.server.failures import DatabaseWakingError
from core.database.server.waking import waits, without_waiting
from core.sales_data import forget_sales
from core.settings import Settings
from dashboard import session as session_module
from dashboard.session import Session


def run[T](work: Coroutine[object, object, T]) -> T:
    """Run in a thread of its own, since browser tests leave a loop running in theirs."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(contextvars.copy_context().run, asyncio.run, work).result()


def test_work_waits_for_a_paused_database_unless_told_otherwise() -> None:
    assert waits()
    with without_waiting():
        assert not waits()
        assert not run(asyncio.to_thread(waits))
    assert waits()


def test_an_open_page_says_that_the_database_wakes_up_and_reads_when_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_WAKING_SECONDS", 0.01)
    file = write_sqlite(literal_company(), tmp_path / "company.sqlite")
    told: list[str] = []
    with open_database(str(file)) as database:
        genuine = type(database).data_version
        asked: list[bool] = []

        def version(self: Database) -> str:
            asked.append(waits())
            if len(asked) <= 2:
                raise DatabaseWakingError("The database company is waking up.", "Try again in a minute.")
            return genuine(self)

        monkeypatch.setattr(type(database), "data_version", version)
        session = Session(database, Settings())
        session.param.watch(lambda event: told.append(event.new), "problem")
        run(session.load())
        assert session.sales is not None
        forget_sales()
    assert (
        told[0]
        == "The database company is waking up. This takes a minute or so and is tried again by itself."
    )
    assert told[-1] == ""
    assert not any(asked[:2])
