"""The command line: quick help, plain errors, and commands that work from any folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.resources import demo_folder
from dashboard.cli import cli

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in list(os.environ):
        if name.startswith("SALES_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SALES_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(cli, list(arguments))

    return invoke


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom dashboard.cli import cli\n"
        "try:\n    cli(['--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'polars', 'panel', 'pandas', 'bokeh', 'param', 'numpy'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "ingest" in done.stdout


def test_version_and_unknown_commands(run) -> None:
    assert run("--version").output.startswith("sales-dashboard 0.")
    result = run("ingst")
    assert result.exit_code == 2
    assert "Did you mean ingest?" in result.output


def test_errors_are_sentences_with_a_remedy(run, tmp_path: Path) -> None:
    result = run("ingest", "nowhere.csv")
    assert result.exit_code == 1
    assert result.output == "Error: There is no file or folder nowhere.csv.\n  Check the path.\n"
    (tmp_path / "payments.csv").write_text("customerNumber,checkNumber,paymentDate,amount\n1,A,x,y\n")
    result = run("ingest", "payments.csv", "--database", "t.sqlite")
    assert result.exit_code == 1
    assert "payments.csv, line 2, column amount: 'y' is not a number" in result.output
    assert "Traceback" not in result.output
    result = run("doctor", "--database", "nonsense://user:secret@host")
    assert result.exit_code == 1
    assert "secret" not in result.output


def test_ingest_goes_to_the_users_own_database_and_says_so(run, tmp_path: Path) -> None:
    result = run("ingest", str(demo_folder()))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "data" / "company.sqlite").is_file()
    assert (
        f"SALES_DATABASE_URL=sqlite:///{tmp_path}/data/company.sqlite sales-dashboard serve" in result.output
    )
    assert not (tmp_path / "data" / "demo.sqlite").exists()


def test_the_demo_is_never_loaded_into(run, tmp_path: Path) -> None:
    result = run("ingest", str(demo_folder()), "--database", f"sqlite:///{tmp_path}/data/demo.sqlite")
    assert result.exit_code == 1
    assert "demo database is not loaded into" in result.output


def test_append_and_table(run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    assert run("ingest", "a.csv", "--table", "visits", "--database", "t.sqlite").exit_code == 0
    result = run("ingest", "a.csv", "--table", "visits", "--append", "--database", "t.sqlite")
    assert result.output.startswith("visits ")


def test_doctor_examines_the_demo(run) -> None:
    result = run("doctor", "--format", "json")
    assert result.exit_code == 0, result.output
    assert {finding["severity"] for finding in json.loads(result.output)} <= {"ok", "warning"}


def test_doctor_fails_when_something_is_wrong(run, tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    result = run("doctor", "--database", "empty.sqlite")
    assert result.exit_code == 1
    assert "there is no table orders" in result.output


def test_a_generated_company_can_be_loaded(run) -> None:
    result = run("generate", "--out", "company", "--customers", "20", "--years", "1", "--seed", "3")
    assert result.exit_code == 0, result.output
    assert "sales-dashboard ingest company" in result.output
    result = run("ingest", "company", "--database", "company.sqlite")
    assert result.exit_code == 0, result.output
