"""The installed package: it holds its queries and demo data and works from any folder."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", folder, CHECKOUT], check=True, timeout=240, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_two_packages_with_queries_and_demo(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"core", "dashboard"}
    assert "core/resources/sql/marts/sales_daily.sql" in names
    assert "core/resources/demo/orders.csv" in names
    assert any(name.startswith("dashboard/components/") and name.endswith(".js") for name in names)


def test_the_installed_command_works_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", installed, wheel]
    subprocess.run(command, check=True, timeout=240, capture_output=True)
    environment = os.environ | {"PYTHONPATH": str(installed), "SALES_DATA_DIR": str(tmp_path / "data")}
    script = """
import json
from core.demo import ensure_demo_database
from core.database import open_database
from core.resources import sql_folder
from core.settings import read_settings
with open_database(str(ensure_demo_database(read_settings()))) as database:
    orders = database.query("marts/data_status", as_of_day=99999)["orders"].item()
print(json.dumps([str(sql_folder()), orders]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=elsewhere, env=environment, check=True, timeout=120,
        capture_output=True, text=True,
    )  # fmt: skip
    folder, orders = json.loads(done.stdout)
    assert Path(folder).is_relative_to(installed)
    assert orders > 4_000
    told = subprocess.run(
        [sys.executable, "-m", "dashboard.cli", "--help"], cwd=elsewhere, env=environment, check=True,
        timeout=60, capture_output=True, text=True,
    )  # fmt: skip
    for name in ("serve", "ingest", "generate", "doctor"):
        assert name in told.stdout
