"""Training, scoring, judging and looking back: through the functions, the command line and the process."""

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from core.database import Database, open_database
from core.days import to_date
from core.generate import generate_company
from core.ingest import ingest
from core.jobs import (
    JobError,
    active_model,
    backtest_task,
    default_as_of,
    replay_task,
    score_customers,
    train_model,
)
from core.jobs.prepare import past_dates, prepare
from core.jobs.registry import load_model
from core.jobs.training_process import BusyError, TrainingProcess, TrainingState
from core.model_store import DatabaseModelStore, FolderModelStore
from core.predictions import dates_scored, outcomes_after, scores_on, stored_backtest, task_status
from core.roles import NotAllowedError, Role, policy
from core.settings import Settings

COMMAND = [sys.executable, "-m", "dashboard.cli"]


@pytest.fixture(scope="module")
def company_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up company of 150 customers over two years, loaded into SQLite."""
    folder = tmp_path_factory.mktemp("jobs")
    generate_company(folder / "csv", customers=150, years=2, seed=11)
    ingest([folder / "csv"], f"sqlite:///{folder / 'company.sqlite'}")
    return folder / "company.sqlite"


@pytest.fixture
def company(company_file: Path, tmp_path: Path) -> Iterator[Database]:
    copy = tmp_path / "company.sqlite"
    copy.write_bytes(company_file.read_bytes())
    with open_database(f"sqlite:///{copy}", read_only=False) as database:
        yield database


@pytest.fixture
def store(tmp_path: Path) -> FolderModelStore:
    return FolderModelStore(tmp_path / "models")


def test_a_model_is_trained_stored_loaded_and_scores(company: Database, store: FolderModelStore) -> None:
    version = train_model(company, store, "churn")
    as_of = default_as_of(company)
    assert to_date(version.card.as_of_day) == as_of
    scored = score_customers(company, store, "churn")
    assert scored["score"].is_between(0, 1).all()
    assert ((scored["low"] <= scored["score"]) & (scored["score"] <= scored["high"])).all()
    assert scored["model_version"].unique().to_list() == [version.version]
    told = company.query("SELECT customer_id, score, as_of, model_version, reasons FROM scores_churn")
    assert told.height == scored.height
    assert told["as_of"].unique().to_list() == [as_of]
    # A second run of the same day replaces its rows.
    score_customers(company, store, "churn")
    assert company.query("SELECT COUNT(*) AS n FROM scores_churn")["n"][0] == scored.height


def test_a_model_does_not_predict_what_it_has_seen(company: Database, store: FolderModelStore) -> None:
    train_model(company, store, "churn")
    before = default_as_of(company) - dt.timedelta(days=30)
    with pytest.raises(JobError, match="it cannot say what was to be expected"):
        score_customers(company, store, "churn", as_of=before)


def test_scores_of_the_past_are_by_models_of_the_past(company: Database, store: FolderModelStore) -> None:
    train_model(company, store, "churn")
    score_customers(company, store, "churn")
    as_of = default_as_of(company)
    dates = past_dates(as_of, 90, 2)
    replay_task(company, "churn", cutoffs=dates)
    assert dates_scored(company, "churn") == [*dates, as_of]
    earlier = scores_on(company, "churn", dates[1] + dt.timedelta(days=10))
    assert earlier is not None
    assert (earlier.as_of, earlier.model_version) == (dates[1], f"as of {dates[1]}")
    after = outcomes_after(company, dates[1], 90)
    assert after is not None
    assert set(earlier.frame["customer_id"]) <= set(after["customer_id"])
    assert outcomes_after(company, as_of, 90) is None  # not over yet
    assert scores_on(company, "churn", dates[0] - dt.timedelta(days=1)) is None
    # The model in use is still that of today.
    assert active_model(store, "churn").version.card.as_of_day == default_as_of(company).toordinal() - 719163


def test_a_backtest_is_kept_for_the_models_page(company: Database) -> None:
    found = backtest_task(company, "churn", cutoffs=[dt.date(2024, 12, 1), dt.date(2025, 3, 1)])
    kept = stored_backtest(company, "churn")
    assert kept is not None
    assert kept.models == found.models
    for model in kept.models:
        assert kept.score(model, "AUC").value == pytest.approx(found.score(model, "AUC").value, nan_ok=True)
    assert sorted(kept.scores["cutoff"].unique()) == ["2024-12-01", "2025-03-01", "mean"]
    assert kept.predictions.height == found.predictions.height


def test_everything_is_prepared_and_one_failure_does_not_stop_the_rest(
    company: Database, store: FolderModelStore
) -> None:
    company.write("payments", pl.DataFrame({"customerNumber": pl.Series([], dtype=pl.Int64)}))
    heard: list[tuple[str, float]] = []
    found = prepare(
        company,
        store,
        tasks=("credit", "churn"),
        past=1,
        progress=lambda what, fraction: heard.append((what, fraction)),
    )
    assert found.ready == ["churn"]
    assert "credit" in found.failed
    fractions = [fraction for _what, fraction in heard]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    status = task_status(company, store, "churn")
    assert status.is_ready
    assert len(status.dates) == 2
    assert status.measured().value > 0.5
    assert task_status(company, store, "credit").badge == "no model"


def test_training_needs_the_role(company: Database, store: FolderModelStore) -> None:
    with policy(lambda role: role < Role.ADMIN):
        with pytest.raises(NotAllowedError):
            train_model(company, store, "churn")
        with pytest.raises(NotAllowedError):
            score_customers(company, store, "churn")
        with pytest.raises(NotAllowedError):
            backtest_task(company, "churn")


@pytest.mark.parametrize(("task", "message"), [("weather", "no task"), ("spend", "no spend model yet")])
def test_what_is_not_there_is_said(
    company: Database, store: FolderModelStore, task: str, message: str
) -> None:
    with pytest.raises(JobError, match=message):
        train_model(company, store, task) if task == "weather" else score_customers(company, store, task)


@pytest.mark.parametrize("path", ["os:system", "core.models.churn.gone:ChurnModel", "core.models.churn:Gone"])
def test_only_models_of_the_product_are_loaded(path: str) -> None:
    with pytest.raises(JobError, match=r"not a model of this product|another version"):
        load_model(path, {})


def _run(*arguments: str, database: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments, "--database", f"sqlite:///{database}"],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_line_trains_scores_judges_and_goes_back(company_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "company.sqlite"
    file.write_bytes(company_file.read_bytes())
    with open_database(f"sqlite:///{file}", read_only=False) as database:
        train_model(database, DatabaseModelStore(database, tmp_path / "cache"), "churn")
    trained = _run("train", "--task", "churn", "--horizon", "60", database=file)
    assert trained.returncode == 0, trained.stderr
    listed = _run("models", database=file).stdout.splitlines()
    assert len(listed) == 2
    assert "in use" in listed[0]
    assert "60 days" in listed[0]
    older = listed[1].split()[1]
    assert _run("models", "--task", "churn", "--activate", older, database=file).returncode == 0
    assert older in next(
        line for line in _run("models", database=file).stdout.splitlines() if "in use" in line
    )
    scored = _run("score", "--task", "churn", "--format", "csv", database=file)
    assert scored.returncode == 0, scored.stderr
    assert older in scored.stdout
    judged = _run("backtest", "--task", "churn", "--cutoffs", "2025-01-01", "--format", "json", database=file)
    assert judged.returncode == 0, judged.stderr
    told = json.loads(judged.stdout)
    assert told["horizon"] == 90
    assert {row["cutoff"] for row in told["scores"]} == {"2025-01-01", "mean"}
    assert all(row["baseline"] for row in told["differences"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--task", "weather"], "Invalid value"),
        (["backtest", "--task", "churn", "--cutoffs", "yesterday"], "Give dates like"),
        (["models", "--activate", "x"], "--activate needs --task"),
        (["models", "--task", "churn", "--activate", "x"], "There is no version x"),
        (["score", "--task", "spend"], "There is no spend model yet"),
    ],
)
def test_the_command_line_says_what_is_wrong(
    arguments: list[str], message: str, company_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "company.sqlite"
    file.write_bytes(company_file.read_bytes())
    found = _run(*arguments, database=file)
    assert found.returncode != 0
    assert message in found.stderr
    assert "Traceback" not in found.stderr


def test_a_missing_database_is_not_made(tmp_path: Path) -> None:
    found = _run("train", "--task", "churn", database=tmp_path / "nothing.sqlite")
    assert found.returncode != 0
    assert "no database file" in found.stderr
    assert not (tmp_path / "nothing.sqlite").exists()


def _waited(process: TrainingProcess, seconds: float = 120.0) -> TrainingState:
    until = time.monotonic() + seconds
    while process.state.is_running and time.monotonic() < until:
        time.sleep(0.05)
    assert not process.state.is_running
    return process.state


@pytest.fixture
def settings(company_file: Path, tmp_path: Path) -> Settings:
    (tmp_path / "company.sqlite").write_bytes(company_file.read_bytes())
    return Settings(database_url=f"sqlite:///{tmp_path / 'company.sqlite'}", data_dir=str(tmp_path))


def test_training_runs_beside_the_server_one_at_a_time(settings: Settings) -> None:
    heard: list[TrainingState] = []
    process = TrainingProcess(settings, heard.append)
    process.start(["churn"])
    with pytest.raises(BusyError):
        process.start(["churn"])
    ended = _waited(process)
    assert (ended.state, ended.ready, ended.failed) == ("done", ("churn",), {})
    assert any(0 < state.fraction < 1 and "churn" in state.what for state in heard)
    with open_database(settings.database_url) as database:
        assert dates_scored(database, "churn")


def test_training_can_be_cancelled_and_started_again(settings: Settings) -> None:
    process = TrainingProcess(settings)
    process.start(["churn"])
    process.cancel()
    assert _waited(process).state == "cancelled"
    with open_database(settings.database_url) as database:
        assert database.query("SELECT COUNT(*) AS n FROM orders")["n"][0] > 0
    process.start(["churn"])
    process.cancel()
    _waited(process)


def test_a_training_process_that_dies_is_told(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.data_dir = None
    process = TrainingProcess(settings)
    process.start(["no such task"])
    ended = _waited(process)
    assert ended.state == "done"
    assert "no task" in ended.failed["no such task"]
    process.start(["churn"])
    assert process._process is not None
    process._process.kill()
    ended = _waited(process)
    assert ended.state == "failed"
    assert "server log" in ended.message
    assert "ended with status" in caplog.text


def test_a_database_that_is_gone_is_told(tmp_path: Path) -> None:
    process = TrainingProcess(Settings(database_url=f"sqlite:///{tmp_path / 'gone.sqlite'}"))
    process.start(["churn"])
    ended = _waited(process)
    assert ended.state in ("failed", "done")
    assert ended.message or ended.failed
