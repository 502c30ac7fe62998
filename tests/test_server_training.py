"""The demo's models are trained beside the server at the first start, and end with it."""

import os
import time
from pathlib import Path

import pytest

from core.database import open_database
from core.predictions import dates_scored
from tests.conftest import RunningServer, ServeFunction


def _trainers() -> list[int]:
    """Process ids of training processes of this machine's user."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"core.jobs" in words:
            found.append(int(folder.name))
    return found


def _child_of(server: RunningServer) -> list[int]:
    def parent(pid: int) -> int:
        try:
            return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            return -1

    return [pid for pid in _trainers() if parent(pid) == server.process.pid]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see processes")
def test_training_begins_with_the_server_and_ends_with_it(serve: ServeFunction, tmp_path: Path) -> None:
    server = serve(SALES_DATA_DIR=str(tmp_path), SALES_TRAIN_DEMO="yes")
    until = time.monotonic() + 60
    while not (trainers := _child_of(server)) and time.monotonic() < until:
        time.sleep(0.1)
    assert len(trainers) == 1
    assert server.get("/healthz")[0] == 200  # the server answers meanwhile
    server.process.terminate()
    assert server.process.wait(30) is not None
    until = time.monotonic() + 20
    while os.path.exists(f"/proc/{trainers[0]}") and time.monotonic() < until:
        time.sleep(0.1)
    assert not os.path.exists(f"/proc/{trainers[0]}")
    assert "Traceback" not in server.log()


def test_other_data_are_not_trained_on_unasked(
    demo_server: RunningServer, genuine_server: RunningServer
) -> None:
    for server in (demo_server, genuine_server):
        assert _child_of(server) == []


def test_a_visitor_of_the_demo_finds_predictions_after_a_while(serve: ServeFunction, tmp_path: Path) -> None:
    """Only the first scores are waited for: the whole takes some minutes."""
    server = serve(SALES_DATA_DIR=str(tmp_path), SALES_TRAIN_DEMO="yes")
    until = time.monotonic() + 180
    url = f"sqlite:///{tmp_path / 'demo.sqlite'}"
    with open_database(url) as database:
        while not dates_scored(database, "churn") and time.monotonic() < until:
            assert server.process.poll() is None
            time.sleep(1)
        assert dates_scored(database, "churn")
