"""Every query is portable, and the gate that says so refuses what is not."""

import pytest
from sql_gate import violations
from sqlglot import exp, parse_one

from core.sql_files import read_sql, sql_names, staging_files

PORTABLE = [name for name in sql_names() if not name.startswith("staging/")]
STAGING = sql_names("staging")


@pytest.mark.parametrize("name", PORTABLE)
def test_query_is_portable(name: str) -> None:
    assert (
        violations(read_sql(name).text, may_order=not name.startswith(("marts/", "features/", "labels/")))
        == []
    )


@pytest.mark.parametrize("name", PORTABLE)
def test_header_tells_the_truth(name: str) -> None:
    file = read_sql(name)
    tree = parse_one(file.text, dialect="sqlite")
    inner = {cte.alias for cte in tree.find_all(exp.CTE)}
    assert {table.name for table in tree.find_all(exp.Table)} - inner == set(file.needs)
    assert {node.name for node in tree.find_all(exp.Placeholder)} == set(file.parameters)
    assert tree.named_selects == list(file.columns)


@pytest.mark.parametrize("name", STAGING)
def test_staging_is_one_plain_select_of_its_engine(name: str) -> None:
    file = read_sql(name)
    engine = name.split("/")[1]
    tree = parse_one(file.text, dialect={"mssql": "tsql"}.get(engine, engine))
    assert isinstance(tree, exp.Select)
    assert not list(tree.find_all(exp.Placeholder, exp.With, exp.Order))
    assert {table.name for table in tree.find_all(exp.Table)} == set(file.needs)
    assert tree.named_selects == list(file.columns)


@pytest.mark.parametrize("engine", sorted({name.split("/")[1] for name in STAGING}))
def test_all_engines_have_the_same_staging_views(engine: str) -> None:
    sqlite, other = staging_files("sqlite"), staging_files(engine)
    assert [(f.stem, f.columns, f.grain) for f in sqlite] == [(f.stem, f.columns, f.grain) for f in other]


PLANTED = {
    "SELECT a FROM t LIMIT 5": "LIMIT or TOP",
    "SELECT TOP 5 a FROM t": "cannot parse",
    "SELECT a FROM t ORDER BY a OFFSET 5 ROWS FETCH NEXT 5 ROWS ONLY": "FETCH",
    "SELECT a FROM t ORDER BY a LIMIT 5 OFFSET 5": "OFFSET",
    "SELECT a, ROW_NUMBER() OVER (ORDER BY a) AS n FROM t QUALIFY n = 1": "QUALIFY",
    "SELECT SUM(a) FILTER (WHERE a > 1) AS s FROM t": "FILTER",
    "SELECT a FROM t WHERE d > :as_of_day - INTERVAL '30' DAY": "INTERVAL",
    "SELECT a || b AS c FROM t": "||",
    "SELECT a FROM t WHERE b = TRUE": "a boolean literal",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r": "a recursive CTE",
    "SELECT a, SUM(b) AS s FROM t GROUP BY 1": "an ordinal in GROUP BY",
    "SELECT a, SUM(b) AS s FROM t GROUP BY ALL": "GROUP BY ALL",
    "SELECT a FROM t ORDER BY 1": "an ordinal in ORDER BY",
    "SELECT a FROM t ORDER BY a NULLS LAST": "NULLS FIRST or LAST",
    "SELECT a FROM t ORDER BY a DESC NULLS FIRST": "NULLS FIRST or LAST",
    "SELECT CAST(a AS FLOAT) AS f FROM t": "a cast",
    "SELECT CAST('2024-06-30' AS DATE) AS d FROM t": "a cast",
    "SELECT a::INTEGER AS i FROM t": "a cast",
    "SELECT a FROM t WHERE d < DATE '2024-06-30'": "a date literal",
    "SELECT DATEDIFF(day, a, b) AS d FROM t": "the function",
    "SELECT julianday(a) AS d FROM t": "the function",
    "SELECT strftime('%Y', a) AS d FROM t": "the function",
    "SELECT EXTRACT(YEAR FROM a) AS y FROM t": "the function",
    "SELECT CURRENT_DATE AS d FROM t": "the function",
    "SELECT GREATEST(a, b) AS g FROM t": "the function",
    "SELECT STDDEV(a) AS s FROM t": "the function",
    "SELECT MEDIAN(a) AS m FROM t": "the function",
    "SELECT IFNULL(a, 0) AS i FROM t WHERE some_engine_function(a) = 1": "the function",
    "SELECT a / b AS q FROM t": "a division without * 1.0",
    "SELECT a / 365 AS q FROM t": "a division without * 1.0",
    "SELECT a > 1 AS big FROM t": "a condition used as a value",
    "SELECT SUM(a > 1) AS big FROM t": "a condition used as a value",
    "SELECT t.a FROM t FULL JOIN u ON u.a = t.a": "a FULL, NATURAL or USING join",
    "SELECT t.a FROM t JOIN u USING (a)": "a FULL, NATURAL or USING join",
    "SELECT t.a FROM t NATURAL JOIN u": "a FULL, NATURAL or USING join",
    "SELECT SUM(a) OVER (ORDER BY d RANGE 30 PRECEDING) AS s FROM t": "a RANGE window",
    "SELECT * FROM t": "SELECT *",
    "SELECT a FROM (SELECT a FROM t)": "a sub-query without a name",
    "SELECT a FROM (SELECT a FROM t ORDER BY a) AS s": "ORDER BY inside a query or mart",
    'SELECT "a" FROM t': "a quoted name",
    "SELECT a FROM t WHERE b ILIKE 'x%'": "ILIKE",
    "SELECT a FROM t; DELETE FROM t": "more than one statement",
    "SELECT FROM WHERE": "cannot parse",
}


@pytest.mark.parametrize(("text", "reason"), PLANTED.items())
def test_gate_refuses(text: str, reason: str) -> None:
    assert any(reason in found for found in violations(text)), violations(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a, COUNT(*) AS n FROM t WHERE d < :as_of_day - 365 GROUP BY a ORDER BY n DESC",
        "SELECT SUM(CASE WHEN a > 1 THEN b ELSE 0 END) AS s, a * 1.0 / 3 AS q FROM t GROUP BY a",
        "SELECT a % 100 AS m, ROUND(b, 2) AS r, ROW_NUMBER() OVER (ORDER BY a, b) AS n FROM t",
    ],
)
def test_gate_lets_portable_queries_pass(text: str) -> None:
    assert violations(text) == []


def test_marts_may_not_order() -> None:
    assert violations("SELECT a FROM t ORDER BY a", may_order=False) == ["ORDER BY inside a query or mart"]
