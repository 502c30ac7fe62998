"""sales-dashboard query: formats, files, parameters, limits, refusals and Ctrl-C."""

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from sql_companies import literal_company, write_sqlite

from dashboard.cli import cli

Run = Callable[..., Result]
CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in [name for name in os.environ if name.startswith("SALES_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("n.sqlite")) as connection:
        connection.executescript("CREATE TABLE n(i INTEGER, label TEXT);")
        connection.executemany("INSERT INTO n VALUES (?, ?)", [(i, f"label {i}") for i in range(500)])
        connection.commit()

    def invoke(sql: str, *arguments: str, typed: str | None = None, database: str = "n.sqlite") -> Result:
        return CliRunner().invoke(cli, ["query", sql, "--database", database, *arguments], input=typed)

    return invoke


def test_a_table_is_readable(run: Run) -> None:
    result = run("SELECT label, i FROM n WHERE i BETWEEN 9 AND 10;")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["label      i", "--------  --", "label 9    9", "label 10  10"]
    assert result.stderr.startswith("2 rows in ")


def test_sql_can_come_from_standard_input_and_from_the_product(run: Run, tmp_path: Path) -> None:
    assert run("-", "--format", "csv", typed="SELECT COUNT(*) AS n\nFROM n -- all").stdout == "n\n500\n"
    company = str(write_sqlite(literal_company(), tmp_path / "company.sqlite"))
    result = run("eda/revenue_by_country", "--format", "json", database=company)
    assert result.exit_code == 0, result.output
    assert "country" in json.loads(result.stdout)[0]


def test_every_format_holds_the_same_rows(run: Run, tmp_path: Path) -> None:
    sql = "SELECT i, label FROM n WHERE i < :most"
    expected = pl.DataFrame({"i": [0, 1], "label": ["label 0", "label 1"]})
    for form, read in (("csv", pl.read_csv), ("parquet", pl.read_parquet), ("json", pl.read_json)):
        shown = run(sql, "--format", form, "--param", "most=2")
        assert read(io.BytesIO(shown.stdout_bytes)).equals(expected)
        assert run(sql, "--format", form, "--param", "most=2", "--out", f"rows.{form}").exit_code == 0
        assert read(tmp_path / f"rows.{form}").equals(expected)


def test_limits_are_told(run: Run) -> None:
    shown = run("SELECT i FROM n")
    assert len(shown.stdout.splitlines()) == 202
    assert "The first 200 rows" in shown.stderr
    assert "--max-rows" in shown.stderr
    assert len(run("SELECT i FROM n", "--max-rows", "3").stdout.splitlines()) == 5
    endless = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT MAX(i) FROM r"
    stopped = run(endless, "--max-seconds", "0.2")
    assert stopped.exit_code == 1
    assert "stopped after 0.2 s" in stopped.stderr


@pytest.mark.parametrize(
    ("sql", "arguments", "message"),
    [
        ("DELETE FROM n", (), "DELETE changes data (line 1, column 1)"),
        ("SELECT lable FROM n", (), "Nearest names: label."),
        ("SELECT :a", (), "needs a value for the parameter a"),
        ("SELECT :a", ("--param", "a"), "is not NAME=VALUE"),
        ("SELECT 1", ("--out", "nowhere/x"), "cannot be written"),
        ("SELECT 1", ("--format", "xml"), "xml"),
    ],
)
def test_refusals_are_sentences_and_leave_nothing(
    run: Run, tmp_path: Path, sql: str, arguments: tuple[str, ...], message: str
) -> None:
    result = run(sql, *arguments)
    assert result.exit_code != 0
    assert message in result.stderr
    assert not result.stdout
    assert "Traceback" not in result.output
    assert [file.name for file in tmp_path.iterdir()] == ["n.sqlite"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_ctrl_c_stops_the_query(run: Run, tmp_path: Path) -> None:  # noqa: ARG001 - makes the database
    sql = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT COUNT(*) FROM r"
    code = (
        "import signal, core.database.sqlite_adhoc as adhoc\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "fetch = adhoc.SqliteAdhoc.fetch\n"
        "def telling(*arguments):\n    print('running', flush=True)\n    return fetch(*arguments)\n"
        "adhoc.SqliteAdhoc.fetch = telling\n"
        "from dashboard.cli import cli\ncli()\n"
    )
    arguments = ["query", sql, "--database", str(tmp_path / "n.sqlite"), "--max-seconds", "100"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The query was cancelled after" in told
