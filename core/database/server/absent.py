"""What a query reads and does not find: whether it is not there, or may not be seen."""

import re

from core.database.server.address import Address
from core.database.server.dialect import Failure
from core.database.server.state import State
from core.errors import DatabaseError, MissingDataError, SalesError

_GRANT = "Ask the administrator of the database for the right to SELECT."


def seen_or_not(error: SalesError, state: State, address: Address) -> SalesError:
    """An error about missing tables, or that they may not be read, where the server tells as much."""
    if not isinstance(error, MissingDataError):
        return error
    kept = [table for table in error.needs if table.lower() in state.unreadable]
    if not kept:
        return error
    plural = "tables" if len(kept) > 1 else "table"
    return DatabaseError(
        f"{address.user or 'This user'} may not read the {plural} {', '.join(kept)} of {address.database}.",
        _GRANT,
    )


def unseen(failure: Failure, state: State, address: Address) -> SalesError | None:
    """The error for a staging view that a server forbids since this user sees no table that it reads.

    MySQL says so of names that it does not know, if the user may not know.
    """
    if failure.kind != "permission":
        return None
    lacking = state.staging.lacking_tables
    view = next((word for word in re.findall(r"\w+", failure.reason) if word in lacking), None)
    if view is None:
        return None
    tables = lacking[view]
    plural = "tables" if len(tables) > 1 else "table"
    return DatabaseError(
        f"{address.user or 'This user'} sees no {plural} {', '.join(tables)} in {address.database}.",
        f"{_GRANT} If there are none, load them.",
    )
