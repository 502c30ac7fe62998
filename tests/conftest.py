"""Fixtures shared by all tests: the genuine Classic Models data where it is at hand."""

from pathlib import Path

import pytest

GENUINE_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "classicmodels"


def _genuine(name: str) -> Path:
    file = GENUINE_FOLDER / name
    if not file.is_file():
        pytest.skip(f"the genuine Classic Models data are not beside this checkout ({name})")
    return file


@pytest.fixture(scope="session")
def genuine_dump() -> Path:
    """The MySQL dump of the genuine Classic Models data; skips where it is absent."""
    return _genuine("mysqlsampledatabase.sql")


@pytest.fixture(scope="session")
def genuine_sqlite() -> Path:
    """The SQLite file of the genuine Classic Models data (read-only); skips where it is absent."""
    return _genuine("classicmodels.sqlite")
