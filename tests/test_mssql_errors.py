"""What SQL Server's numbers mean: what is tried again, what is not, and who is told what."""

import pytest

from core.database.server.dialect import FailureKind
from core.database.server.mssql_errors import failure_of

pyodbc = pytest.importorskip("pyodbc", reason="needs unixODBC (Debian: libodbc2)", exc_type=ImportError)
PREFIX = "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]"


def error(state: str, text: str, number: int, call: str = "SQLExecDirectW") -> Exception:
    kind = pyodbc.OperationalError if state.startswith(("08", "HYT")) else pyodbc.ProgrammingError
    return kind(state, f"[{state}] {PREFIX}{text} ({number}) ({call})")


PASSING = [40197, 40501, 49918, 49919, 49920, 10928, 10929, 4060, 4221, 615, 926, 1205]
PASSING += [233, 10053, 10054, 10060, 64, 20, 121, 40613]


@pytest.mark.parametrize("number", PASSING)
@pytest.mark.parametrize("call", ["SQLExecDirectW", "SQLDriverConnect"])
def test_passing_errors_are_tried_again_on_a_new_connection(number: int, call: str) -> None:
    assert failure_of(error("42000", "Something passing.", number, call)).may_be_repeated


@pytest.mark.parametrize(
    ("state", "text", "number", "call", "kind"),
    [
        ("28000", "Login failed for user 'sales'.", 18456, "SQLDriverConnect", "login"),
        ("42S02", "Invalid object name 'stg_orders'.", 208, "SQLExecDirectW", "missing_table"),
        ("42S22", "Invalid column name 'revenu'.", 207, "SQLExecDirectW", "missing_column"),
        ("42000", "Incorrect syntax near 'FORM'.", 102, "SQLExecDirectW", "syntax"),
        ("42000", "Incorrect syntax near the keyword 'FROM'.", 156, "SQLExecDirectW", "syntax"),
        ("42000", "'x' is not a recognized function name.", 195, "SQLExecDirectW", "missing_function"),
        ("42000", "The SELECT permission was denied on 'orders'.", 229, "SQLExecDirectW", "permission"),
        ("23000", "Violation of PRIMARY KEY constraint 'x'.", 2627, "SQLExecute", "duplicate"),
        ("HYT00", "Query timeout expired", 0, "SQLExecDirectW", "timeout"),
        ("HYT00", "Login timeout expired", 0, "SQLDriverConnect", "unreachable"),
        ("HY008", "Operation canceled", 0, "SQLExecDirectW", "cancelled"),
        ("01000", "Can't open lib 'x' : file not found", 0, "SQLDriverConnect", "driver"),
        ("42000", "Cannot open server: client with IP address is not allowed.", 40615, "SQLDriverConnect",
         "unreachable"),
        ("22012", "Divide by zero error encountered.", 8134, "SQLExecDirectW", "other"),
    ],
)  # fmt: skip
def test_other_errors_are_told_and_never_tried_again(
    state: str, text: str, number: int, call: str, kind: FailureKind
) -> None:
    failure = failure_of(error(state, text, number, call))
    assert failure.kind == kind
    assert not failure.may_be_repeated
    assert failure.reason == text.rstrip(".")


@pytest.mark.parametrize("state", ["08S01", "08001"])
def test_a_connection_that_breaks_is_lost(state: str) -> None:
    failure = failure_of(error(state, "TCP Provider: Error code 0x68", 104))
    assert failure.kind == "lost"
    assert failure.may_be_repeated


def test_a_paused_database_is_waited_for() -> None:
    text = "Database 'sales' on server 'x' is not currently available. Please retry the connection later."
    failure = failure_of(error("42000", text, 40613, "SQLDriverConnect"))
    assert failure.kind == "waking"
    assert failure.may_be_repeated
    assert 60 <= failure.wait_seconds <= 90


def test_the_name_that_an_error_is_about_is_found() -> None:
    assert failure_of(error("42S02", "Invalid object name 'stg_orders'.", 208)).name == "stg_orders"
    assert failure_of(error("42S22", "Invalid column name 'revenu'.", 207)).name == "revenu"


def test_a_number_inside_of_text_is_no_number_of_the_server() -> None:
    text = "Conversion failed when converting the nvarchar value '(40613)' to data type int."
    failure = failure_of(error("22018", text, 245))
    assert failure.kind == "other"
    assert not failure.may_be_repeated


def test_the_first_of_several_errors_is_told() -> None:
    both = pyodbc.ProgrammingError(
        "42S02",
        f"[42S02] {PREFIX}Invalid object name 'nosuch'. (208) (SQLExecDirectW); "
        f"[42000] {PREFIX}Statement(s) could not be prepared. (8180)",
    )
    failure = failure_of(both)
    assert (failure.kind, failure.name, failure.reason) == (
        "missing_table",
        "nosuch",
        "Invalid object name 'nosuch'",
    )
