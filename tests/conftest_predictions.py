"""Fixtures of the prediction pages: a small generated company with models, scores, backtests and past scores.

Registered in ``conftest.py``; made once for all tests of a run, in a temporary folder.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.database import Database, open_database
from core.generate import generate_company
from core.ingest import ingest
from core.jobs.prepare import Preparation, prepare
from core.model_store import open_model_store
from core.settings import Settings
from tests.conftest import RunningServer, ServeFunction

PREDICTED_CUSTOMERS = 150
PREDICTED_YEARS = 3
PAST = 2
"""Past dates with scores: one and two horizons before the default as-of date."""


@pytest.fixture(scope="session")
def predicted_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SQLite file of a generated company before anything was learned from it."""
    folder = tmp_path_factory.mktemp("predicted")
    company = generate_company(
        folder / "tables", customers=PREDICTED_CUSTOMERS, years=PREDICTED_YEARS, seed=7
    )
    database = folder / "company.sqlite"
    ingest(sorted(company.paths.values()), f"sqlite:///{database}")
    return database


@pytest.fixture(scope="session")
def preparation(predicted_file: Path) -> Preparation:
    """Which tasks were trained, scored and judged on ``predicted_file``, and why others were not."""
    settings = Settings(database_url=f"sqlite:///{predicted_file}", data_dir=predicted_file.parent / "data")
    with open_database(settings.database_url, read_only=False) as database:
        return prepare(database, open_model_store(settings, database), past=PAST)


@pytest.fixture(scope="session")
def predicted_database(predicted_file: Path, preparation: Preparation) -> Iterator[Database]:
    """The prepared company, opened for reading."""
    assert preparation.ready
    with open_database(f"sqlite:///{predicted_file}") as database:
        yield database


@pytest.fixture(scope="session")
def predicted_settings(predicted_file: Path, preparation: Preparation) -> Settings:  # noqa: ARG001
    """Settings under which ``predicted_database`` is served."""
    return Settings(database_url=f"sqlite:///{predicted_file}", data_dir=predicted_file.parent / "data")


@pytest.fixture(scope="session")
def predicted_server(serve: ServeFunction, predicted_settings: Settings) -> RunningServer:
    """The dashboard on ``predicted_database``; nothing is trained while it runs."""
    return serve(
        SALES_DATABASE_URL=predicted_settings.database_url,
        SALES_DATA_DIR=str(predicted_settings.data_dir),
        SALES_TRAIN_DEMO="no",
    )
