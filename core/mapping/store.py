"""Mappings kept in the company's own database: as views, and as text to restore an earlier one from."""

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from core.database.base import Database
from core.database.changes import BrokenView, Changes
from core.errors import MissingDataError, QueryError
from core.mapping.fields import VIEWS
from core.mapping.findings import Validation
from core.mapping.model import Mapping, MappingError
from core.mapping.shape import resolved
from core.mapping.staging_sql import customer_index, staging_views
from core.mapping.validate import validate_mapping

MAPPING_LOG = "sales_mapping_log"
"""One row per view of each state that was stored: entry, stored_at (UTC), action, mapping (JSON, null where
the views were written by hand), view_name and view_sql (null where the state has no views)."""


_LOG_COLUMNS = {
    "entry": "integer",
    "stored_at": "text",
    "action": "text",
    "mapping": "text",
    "view_name": "text",
    "view_sql": "text",
}


@dataclass(frozen=True)
class StoredMapping:
    """One state of the staging views.

    ``action`` is mapped, restored, renamed, removed, or found for views that somebody wrote by hand.
    """

    entry: int
    stored_at: str
    action: str
    mapping: Mapping | None
    views: dict[str, str]


def store_mapping(database: Database, mapping: Mapping) -> Validation:
    """Validate a mapping and make its views in one transaction, in place of those that were there.

    Raises
    ------
    MappingError
        Something essential is wrong; nothing was changed.
    DatabaseError
        The database cannot be written.
    """
    validation = validate_mapping(database, mapping)
    validation.require_ok()
    mapping = resolved(mapping, database.tables())
    tables = database.tables()
    views = staging_views(mapping, tables, database.engine)
    index = customer_index(mapping, tables, database.engine)
    with database.changing() as changes:
        _record(database, changes, "mapped", mapping, views)
        if index is not None:
            changes.add_index(*index)
    return validation


def remove_mapping(database: Database) -> None:
    """Remove the database's own staging views; the shipped ones then apply again."""
    with database.changing() as changes:
        _record(database, changes, "removed", None, {})


def restore_mapping(database: Database, entry: int) -> StoredMapping:
    """Make the views of an earlier state again.

    Raises
    ------
    MappingError
        There is no such entry, or its views do not work on the present tables; nothing was changed.
    """
    earlier = next((state for state in mapping_history(database) if state.entry == entry), None)
    if earlier is None:
        raise MappingError(f"There is no stored mapping {entry}.", "Choose one from the history.")
    with database.changing() as changes:
        _record(database, changes, "restored", earlier.mapping, earlier.views)
    return earlier


def mapping_history(database: Database) -> list[StoredMapping]:
    """All states that were stored, the latest first."""
    try:
        rows = database.query(
            "SELECT entry, stored_at AS at, action, mapping, view_name, view_sql "
            f"FROM {MAPPING_LOG} ORDER BY entry DESC, view_name"
        )
    except (MissingDataError, QueryError):  # nothing was ever mapped
        return []
    states: dict[int, StoredMapping] = {}
    for row in rows.iter_rows(named=True):
        mapping = Mapping.from_json(row["mapping"]) if row["mapping"] else None
        at = str(row["at"])
        state = states.setdefault(
            row["entry"], StoredMapping(int(row["entry"]), at, row["action"], mapping, {})
        )
        if row["view_name"]:
            state.views[row["view_name"]] = row["view_sql"]
    return list(states.values())


def current_mapping(database: Database) -> StoredMapping | None:
    """The state in force; ``None`` where the database has no staging views of its own."""
    latest = next(iter(mapping_history(database)), None)
    found = staging_texts(database)
    if latest is not None and found and _alike(found, latest.views):
        return latest
    return StoredMapping(0, "", "found", None, found) if found else None


def staging_texts(database: Database) -> dict[str, str]:
    """The SELECT of each staging view that the database has itself, with its comments."""
    texts = database.view_texts().items()
    return {name.lower(): text for name, text in texts if name.lower() in VIEWS}


def follow_renamed(database: Database, changes: Changes, names: AnyMapping[str, str]) -> None:
    """Let the mapping follow tables that ``changes`` rename (new names by old ones)."""
    state = current_mapping(database)
    mapping = state.mapping if state is not None else None
    if mapping is None or not any(own.table in names for own in mapping.tables):
        return
    mapping = Mapping(tuple(replace(own, table=names.get(own.table, own.table)) for own in mapping.tables))
    tables = [replace(table, name=names.get(table.name, table.name)) for table in database.tables()]
    _record(database, changes, "renamed", mapping, staging_views(mapping, tables, database.engine))


def _record(
    database: Database, changes: Changes, action: str, mapping: Mapping | None, views: dict[str, str]
) -> None:
    """Change the views and note the new state; views written by hand are noted first."""
    history = mapping_history(database)
    entry = history[0].entry if history else 0
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    rows: list[tuple[object, ...]] = []
    present = staging_texts(database)
    if present and not _alike(present, history[0].views if history else {}):
        entry += 1
        rows += [(entry, now, "found", None, name, text) for name, text in present.items()]
    told = mapping.to_json() if mapping is not None else None
    listed: list[tuple[str | None, str | None]] = [*views.items()] or [(None, None)]
    rows += [(entry + 1, now, action, told, name, text) for name, text in listed]
    _replace_views(changes, views)
    changes.add_rows(MAPPING_LOG, _LOG_COLUMNS, rows)


def _replace_views(changes: Changes, views: AnyMapping[str, str]) -> None:
    """Make the staging views that are given, in place of all those of the database."""
    for name, kind in changes.relations().items():
        if name.lower() in VIEWS and kind == "view":
            changes.drop_view(name)
        elif name.lower() in views:
            raise MappingError(
                f"The name {name} is taken by a table of the database.", "Rename that table first."
            )
    for name, text in views.items():
        try:
            changes.create_view(name, text)
        except BrokenView as error:
            raise MappingError(error.message, "Map the tables again.") from error


def _alike(views: AnyMapping[str, str], others: AnyMapping[str, str]) -> bool:
    """Whether the texts are the same but for white space around them."""
    return {name: text.strip() for name, text in views.items()} == {
        name: text.strip().removesuffix(";") for name, text in others.items()
    }
