"""Mappings kept in the company's own database: as views, and as text to restore an earlier one from."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from core.database.base import Database
from core.errors import MissingDataError, QueryError
from core.mapping.fields import VIEWS
from core.mapping.findings import Validation
from core.mapping.model import Mapping, MappingError
from core.mapping.shape import resolved
from core.mapping.staging_sql import customer_index, staging_views
from core.mapping.validate import validate_mapping
from core.mapping.views import change_views, view_texts

MAPPING_LOG = "sales_mapping_log"
"""One row per view of each state that was stored: entry, stored_at (UTC), action, mapping (JSON, null where
the views were written by hand), view_name and view_sql (null where the state has no views)."""


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
    _record(database, "mapped", mapping, views, customer_index(mapping, tables, database.engine))
    return validation


def remove_mapping(database: Database) -> None:
    """Remove the database's own staging views; the shipped ones then apply again."""
    _record(database, "removed", None, {})


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
    _record(database, "restored", earlier.mapping, earlier.views)
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
    if latest is not None and latest.action != "removed":
        return latest
    found = view_texts(database, VIEWS)
    return StoredMapping(0, "", "found", None, found) if found else None


def _record(
    database: Database,
    action: str,
    mapping: Mapping | None,
    views: dict[str, str],
    index: tuple[str, str, str] | None = None,
) -> None:
    """Change the views and note the new state; views written by hand are noted first."""
    history = mapping_history(database)
    known = history[0].views if history else {}
    present = view_texts(database, VIEWS)
    entry = history[0].entry if history else 0
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    rows: list[tuple[object, ...]] = []
    if present and present.keys() - known.keys():
        entry += 1
        rows += [(entry, now, "found", None, name, text) for name, text in present.items()]
    told = mapping.to_json() if mapping is not None else None
    listed: list[tuple[str | None, str | None]] = [*views.items()] or [(None, None)]
    rows += [(entry + 1, now, action, told, name, text) for name, text in listed]
    change_views(database, VIEWS, views, MAPPING_LOG, rows, index)


def follow_renamed(database: Database, table: str, name: str) -> None:
    """Note that a table which is mapped has another name now; does nothing for others."""
    state = current_mapping(database)
    if state is None or state.mapping is None or table not in [own.table for own in state.mapping.tables]:
        return
    renamed = Mapping(
        tuple(replace(own, table=name) if own.table == table else own for own in state.mapping.tables)
    )
    _record(database, "renamed", renamed, staging_views(renamed, database.tables(), database.engine))
