"""Thousands of generated statements: none that is accepted changes a database or reads a file outside it."""

import hashlib
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import duckdb
import pytest

from core.adhoc import QueryLimits, run_query
from core.database.adhoc import AdhocConnection, Fetched, Watch
from core.database.duckdb_adhoc import DuckdbAdhoc
from core.database.sqlite_adhoc import SqliteAdhoc
from core.errors import SalesError
from core.sql_guard import CheckedStatement, StatementError, check_statement

STATEMENTS = {"sqlite": 7_600, "duckdb": 2_600}
CANARY = "CANARY-93e0"
LIMITS = QueryLimits(max_rows=500, max_bytes=1_000_000, max_seconds=2)
ROWS = [(i, f"name {i % 5}", i * 1.5, f"2024-01-{i % 28 + 1:02d}") for i in range(40)]
TABLES = ["t", "u", "main.t", '"t"', "T"]
NOISE = [
    " ",
    "  ",
    "\n",
    "\t",
    " -- note\n",
    " /* note */ ",
    "/* ; DROP TABLE t */ ",
    "\u00a0",
    " --\u2028;\n",
]
UNICODE = [
    "'na\u00efve'",
    "'\u200b'",
    "'\U0001f600;'",
    "'it''s -- no'",
    "'/*'",
    '"\uff54"',
    "\uff54",
    "a\u200bb",
]
FILE_CALLS = {
    "sqlite": [
        "readfile('{f}')",
        "writefile('new', 'x')",
        "load_extension('{f}')",
        "edit('x')",
        "zeroblob(9)",
    ],
    "duckdb": ["read_csv('{f}')", "read_text('{f}')", "read_blob('*')", "glob('*')", "sniff_csv('{f}')"],
}
FILE_TABLES = {
    "sqlite": ["pragma_database_list", "pragma_wal_checkpoint()", "sqlite_stmt", "readfile('{f}')", "'{f}'"],
    "duckdb": [
        "'{f}'",
        '"{f}"',
        "canary.csv",
        "read_csv('{f}')",
        "read_text('{f}')",
        "'*.csv'",
        "query('FROM read_text(''{f}'')')",
        "query_table('{f}')",
        "duckdb_settings()",
        "parquet_scan('{f}')",
    ],
}
WHOLE = {
    "sqlite": [
        "ATTACH '{f}' AS n",
        "ATTACH 'new.db' AS n",
        "DETACH main",
        "PRAGMA user_version = 7",
        "VACUUM",
        "PRAGMA query_only = OFF",
        "VACUUM INTO 'new.db'",
        "CREATE TABLE n(a)",
        "DROP TABLE t",
        "BEGIN",
        "CREATE TEMP VIEW n AS SELECT 1",
        "ALTER TABLE t RENAME TO n",
        "REINDEX",
        "ANALYZE",
        "COMMIT",
    ],
    "duckdb": [
        "ATTACH '{f}'",
        "COPY t TO 'new.csv'",
        "COPY t FROM '{f}'",
        "EXPORT DATABASE 'new'",
        "LOAD '{f}'",
        "INSTALL httpfs",
        "SET threads = 1",
        "CALL pragma_version()",
        "FROM '{f}'",
        "SUMMARIZE '{f}'",
        "PRAGMA database_list",
        "CHECKPOINT",
        "CREATE TEMP TABLE n AS SELECT * FROM '{f}'",
        "PIVOT t ON a",
    ],
}
WRITES = [
    "INSERT INTO t(a) VALUES (1)",
    "UPDATE t SET a = 0",
    "DELETE FROM t",
    "DELETE FROM t RETURNING *",
    "INSERT INTO u SELECT * FROM t",
    "REPLACE INTO t(a) VALUES (1)",
    "DROP TABLE u",
    "MERGE INTO t USING u ON 1 = 1 WHEN MATCHED THEN DELETE",
]


class Generator:
    """Statements of all kinds, the same ones for the same seed."""

    def __init__(self, dialect: str, seed: int, file: str) -> None:
        self.dialect, self.dice, self.file = dialect, random.Random(seed), file

    def statement(self) -> tuple[str, str]:
        """A kind and a statement."""
        kind = self.dice.choices(
            ["read", "write", "whole", "second", "cte write", "file table", "file call", "unicode", "broken"],
            [50, 6, 8, 6, 5, 9, 8, 4, 4],
        )[0]
        return kind, self._noisy(self._of_kind(kind).replace("{f}", self.file))

    def _of_kind(self, kind: str) -> str:
        pick, select = self.dice.choice, self._select
        if kind == "read":
            return select(2)
        if kind in ("write", "whole"):
            return pick(WRITES if kind == "write" else WHOLE[self.dialect])
        if kind == "second":
            return (
                f"{select(1)}{pick([';', ' ; ', ';;', ' /* /* */ ; '])}{pick(WRITES + WHOLE[self.dialect])}"
            )
        if kind == "cte write":
            write = pick(WRITES)
            return pick(
                [
                    f"WITH w AS ({select(1)}) {write}",
                    f"WITH w AS ({write}) {select(1)}",
                    f"SELECT * FROM ({write}) AS w",
                    f"EXPLAIN {write}",
                ]
            )
        if kind == "file table":
            table = pick(FILE_TABLES[self.dialect])
            return pick(
                [
                    f"SELECT * FROM {table}",
                    f"SELECT * FROM t, {table} AS z",
                    f"SELECT a IN {table} FROM t",
                    f"SELECT a FROM t WHERE b IN (SELECT * FROM {table})",
                    f"SELECT (SELECT 1 FROM {table})",
                    f"WITH z AS (SELECT * FROM {table}) SELECT * FROM z",
                    f"(TABLE {table})",
                ]
            )
        if kind == "file call":
            call = pick(FILE_CALLS[self.dialect])
            name, rest = call.split("(", 1)
            return select(2).replace(
                "SELECT ", f"SELECT {pick([call, f'{name.upper()} ({rest}', f'"{name}"({rest}'])}, ", 1
            )
        if kind == "unicode":
            return select(2).replace("x.a", pick(UNICODE), 1)
        text = select(2)
        cut = self.dice.randrange(len(text))
        return (
            text[:cut]
            + pick(["", "'", '"', ")", ";", "\x00", "]", "/*", "$$", "{%"])
            + text[cut + pick([0, 1, 3]) :]
        )

    def _noisy(self, sql: str) -> str:
        if self.dice.random() < 0.6:
            return sql
        words = sql.split(" ")
        noise = [self.dice.choice(NOISE) if self.dice.random() < 0.2 else " " for _ in words]
        text = "".join(word + between for word, between in zip(words, noise, strict=True))
        return (
            "".join(c.swapcase() if self.dice.random() < 0.3 else c for c in text)
            if "'" not in text
            else text
        )

    def _select(self, depth: int) -> str:
        pick, chance = self.dice.choice, self.dice.random
        source = pick(TABLES) if depth <= 0 or chance() < 0.7 else f"({self._derived(depth - 1)})"
        if chance() < 0.2:
            columns = f"COUNT(*), MAX({self._number(depth)}), MIN({self._text(depth)})"
        else:
            columns = ", ".join(
                pick([self._number, self._text])(depth) for _ in range(self.dice.randint(1, 3))
            )
            columns += pick(["", "", " AS z", ", ROW_NUMBER() OVER (ORDER BY x.a)", ", NULL", ", 'x;y'"])
        parts = [f"SELECT {columns} FROM {source} AS x"]
        if chance() < 0.2:
            parts.append(
                pick(["CROSS JOIN u AS y", f"LEFT JOIN u AS y ON x.a = y.a AND {self._test(depth)}"])
            )
        if chance() < 0.5:
            parts.append(f"WHERE {self._test(depth)}")
        if chance() < 0.3:
            parts.append(f"LIMIT {self.dice.randint(0, 9)}")
        elif chance() < 0.1:
            parts.append(f"{pick(['UNION', 'UNION ALL', 'EXCEPT'])} {parts[0]}")
        if depth > 1 and chance() < 0.2:
            parts.insert(0, f"WITH {pick(['w', 'v(a, b)', 'RECURSIVE w'])} AS (SELECT x.a, x.b FROM t AS x)")
        return " ".join(parts)

    def _derived(self, depth: int) -> str:
        table = self.dice.choice(TABLES)
        return f"SELECT x.a, x.b, {self._number(depth)} AS c, x.d FROM {table} AS x WHERE {self._test(depth)}"

    def _number(self, depth: int) -> str:
        if depth <= 0:
            return self.dice.choice(["x.a", "x.c", "1", "2.5"]) if self.dice.random() < 0.98 else "x.nosuch"
        inner = self._number(depth - 1)
        choices = [
            inner,
            f"({inner})",
            f"- {inner}",
            f"{inner} + {self._number(0)} * 2",
            f"CASE WHEN {self._test(depth - 1)} THEN {inner} ELSE {self._number(0)} END",
            f"COALESCE({inner}, {self._number(0)})",
            f"LENGTH({self._text(depth - 1)})",
            "(SELECT MAX(y.a) FROM u AS y)",
            f"ROUND({inner}, 1)",
        ]
        return self.dice.choice([*choices, f"nosuch({inner})"] if self.dice.random() < 0.2 else choices)

    def _text(self, depth: int) -> str:
        if depth <= 0:
            return self.dice.choice(["x.b", "x.d", "'it''s'", "'x;y'", "'--'"])
        inner = self._text(depth - 1)
        return self.dice.choice(
            [
                inner,
                f"UPPER({inner})",
                f"SUBSTR({inner}, 1, 3)",
                f"REPLACE({inner}, 'n', ';')",
                f"{inner} || 'z'",
                f"CAST({self._number(depth - 1)} AS TEXT)",
                f"CASE WHEN {self._test(depth - 1)} THEN {inner} END",
            ]
        )

    def _test(self, depth: int) -> str:
        number, text = self._number(max(0, depth - 2)), self._text(max(0, depth - 2))
        return self.dice.choice(
            [
                f"{number} < 5",
                f"{number} IS NOT NULL",
                f"{text} LIKE 'name%'",
                f"{number} IN (1, 2, 3)",
                f"NOT {number} = 1",
                f"{number} BETWEEN 1 AND 9",
                "EXISTS (SELECT 1 FROM u AS y WHERE y.a = x.a)",
                f"{text} = 'a' AND {number} <> 2 OR 1 = 0",
            ]
        )


def _make_sqlite(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        for table in ("t", "u"):
            connection.execute(f"CREATE TABLE {table}(a INTEGER, b TEXT, c REAL, d TEXT)")
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", ROWS)
        connection.commit()


def _make_duckdb(file: Path) -> None:
    with duckdb.connect(file) as connection:
        for table in ("t", "u"):
            connection.execute(f"CREATE TABLE {table}(a INTEGER, b VARCHAR, c DOUBLE, d VARCHAR)")
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", ROWS)


def _digest(folder: Path) -> dict[str, str]:
    files = (
        file for file in folder.rglob("*") if file.is_file() and not file.name.endswith((".wal", "-shm"))
    )
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for part in ("guarded", "open"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "canary.csv").write_text(f"secret\n{CANARY}\n")
        _make_sqlite(tmp_path / part / "db.sqlite")
        _make_duckdb(tmp_path / part / "db.duckdb")
    monkeypatch.chdir(tmp_path / "guarded")
    return tmp_path


def _generated(dialect: str, seed: int, folder: Path) -> list[tuple[str, str]]:
    files = ["canary.csv", str(folder / "guarded" / "canary.csv")]
    makers = [Generator(dialect, seed + i, file) for i, file in enumerate(files)]
    return [maker.statement() for maker in makers for _ in range(STATEMENTS[dialect] // len(makers))]


def _attack(
    adhoc: AdhocConnection, statements: list[tuple[str, str]]
) -> tuple[Counter[str], Counter[str], list[str]]:
    """Accepted and refused by kind, and the accepted texts; what is refused goes to the engine unchecked."""
    accepted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    runnable = []
    shown: list[str] = []
    answered = 0
    for kind, sql in statements:
        try:
            runnable.append(check_statement(sql, adhoc.dialect).sql)
        except StatementError:
            refused[kind] += 1
            run = partial(_unchecked, adhoc, sql)
        else:
            accepted[kind] += 1
            run = partial(run_query, adhoc, sql, limits=LIMITS)
        try:
            shown.append(str(run().frame.rows()))
            answered += 1
        except SalesError as error:
            shown.append(str(error))
    assert not [text for text in shown if CANARY in text]
    assert answered > 0.7 * len(runnable), f"{answered} of {len(runnable)} accepted statements gave rows"
    return accepted, refused, runnable


def _unchecked(adhoc: AdhocConnection, sql: str) -> Fetched:
    return adhoc.fetch(CheckedStatement(sql, sql, adhoc.dialect, (), ()), {}, Watch(LIMITS), {})


def _require_both_outcomes(accepted: Counter[str], refused: Counter[str]) -> None:
    total = accepted.total() + refused.total()
    assert accepted.total() > 0.3 * total, (accepted, refused)
    assert refused.total() > 0.3 * total, (accepted, refused)
    assert accepted["read"] > 0.6 * (accepted["read"] + refused["read"])
    for kind in ("write", "whole", "second", "cte write", "file table", "file call"):
        assert refused[kind] > 80, kind
        assert not accepted[kind], (kind, accepted[kind])


def _run_all(execute: Callable[[str], object], statements: list[str]) -> int:
    """Run statements with nothing but the parser's word; how many ran."""
    ran = 0
    for sql in statements:
        try:
            assert CANARY not in str(execute(sql)), sql
            ran += 1
        except (sqlite3.Error, duckdb.Error):
            pass
    return ran


def test_generated_statements_leave_sqlite_alone(folder: Path) -> None:
    before = _digest(folder)
    statements = _generated("sqlite", 1, folder)
    with SqliteAdhoc(folder / "guarded" / "db.sqlite") as adhoc:
        accepted, refused, runnable = _attack(adhoc, statements)
    _require_both_outcomes(accepted, refused)
    assert _digest(folder) == before
    with closing(sqlite3.connect(folder / "open" / "db.sqlite", isolation_level=None)) as unguarded:
        ran = _run_all(lambda sql: unguarded.execute(sql).fetchmany(50), runnable)
        assert unguarded.total_changes == 0
        assert unguarded.execute("SELECT * FROM t").fetchall() == ROWS
    assert ran > 0.7 * len(runnable)
    assert _digest(folder) == before


def test_generated_statements_leave_duckdb_alone(folder: Path) -> None:
    before = _digest(folder)
    statements = _generated("duckdb", 2, folder)
    with (
        duckdb.connect(folder / "guarded" / "db.duckdb", read_only=True, config={"threads": 1}) as connection,
        DuckdbAdhoc(connection) as adhoc,
    ):
        accepted, refused, runnable = _attack(adhoc, statements)
    _require_both_outcomes(accepted, refused)
    assert _digest(folder) == before
    with duckdb.connect(folder / "open" / "db.duckdb", config={"threads": 1}) as unguarded:
        ran = _run_all(lambda sql: unguarded.execute(sql).fetchmany(50), runnable)
        assert unguarded.execute("SELECT * FROM t").fetchall() == ROWS
    assert ran > 0.7 * len(runnable)
    assert _digest(folder) == before


def test_the_check_costs_little(folder: Path) -> None:
    statements = [sql for _, sql in _generated("sqlite", 3, folder)[:500]]
    check_statement.cache_clear()
    begin = time.process_time()
    for sql in statements:
        with suppress(StatementError):
            check_statement(sql, "sqlite")
    assert (time.process_time() - begin) / len(statements) < 0.01
