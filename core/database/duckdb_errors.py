"""What DuckDB says went wrong, in words that a person can act on."""

import re
from pathlib import Path

from core.errors import DatabaseError

_PLACE = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.M)
_NOT_FOUND = re.compile(r"Table with name \"?([^\"\s]+?)\"? does not exist")


def missing_relation(error: Exception) -> str | None:
    """The table or view that DuckDB did not find, if that is what the error is about."""
    found = _NOT_FOUND.search(str(error))
    return found[1] if found else None


def unreadable(file: Path, error: Exception) -> DatabaseError:
    """Why a DuckDB file cannot be opened."""
    if "lock" in str(error) or "already attached" in str(error):
        return DatabaseError(
            f"The database {file.name} is open for writing in another program.",
            "Close it there; reading works while nobody writes to the file itself.",
        )
    return DatabaseError(f"The database {file} cannot be read: {reason(error)}.")


def place(error: Exception) -> str:
    """Where in the query, as far as DuckDB says it."""
    shown = _PLACE.search(str(error))
    if shown is None:
        return ""
    prefix = f"LINE {shown[1]}: "
    if shown[2].startswith("..."):  # a long line, of which only a piece is shown
        return f" (line {shown[1]})"
    return f" (line {shown[1]}, column {len(shown[3]) - len(prefix) + 1})"


def reason(error: Exception) -> str:
    """The first sentence of what DuckDB says, without the kind of error."""
    first = str(error).strip().split("\n")[0]
    return re.sub(r"^(?:\w+ )*Error: ", "", first).rstrip(".! ")
