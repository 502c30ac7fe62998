"""T-SQL: traps that parsers do not see, staging views, values in the text, and the catalogue."""

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import parse_one
from tsql_traps import traps

from core.database.server import mssql_literals
from core.database.server.mssql_bulk import blocks_of
from core.database.server.mssql_catalogue import rights_again, select_of
from core.errors import QueryError
from core.sql_files import read_sql, sql_names

PORTABLE = [name for name in sql_names() if not name.startswith("staging/")]


@pytest.mark.parametrize("name", [*PORTABLE, *sql_names("staging/mssql")])
def test_queries_have_no_trap_of_tsql(name: str) -> None:
    assert traps(read_sql(name).text) == []


@pytest.mark.parametrize(
    ("text", "trap"),
    [
        ("SELECT a % :n AS b FROM t GROUP BY a % :n", "a parameter in GROUP BY"),
        (
            "SELECT SUM(CASE WHEN EXISTS (SELECT 1 AS x FROM u) THEN 1 ELSE 0 END) AS s FROM t",
            "sub-query inside",
        ),
        ("SELECT b.a FROM (WITH c AS (SELECT a FROM t) SELECT a FROM c) AS b", "WITH inside"),
        ("SELECT t.plan FROM t", "the reserved word plan"),
        ("SELECT ROUND(a) AS b FROM t", "ROUND without digits"),
        ("SELECT a FROM t WHERE (a, b) IN (SELECT c, d FROM u)", "a comparison of rows"),
        ("SELECT COUNT(DISTINCT a, b) AS n FROM t", "several columns"),
        ("SELECT CASE WHEN a > 1 THEN NULL END AS b FROM t", "nothing but NULL"),
        ("SELECT ROW_NUMBER() OVER (PARTITION BY a) AS n FROM t", "without ORDER BY"),
        ("SELECT COUNT(DISTINCT a) OVER (PARTITION BY b) AS n FROM t", "DISTINCT in a window"),
        ("SELECT AVG(s.order_day) AS n FROM s", "AVG of integers"),
    ],
)
def test_traps_are_found(text: str, trap: str) -> None:
    assert any(trap in found for found in traps(text)), traps(text)


@pytest.mark.parametrize("name", sql_names("staging/mssql"))
def test_integers_of_staging_views_are_wide_enough_to_be_summed(name: str) -> None:
    file = read_sql(name)
    select = parse_one(file.text, dialect="tsql")
    for column in select.selects:
        if file.columns[column.alias].startswith(("integer", "day")):
            assert column.this.sql("tsql").endswith("AS BIGINT)"), column.alias
        if file.columns[column.alias].startswith("number"):
            assert "AS FLOAT)" in column.this.sql("tsql"), column.alias


def test_numbers_are_written_in_and_everything_else_is_bound() -> None:
    sql = "SELECT ':x', a % :n FROM t -- :n\nWHERE b - :less < :at AND c = :name AND d = :day GROUP BY a % :n"
    values = {"n": 7, "less": -5, "at": 1.5, "name": "O'Brien; DROP", "day": date(2024, 6, 30)}
    made = mssql_literals.bound(sql, values)
    assert made.values == ("O'Brien; DROP", date(2024, 6, 30))
    assert made.sql == (
        "SELECT ':x', a % 7 FROM t -- :n\nWHERE b - (-5) < (1.5E0) AND c = ? AND d = ? GROUP BY a % 7"
    )
    assert mssql_literals.written_out(made).endswith(
        "c = N'O''Brien; DROP' AND d = CAST(N'20240630' AS DATE) GROUP BY a % 7"
    )


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_text_in_the_text_of_a_statement_stays_text(value: str) -> None:
    if "\\" in value or "\0" in value:
        return
    tree = parse_one(f"SELECT {mssql_literals.literal(value)} AS a", dialect="tsql")
    assert tree.selects[0].this.name == value
    assert len(tree.selects) == 1


def test_a_backslash_before_the_end_of_a_line_is_kept() -> None:
    assert mssql_literals.literal("a\\\nb") == "N'a\\'+N'\nb'"


def test_values_that_sql_server_has_not_are_refused() -> None:
    with pytest.raises(QueryError, match="neither infinity nor NaN"):
        mssql_literals.literal(float("nan"))


def test_parameters_of_bulk_loads_say_their_types() -> None:
    frame = pl.DataFrame(
        {
            "n": [1, None],
            "x": [None, 2.5],
            "t": ["a" * 10, "😀"],
            "long": ["b" * 4001, None],
            "d": [date(2024, 6, 30), None],
            "at": [datetime(2024, 6, 30, 1, 2, 3, 456789), None],
            "yes": [True, None],
            "raw": [b"abc", None],
        }
    )
    ((sizes, rows),) = list(blocks_of(frame))
    assert sizes == [
        (-5, 0, 0),
        (8, 0, 0),
        (-9, 20, 0),
        (-9, 0, 0),
        (91, 10, 0),
        (93, 26, 6),
        (-7, 0, 0),
        (-3, 3, 0),
    ]
    assert rows[0][5] == datetime(2024, 6, 30, 1, 2, 3, 456789)
    assert rows[1] == (None, 2.5, "😀", None, None, None, None, None)


def test_long_rows_are_sent_in_small_blocks() -> None:
    frame = pl.DataFrame({"t": ["x" * 4000] * 5_000})
    assert [len(rows) for _, rows in blocks_of(frame)] == [2097, 2097, 806]


@pytest.mark.parametrize(
    "definition",
    [
        "CREATE VIEW [sales view] AS\nSELECT 1 AS a -- one;\n",
        "-- made by hand\nCREATE   VIEW dbo.v (a) WITH SCHEMABINDING AS SELECT 1 AS a -- one;",
        "/* x */ create or alter view [dbo].[v]] w] as SELECT 1 AS a -- one",
    ],
)
def test_the_select_of_a_view_is_found_with_its_comments(definition: str) -> None:
    assert select_of(definition).startswith("SELECT 1 AS a -- one")


def test_rights_are_given_again_as_they_were() -> None:
    rows = [
        ("G", "SELECT", None, "reader"),
        ("W", "UPDATE", "a]b", "o'neil"),
        ("D", "DELETE", None, "public"),
        ("R", "SELECT", "salary", "reader"),
    ]
    assert rights_again("orders", rows) == [
        "GRANT SELECT ON [orders] TO [reader]",
        "GRANT UPDATE ON [orders] ([a]]b]) TO [o'neil] WITH GRANT OPTION",
        "DENY DELETE ON [orders] TO [public]",
        "REVOKE SELECT ON [orders] ([salary]) FROM [reader]",
    ]
