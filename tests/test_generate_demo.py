"""The demo data that ship."""

import re
from pathlib import Path

import polars as pl
import pytest

from core.generate import TABLES, generate_company

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.mark.parametrize("table", TABLES)
def test_demo_is_what_the_generator_makes(table: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    again = tmp_path_factory.getbasetemp() / "demo-again"
    if not again.exists():
        generate_company(again, customers=500, years=3, seed=1)
    assert (again / f"{table}.csv").read_bytes() == (DATA / "demo" / f"{table}.csv").read_bytes()


def test_demo_holds_the_tables_and_no_truth() -> None:
    assert {path.name for path in (DATA / "demo").iterdir()} == {f"{table}.csv" for table in TABLES}


def test_demo_is_small() -> None:
    sizes = [path.stat().st_size for path in (DATA / "demo").iterdir()]
    assert sum(sizes) < 4e6
    assert max(sizes) < 2e6


def test_readme_states_the_command_and_the_rows() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert "sales-dashboard generate --customers 500 --years 3 --seed 1 --out data/demo" in text
    stated = {
        name: int(count.replace(" ", ""))
        for name, count in re.findall(r"^\| `(\w+)\.csv` \|.*\| ([\d ]+) \|$", text, re.MULTILINE)
    }
    assert stated == {
        table: pl.read_csv(DATA / "demo" / f"{table}.csv", infer_schema=False).height for table in TABLES
    }
