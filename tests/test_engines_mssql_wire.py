"""Microsoft's driver against a server that speaks its protocol: signing in, queries, types, sentences.

The server is no SQL Server: it reads and never writes, and knows part of T-SQL. What it cannot show is in
``test_engines_mssql.py``, for a real one.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_companies import comparable, literal_company, write_sqlite
from tds_server import PASSWORD, TdsServer, tds_server

from core.database import open_database, staging
from core.database.server import mssql_arrow
from core.database.server.address import parse_address
from core.database.server.database import ServerDatabase
from core.database.server.dialect import Connection
from core.database.server.failures import ConnectionFailedError
from core.database.server.mssql import MssqlDialect
from core.database.server.mssql_address import read_address
from core.errors import DatabaseError, QueryError
from core.sql_files import SqlFile, read_sql, sql_names, staging_files

PORTABLE = [name for name in sql_names() if not name.startswith(("staging/", "operations/"))]
BEYOND_THE_SERVER = {"eda/pareto_products", "features/assortment", "features/payments", "features/purchases"}
BEYOND_THE_SERVER |= {"models/customer_slices"}
"""Windows inside of expressions and with frames, which this server does not know."""
PARAMETERS = {"as_of_day": 19_800, "terms_days": 30, "from_day": 19_000, "until_day": 19_800}
PARAMETERS |= {f"as_of_day_{number}": 19_700 + 4 * number for number in range(1, 25)}
PARAMETERS |= {"horizon_days": 90, "slice_size": 2, "first_customer_id": 1, "last_customer_id": 3}


class WireDialect(MssqlDialect):
    """The dialect without the parts of the catalogue that this server has not."""

    def schema_version(self, connection: Connection) -> str:  # noqa: ARG002
        return "unchanged"

    def data_version(self, connection: Connection) -> str:  # noqa: ARG002
        return "unchanged"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TdsServer]:
    with tds_server(literal_company(), tmp_path_factory.mktemp("tds")) as running:
        yield running


@pytest.fixture(params=["arrow", "rows"])
def database(
    request: pytest.FixtureRequest, server: TdsServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServerDatabase]:
    """The company on the server, read by way of Arrow or row by row."""

    def without_collations(engine: str) -> list[SqlFile]:
        texts = {file.name: file.text for file in staging_files(engine)}
        files = [read_sql(name) for name in texts]
        return [_with_text(file, file.text.replace(" COLLATE Latin1_General_100_BIN2", "")) for file in files]

    monkeypatch.setattr(staging, "staging_files", without_collations)
    address = parse_address(server.url(), "mssql://user@host/database")
    if request.param == "rows":
        with ServerDatabase(WireDialect(), address) as opened:
            yield opened
        return
    taken: list[bool] = []
    genuine = mssql_arrow.read

    def counted(*given: object) -> pl.DataFrame | None:
        frame = genuine(*given)  # type: ignore[arg-type]
        taken.append(frame is not None)
        return frame

    monkeypatch.setattr(mssql_arrow, "read", counted)
    with ServerDatabase(WireDialect(read_address(address)), address) as opened:
        yield opened
    if "faulty" not in request.node.name:
        assert all(taken), "a query was not read by way of Arrow"


def _with_text(file: SqlFile, text: str) -> SqlFile:
    return SqlFile(file.name, text, file.title, file.grain, file.parameters, file.columns, file.needs)


def test_a_password_of_odd_characters_signs_in(database: ServerDatabase) -> None:
    health = database.health()
    assert health.ok, health.message
    assert health.message.startswith("SQL Server 17")
    assert PASSWORD not in repr(database)


def test_tables_are_listed_with_rows_and_kinds(database: ServerDatabase) -> None:
    found = {info.name: info for info in database.tables()}
    assert found["orders"].rows == 6
    assert found["products"].columns["buyPrice"] == "number"
    assert {name for name in found if name.startswith("stg_")} == {
        file.stem for file in staging_files("mssql")
    }


@pytest.mark.parametrize("name", [name for name in PORTABLE if name not in BEYOND_THE_SERVER])
def test_queries_give_the_rows_of_sqlite(database: ServerDatabase, name: str, tmp_path: Path) -> None:
    file = read_sql(name)
    values = {key: PARAMETERS[key] for key in file.parameters}
    with open_database(str(write_sqlite(literal_company(), tmp_path / "company.sqlite"))) as sqlite:
        expected = sqlite.query(name, **values)
    found = database.query(name, **values)
    assert_frame_equal(comparable(found, file), comparable(expected, file), check_exact=False, abs_tol=1e-6)


@pytest.mark.parametrize("name", sql_names("staging/mssql"))
def test_staging_views_give_the_rows_of_sqlite(database: ServerDatabase, name: str, tmp_path: Path) -> None:
    file = read_sql(name)
    with open_database(str(write_sqlite(literal_company(), tmp_path / "company.sqlite"))) as sqlite:
        expected = sqlite.query(f"SELECT * FROM {file.stem}")
    found = database.query(f"SELECT * FROM {file.stem}")
    assert found.columns == expected.columns
    assert_frame_equal(comparable(found, file), comparable(expected, file))


def test_numbers_text_and_nulls_have_their_types(database: ServerDatabase) -> None:
    found = database.query(
        "SELECT CAST(1 AS BIGINT) AS n, 1.5E0 AS x, N'é' AS t, NULL AS nothing, :more + 1 AS more", more=2
    )
    assert found.row(0) == (1, 1.5, "é", None, 3)
    assert [found.schema[name] for name in "nxt"] == [pl.Int64, pl.Float64, pl.String]


def test_exact_numbers_and_moments_are_the_same_both_ways(database: ServerDatabase) -> None:
    found = database.query(
        "SELECT CAST(1.25 AS DECIMAL(10, 2)) AS part, CAST(3 AS DECIMAL(10, 0)) AS whole,"
        " CAST('2024-06-30T01:02:03.450' AS DATETIME) AS moment, CAST(1 AS BIT) AS yes"
    )
    assert found.row(0) == (1.25, 3, datetime(2024, 6, 30, 1, 2, 3, 450_000), True)
    assert found.schema["part"] == pl.Float64
    found = database.query(
        "SELECT CAST(1.2345 AS MONEY) AS price, CAST(1.5 AS REAL) AS single, CAST(200 AS TINYINT) AS tiny,"
        " CAST('2024-01-01 12:34:00' AS SMALLDATETIME) AS minute, CAST('ab' AS CHAR(5)) AS padded,"
        " CAST(12345678901234567890.12 AS DECIMAL(38, 2)) AS huge"
    )
    assert found.row(0) == (1.2345, 1.5, 200, datetime(2024, 1, 1, 12, 34), "ab   ", 12345678901234567890.12)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT nosuch FROM orders", "nosuch"),
        ("SELECT a FROM nosuch_table", "There is no table nosuch_table"),
        ("SELECT a FROM t WHERE", "cannot be run"),
    ],
)
def test_faulty_queries_are_one_sentence(database: ServerDatabase, sql: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        database.query(sql)


def test_a_wrong_password_is_told_at_once_and_not_repeated(server: TdsServer) -> None:
    begun = time.monotonic()
    with (
        open_database(server.url("wrong-and-secret")) as database,
        pytest.raises(ConnectionFailedError, match=r"does not let reader in.*Login failed") as caught,
    ):
        database.query("SELECT 1 AS a")
    assert "wrong-and-secret" not in str(caught.value)
    assert time.monotonic() - begun < 10
    assert server.log.read_text(encoding="utf-8").count("Login failed for user 'reader'") <= 1


def test_a_certificate_that_nobody_vouches_for_is_refused_with_the_remedy(server: TdsServer) -> None:
    with open_database(server.url(options="encrypt=yes")) as database:
        message = database.health().message
    assert "certificate is not trusted" in message
    assert "trust_server_certificate=yes" in message


def test_a_host_that_does_not_answer_is_told_within_the_login_timeout() -> None:
    with open_database("mssql://reader:secret-word@127.0.0.1:9/company?login_timeout=2") as database:
        begun = time.monotonic()
        message = database.health().message
        took = time.monotonic() - begun
    assert "127.0.0.1:9 cannot be reached" in message
    assert "secret-word" not in message
    assert took < 8


def test_a_server_that_comes_back_is_reached_with_new_connections(tmp_path: Path) -> None:
    with tds_server(literal_company(), tmp_path) as server:
        address = parse_address(f"{server.url()}&login_timeout=2", "mssql://user@host/database")
        with ServerDatabase(WireDialect(), address) as database:
            assert database.query("SELECT COUNT(*) AS n FROM orders")["n"].item() == 6
            server.process.kill()
            server.process.wait(15)
            with pytest.raises(DatabaseError, match=r"cannot be reached|was lost"):
                database.query("SELECT COUNT(*) AS n FROM orders")


def test_the_command_line_says_one_sentence(server: TdsServer, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; from dashboard.cli import main; sys.exit(main())"]
    done = subprocess.run(
        [*command, "query", "SELECT 1 AS a", "--database", server.url("not-the-password")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "does not let reader in" in done.stderr
    assert "not-the-password" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
