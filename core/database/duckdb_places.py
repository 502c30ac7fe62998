"""What DuckDB says about a faulty statement, as a sentence with the place in the text."""

import re

from core.errors import SalesError
from core.sql_guard import StatementError

EXPLAIN = "EXPLAIN "
"""What is put before a statement to ask for its plan; places in it are counted from after this."""
_PLACE = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.M)


def explained(error: Exception, sql: str) -> SalesError:
    """The error a person can act on, for one that DuckDB raised."""
    text = str(error)
    reason = re.sub(r"^(?:\w+ )*Error: ", "", text.split("\n\n")[0].strip())
    hints = " ".join(line.strip() for line in reason.splitlines()[1:])
    message = f"DuckDB: {reason.splitlines()[0].rstrip('!.')}" if reason else "DuckDB cannot run the query"
    shown = _PLACE.search(text)
    if shown is None:
        return StatementError(message, hints)
    number, line, blanks = int(shown[1]), shown[2], len(shown[3])
    column = blanks - len(f"LINE {number}: ")
    lines = sql.split("\n")
    if line.startswith("...") and number <= len(lines):
        piece = line.removeprefix("...").removesuffix("...")
        column += max(0, lines[number - 1].find(piece)) - 3
    elif number == 1 and line.startswith(EXPLAIN):
        column -= len(EXPLAIN)
    return StatementError(message, hints, line=number, column=column + 1)
