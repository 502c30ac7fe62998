"""Addresses of database servers, and statements as they are sent to them; no server is needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.database import is_server, open_database, shown_url
from core.database.server.address import parse_address, with_password
from core.database.server.binding import around_rounding, rendered, with_question_marks
from core.database.server.mysql_errors import failure_of as mysql_failure
from core.database.server.postgres import PostgresDialect
from core.database.server.postgres_errors import failure_of as postgres_failure
from core.database.server.state import expanded
from core.database.staging import Staging
from core.errors import DatabaseError, QueryError
from core.sql_files import read_sql
from core.sql_guard import check_statement

EXAMPLE = "postgresql://user@host/db"


def test_an_address_has_parts() -> None:
    address = parse_address("PostgreSQL+psycopg://ann%40x:p%3Ass@[::1]:5433/my%20db?sslmode=require", EXAMPLE)
    assert (address.scheme, address.driver, address.host, address.port) == (
        "postgresql",
        "psycopg",
        "::1",
        5433,
    )
    assert (address.user, address.password, address.database) == ("ann@x", "p:ss", "my db")
    assert address.options == {"sslmode": "require"}
    assert address.shown == "postgresql://ann@x@::1:5433/my db"


@given(password=st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable()))
def test_any_password_survives_and_is_not_shown(password: str) -> None:
    url = with_password("postgresql://ann@db.example/company?sslmode=require", password)
    address = parse_address(url, EXAMPLE)
    assert address.password == password
    assert (address.user, address.host, address.database) == ("ann", "db.example", "company")
    assert repr(address) == repr(
        parse_address("postgresql://ann@db.example/company?sslmode=require", EXAMPLE)
    )
    assert shown_url(url) == "postgresql://ann:…@db.example/company"


@pytest.mark.parametrize(
    "url", ["postgresql://", "postgresql:///x", "postgresql://u:secret@host:port/x", "mysql:x"]
)
def test_faulty_addresses_are_told_without_repeating_them(url: str) -> None:
    with pytest.raises(DatabaseError, match="Give an address such as") as raised:
        open_database(url)
    assert "secret" not in str(raised.value)


def test_servers_are_told_from_files() -> None:
    assert is_server("postgresql://x/y")
    assert is_server("MariaDB+pymysql://x/y")
    assert not any(map(is_server, ("sqlite:///x.sqlite", "company.sqlite", "duckdb:///x", "")))


def test_parameters_become_values_with_their_places() -> None:
    sql = "SELECT ':no', \"a:no\", a::int -- :no\nFROM t WHERE a = :a AND b = :b /* :no */ AND c = :a"
    bound = rendered(sql, {"a": 5, "b": "x"}, repr)
    assert bound.sql == sql.replace(":a ", "5 ").replace("= :a", "= 5").replace(":b", "'x'")
    for word in ("FROM", "AND b", "AND c"):
        assert bound.origin(bound.sql.index(word)) == sql.index(word)
    marked = with_question_marks(sql, {"a": 5, "b": "x"})
    assert marked.values == (5, "x", 5)
    assert marked.sql.count("?") == 3
    with pytest.raises(QueryError, match="parameter b"):
        rendered(sql, {"a": 1}, repr)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("mysql", "SELECT :p, 1--'x\n:p'"),
        ("mysql", "SELECT :p, $x$, 'q$x$ :p'"),
        ("postgres", "SELECT :p, 1 AS a$x$, 'q$x$ :p'"),
        ("tsql", "SELECT :p AS [a'b], 'x :p'"),
    ],
)
def test_no_value_is_put_into_a_text_which_it_could_end(dialect: str, sql: str) -> None:
    statement = check_statement(sql, dialect)
    bound = rendered(statement.sql, {"p": " , pg_sleep(9) , "}, repr, brackets=dialect == "tsql")
    assert bound.sql == sql.replace(":p", "' , pg_sleep(9) , '", 1)


def test_rounding_is_written_as_postgresql_wants_it() -> None:
    sql = "SELECT ROUND(SUM(f(a, 1)), 2), ROUND(b), 'ROUND(x, 1)' FROM t"
    rounded = "CAST(ROUND(CAST(SUM(f(a, 1)) AS NUMERIC), 2) AS DOUBLE PRECISION)"
    written = rendered(sql, {}, repr, around_rounding(sql, "CAST(", " AS NUMERIC)", " AS DOUBLE PRECISION)"))
    assert written.sql == f"SELECT {rounded}, ROUND(b), 'ROUND(x, 1)' FROM t"
    assert written.origin(written.sql.index("FROM")) == sql.index("FROM")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT order_id FROM stg_orders WHERE a = 1",
        "-- a remark\nWITH mine AS (SELECT order_id FROM stg_orders) SELECT * FROM mine",
        "WITH RECURSIVE r AS (SELECT 1 AS a) SELECT * FROM r, stg_orders",
    ],
)
def test_staging_views_are_put_before_a_query(sql: str) -> None:
    staging = Staging(
        {
            "stg_orders": read_sql("staging/postgres/stg_orders"),
            "stg_sales": read_sql("staging/postgres/stg_sales"),
        }
    )
    query = expanded(sql, staging, PostgresDialect())
    assert query.sql.count("stg_orders AS NOT MATERIALIZED (") == 1
    assert "stg_sales" not in query.sql
    assert query.origin(query.sql.rindex("SELECT")) == sql.rindex("SELECT")
    assert query.origin(query.sql.index("orderNumber")) is None
    assert expanded("SELECT 1 AS a", staging, PostgresDialect()).sql == "SELECT 1 AS a"


class OfPostgres(Exception):  # noqa: N818 - stands for errors of psycopg that have no connection
    """An error of the driver before a server answered."""


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('connection failed: FATAL:  password authentication failed for user "u"', "login"),
        ('connection failed: FATAL:  database "x" does not exist', "no_database"),
        ("connection failed: Connection refused\n\tIs the server running?", "unreachable"),
        ("failed to resolve host 'x': [Errno -2] Name or service not known", "unreachable"),
        ("consuming input failed: server closed the connection unexpectedly", "lost"),
        ("FATAL:  sorry, too many clients already", "busy"),
        ("FATAL:  the database system is starting up", "busy"),
        ("something else", "other"),
    ],
)
def test_errors_without_a_code_are_understood_by_their_words(message: str, kind: str) -> None:
    assert postgres_failure(OfPostgres(message)).kind == kind


@pytest.mark.parametrize(
    ("code", "message", "kind", "name"),
    [
        (1146, "Table 'company.orders' doesn't exist", "missing_table", "orders"),
        (1054, "Unknown column 't.amuont' in 'field list'", "missing_column", "amuont"),
        (1305, "FUNCTION company.foo does not exist", "missing_function", "foo"),
        (1064, "You have an error; use near 'FORM t' at line 1", "syntax", "FORM t"),
        (2013, "Lost connection to MySQL server during query", "lost", ""),
        (1213, "Deadlock found when trying to get lock", "busy", ""),
        (1045, "Access denied for user 'u'@'h' (using password: YES)", "login", ""),
        (1792, "Cannot execute statement in a READ ONLY transaction", "read_only", ""),
    ],
)
def test_errors_of_mysql_are_understood_by_their_codes(code: int, message: str, kind: str, name: str) -> None:
    failure = mysql_failure(Exception(code, message))
    assert (failure.kind, failure.name) == (kind, name)
    assert failure.may_be_repeated == (kind in ("lost", "busy"))
