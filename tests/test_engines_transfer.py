"""Copies between embedded engines: the company stays the same, killed runs go on, nothing is left."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_companies import literal_company, write_sqlite

from core.database import Database, open_database
from core.days import to_day
from core.errors import DatabaseError
from core.mapping import Mapping, current_mapping, store_mapping
from core.sql_files import column_type, read_sql, sql_names
from core.transfer import CopyOptions, copy_database
from core.transfer import copying as copying_module

DAY = to_day(date(2025, 1, 1))
COMMAND = [sys.executable, "-c", "from dashboard.cli import main; main()", "copy"]


def address(engine: str, folder: Path, name: str) -> str:
    return f"{engine}:///{folder / name}.{engine}"


def everything_in(folder: Path) -> list[str]:
    """All files but the locks, which are empty and hidden."""
    return sorted(file.name for file in folder.iterdir() if not file.name.endswith(".lock"))


def numbers(file: Path, tables: int, rows: int) -> str:
    """Tables t1, t2, … that refer each to the one before."""
    with closing(sqlite3.connect(file)) as connection:
        for number in range(1, tables + 1):
            refers = f" REFERENCES t{number - 1}(id)" if number > 1 else ""
            connection.execute(f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY{refers}, amount REAL)")
            connection.execute(
                f"INSERT INTO t{number} WITH RECURSIVE n(i) AS "
                f"(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT i, i / 7.0 FROM n"
            )
        connection.commit()
    return f"sqlite:///{file}"


@pytest.mark.parametrize("engines", [("sqlite", "parquet", "sqlite"), ("duckdb", "parquet", "duckdb")])
def test_a_company_goes_through_all_engines_and_every_query_answers_the_same(
    engines: tuple[str, ...], tmp_path: Path
) -> None:
    first = tmp_path / "first.sqlite"
    write_sqlite(literal_company(), first)
    urls = [f"sqlite:///{first}"]
    checksums = []
    for number, engine in enumerate(engines):
        urls.append(address(engine, tmp_path, f"copy{number}"))
        report = copy_database(urls[-2], urls[-1])
        assert report.verified
        checksums.append({table.name: table.checksum for table in report.tables})
    assert all(found == checksums[0] for found in checksums)

    with open_database(urls[0]) as old, open_database(urls[-1]) as new:
        expected, found = answers(old), answers(new)
    for name, frame in expected.items():
        assert frame.height or not found[name].height
        assert_frame_equal(found[name], frame, check_exact=False, abs_tol=0.005, rel_tol=0)


def answers(database: Database) -> dict[str, pl.DataFrame]:
    values = {"as_of_day": DAY, "terms_days": 30, "from_day": DAY - 500, "until_day": DAY}
    found = {}
    for name in [*sql_names("marts"), *sql_names("eda")]:
        file = read_sql(name)
        frame = database.query(name, **{key: values[key] for key in file.parameters})
        exact = [column for column, said in file.columns.items() if column_type(said) != "number"]
        found[name] = frame.sort(exact or frame.columns)
    return found


@pytest.mark.parametrize("engine", ["sqlite", "duckdb", "parquet"])
def test_a_run_that_was_killed_is_continued_and_leaves_nothing(engine: str, tmp_path: Path) -> None:
    source = numbers(tmp_path / "source.sqlite", tables=6, rows=30_000)
    target = address(engine, tmp_path, "target")
    with open_database(source) as database:
        assert len(list(database.read_batches("t1", rows=10_000))) == 3
    script = (
        "import sys, time\n"
        "from core.transfer import copy_database, copying\n"
        "copying.CHECKPOINT_ROWS = 1\n"
        "def slowly(state):\n"
        "    print(state.step, state.table, flush=True)\n"
        "    if state.table == 't4': time.sleep(60)\n"
        "copy_database(sys.argv[1], sys.argv[2], None, slowly)\n"
    )
    killed = subprocess.Popen(
        [sys.executable, "-c", script, source, target], stdout=subprocess.PIPE, text=True
    )
    with killed:
        assert killed.stdout is not None
        for line in killed.stdout:
            if line.strip() == "copying t4":
                killed.send_signal(signal.SIGKILL)
                break
        killed.wait(timeout=30)
    with open_database(target) as database:
        assert [table.name for table in database.tables()] == []

    report = copy_database(source, target)

    assert [table.name for table in report.tables if table.continued] == ["t1", "t2", "t3"]
    assert any("Continued a copy" in note for note in report.notes)
    assert report.verified
    with open_database(target) as database:
        found = [table.name for table in database.tables() if table.kind == "table"]
        assert found == ["sales_load_log", "t1", "t2", "t3", "t4", "t5", "t6"]
        total = database.query("SELECT COUNT(*) AS rows, SUM(amount) AS amount FROM t5")
        assert total["rows"].to_list() == [30_000]
    left = [name for name in everything_in(tmp_path) if not name.endswith(("-wal", "-shm"))]
    assert left == ["source.sqlite", f"target.{engine}"]
    if engine == "parquet":
        assert [name for name in everything_in(tmp_path / "target.parquet") if not name.startswith("t")] == [
            "sales_load_log.parquet"
        ]


def test_pieces_of_killed_writers_are_removed(tmp_path: Path) -> None:
    source, folder = numbers(tmp_path / "source.sqlite", 1, 10), tmp_path / "target.parquet"
    folder.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    (folder / f".t9.{ended.stdout.strip()}.partial").write_bytes(b"half a file")
    (folder / f".t9.{os.getpid()}.partial").write_bytes(b"being written")

    copy_database(source, f"parquet:///{folder}")

    hidden = [file.name for file in folder.iterdir() if file.name.startswith(".")]
    assert hidden == [f".t9.{os.getpid()}.partial"]


@pytest.mark.parametrize("engine", ["duckdb", "parquet"])
def test_keys_that_nothing_enforces_are_told_and_enforced_again(engine: str, tmp_path: Path) -> None:
    file, back = tmp_path / "own.sqlite", tmp_path / "back.sqlite"
    run(file, 'CREATE TABLE steps (visit INT, "the step" INT, PRIMARY KEY (visit, "the step"))')
    run(file, "INSERT INTO steps VALUES (1, 1), (1, 2)")
    there = address(engine, tmp_path, "there")

    copy_database(f"sqlite:///{file}", there)
    with open_database(there) as database:
        assert database.table_schema("steps").primary_key == ("visit", "the step")
    copy_database(there, f"sqlite:///{back}")

    with pytest.raises(sqlite3.IntegrityError):
        run(back, "INSERT INTO steps VALUES (1, 2)")
    with open_database(there, read_only=False) as database:
        database.write("steps", pl.DataFrame({"visit": [1], "the step": [2]}), mode="append")
    report = copy_database(there, f"sqlite:///{back}", CopyOptions(replace=True))
    kept = "steps has rows with the same visit, the step: copied without that key"
    assert report.notes == ((kept,) if engine == "duckdb" else ())  # a Parquet file written anew tells no key


def test_a_continued_copy_trusts_nothing_that_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying_module, "CHECKPOINT_ROWS", 1)
    source, target = numbers(tmp_path / "source.sqlite", 4, 10), tmp_path / "target.sqlite"
    with broken_off(source, target, at="t4"):
        run(tmp_path / "source.sqlite", "UPDATE t2 SET amount = 1 WHERE id = 3")  # changed at the source
        run(target, "UPDATE _ingest_copy_3 SET amount = 2 WHERE id = 3")  # damaged in the target

    report = copy_database(source, str(target))

    assert [table.name for table in report.tables if table.continued] == ["t1"]
    assert report.verified
    with open_database(str(target)) as database:
        assert database.query("SELECT amount FROM t2 WHERE id = 3")["amount"].to_list() == [1.0]


def test_restart_and_another_source_begin_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying_module, "CHECKPOINT_ROWS", 1)
    source, target = numbers(tmp_path / "source.sqlite", 3, 10), tmp_path / "target.sqlite"
    with broken_off(source, target, at="t3"):
        pass
    other = numbers(tmp_path / "other.sqlite", 2, 5)

    report = copy_database(other, str(target), CopyOptions())

    assert not any(table.continued for table in report.tables)
    assert "Removed what an earlier copy had left unfinished" in report.notes
    with closing(sqlite3.connect(target)) as connection:
        assert (
            connection.execute("SELECT name FROM sqlite_master WHERE name LIKE '\\_%' ESCAPE '\\'").fetchall()
            == []
        )

    with broken_off(source, target, at="t3", replace=True):
        pass
    again = copy_database(source, str(target), CopyOptions(replace=True, restart=True))
    assert not any(table.continued for table in again.tables)


@contextmanager
def broken_off(source: str, target: Path | str, at: str, *, replace: bool = False) -> Iterator[None]:
    def stop(state: object) -> None:
        if getattr(state, "table", "") == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_database(source, str(target), CopyOptions(replace=replace), stop)
    yield


def run(file: Path, sql: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(sql)
        connection.commit()


def test_a_source_that_changes_meanwhile_is_read_again(tmp_path: Path) -> None:
    file, target = tmp_path / "source.sqlite", tmp_path / "target.sqlite"
    source = numbers(file, 3, 10)
    changes = iter(["UPDATE t1 SET amount = 5 WHERE id = 1"])

    def meddle(state: object) -> None:
        if getattr(state, "table", "") == "t3":
            for sql in changes:
                run(file, sql)

    report = copy_database(source, str(target), None, meddle)

    assert report.notes == ()
    with open_database(str(target)) as database:
        assert database.query("SELECT amount FROM t1 WHERE id = 1")["amount"].to_list() == [5.0]


def test_values_lost_on_the_way_are_found_and_nothing_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = numbers(tmp_path / "source.sqlite", 2, 10), tmp_path / "target.sqlite"
    run(target, "CREATE TABLE t1 (old TEXT)")
    from core.database.sqlite_load import SqliteLoad

    honest = SqliteLoad.insert

    def lossy(load: SqliteLoad, table: str, columns: list[pl.Series]) -> bool:
        if [column.name for column in columns] == ["id", "amount"]:
            columns = [columns[0], columns[1].round(2)]
        return honest(load, table, columns)

    monkeypatch.setattr(SqliteLoad, "insert", lossy)

    with pytest.raises(DatabaseError, match=r"t1 did not arrive as it was: values of amount differ"):
        copy_database(source, str(target), CopyOptions(replace=True))

    with open_database(str(target)) as database:
        assert [table.name for table in database.tables()] == ["t1"]
        assert database.table_schema("t1").columns[0].name == "old"


@pytest.mark.parametrize("engine", ["sqlite", "duckdb", "parquet"])
def test_the_mapping_is_stored_anew_and_views_come_along(engine: str, tmp_path: Path) -> None:
    file = tmp_path / "shop.sqlite"
    run(file, "CREATE TABLE visits (who TEXT, day DATE, paid REAL)")
    run(file, "INSERT INTO visits VALUES ('Ann', '2024-01-02', 10.5), ('Bob', '2024-03-04', 20)")
    run(
        file,
        "CREATE VIEW by_month AS SELECT substr(day, 1, 7) AS month, SUM(paid) AS paid FROM visits GROUP BY 1",
    )
    run(file, "CREATE VIEW twice AS SELECT month, 2 * paid AS paid FROM by_month")
    run(file, "CREATE VIEW odd AS SELECT total(paid) AS t, glob('a*', who) AS g FROM visits GROUP BY 2")
    source, target = f"sqlite:///{file}", address(engine, tmp_path, "copy")
    with open_database(source, read_only=False) as database:
        store_mapping(
            database,
            Mapping.of(sales=("visits", {"customer_id": "who", "order_date": "day", "amount": "paid"})),
        )

    report = copy_database(source, target)

    assert "stg_orders" in report.views
    with open_database(target) as database:
        state = current_mapping(database)
        assert state is not None
        assert state.mapping is not None
        assert database.query("SELECT SUM(amount) AS paid FROM stg_sales")["paid"].to_list() == [30.5]
        if engine == "sqlite":
            assert database.query("SELECT paid FROM twice ORDER BY month")["paid"].to_list() == [21.0, 40.0]


def test_the_command_tells_what_it_did_and_passwords_stay_secret(tmp_path: Path) -> None:
    source, target = numbers(tmp_path / "source.sqlite", 2, 10), tmp_path / "target.duckdb"

    done = subprocess.run(
        [*COMMAND, "--from", source, "--to", f"duckdb:///{target}"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:5] == ["t1", "10", "rows", "checksum", "ok"]
    assert lines[-1].startswith(f"20 rows from {source} to duckdb:///{target} in ")

    refused = subprocess.run(
        [*COMMAND, "--from", source, "--to", "postgresql://me@127.0.0.1:1/x"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"SALES_TO_PASSWORD": "geheim"},
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: ")
    assert "geheim" not in refused.stderr + refused.stdout
    assert "Traceback" not in refused.stderr


def test_ctrl_c_leaves_the_target_as_it_was_and_says_how_to_go_on(tmp_path: Path) -> None:
    source, target = numbers(tmp_path / "source.sqlite", 2, 1_000_000), tmp_path / "target.sqlite"
    run(target, "CREATE TABLE t1 (old TEXT)")
    started = subprocess.Popen(
        [*COMMAND, "--from", source, "--to", f"sqlite:///{target}", "--replace"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        log = target.with_name("target.sqlite-wal")
        deadline = time.monotonic() + 60
        while not (log.exists() and log.stat().st_size > 1_000_000) and started.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        started.send_signal(signal.SIGINT)
        _, said = started.communicate(timeout=60)

    assert started.returncode == 130
    assert "The same command goes on" in said
    with open_database(str(target)) as database:
        assert database.table_schema("t1").columns[0].name == "old"
