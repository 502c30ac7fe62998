"""The image for companies on Spark, built from the Dockerfile: it serves them over Spark Connect, sealed."""

import os
import re
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest_spark import write_parquet
from tests.image_container import CACHE, Container, Image, wait_until
from tests.sql_companies import random_company

CHECKOUT = Path(__file__).resolve().parents[1]
MEGABYTE = 1_000_000
# Outside of a program PySpark takes itself for a doctest, unless somebody types.
IMPORTS = "import sys; sys.ps1 = ''; import pyspark.sql.connect.session, xgboost.spark; print('imported')"


@pytest.fixture(scope="module")
def image() -> Image:
    """The image, built now, unless the build before was of the same files (``SALES_TEST_IMAGE=kept``)."""
    if os.geteuid() != 0:
        pytest.skip("running the image without an engine needs root")
    if os.environ.get("SALES_TEST_IMAGE") != "kept":
        built = subprocess.run([CHECKOUT / ".ci" / "build-image", "spark"], check=False, timeout=3000)
        assert built.returncode == 0
    return Image(CACHE / "spark")


@dataclass(frozen=True)
class Served:
    """The image, serving a company of a Spark server."""

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


@pytest.fixture(scope="module")
def served(image: Image, spark: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The image on a sealed file system; only the address says that the company is on Spark."""
    company = random_company(7, customers=60, orders=400)
    folder = write_parquet(company, tmp_path_factory.mktemp("company"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = {
        "SALES_PORT": str(port),
        "SALES_ALLOW_ANONYMOUS": "yes",
        "SALES_SECRET_KEY": "a secret of this test, long enough for the server",
        "SALES_DATABASE_URL": f"{spark}/;tables={folder}",
    }
    log = tmp_path_factory.mktemp("container") / "log"
    with Container(image, log, environment=environment) as container:
        served = Served(container, f"http://127.0.0.1:{port}")
        wait_until(lambda: served.status("/readyz") == 200, "the container did not become ready", 300)
        yield served


def test_it_is_small(image: Image) -> None:
    bytes_, compressed = image.number("bytes"), image.number("compressed-bytes")
    print(f"{bytes_ / MEGABYTE:.0f} MB, {compressed / MEGABYTE:.0f} MB compressed")
    assert bytes_ <= 1050 * MEGABYTE
    assert compressed <= 350 * MEGABYTE


def test_it_holds_what_the_lock_of_spark_says_and_nothing_else(image: Image) -> None:
    packages = next(image.rootfs.glob("opt/sales-dashboard/lib/python3.*/site-packages"))
    inside = {
        (_named(name), version)
        for name, version in (
            folder.name.removesuffix(".dist-info").split("-")[:2] for folder in packages.glob("*.dist-info")
        )
        if _named(name) != "sales_dashboard"
    }
    text = (CHECKOUT / "requirements-spark.lock").read_text(encoding="utf-8")
    locked = {(_named(n), v) for n, v in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;]+)", text, re.M)}
    assert inside <= locked
    assert {"pyspark", "grpcio", "pandas", "xgboost_cpu"} <= {name for name, _ in inside}
    assert not list(packages.rglob("*.jar"))
    assert not list(image.rootfs.glob("usr/lib/jvm/*"))


def test_it_serves_a_company_on_spark(served: Served) -> None:
    container = served.container
    assert container.run("id", "-u").strip() == "10001"
    assert served.status("/healthz") == 200
    assert "train" in container.run("sales-dashboard", "--help")
    assert container.run("python", "-c", IMPORTS).strip() == "imported"
    assert "Traceback" not in container.log()


@pytest.mark.browser
def test_its_pages_show_the_company(served: Served, watched: Callable[..., Page]) -> None:
    page = watched(f"{served.url}/?page=data")
    expect(page.get_by_text("sc://127.0.0.1").first).to_be_visible(timeout=120_000)
    page = watched(f"{served.url}/?page=explore")
    expect(page.locator('.sd-card[data-state="ready"]:visible').first).to_be_visible(timeout=120_000)
    expect(page.locator('.sd-card[data-state="error"]')).to_have_count(0)
    assert "Traceback" not in served.container.log()


def _named(package: str) -> str:
    return re.sub(r"[-_.]+", "_", package).lower()
