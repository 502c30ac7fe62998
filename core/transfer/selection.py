"""Which tables are copied, in which order: tables that others refer to come first."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from core.database.base import Database, TableInfo
from core.database.schema import TableSchema
from core.errors import DatabaseError

_LEFT_OUT = re.compile(r"^(sqlite_|_ingest_|sales_(load|rename|mapping)_log$)", re.I)
"""What each database keeps of its own history; a mapping is stored anew on the target."""


def copyable(database: Database) -> list[TableInfo]:
    """The tables of a database that a copy takes along, by name."""
    return [info for info in database.tables() if info.kind == "table" and not _LEFT_OUT.match(info.name)]


def chosen(database: Database, names: Sequence[str]) -> list[TableInfo]:
    """The tables of those names, or all.

    Raises
    ------
    DatabaseError
        There is no such table, or none at all.
    """
    present = copyable(database)
    if not names:
        if not present:
            raise DatabaseError("The database to copy from has no tables.", "Load data into it first.")
        return present
    known = {info.name.lower(): info for info in present}
    found = []
    for name in dict.fromkeys(name.strip().lower() for name in names if name.strip()):
        if name not in known:
            near = get_close_matches(name, list(known), n=1)
            hint = f"Did you mean {known[near[0]].name}?" if near else "Choose one of its tables."
            raise DatabaseError(f"The database to copy from has no table {name}.", hint)
        found.append(known[name])
    if not found:
        raise DatabaseError("No table was named.", "Name some, or leave --tables away to copy all.")
    return found


def in_order(schemas: Sequence[TableSchema]) -> list[TableSchema]:
    """Tables that others refer to before those that refer to them; by name where nothing else decides.

    Tables that refer to each other in a circle come in the order of their names.
    """
    waiting = {schema.name.lower(): schema for schema in sorted(schemas, key=lambda schema: schema.name)}
    ordered: list[TableSchema] = []
    while waiting:
        ready = [
            name
            for name, schema in waiting.items()
            if not any(
                key.table.lower() in waiting and key.table.lower() != name for key in schema.foreign_keys
            )
        ]
        for name in ready or [next(iter(waiting))]:
            ordered.append(waiting.pop(name))
    return ordered
