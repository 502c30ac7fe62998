"""Typed SQL: what is accepted, what is refused, why and where."""

import threading

import pytest

from core.sql_files import read_sql, sql_names
from core.sql_guard import StatementError, check_statement, require_own_schema

ACCEPTED = {
    "sqlite": [
        "select 1",
        "-- the best\nSELECT a, COUNT(*) FROM t GROUP BY 1 HAVING COUNT(*) > 1 ORDER BY 2 DESC LIMIT 3;",
        "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 5) SELECT * FROM r",
        "VALUES (1, 2), (3, 4)",
        "(SELECT 1) /* done */ ;; ",
        "SELECT date(a, '-1 day'), x ->> '$.a' FROM t, json_each(t.j) WHERE a LIKE 'x' ESCAPE '!'",
        "SELECT SUM(a) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM main.t",
        "SELECT CAST(a AS DECIMAL(10, 2)), CASE a WHEN 1 THEN 'it''s' ELSE \"y\" END FROM t AS q(a, y)",
        'SELECT round(avg(x), 2) AS "naïve ü" FROM `t` WHERE [a b] = :b AND c < :a',
        "SELECT replace(a, ';', 'drop table t') FROM t -- ; DELETE FROM t",
        "SELECT * FROM pragma_table_info('t')",
    ],
    "duckdb": [
        "SELECT a, SUM(b) FROM t GROUP BY ALL QUALIFY ROW_NUMBER() OVER (ORDER BY a) = 1",
        "SELECT * EXCLUDE (a) REPLACE (b + 1 AS b) FROM t ASOF JOIN u ON t.a >= u.a",
        "SELECT t.a::INT, [1, 2][1], {'x': 1}.x, list_transform([1, 2], x -> x + 1), d - INTERVAL 3 DAY",
        "SELECT i FROM range(3) r(i), unnest([1, 2]) u(x) WHERE i < :most",
    ],
    "tsql": [
        "SELECT TOP 10 [a b], SUM(b) FROM dbo.t GROUP BY [a b] ORDER BY 2 DESC",
        "SELECT a FROM t ORDER BY a OFFSET 5 ROWS FETCH NEXT 10 ROWS ONLY",
        "SELECT DATEADD(day, 1, d), LEFT(a, 2), CONVERT(VARCHAR(9), d) FROM t WHERE a = N'x' AND b = :p",
    ],
}

REFUSED = [
    ("sqlite", "INSERT INTO t VALUES (1)", "INSERT changes data", (1, 1)),
    ("sqlite", "SELECT 1;\nDROP TABLE t", "more than one statement", (2, 1)),
    ("sqlite", "SELECT 1 /* /* */ ; DROP TABLE t -- */", "more than one statement", (1, 21)),
    ("sqlite", "WITH a AS (SELECT 1)\n  DELETE FROM t", "DELETE changes data", (2, 3)),
    ("sqlite", "ATTACH 'x.db' AS x", "ATTACH opens other database files", (1, 1)),
    ("sqlite", "PRAGMA journal_mode = DELETE", "PRAGMA changes", (1, 1)),
    ("sqlite", "EXPLAIN SELECT 1", "plan button", (1, 1)),
    ("sqlite", "SELECT load_extension('x')", "load_extension loads", (1, 8)),
    ("sqlite", "SELECT \"readfile\"('x')", "reads or writes files", (1, 8)),
    ("sqlite", "SELECT * FROM pragma_database_list", "inside of the engine", (1, 15)),
    ("sqlite", "SELECT 1 WHERE 1 IN sqlite_stmt", "inside of the engine", (1, 21)),
    ("sqlite", "SELECT\n  nosuch(1)", "There is no function nosuch", (2, 3)),
    ("sqlite", "SELECT a FORM t x y", "t does not fit", (1, 15)),
    ("sqlite", "SELECT 'abc", "text that begins with ' is not closed", (1, 8)),
    ("sqlite", "SELECT 1 /* abc", "comment that begins with /*", (1, 10)),
    ("sqlite", "SELECT [a]];DROP TABLE t;--]", "engines read differently", (1, 8)),
    ("sqlite", "SELECT \x00 1", "U\\+0000", (1, 8)),
    ("sqlite", "SELECT @a", "Variables", (1, 8)),
    ("sqlite", "SELECT zeroblob(10)", "values of any size", (1, 8)),
    ("sqlite", "  -- nothing", "no statement", None),
    ("duckdb", "SELECT * FROM 'canary.csv'", "is a file", (1, 15)),
    ("duckdb", 'SELECT * FROM "canary.csv"', "is a file", (1, 15)),
    ("duckdb", "SELECT * FROM canary.csv", "is a file", None),
    ("duckdb", "SELECT * FROM t, 'canary'", "is a file", (1, 18)),
    ("duckdb", "SELECT * FROM read_csv('canary.csv')", "read_csv reads or writes files", (1, 15)),
    ("duckdb", "SELECT 'canary.csv'.read_text()", "read_text reads or writes files", None),
    ("duckdb", "SELECT * FROM glob('*')", "glob reads or writes files", (1, 15)),
    ("duckdb", "COPY t TO 'x'", "COPY reads or writes files", (1, 1)),
    ("duckdb", "INSTALL httpfs", "INSTALL adds code", (1, 1)),
    ("duckdb", "LOAD httpfs", "LOAD adds code", (1, 1)),
    ("duckdb", "SELECT * FROM query('DROP TABLE t')", "runs text as SQL", (1, 15)),
    ("duckdb", "SELECT getenv('HOME')", "configuration of the server", (1, 8)),
    ("duckdb", "SELECT * FROM duckdb_secrets()", "configuration of the server", (1, 15)),
    ("duckdb", "SELECT e'a\\'b'", "engines read differently", (1, 8)),
    ("duckdb", "SELECT $$a$$", "engines read differently", (1, 8)),
    ("duckdb", "WITH read_csv(a) AS (SELECT 1) SELECT * FROM read_csv('x')", "read_csv", (1, 6)),
    ("tsql", "EXEC sp_help", "EXEC runs procedures", (1, 1)),
    ("tsql", "sp_help", "cannot begin a statement", (1, 1)),
    ("tsql", "SELECT 1 EXEC sp_help", "EXEC begins a statement", (1, 10)),
    ("tsql", "SELECT 1 SHUTDOWN", "SHUTDOWN begins a statement", (1, 10)),
    ("tsql", "SELECT * INTO x FROM t", "INTO", (1, 10)),
    ("tsql", "SELECT * FROM OPENROWSET('a', 'b', 'c')", "openrowset reads or writes files", (1, 15)),
    ("tsql", "SELECT NEXT VALUE FOR s", "changes a sequence", (1, 8)),
    ("tsql", "SELECT xp_cmdshell('dir')", "stored procedures", (1, 8)),
    ("tsql", "SELECT * FROM s.db.dbo.t", "outside this database", (1, 15)),
    ("postgres", "SELECT pg_read_file('x')", "reads or writes files", (1, 8)),
    (
        "postgres",
        "WITH a AS (UPDATE t SET a = 1 RETURNING *) SELECT * FROM a",
        "UPDATE changes data",
        (1, 12),
    ),
    ("postgres", "SELECT * FROM t FOR UPDATE", "lock rows", (1, 17)),
    ("postgres", "SELECT * FROM information_schema.tables", "information_schema shows the inside", (1, 15)),
    ("postgres", "SELECT * FROM pg_catalog.t", "pg_catalog shows the inside", (1, 15)),
    ("postgres", "SELECT other.upper('x')", "upper is called from a schema", (1, 14)),
    ("postgres", "SELECT * FROM other.unnest(ARRAY[1])", "unnest is called from a schema", (1, 21)),
    ("mysql", "SELECT * FROM other.t", "outside this database", (1, 15)),
    ("mysql", "SELECT * FROM information_schema.tables", "outside this database", (1, 15)),
    ("tsql", "SELECT * FROM other..t", "A name is missing between dots", (1, 20)),
    ("tsql", "SELECT * FROM guest.t", "guest shows the inside", (1, 15)),
    ("tsql", "SELECT * FROM other.string_split('a', ',')", "called from a schema", (1, 21)),
    ("spark", "SELECT * FROM global_temp.t", "global_temp shows the inside", (1, 15)),
    ("spark", "SELECT * FROM catalog.other.t", "outside this database", (1, 15)),
    ("spark", "SELECT * FROM system.t", "system shows the inside", (1, 15)),
    ("duckdb", "SELECT * FROM other.t", "There is no schema other", (1, 15)),
    ("duckdb", "SELECT * FROM company.other.t", "There is no schema other", (1, 15)),
    ("duckdb", "SELECT * FROM pg_catalog.t", "There is no schema pg_catalog", (1, 15)),
    ("sqlite", "SELECT * FROM other.t", "There is no schema other", (1, 15)),
]

READING_OTHERS = [
    "SELECT * FROM {table}",
    "SELECT * FROM {table} AS t",
    "SELECT * FROM t, {table}",
    "SELECT * FROM t JOIN {table} AS u ON u.a = t.a",
    "SELECT (SELECT MAX(a) FROM {table})",
    "SELECT a FROM t WHERE a IN (SELECT a FROM {table})",
    "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM {table} AS u WHERE u.a = t.a)",
    "SELECT a FROM t UNION ALL SELECT a FROM {table}",
    "WITH t AS (SELECT a FROM {table}) SELECT a FROM t",
    "WITH other AS (SELECT 1 AS a) SELECT a FROM {table}",
    "SELECT * FROM (SELECT a FROM (SELECT a FROM {table}) AS u) AS t",
    "SELECT a FROM t ORDER BY (SELECT MAX(a) FROM {table})",
    "SELECT CASE WHEN a = (SELECT 1 FROM {table}) THEN 1 ELSE 2 END FROM t",
    "SELECT * FROM /* public. */ {table} -- public.t",
    "SELECT * FROM\n{table}",
]
WAYS_TO_WRITE = {
    "postgres": ["other.t", "OTHER.t", '"other".t', 'other."t"', "other . t", "ONLY other.t", "other.t *"],
    "tsql": ["other.t", "[other].[t]", '"other".t', "Other . t"],
    "spark": ["other.t", "`other`.`t`", "Other.t"],
}


@pytest.mark.parametrize(("dialect", "sql"), [(d, sql) for d, texts in ACCEPTED.items() for sql in texts])
def test_reading_is_accepted(dialect: str, sql: str) -> None:
    assert check_statement(sql, dialect).text == sql


@pytest.mark.parametrize(("dialect", "sql", "reason", "place"), REFUSED)
def test_everything_else_is_refused_with_reason_and_place(
    dialect: str, sql: str, reason: str, place: tuple[int, int] | None
) -> None:
    with pytest.raises(StatementError, match=reason) as caught:
        check_statement(sql, dialect)
    assert caught.value.remedy
    if place is not None:
        assert (caught.value.line, caught.value.column) == place
        assert f"(line {place[0]}, column {place[1]})" in caught.value.message


@pytest.mark.parametrize("shape", READING_OTHERS)
@pytest.mark.parametrize(
    ("dialect", "table"), [(d, way) for d, ways in WAYS_TO_WRITE.items() for way in ways]
)
def test_no_table_of_another_schema_is_overlooked(dialect: str, table: str, shape: str) -> None:
    try:
        checked = check_statement(shape.format(table=table), dialect)
    except StatementError:
        return  # not written like that on this engine
    assert [name for name, _ in checked.schemas] == ["other"]
    with pytest.raises(StatementError, match="The schema other is not the one that is shown, public"):
        require_own_schema(checked.text, checked.schemas, "public", dialect)
    require_own_schema(checked.text, checked.schemas, "other", dialect)


def test_quoted_names_of_schemas_are_compared_as_the_server_does() -> None:
    quoted = check_statement('SELECT * FROM "Public".t', "postgres")
    with pytest.raises(StatementError, match="The schema Public"):
        require_own_schema(quoted.text, quoted.schemas, "public", "postgres")
    bracketed = check_statement("SELECT * FROM [DBO].t", "tsql")
    require_own_schema(bracketed.text, bracketed.schemas, "dbo", "tsql")


@pytest.mark.parametrize("name", [n for n in sql_names() if not n.startswith(("schema/", "staging/"))])
@pytest.mark.parametrize("dialect", ["sqlite", "duckdb", "tsql", "postgres", "spark"])
def test_every_query_of_the_product_is_accepted(name: str, dialect: str) -> None:
    file = read_sql(name)
    checked = check_statement(file.text, dialect)
    assert sorted(checked.parameters) == sorted(file.parameters)
    assert {table.lower() for table in checked.tables} == set(file.needs)


def test_what_goes_to_the_engine_has_no_comments_and_keeps_every_place() -> None:
    sql = "SELECT a, -- one; DROP\n\t/* two\n*/ 'x -- y'\u00a0FROM t;"
    checked = check_statement(sql, "sqlite")
    assert len(checked.sql) == len(sql) - 1
    assert [line.rstrip() for line in checked.sql.split("\n")] == ["SELECT a,", "", "   'x -- y' FROM t"]


def test_parameters_come_in_order_and_as_the_engine_writes_them() -> None:
    sql = "SELECT x[1:2] FROM t WHERE a < :late AND b > :early OR a = :late"
    assert check_statement(sql, "duckdb").parameters == ("late", "early")
    assert "a < $late AND b > $early OR a = $late" in check_statement(sql, "duckdb").sql
    assert "[1:2]" in check_statement(sql, "duckdb").sql
    assert check_statement("SELECT :b, :a", "sqlite").sql == "SELECT :b, :a"


def test_common_tables_that_double_and_double_are_refused() -> None:
    def doubling(times: int) -> str:
        steps = ", ".join(f"a{i + 1} AS (SELECT p.x FROM a{i} p, a{i} q)" for i in range(times))
        return f"WITH a0 AS (SELECT 1 AS x UNION ALL SELECT 2), {steps} SELECT COUNT(*) FROM a{times}"

    check_statement(doubling(8), "sqlite")
    with pytest.raises(StatementError, match="tables, counting those"):
        check_statement(doubling(30), "sqlite")
    hidden = f"SELECT * FROM ({doubling(30)}) AS inside"
    with pytest.raises(StatementError, match="tables, counting those"):
        check_statement(hidden, "sqlite")


@pytest.mark.parametrize("opening", ["(", "NOT ", "- ", "CASE WHEN ", "abs(", "(SELECT "])
def test_deep_nesting_ends_in_a_sentence(opening: str) -> None:
    with pytest.raises(StatementError):
        check_statement("SELECT " + opening * 3000 + "1", "sqlite")


def test_depth_does_not_depend_on_the_caller() -> None:
    sql = "SELECT " + "(" * 20 + "1" + ")" * 20

    def deep(calls: int) -> str:
        return check_statement(sql, "sqlite").sql if calls == 0 else deep(calls - 1)

    assert deep(600) == sql


def test_checking_from_many_threads_agrees() -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda i=i: found.append(check_statement(f"SELECT {i}", "duckdb").sql))
        for i in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(f"SELECT {i}" for i in range(20))


def test_long_texts_are_refused_at_once() -> None:
    with pytest.raises(StatementError, match="longer than"):
        check_statement("SELECT 1 " + " " * 200_000, "sqlite")
    with pytest.raises(StatementError, match="words and signs"):
        check_statement("SELECT 1" + ",1" * 30_000, "sqlite")
