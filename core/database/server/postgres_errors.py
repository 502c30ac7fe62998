"""What PostgreSQL's errors mean."""

import re

from core.database.server.dialect import Failure, FailureKind

_BY_STATE: dict[str, FailureKind] = {
    "28000": "login",
    "28P01": "login",
    "3D000": "no_database",
    "3F000": "missing_table",
    "42501": "permission",
    "42P01": "missing_table",
    "42703": "missing_column",
    "42883": "missing_function",
    "42601": "syntax",
    "25006": "read_only",
    "23505": "duplicate",
    "40001": "busy",
    "40P01": "busy",
    "53300": "busy",
    "55P03": "locked",
    "57P01": "lost",
    "57P02": "lost",
    "57P03": "busy",
    "57P05": "lost",
}
_BY_WORDS: tuple[tuple[FailureKind, str], ...] = (
    (
        "login",
        r"authentication failed|no password supplied|no pg_hba\.conf entry|role .* does not exist|"
        r"permission denied for database",
    ),
    ("no_database", r'database "[^"]*" does not exist'),
    ("busy", r"too many clients|remaining connection slots|is starting up|is shutting down"),
    (
        "unreachable",
        r"connection refused|timeout expired|translate host name|name or service|no route|unreachable|"
        r"connection timeout|failed to resolve|certificate|ssl",
    ),
    (
        "lost",
        r"server closed the connection|connection is lost|connection is closed|terminating connection|"
        r"the connection is|broken pipe|connection reset|eof detected",
    ),
)
_NAMED = re.compile(r'(?:relation|column|function|table) "?(?P<name>[\w.$ ]+?)"?(?:\(| does not exist| of )')


def failure_of(error: Exception) -> Failure:
    """What an error of psycopg means."""
    state = getattr(error, "sqlstate", None) or ""
    diag = getattr(error, "diag", None)
    message = getattr(diag, "message_primary", None) or str(error)
    reason = _one_line(message)
    named = _NAMED.search(reason)
    position = getattr(diag, "statement_position", None)
    return Failure(
        _kind(state, reason),
        reason,
        named["name"] if named else "",
        int(position) - 1 - getattr(error, "words_before", 0) if position else None,
    )


def _kind(state: str, reason: str) -> FailureKind:
    if state == "57014":
        return "timeout" if "statement timeout" in reason else "cancelled"
    if state in _BY_STATE:
        return _BY_STATE[state]
    if state.startswith("08"):
        return "lost"
    if not state:  # the driver's own errors: no server answered, or it went away
        lowered = reason.lower()
        for kind, pattern in _BY_WORDS:
            if re.search(pattern, lowered):
                return kind
    return "other"


def _one_line(message: str) -> str:
    """The last reason given, since earlier lines tell of each address that was tried."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL:" in line]
    text = (fatal or lines or ["unknown error"])[0 if not fatal else -1]
    return text.split("FATAL:")[-1].strip().rstrip(".")
