"""Why a cell does not fit its column, in words, and what to do about it."""

import re
from datetime import date, datetime

from core.ingest.convert import Reading
from core.ingest.problems import Problem, short_value

_EXPECTED = {
    "integer": "a whole number",
    "number": "a number",
    "date": "a date such as 2024-12-31",
    "datetime": "a date and time such as 2024-12-31 23:59:00",
    "boolean": "true or false",
    "binary": "hexadecimal bytes (0x…)",
}
_REMEDIES = {
    "integer": "Write a whole number in plain digits, or empty the cell.",
    "number": "Write a number such as 1234.50, or empty the cell.",
    "date": "Write dates as 2024-12-31, or empty the cell.",
    "datetime": "Write moments as 2024-12-31 23:59:00, or empty the cell.",
    "boolean": "Write true or false, or empty the cell.",
    "binary": "Write the bytes as 0x and hexadecimal digits.",
}
_EXAMPLE = datetime(2024, 12, 31, 23, 59)
_SHOWN = 60
_SERIAL_DAYS = range(20_000, 80_000)  # what Excel stores for the years from 1954 to 2119


def misfit(label: str, line: int, reading: Reading, value: object) -> Problem:
    """The problem of a value that is not of its column's kind."""
    reason, remedy = _why(reading, value)
    return Problem(label, line, reading.name, reason, remedy, short_value(value))


def emptiness(label: str, line: int, reading: Reading) -> Problem:
    """The problem of a cell that is empty where a value is required."""
    return Problem(
        label, line, reading.name, "it is empty, but required", "Fill the cell, or remove the row."
    )


def ambiguity(label: str, line: int, reading: Reading, value: object) -> Problem:
    """The problem of a date or number that can be read in two ways, as can all others of its column."""
    if reading.kind in ("date", "datetime"):
        why = "may be day first or month first, and no other date of the column tells"
        remedy = (
            "Write dates as 2024-12-31, or choose the type date %d/%m/%Y or date %m/%d/%Y for the column."
        )
    else:
        why = "may be a large number or one with decimals, and no other number of the column tells"
        remedy = "Write 1234 and 1234.5, or choose the type number 1.234,5 or number 1,234.5 for the column."
    return Problem(label, line, reading.name, f"{shown(value)} {why}", remedy, short_value(value))


def shown(value: object) -> str:
    """``value`` as it stands in a message."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "…'"


def _why(reading: Reading, value: object) -> tuple[str, str]:
    kind, text = reading.kind, str(value).strip()
    remedy = _REMEDIES.get(kind, "")
    if kind == "integer" and re.fullmatch(r"[+-]?[0-9]{19,}", text):
        reason = f"{shown(value)} is larger than a whole number can be (19 digits)"
        return reason, "Shorten it, or keep the column as text."
    if kind == "number" and text.lower().lstrip("+-") in ("inf", "infinity"):
        return f"{shown(value)} is infinite, not a number", remedy
    if kind == "date" and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) and not _is_day(text):
        reason = f"{shown(value)} is not a date: there is no such day"
        return reason, "Correct the day, or empty the cell."
    if kind in ("date", "datetime") and isinstance(value, int) and value in _SERIAL_DAYS:
        return f"{shown(value)} is not {_EXPECTED[kind]}", "Format the cells of the column as dates."
    if reading.style and kind in ("date", "datetime"):
        written = _EXAMPLE.strftime(reading.style.replace("%.f", ".5"))
        what = "dates" if kind == "date" else "moments"
        reason = f"{shown(value)} is not a {kind} such as {written}"
        return reason, f"Write all {what} of the column in one way, or empty the cell."
    return f"{shown(value)} is not {_EXPECTED.get(kind, 'text')}", remedy


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
