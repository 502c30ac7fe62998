"""The server as operators and browsers meet it: start, probes, headers, errors, a clean end."""

import gzip
import json
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import COMMAND, RunningServer, ServeFunction


def test_liveness_answers_before_the_dashboard_is_there(serve: ServeFunction) -> None:
    server = serve(wait=False)
    assert server.get("/healthz") == (200, server.get("/healthz")[1], b"ok")
    status, headers, page = server.get("/")
    assert status in (200, 503)
    if status == 503:
        assert b"is starting" in page
        assert headers["retry-after"] == "1"
    server.wait_until_ready()
    assert server.get("/")[0] == 200


def test_the_server_ends_cleanly_when_told_to(serve: ServeFunction) -> None:
    server = serve()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) in (0, -signal.SIGTERM)
    assert "Traceback" not in server.log()


def test_readiness_tells_a_broken_database(serve: ServeFunction, tmp_path: Path) -> None:
    server = serve(wait=False, SALES_DATABASE_URL=f"sqlite:///{tmp_path / 'absent.sqlite'}")
    until = time.monotonic() + 90
    while b"starting" in server.get("/")[2] and time.monotonic() < until:
        time.sleep(0.1)
    status, _, page = server.get("/")
    assert status == 503
    assert b"could not start" in page
    assert b"absent.sqlite" in page
    assert server.get("/healthz")[0] == 200


def test_a_database_without_orders_says_what_to_do(serve: ServeFunction, tmp_path: Path) -> None:
    file = tmp_path / "empty.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    connection.close()
    server = serve(SALES_DATABASE_URL=f"sqlite:///{file}")
    assert server.get("/")[0] == 200
    assert "sales-dashboard ingest" in server.log()


def test_static_files_are_compressed_and_cached(demo_server: RunningServer) -> None:
    path = "/static/js/bokeh.min.js"
    plain = demo_server.get(path)[2]
    request = urllib.request.Request(demo_server.url + path, headers={"Accept-Encoding": "gzip"})
    for _ in range(2):
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert "max-age" in answer.headers["Cache-Control"]
            packed = answer.read()
        assert gzip.decompress(packed) == plain
        assert len(packed) < len(plain) / 3


def test_pages_carry_security_headers_and_are_not_cached(demo_server: RunningServer) -> None:
    _, headers, _ = demo_server.get("/")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["cache-control"] == "no-store"


def test_the_port_in_use_is_a_clear_error(demo_server: RunningServer) -> None:
    port = demo_server.url.rsplit(":", 1)[1]
    done = subprocess.run(
        [*COMMAND, "serve", "--port", port], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "SALES_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_foreign_origin_gets_no_session(demo_server: RunningServer) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    address = demo_server.url.replace("http", "ws") + "/ws"
    for origin, allowed in (("http://evil.example", False), (demo_server.url, True)):
        try:
            with connect(address, origin=origin, subprotocols=["bokeh", "no-token"]):
                refused = False
        except InvalidStatus as error:
            refused = error.response.status_code == 403
        assert refused is not allowed or allowed


def test_importing_core_is_light() -> None:
    """``core`` must not pull in plotting, machine learning or a web framework."""
    code = "import sys, json, core, core.settings, core.errors; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    heavy = {
        "panel",
        "bokeh",
        "holoviews",
        "hvplot",
        "pandas",
        "polars",
        "sklearn",
        "xgboost",
        "fastapi",
        "duckdb",
    }
    assert not heavy & set(json.loads(done.stdout))


def test_no_cleanup_of_busy_events_is_started_off_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Started from a worker thread it would look for the event loop without pause."""
    from panel.io.state import _state, state

    from dashboard.application import _leave_busy_events_alone

    monkeypatch.setattr(_state, "_busy_cleanup_scheduled", None)
    _leave_busy_events_alone()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(state._schedule_busy_cleanup).result()
    assert _state._busy_cleanup_scheduled is not None
    assert not _state._busy_cleanup_scheduled.running
