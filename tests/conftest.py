"""Fixtures shared by all tests: the genuine data where at hand, the real server, a real browser."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from core.database import Database, open_database
from core.demo import ensure_demo_database
from core.settings import Settings

pytest_plugins = ["tests.conftest_predictions", "tests.conftest_servers", "tests.conftest_spark"]

CHECKOUT = Path(__file__).resolve().parents[1]
GENUINE_FOLDER = CHECKOUT.parent / "shared" / "classicmodels"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 60
SUITES = {
    "pages": (
        "actions", "browser_churn", "browser_credit", "browser_customer", "browser_features",
        "browser_genuine", "browser_looks", "browser_predict", "browser_recommendations", "browser_sales",
        "browser_sql", "churn_campaign", "churn_page", "credit_page", "customer_page", "features_page",
        "models_page", "predict_page", "recommendations_page", "sales_page",
    ),
    "models": (
        "bgnbd", "churn", "churn_jobs", "credit", "credit_public", "generate_worlds", "jobs", "leaks",
        "oracle", "oracle_brute_force", "oracle_share", "recommend_job", "recommend_model", "recommend_parts",
        "sales_forecast_model", "sales_forecast_parts", "server_training", "spend", "tabular",
    ),
}  # fmt: skip
"""Test files that take minutes: ``make pages`` and ``make models`` run them, ``make test`` the others."""
SUITES_BY_PREFIX = ("engines", "serving", "spark", "container")
"""Suites of all files named ``test_<suite>_*.py``: ``make engines`` and so on run them."""


def _left_out() -> list[str]:
    """Files that are not collected, unless they are named on the command line."""
    wanted = os.environ.get("SALES_TEST_SUITE", "")
    every = sorted(file.name for file in Path(__file__).parent.glob("test_*.py"))
    files = {name: [f"test_{part}.py" for part in parts] for name, parts in SUITES.items()}
    files |= {
        suite: [name for name in every if name.startswith(f"test_{suite}_")] for suite in SUITES_BY_PREFIX
    }
    if wanted:
        return [name for name in every if name not in files[wanted]]
    return [name for names in files.values() for name in names]


collect_ignore = _left_out()
COMMAND = [sys.executable, "-c", "import sys; from dashboard.cli import main; sys.exit(main())"]


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


@pytest.fixture(scope="session")
def demo_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The demo company in its embedded database."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("demo"))
    with open_database(str(ensure_demo_database(settings))) as database:
        yield database


@dataclass(frozen=True)
class RunningServer:
    """A dashboard served by its own process on a free port of 127.0.0.1."""

    url: str
    process: subprocess.Popen[str]
    log_file: Path

    def log(self) -> str:
        """What the server has logged so far."""
        return self.log_file.read_text(encoding="utf-8")

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body of a page."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()

    def wait_until_ready(self) -> None:
        """Return as soon as pages are served."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                pytest.fail(f"the server ended: {self.log()}")
            if self.get("/readyz")[0] == 200:
                return
            time.sleep(0.1)
        pytest.fail(f"the server did not become ready: {self.log()}")


ServeFunction = Callable[..., RunningServer]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeFunction]:
    """Start the real command with the given settings (``SALES_…``); every server is stopped at the end.

    ``first`` is Python that runs in the server's process before it, to make something fail.
    """
    running: list[RunningServer] = []

    def start(*, wait: bool = True, first: str = "", **settings: str) -> RunningServer:
        folder = tmp_path_factory.mktemp("served")
        log_file = folder / "server.log"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SALES_")}
        environment |= {"SALES_DATA_DIR": str(folder / "data"), "SALES_PORT": "0", "PYTHONUNBUFFERED": "1"}
        environment["SALES_TRAIN_DEMO"] = "no"
        environment |= settings
        command = [*COMMAND[:2], f"{first}\n{COMMAND[2]}", "serve"]
        with log_file.open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=folder, text=True
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+?(?=/\s)", line)
        if found is None:
            process.kill()
            process.wait()
            process.stdout.close()
            pytest.fail(f"the server printed no address: {line!r} {log_file.read_text()}")
        server = RunningServer(found[0], process, log_file)
        running.append(server)
        if wait:
            server.wait_until_ready()
        return server

    yield start
    for server in running:
        server.process.terminate()
    for server in running:
        try:
            server.process.wait(20)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()
        assert server.process.stdout is not None
        server.process.stdout.close()


@pytest.fixture(scope="session")
def demo_server(serve: ServeFunction) -> RunningServer:
    """The dashboard on the demo data, as a first-time user starts it."""
    return serve()


@pytest.fixture(scope="session")
def genuine_server(serve: ServeFunction, genuine_sqlite: Path) -> RunningServer:
    """The dashboard on the genuine Classic Models data, opened as they are."""
    return serve(SALES_DATABASE_URL=f"sqlite:///{genuine_sqlite}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, headless; skips without one unless ``SALES_TEST_REQUIRE_BROWSER`` is set."""
    if CHROMIUM is None:
        if os.environ.get("SALES_TEST_REQUIRE_BROWSER"):
            pytest.fail("Chromium is required for the browser tests but is not installed")
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


class Watched:
    """A browser page whose console, errors and requests are watched: all must stay clean."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "GPU stall" not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "blob:", "data:", "ws://127.0.0.1:")):
            self.complaints.append(f"foreign request: {request.url}")


@pytest.fixture
def watched(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages that must stay clean: no console error or warning, no request to another origin."""
    context = browser.new_context()
    opened: list[Watched] = []

    def open_page(url: str, *, width: int = 1440, height: int = 1200) -> Page:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        opened.append(Watched(page))
        page.goto(url)
        return page

    yield open_page
    context.close()
    for seen in opened:
        assert not seen.complaints
