"""A demo database that an image carries is copied, as long as it is of the same demo."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core import demo
from core.demo import ensure_demo_database
from core.settings import Settings


def _tables(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _fingerprint(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo as an image carries it: with a table that only models leave behind."""
    file = ensure_demo_database(Settings(data_dir=tmp_path / "image"))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE scores_of_the_image (customer_id INTEGER)")
    monkeypatch.setattr(demo, "made_demo", lambda: file)
    return file


def test_an_empty_data_folder_gets_the_demo_of_the_image(tmp_path: Path, made: Path) -> None:
    copied = ensure_demo_database(Settings(data_dir=tmp_path / "volume"))
    assert "scores_of_the_image" in _tables(copied)
    assert _fingerprint(copied) == _fingerprint(made)


def test_a_demo_of_other_data_is_not_taken(tmp_path: Path, made: Path) -> None:
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("PRAGMA user_version = 7")
    built = ensure_demo_database(Settings(data_dir=tmp_path / "volume"))
    assert "scores_of_the_image" not in _tables(built)
    assert "orderdetails" in _tables(built)
