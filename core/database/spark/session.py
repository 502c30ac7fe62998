"""Sessions of a Spark Connect server, and sentences for what it says when something is wrong."""

import logging
import os
import re
import socket
import warnings
from typing import TYPE_CHECKING, Any

from core.database.spark.address import SparkAddress
from core.errors import DatabaseError, QueryError, SalesError

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

_REACH_SECONDS = 5.0
_TRIES = 5
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.runSQLOnFiles": "false",
    "spark.sql.connect.serverStacktrace.enabled": "false",
}
_LOST = ("INVALID_HANDLE", "SESSION_CLOSED", "SESSION_CHANGED", "SESSION_NOT_FOUND", "UNAVAILABLE")
_LEFT = re.compile(r"\s*(?:SQLSTATE: \w+|\(line \d+, pos \d+\)|; line \d+ pos \d+).*", re.S)


def load_pyspark() -> Any:
    """The package ``pyspark``, which only the environment for Spark has.

    Raises
    ------
    DatabaseError
        It is not installed here.
    """
    try:
        import pyspark.sql.connect.session  # noqa: F401
        from pyspark import errors
    except ImportError as error:
        raise DatabaseError(
            "Addresses that begin with sc: need the environment for Spark.",
            "Install it with: pip install 'sales-dashboard[spark]', or use the image for Spark.",
        ) from error
    os.environ.setdefault("SPARK_CONNECT_MODE_ENABLED", "1")  # functions of Spark then need no JVM here
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # it would log what people type
    return errors


def open_session(address: SparkAddress) -> "SparkSession":
    """A session of its own on the server, with the settings of the house.

    Raises
    ------
    DatabaseError
        The server cannot be reached, refuses the token, or has no such catalog or schema.
    """
    errors = load_pyspark()
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession

    _require_reachable(address)
    failures = (errors.PySparkException, *rpc_errors())
    session: SparkSession | None = None
    try:
        session = SparkSession.builder.remote(address.remote).create()
        session.client.set_retry_policies([DefaultPolicy(max_retries=_TRIES, max_backoff=2_000)])
        for name, value in _SETTINGS.items():
            session.conf.set(name, value)
        if address.catalog:
            session.catalog.setCurrentCatalog(address.catalog)
        if address.schema:
            session.catalog.setCurrentDatabase(address.schema)
    except failures as error:
        if session is not None:
            close_session(session)
        raise unusable(address, error) from None
    return session


def close_session(session: "SparkSession") -> None:
    """Give a session back; a server that is gone already has none to give back."""
    errors = load_pyspark()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the server does not answer is of no use any more
            session.stop()
    except (errors.PySparkException, *rpc_errors()) as error:
        if not is_lost(error):
            raise DatabaseError(f"The session of Spark cannot be closed: {reason(error)}.") from None


def _require_reachable(address: SparkAddress) -> None:
    """Refuse within seconds; Spark's own client would try for minutes."""
    try:
        socket.create_connection((address.host, address.port), _REACH_SECONDS).close()
    except OSError as error:
        raise DatabaseError(
            f"The Spark server {address.host}:{address.port} cannot be reached: {error.strerror or error}.",
            "Check host and port, and that Spark Connect is running there.",
        ) from None


def rpc_errors() -> tuple[type[Exception], ...]:
    """What the network library raises where Spark's client does not translate it."""
    import grpc

    return (grpc.RpcError,)


def unusable(address: SparkAddress, error: Exception) -> DatabaseError:
    """Why a session cannot be had."""
    text = str(error)
    if "UNAUTHENTICATED" in text or "401" in text or "PERMISSION_DENIED" in text:
        return DatabaseError(
            f"The Spark server {address.host}:{address.port} refuses the token.",
            "Give a valid one as the option token, or in SALES_DATABASE_PASSWORD.",
        )
    if "NOT_FOUND" in text and (address.schema or address.catalog):
        wanted = ".".join(filter(None, (address.catalog, address.schema)))
        return DatabaseError(
            f"The Spark server {address.host}:{address.port} has no schema {wanted}.",
            "Correct the options catalog and schema of the address.",
        )
    return DatabaseError(
        f"The Spark server {address.host}:{address.port} cannot be used: {reason(error)}.",
        "Check that it is a Spark Connect server of a version near the client's.",
    )


def is_lost(error: Exception) -> bool:
    """Whether the server has forgotten the session, as after a restart or an idle hour."""
    return any(word in str(error) for word in _LOST)


def is_interrupted(error: Exception) -> bool:
    """Whether the error says that the operation was stopped on demand."""
    return "OPERATION_CANCELED" in str(error) or "cancelled" in str(error).lower()


def missing_relation(error: Exception) -> str | None:
    """The table or view that Spark did not find, if that is what the error is about."""
    condition = getattr(error, "getCondition", lambda: None)()
    if condition != "TABLE_OR_VIEW_NOT_FOUND":
        return None
    named = error.getMessageParameters() or {}  # type: ignore[attr-defined]
    return str(named.get("relationName", "")).replace("`", "").rsplit(".", 1)[-1] or None


def reason(error: Exception) -> str:
    """The heart of what Spark says: one sentence without its name for the error and the stack."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    text = _LEFT.sub("", re.sub(r"^\[[A-Z0-9_.]+\]\s*", "", lines[0])) if lines else type(error).__name__
    return text.strip().rstrip(".")


def place(error: Exception) -> str:
    """Where in the text, as the end of a sentence; empty if Spark does not say."""
    found = re.search(r"\(?line (\d+),? pos(?:ition)? (\d+)\)?", str(error))
    return f" (line {found[1]}, column {int(found[2]) + 1})" if found else ""


def refused(error: Exception, asked: str) -> SalesError:
    """The error for a query that cannot be run as written."""
    return QueryError(f"{asked} cannot be run: {reason(error)}{place(error)}.")


def quoted(name: str) -> str:
    """``name`` as an identifier of Spark."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """``text`` as a literal of Spark."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
