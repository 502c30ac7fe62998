"""What a database on a server holds: its tables and views, and the staging views over them.

Staging views are not made on the server, which would take rights that a reader has not: their text is put
before each query that names them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from core.database.changes import HIDDEN
from core.database.server.dialect import Connection, Dialect, Relation
from core.database.staging import Staging, staging_over
from core.sql_files import SqlFile, column_type

OWN = "_sales_"
"""How the names of the product's own hidden tables begin."""
CHANGES = f"{OWN}changes"
VIEW_TEXTS = f"{OWN}view_texts"

_WITH = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*WITH(?:\s+RECURSIVE)?\b", re.I | re.S)


@dataclass(frozen=True)
class State:
    """The schema as it was when ``version`` was read.

    Attributes
    ----------
    relations
        All tables and views, by lower-case name.
    denied
        For staging views that this user may not read: the server's reason.
    likely
        The kind of each column name on which all tables and staging views agree.
    unreadable
        Tables and views that are there and may not be read, in lower case.
    """

    version: str
    relations: dict[str, Relation]
    staging: Staging
    denied: dict[str, str]
    likely: dict[str, str]
    unreadable: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Expanded:
    """A query with the staging views that it reads put before it."""

    sql: str
    inserted_at: int
    inserted: int

    def origin(self, place: int) -> int | None:
        """The offset in the query as written; ``None`` within a staging view."""
        if place < self.inserted_at:
            return place
        return place - self.inserted if place >= self.inserted_at + self.inserted else None


def read_state(dialect: Dialect, connection: Connection) -> State:
    """What the database holds now."""
    version = dialect.schema_version(connection)
    relations = {relation.name.lower(): relation for relation in dialect.relations(connection)}
    kinds: dict[str, dict[str, str]] = {}
    denied: dict[str, str] = {}
    create = partial(_tried, dialect, connection, kinds, denied)
    staging = staging_over(dialect.engine, relations, create, lambda table: _columns(relations, table))
    for view in denied:
        staging.broken.pop(view, None)
    unreadable = frozenset(dialect.unreadable(connection))
    return State(version, relations, staging, denied, _likely(dialect, relations, staging, kinds), unreadable)


def is_hidden(name: str) -> bool:
    """Whether a table is one that people are not told of."""
    return name.startswith((HIDDEN, OWN))


def expanded(sql: str, staging: Staging, dialect: Dialect) -> Expanded:
    """``sql`` with the staging views that it names as its first common table expressions."""
    words = set(re.findall(r"\w+", sql.lower()))
    ctes = ", ".join(
        f"{view} {dialect.cte} ({file.text})" for view, file in staging.views.items() if view in words
    )
    if not ctes:
        return Expanded(sql, len(sql), 0)
    if own := _WITH.match(sql):
        at, text = own.end(), f" {ctes},"
    else:
        at, text = 0, f"WITH {ctes} "
    return Expanded(sql[:at] + text + sql[at:], at, len(text))


def _tried(
    dialect: Dialect,
    connection: Connection,
    kinds: dict[str, dict[str, str]],
    denied: dict[str, str],
    file: SqlFile,
) -> str:
    """Read no row of a staging view; gives the reason if it does not work, and notes its columns."""
    query = f"WITH {file.stem} {dialect.cte} ({file.text}) SELECT * FROM {file.stem} WHERE 1 = 0"
    try:
        bound = dialect.bound(connection, query, {})
        with dialect.blocks(connection, bound, 1, streamed=False) as (columns, _):
            kinds[file.stem] = dict(columns)
    except dialect.errors as error:
        failure = dialect.failure(error)
        if failure.may_be_repeated:
            raise
        if failure.kind == "permission":
            denied[file.stem] = failure.reason
        return failure.reason
    return ""


def _columns(relations: Mapping[str, Relation], table: str) -> list[str]:
    found = relations.get(table.lower())
    return list(found.columns) if found else []


def _likely(
    dialect: Dialect, relations: dict[str, Relation], staging: Staging, kinds: dict[str, dict[str, str]]
) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for relation in relations.values():
        for column, declared in relation.columns.items():
            found.setdefault(column, set()).add(shown_kind(dialect, declared))
    for view, file in staging.views.items():
        for column, text in file.columns.items():
            kind = column_type(text)
            if kind == "id":
                kind = kinds[view].get(column) or "integer"
            found.setdefault(column, set()).add("number" if kind == "decimal" else kind)
    found.setdefault("invoice_id", found.get("order_id", {"integer"}))
    return {name: next(iter(kinds)) for name, kinds in found.items() if len(kinds) == 1}


def shown_kind(dialect: Dialect, declared: str) -> str:
    """The kind of a column as people are told: exact numbers are numbers."""
    kind = dialect.kind(declared)
    return "number" if kind == "decimal" else kind
