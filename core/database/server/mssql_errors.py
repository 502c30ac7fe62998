"""What errors of SQL Server, Azure SQL, Synapse and of their driver mean."""

import re
from dataclasses import dataclass

from core.database.server.dialect import Failure, FailureKind

WAKING_SECONDS = 90.0

_LOST = {20, 64, 121, 233, 10053, 10054, 10060}
_BUSY = {615, 926, 1205, 4221, 10928, 10929, 40197, 40501, 49918, 49919, 49920}
_KINDS: dict[int, FailureKind] = {
    **dict.fromkeys(_LOST, "lost"),
    **dict.fromkeys(_BUSY, "busy"),
    40613: "waking",
    **dict.fromkeys((18452, 18456, 18470, 18486, 18487, 18488, 40532), "login"),
    **dict.fromkeys((911, 916, 4060, 40508, 40607), "no_database"),
    **dict.fromkeys((40615, 40914, 47073, 11001), "unreachable"),
    **dict.fromkeys((229, 230, 262, 297, 300, 1088, 2760, 3701, 15151, 15247, 15562, 21892), "permission"),
    **dict.fromkeys((208, 4902), "missing_table"),
    **dict.fromkeys((207, 4104), "missing_column"),
    **dict.fromkeys((195, 2812, 4121), "missing_function"),
    **dict.fromkeys((102, 103, 105, 130, 145, 147, 156, 164, 170, 319, 1033, 8120, 8155, 8180), "syntax"),
    **dict.fromkeys((3906, 15869), "read_only"),
    **dict.fromkeys((2601, 2627, 1505), "duplicate"),
    1222: "timeout",
}
_STATES: dict[str, FailureKind] = {
    "HYT00": "timeout",
    "HYT01": "lost",
    "08S01": "lost",
    "08003": "lost",
    "08007": "lost",
    "08001": "unreachable",
    "08004": "login",
    "28000": "login",
    "HY008": "cancelled",
    "42S02": "missing_table",
    "42S22": "missing_column",
    "01000": "driver",
    "IM002": "driver",
    "IM003": "driver",
    "IM004": "driver",
}
_FIRST = (
    "waking",
    "login",
    "no_database",
    "permission",
    "missing_table",
    "missing_column",
    "missing_function",
)
_UNTRUSTED = "its certificate is not trusted, which trust_server_certificate=yes in the address accepts"
_NAMED = re.compile(
    r"(?:object|column) name '([^']*)'|object '([^']*)'|function '([^']*)'|'([^']*)' is not a rec"
)
_ORIGIN = re.compile(r"^(?:\[[^\]]*\]\s*)+")
_NUMBER = re.compile(r"\((-?\d{1,6})\)(?=\s*\(SQL\w+\)|\s*;|\s*$)")
_CALL = re.compile(r"\s*\(SQL\w+\)\s*$")


@dataclass(frozen=True)
class PassingFailure(Failure):
    """A failure that passes now and then, such as of a database that moves to another server."""

    @property
    def may_be_repeated(self) -> bool:
        """Always."""
        return True


def failure_of(error: Exception) -> Failure:
    """What an error of ``pyodbc`` means, by SQL Server's number and else by the driver's state.

    The numbers of connections that are lost and of servers that ask to wait are those that Microsoft lists as
    passing; a wrong password (18456), a missing table (208) or column (207) and faults of syntax (102) never
    count as such.
    """
    state, text = _parts(error)
    numbers = [int(number) for number in _NUMBER.findall(text)]
    kinds = [_KINDS[number] for number in numbers if number in _KINDS]
    kind: FailureKind = next((known for known in kinds if known in _FIRST), kinds[0] if kinds else "other")
    at_login = "(SQLDriverConnect)" in text or "(SQLConnect)" in text
    if kind == "other":
        kind = _STATES.get(state, "other")
        if kind == "timeout" and at_login:
            kind = "unreachable"
        if kind == "driver" and "open lib" not in text and state == "01000":
            kind = "other"
        if kind == "unreachable" and not at_login:
            kind = "lost"
    passing = 4060 in numbers or (kind == "lost" and at_login)
    if kind == "lost" and at_login:
        kind = "unreachable"
    reason = _reason(text)
    if "certificate verify failed" in reason:
        kind, passing, reason = (
            "unreachable",
            False,
            f"{_UNTRUSTED} ({reason.split('failed:')[-1].strip(' ]')})",
        )
    named = _NAMED.search(text)
    name = next((part for part in named.groups() if part), "") if named else ""
    made = PassingFailure if passing else Failure
    return made(kind, reason, name, wait_seconds=WAKING_SECONDS if kind == "waking" else 0.0)


def numbers_of(error: Exception) -> list[int]:
    """SQL Server's numbers in an error, in order."""
    return [int(number) for number in _NUMBER.findall(_parts(error)[1])]


def _parts(error: Exception) -> tuple[str, str]:
    arguments = [str(part) for part in error.args]
    if len(arguments) >= 2 and re.fullmatch(r"[0-9A-Z]{5}", arguments[0]):
        return arguments[0], arguments[1]
    text = " ".join(arguments)
    found = re.search(r"\[([0-9A-Z]{5})\]", text)
    return (found[1] if found else ""), text


def _reason(text: str) -> str:
    """The first sentence of the server, without the names of drivers and numbers."""
    first = re.split(r";\s*\[[0-9A-Z]{5}\]", text)[0]
    said = _ORIGIN.sub("", _CALL.sub("", first).strip())
    said = re.sub(r"\s*\(-?\d+\)\s*$", "", said)
    return " ".join(said.split()).rstrip(".") or "no reason was given"
