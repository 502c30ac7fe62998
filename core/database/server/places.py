"""What a database server says about a typed statement, as a sentence with the place in the text."""

import re
from difflib import get_close_matches

from core.database.server.dialect import Failure
from core.database.server.state import State, is_hidden
from core.database.staging import explain_missing
from core.errors import DatabaseError, SalesError
from core.sql_guard import CheckedStatement, StatementError, allowed_functions, refused_at


def explained(failure: Failure, statement: CheckedStatement, place: int | None, state: State) -> SalesError:
    """The error a person can act on."""
    name = failure.name.rsplit(".", 1)[-1].strip('"`[]')
    if failure.kind == "missing_table":
        if name in state.denied:
            return DatabaseError(
                f"{name} may not be read: {state.denied[name]}.",
                "Ask the administrator of the database for the right to SELECT.",
            )
        if missing := explain_missing(name, state.staging, "The query"):
            return missing
    place = _first(statement.sql, failure.name or name) if place is None and name else place
    message, known = _said(failure, name, statement, state)
    near = get_close_matches(name.lower(), [item.lower() for item in known], n=3) if name else []
    shown = {item.lower(): item for item in known}
    remedy = f"Nearest names: {', '.join(shown[item] for item in near)}." if near else ""
    return (
        StatementError(message, remedy)
        if place is None
        else refused_at(statement.sql, place, message, remedy)
    )


def _said(failure: Failure, name: str, statement: CheckedStatement, state: State) -> tuple[str, list[str]]:
    """The sentence, and names that may have been meant."""
    if failure.kind == "missing_table" and name:
        tables = [relation.name for relation in state.relations.values() if not is_hidden(relation.name)]
        return f"There is no table {name}", [*tables, *state.staging.views]
    if failure.kind == "missing_column" and name:
        columns: list[str] = []
        for table in statement.tables:
            own = table.rsplit(".", 1)[-1].lower()
            if relation := state.relations.get(own):
                columns += relation.columns
            if view := state.staging.views.get(own):
                columns += view.columns
        return f"There is no column {name}", list(dict.fromkeys(columns))
    if failure.kind == "missing_function" and name:
        return f"There is no function {name} for such values", sorted(allowed_functions(statement.dialect))
    if failure.kind == "read_only":
        return f"The query may only read data: {failure.reason}", []
    return f"The query cannot be run: {failure.reason}", []


def _first(sql: str, name: str) -> int | None:
    match = re.search(rf"(?<![\w\"`\[]){re.escape(name)}(?!\w)", sql, re.I) if name else None
    return match.start() if match else None
