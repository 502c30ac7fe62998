"""The command line: quick help, plain errors, and commands that work from any folder."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.database import open_database
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


def test_ingest_names_every_format(run) -> None:
    told = run("ingest", "--help").output
    for known in ("CSV", "TSV", "Excel", "Parquet", "gzip", "SQLite", "MySQL", "--types"):
        assert known in told


def test_types_of_columns_can_be_given(run, tmp_path: Path) -> None:
    rows = 'zip,day,paid,seen\n01234,03/04/2024,"1.234,5",yes\n00042,05/04/2024,"5,0",no\n'
    (tmp_path / "visits.csv").write_text(rows)
    types = "zip=text,day=date %d/%m/%Y,paid=number 1.234,5,visits.seen=boolean"
    result = run("ingest", "visits.csv", "--types", types, "--database", "t.sqlite")
    assert result.exit_code == 0, result.output
    with open_database("t.sqlite") as database:
        assert database.query("SELECT * FROM visits ORDER BY day").rows() == [
            ("01234", date(2024, 4, 3), 1234.5, 1),
            ("00042", date(2024, 4, 5), 5.0, 0),
        ]


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ("zip", "'zip' gives no type to a column"),
        ("zip=", "'zip' gives no type to a column"),
        ("zip=zippy", "'zippy' is no type that the column zip can have"),
        ("zap=text", "but visits has no such column"),
        ("calls.zip=text", "calls"),
    ],
)
def test_types_that_cannot_be_are_refused(run, tmp_path: Path, types: str, said: str) -> None:
    (tmp_path / "visits.csv").write_text("zip\n01234\n")
    result = run("ingest", "visits.csv", "--types", types, "--database", "t.sqlite")
    assert result.exit_code == 1
    assert said in result.output
    assert not (tmp_path / "t.sqlite").exists()


def test_types_of_several_tables_name_the_table(run, tmp_path: Path) -> None:
    for name in ("visits", "calls"):
        (tmp_path / f"{name}.csv").write_text("zip\n01234\n")
    several = ("ingest", "visits.csv", "calls.csv", "--database", "t.sqlite", "--types")
    result = run(*several, "zip=text")
    assert result.exit_code == 1
    assert "may be of any of the tables visits, calls" in result.output
    assert "--types TABLE.zip=text" in result.output
    assert run(*several, "visits.zip=text").exit_code == 0


@pytest.mark.parametrize("engine", ["sqlite", "duckdb", "parquet"])
def test_folders_are_not_made_unasked(run, engine: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    place = tmp_path / "new" / "folder" / "t.db"
    result = run("ingest", "a.csv", "--database", f"{engine}:///{place}")
    assert result.exit_code == 1
    assert f"There is no folder {place.parent} for the database." in result.output
    assert f"mkdir -p {place.parent}" in result.output
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("wanted", [True, False])
def test_a_folder_is_made_for_who_wants_it(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    monkeypatch.setattr("click.confirm", lambda *_, **__: wanted)
    monkeypatch.setattr("dashboard.cli._asks", lambda: True)
    assert run("ingest", "a.csv", "--database", "new/t.sqlite").exit_code == 1 - wanted
    assert (tmp_path / "new" / "t.sqlite").is_file() == wanted


@pytest.mark.parametrize("scheme", ["", "sqlite:///", "duckdb:///", "parquet:///"])
def test_serve_refuses_a_file_of_another_kind_at_once(run, tmp_path: Path, scheme: str) -> None:
    (tmp_path / "notes.txt").write_text("These are notes. " * 10)
    result = run("serve", "--database", f"{scheme}notes.txt")
    assert result.exit_code == 1
    assert result.output.count("Error: ") == 1
    assert "notes.txt" in result.output
    assert "Traceback" not in result.output


def test_serve_waits_for_a_database_that_is_not_there_yet(run, monkeypatch: pytest.MonkeyPatch) -> None:
    served = []
    monkeypatch.setattr("dashboard.server.serve", served.append)
    assert run("serve", "--database", "sqlite:///later.sqlite").exit_code == 0
    assert [settings.database_url for settings in served] == ["sqlite:///later.sqlite"]
    result = run("serve", "--database", "nothing")
    assert "neither a database address nor an SQLite file" in result.output
    assert len(served) == 1
