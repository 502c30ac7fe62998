"""What the errors of MySQL and MariaDB mean."""

import re

from core.database.server.dialect import Failure, FailureKind

_CODES: dict[FailureKind, tuple[int, ...]] = {
    "login": (1045, 1698, 1130, 1251, 2059),
    "no_database": (1049,),
    "unreachable": (2002, 2003, 2005, 2026),
    "lost": (0, 1053, 1077, 1079, 1927, 2006, 2013, 2055, 4031),
    "busy": (1040, 1203, 1213, 1226),
    "locked": (1205,),
    "permission": (1044, 1142, 1143, 1227, 1370, 1410),
    "missing_table": (1146, 1051),
    "missing_column": (1054,),
    "missing_function": (1305,),
    "syntax": (1064,),
    "read_only": (1290, 1792, 1836),
    "timeout": (1969, 3024),
    "cancelled": (1317,),
    "duplicate": (1062, 1586),
}
_BY_CODE = {code: kind for kind, codes in _CODES.items() for code in codes}
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_NEAR = re.compile(r"near '(?P<text>.*)' at line \d+$", re.S)


def failure_of(error: Exception) -> Failure:
    """What an error of PyMySQL means."""
    arguments = error.args
    code = arguments[0] if arguments and isinstance(arguments[0], int) else -1
    message = str(arguments[1]) if len(arguments) > 1 else str(error)
    message = message.replace(" (using password: YES)", "").replace(" (using password: NO)", "")
    kind: FailureKind = _BY_CODE.get(code, "other")
    if code == -1 and "cryptography" in message:
        kind = "driver"
    if code == 0 and not message:
        message = "it was closed"
    return Failure(kind, " ".join(message.split()).rstrip("."), _name(kind, message))


def _name(kind: FailureKind, message: str) -> str:
    """The table, column or function in the message; of a syntax error the text at its place."""
    if kind == "syntax":
        near = _NEAR.search(message)
        return near["text"] if near else ""
    if kind == "missing_function":
        found = re.search(r"(?:FUNCTION|PROCEDURE) (?:[\w$]+\.)?([\w$]+)", message)
        return found[1] if found else ""
    quoted = _QUOTED.search(message)
    name = quoted[1] if quoted and kind in ("missing_table", "missing_column") else ""
    return name.rsplit(".", 1)[-1]
