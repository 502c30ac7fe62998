"""The ``:name`` parameters of a query: found in the text, offered with values that make sense, read back."""

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Any

from core.days import to_date, to_day
from core.errors import QueryError

_SILENT = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")
DAYS = frozenset({"as_of_day", "from_day", "until_day"})
_DESCRIPTIONS = {
    "as_of_day": "rows on or after it are left out",
    "from_day": "first day counted",
    "until_day": "first day no longer counted",
    "terms_days": "days from invoice to due date",
}


def names_in(text: str) -> list[str]:
    """Names of the parameters in ``text``, in order; those in comments and quotes are none."""
    return list(dict.fromkeys(_NAME.findall(_SILENT.sub(" ", text))))


def described(text: str, defaults: Mapping[str, object], given: Mapping[str, str]) -> list[dict[str, Any]]:
    """The parameters of ``text`` as the editor shows them; days as ISO dates.

    ``given`` are texts that were typed before and win over ``defaults``.
    """
    found = []
    for name in names_in(text):
        kind = "day" if name in DAYS else "text"
        value = given.get(name)
        if value is None:
            default = defaults.get(name)
            value = "" if default is None else shown(name, default)
        about = _DESCRIPTIONS.get(name, "a value of the query")
        found.append(
            {"name": name, "kind": kind, "value": value, "description": f":{name}, {about}", "keep": True}
        )
    return found


def shown(name: str, value: object) -> str:
    """``value`` as it stands in its field."""
    if name in DAYS and isinstance(value, int):
        return to_date(value).isoformat()
    return str(value)


def bound(text: str, typed: Mapping[str, Any]) -> dict[str, object]:
    """The values of the parameters in ``text`` from what was typed: days, numbers, else text.

    Raises
    ------
    QueryError
        A value is missing or no date.
    """
    return {name: _value(name, str(typed.get(name) or "").strip()) for name in names_in(text)}


def _value(name: str, typed: str) -> object:
    if not typed:
        raise QueryError(
            f"The parameter :{name} has no value.", "Fill it in below the editor, and run it again."
        )
    if name in DAYS:
        try:
            return to_day(dt.date.fromisoformat(typed))
        except ValueError:
            raise QueryError(f"{typed!r} for :{name} is not a date.", "Write it as 2025-01-31.") from None
    for number in (int, float):
        try:
            value = number(typed)
        except ValueError:
            continue
        if math.isfinite(value) and abs(value) < 2**63:
            return value
    return typed
