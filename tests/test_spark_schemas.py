"""Typed SQL on Spark keeps to the schema that is shown, whatever else the server holds."""

from collections.abc import Iterator

import pytest

from core.adhoc.run import explain, run_query
from core.database import Database, open_database
from core.database.spark.address import spark_address
from core.database.spark.session import close_session, open_session
from core.sql_guard import StatementError


@pytest.fixture(scope="module")
def company(spark: str, spark_company: str) -> Iterator[Database]:
    """The literal company, on a server that holds another schema with salaries."""
    session = open_session(spark_address(spark))
    session.sql("CREATE SCHEMA IF NOT EXISTS staff").collect()
    session.sql("CREATE TABLE IF NOT EXISTS staff.salaries USING parquet AS SELECT 5 AS amount").collect()
    assert session.sql("SELECT amount FROM staff.salaries").collect()[0][0] == 5
    close_session(session)
    with open_database(spark_company) as opened:
        yield opened


@pytest.mark.parametrize("sql", ["SELECT amount FROM staff.salaries", "SELECT amount FROM `Staff`.salaries"])
def test_another_schema_is_refused(company: Database, sql: str) -> None:
    with pytest.raises(StatementError, match=r"The schema staff is not the one that is shown, \w+ \(line 1"):
        run_query(company, sql)
    with pytest.raises(StatementError, match="The schema staff is not the one"):
        explain(company, sql)


def test_tables_without_a_schema_are_read(company: Database) -> None:
    assert run_query(company, "SELECT COUNT(*) AS n FROM customers").frame.item() > 1
