"""Planted attacks: each is stopped by the parser alone, and by the engine alone."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from core.database.adhoc import QueryLimits, Watch
from core.database.duckdb_adhoc import DuckdbAdhoc, confine, require_reading
from core.database.sqlite_adhoc import SqliteAdhoc
from core.errors import DatabaseError, SalesError
from core.sql_guard import CheckedStatement, StatementError, check_statement

CANARY = "CANARY-51c7"

SQLITE = {
    "insert": "INSERT INTO t VALUES (99, 'x')",
    "insert in a CTE": "WITH a AS (SELECT 1) INSERT INTO t SELECT 1, 'x' FROM a",
    "update": "UPDATE t SET a = 0 RETURNING a",
    "delete": "WITH a AS (SELECT 1) DELETE FROM t",
    "replace": "REPLACE INTO t VALUES (1, 'x')",
    "create": "CREATE TABLE u AS SELECT 1",
    "temporary table": "CREATE TEMP TABLE u AS SELECT 1",
    "drop": "DROP TABLE t",
    "second statement": "SELECT 1; DROP TABLE t",
    "nested comment": "SELECT 1 /* /* */ ; DROP TABLE t -- */",
    "attach": "ATTACH 'new.db' AS n",
    "attach memory": "ATTACH ':memory:' AS n",
    "vacuum into": "VACUUM INTO 'new.db'",
    "pragma": "PRAGMA journal_mode = DELETE",
    "pragma that unlocks": "PRAGMA query_only = OFF",
    "writable schema": "PRAGMA writable_schema = ON",
    "path of the file": "SELECT file FROM pragma_database_list",
    "path of the file, called": "SELECT file FROM pragma_database_list()",
    "statements of others": "SELECT sql FROM sqlite_stmt",
    "extension": "SELECT load_extension('new.so')",
    "quoted extension": "SELECT \"load_extension\"('new.so')",
    "tokenizer": "SELECT fts3_tokenizer('simple')",
    "huge value": "SELECT zeroblob(2000000000)",
    "log": "SELECT sqlite_log(1, 'x')",
    "transaction": "BEGIN IMMEDIATE",
    "savepoint": "SAVEPOINT s",
    "reindex": "REINDEX",
    "analyze": "ANALYZE",
    "virtual table": "CREATE VIRTUAL TABLE v USING fts5(x)",
    "trigger": "CREATE TEMP TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
}

DUCKDB = {
    "insert": "INSERT INTO t VALUES (99, 'x')",
    "update": "UPDATE t SET a = 0",
    "delete": "DELETE FROM t",
    "create": "CREATE TABLE u AS SELECT 1",
    "temporary table": "CREATE TEMP TABLE u AS SELECT 1",
    "macro": "CREATE TEMP MACRO m() AS 1",
    "second statement": "SELECT 1; SELECT 2",
    "attach": "ATTACH 'new.db' AS n",
    "copy out": "COPY t TO 'new.csv'",
    "copy query out": "COPY (SELECT 1) TO 'new.csv'",
    "copy in": "COPY t FROM 'canary.csv'",
    "export": "EXPORT DATABASE 'new'",
    "install": "INSTALL httpfs",
    "load": "LOAD 'new'",
    "set": "SET threads = 1",
    "variable": "SET VARIABLE x = 1",
    "pragma": "PRAGMA database_list",
    "call": "CALL pragma_database_size()",
    "prepare": "PREPARE p AS SELECT 1",
    "checkpoint": "CHECKPOINT",
    "summarize": "SUMMARIZE t",
    "describe": "SELECT * FROM (DESCRIBE t)",
    "file": "SELECT * FROM 'canary.csv'",
    "quoted file": 'SELECT * FROM "canary.csv"',
    "dotted file": "SELECT * FROM canary.csv",
    "file after a comma": "SELECT * FROM t, 'canary.csv' AS c",
    "file in a sub-query": "SELECT a FROM t WHERE b IN (SELECT secret FROM 'canary.csv')",
    "file, from first": "FROM 'canary.csv'",
    "read_csv": "SELECT * FROM read_csv('canary.csv')",
    "read_text": "SELECT content FROM read_text('canary.csv')",
    "read_text as method": "SELECT 'canary.csv'.read_text()",
    "read_blob": "SELECT * FROM read_blob('*')",
    "quoted function": "SELECT * FROM \"read_csv\"('canary.csv')",
    "function of a schema": "SELECT * FROM main.read_csv('canary.csv')",
    "glob": "SELECT * FROM glob('*')",
    "sniff": "SELECT * FROM sniff_csv('canary.csv')",
    "query": "SELECT * FROM query('FROM read_csv(''canary.csv'')')",
    "query_table": "SELECT * FROM query_table('canary.csv')",
    "serialized": "SELECT * FROM json_execute_serialized_sql('{}')",
    "secrets": "SELECT * FROM duckdb_secrets()",
    "settings": "SELECT * FROM duckdb_settings()",
    "one setting": "SELECT current_setting('home_directory')",
    "log": "SELECT write_log('x')",
    "wait": "SELECT sleep_ms(1)",
    "huge text": "SELECT length(repeat('x', 3000000000))",
    "python variable": "SELECT * FROM leaked",
}
_ONLY_WITH_THE_ENGINE = {"python variable"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "canary.csv").write_text(f"secret\n{CANARY}\n")
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("t.sqlite")) as connection:
        connection.executescript("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'one'), (2, 'two');")
    with duckdb.connect("t.duckdb") as made:
        made.execute("CREATE TABLE t AS SELECT * FROM (VALUES (1, 'one'), (2, 'two')) v(a, b)")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    yield tmp_path
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def _unchecked(sql: str, dialect: str) -> CheckedStatement:
    return CheckedStatement(sql, sql, dialect, (), ())


@pytest.mark.parametrize("name", SQLITE)
def test_sqlite_attacks_are_stopped_by_the_parser_alone(name: str) -> None:
    with pytest.raises(StatementError):
        check_statement(SQLITE[name], "sqlite")


@pytest.mark.parametrize("name", SQLITE)
def test_sqlite_attacks_are_stopped_by_the_engine_alone(name: str, folder: Path) -> None:
    with SqliteAdhoc(folder / "t.sqlite") as adhoc, pytest.raises(SalesError):
        adhoc.fetch(_unchecked(SQLITE[name], "sqlite"), {}, Watch(QueryLimits()), {})


@pytest.mark.parametrize("name", sorted(set(DUCKDB) - _ONLY_WITH_THE_ENGINE))
def test_duckdb_attacks_are_stopped_by_the_parser_alone(name: str) -> None:
    with pytest.raises(StatementError):
        check_statement(DUCKDB[name], "duckdb")


@pytest.mark.parametrize("name", DUCKDB)
def test_duckdb_attacks_are_stopped_by_the_engine_alone(name: str, folder: Path) -> None:
    leaked = [CANARY]  # noqa: F841 - what a replacement scan would find
    with (
        duckdb.connect(folder / "t.duckdb", read_only=True) as connection,
        DuckdbAdhoc(connection) as adhoc,
        pytest.raises(SalesError),
    ):
        adhoc.fetch(_unchecked(DUCKDB[name], "duckdb"), {}, Watch(QueryLimits()), {})


@pytest.mark.parametrize("name", [name for name, sql in DUCKDB.items() if "canary" in sql or "'new" in sql])
def test_duckdb_reads_no_file_even_if_its_syntax_tree_is_not_looked_at(name: str, folder: Path) -> None:
    with duckdb.connect(folder / "t.duckdb", read_only=True) as connection:
        confine(connection)
        with pytest.raises(duckdb.Error):
            connection.execute(DUCKDB[name]).fetchall()


def test_the_attacks_work_where_nothing_stops_them(folder: Path) -> None:
    with duckdb.connect() as unguarded:
        assert unguarded.execute("SELECT content FROM read_text('canary.csv')").fetchall()[0][0].count(CANARY)
        assert unguarded.execute(DUCKDB["file"]).fetchall() == [(CANARY,)]
    with closing(sqlite3.connect(folder / "t.sqlite")) as unguarded:
        assert unguarded.execute(SQLITE["update"]).fetchall() == [(0,), (0,)]
        assert unguarded.execute(SQLITE["path of the file"]).fetchall()[0][0].endswith("t.sqlite")
        unguarded.rollback()


def test_a_database_open_for_writing_is_not_confined(folder: Path) -> None:
    with (
        duckdb.connect(folder / "t.duckdb") as connection,
        pytest.raises(DatabaseError, match="open for writing"),
    ):
        confine(connection)


def test_a_configuration_locked_with_files_allowed_is_not_trusted(folder: Path) -> None:
    with duckdb.connect(folder / "t.duckdb", read_only=True) as connection:
        connection.execute("SET lock_configuration = true")
        with pytest.raises(DatabaseError, match="enable_external_access is not false"):
            confine(connection)


def test_views_over_an_allowed_folder_can_be_read_but_not_the_folder_itself(folder: Path) -> None:
    (folder / "inside").mkdir()
    with duckdb.connect() as connection:
        connection.execute("COPY (SELECT 7 AS a) TO 'inside/p.parquet' (FORMAT parquet)")
        connection.execute(f"CREATE VIEW p AS SELECT * FROM '{folder / 'inside' / 'p.parquet'}'")
        connection.execute(f"SET allowed_directories = ['{folder / 'inside'}/']")
        with DuckdbAdhoc(connection) as adhoc:
            assert adhoc.fetch(
                _unchecked("SELECT a FROM p", "duckdb"), {}, Watch(QueryLimits()), {}
            ).frame.rows() == [(7,)]
        with pytest.raises(StatementError):
            require_reading(connection, "SELECT * FROM 'inside/p.parquet'", frozenset({"p"}))
        with pytest.raises(duckdb.Error):
            connection.execute("SELECT * FROM 'canary.csv'")
    (folder / "inside" / "p.parquet").unlink()
    (folder / "inside").rmdir()
