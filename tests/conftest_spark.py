"""A Spark server for all tests of one run, and a small company in a folder of Parquet files that it reads."""

import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.spark_server import spark_server, why_not
from tests.sql_companies import Tables, literal_company


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Spark Connect server; skips where Spark cannot run, unless it must."""
    if reason := why_not():
        if os.environ.get("SALES_TEST_REQUIRE_SPARK") == "1":
            pytest.fail(f"Spark is required: {reason}")
        pytest.skip(reason)
    with spark_server(tmp_path_factory.mktemp("spark")) as url:
        yield url


@pytest.fixture(scope="session")
def spark_company(spark: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the literal company on that server."""
    return f"{spark}/;tables={write_parquet(literal_company(), tmp_path_factory.mktemp('company'))}"


def write_parquet(tables: Tables, folder: Path) -> Path:
    """A company as Parquet files; order lines as a folder of two files, as Spark writes them."""
    for name, rows in tables.items():
        frame = pl.DataFrame(rows, infer_schema_length=None)
        if name != "orderdetails":
            frame.write_parquet(folder / f"{name}.parquet")
            continue
        (folder / name).mkdir()
        frame.head(3).write_parquet(folder / name / "part-0.parquet")
        frame.slice(3).write_parquet(folder / name / "part-1.parquet")
    return folder
