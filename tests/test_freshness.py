"""The data status knows when the data were loaded, and says nothing where nobody noted it."""

import datetime as dt
import sqlite3
from pathlib import Path

import pytest

from core.database import Database, open_database
from core.freshness import last_load
from core.ingest import ingest


def test_the_demo_knows_its_load(demo_database: Database) -> None:
    loaded = last_load(demo_database)
    assert loaded is not None
    assert loaded.tables == 8
    assert loaded.rows > 48_000
    assert dt.datetime.now(dt.UTC) - loaded.at.replace(tzinfo=dt.UTC) < dt.timedelta(hours=1)


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_a_load_of_one_file_names_it(tmp_path: Path, engine: str) -> None:
    file = tmp_path / "visits.csv"
    file.write_text("day,visitors\n2024-05-01,7\n2024-05-02,9\n", encoding="utf-8")
    url = f"{engine}:///{tmp_path / 'company'}.{engine}"
    ingest([file], url)
    with open_database(url) as database:
        loaded = last_load(database)
    assert loaded is not None
    assert (loaded.source, loaded.tables, loaded.rows) == ("visits.csv", 1, 2)


def test_a_database_filled_by_other_means_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "other.sqlite"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE notes (text TEXT)")
    connection.close()
    with open_database(str(file)) as database:
        assert last_load(database) is None
