"""Which columns are customers, dates and amounts: suggested, chosen, counted, stored."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.database import Database, TableInfo
from core.errors import SalesError
from core.mapping import (
    ENTITIES,
    LineCounts,
    Mapping,
    StoredMapping,
    TableMapping,
    Validation,
    current_mapping,
    mapping_history,
    remove_mapping,
    restore_mapping,
    staging_views,
    store_mapping,
    suggest_columns,
    suggest_entity,
    validate_mapping,
)
from core.roles import Role, require
from dashboard.components.data_parts import DataMapping
from dashboard.current_database import CurrentDatabase
from dashboard.data_page.table_list import user_tables
from dashboard.data_page.work import LOADS, READS
from dashboard.sql_page.running import Background

_NOTHING_YET = "Load a table first; then its columns can be mapped to sales."


@dataclass(frozen=True)
class _Known:
    """What the database says: its tables, the mapping in force and earlier ones."""

    tables: list[TableInfo]
    current: StoredMapping | None
    history: list[StoredMapping]


class MappingDesk:
    """The mapping of one session, kept as a draft until it is stored.

    ``act`` is called with what the person chose to do next: switch or explore.
    """

    def __init__(self, current: CurrentDatabase, background: Background, act: Callable[[str], None]) -> None:
        self.current, self._background, self._act = current, background, act
        self.card = DataMapping(on_event=self._asked, sizing_mode="stretch_width")
        self._known = _Known([], None, [])
        self._draft: dict[str, TableMapping] = {}
        self._stored: Mapping | None = None
        self._wanted = 0

    def refresh(self, suggested: str = "") -> None:
        """Read tables and mapping anew; ``suggested`` is a table just loaded, to be mapped if nothing is."""
        database = self.current.own_database()
        if database is None:
            self.card.change(tables=[], empty=_NOTHING_YET)
            return
        self._background.start(
            READS,
            lambda: _Known(user_tables(database), current_mapping(database), mapping_history(database)),
            partial(self._known_now, suggested),
        )

    def _known_now(self, suggested: str, outcome: _Known | SalesError) -> None:
        if isinstance(outcome, SalesError):
            self.card.change(message=str(outcome), tone="error")
            return
        self._known = outcome
        stored = outcome.current.mapping if outcome.current is not None else None
        present = {table.name: table for table in outcome.tables}
        if stored is not None and stored != self._stored:
            self._draft = {own.entity: own for own in stored.tables}
        self._stored = stored
        self._draft = {name: own for name, own in self._draft.items() if own.table in present}
        if suggested in present and stored is None:
            entity = suggest_entity(present[suggested])
            columns = suggest_columns(entity, present[suggested])
            self._draft[entity] = TableMapping(entity, suggested, tuple(columns.items()))
        self._show_choices()
        self._check()

    def _show_choices(self) -> None:
        known = self._known
        self.card.change(
            tables=[table.name for table in known.tables],
            empty=_NOTHING_YET,
            current=_in_force(known.current),
            removable=known.current is not None,
            entities=[self._told_entity(name) for name in ENTITIES],
            history=[_told_state(state) for state in known.history[1:]],
            busy=False,
        )

    def _told_entity(self, name: str) -> dict[str, Any]:
        entity, own = ENTITIES[name], self._draft.get(name)
        table = next((t for t in self._known.tables if own is not None and t.name == own.table), None)
        fields = []
        for field in entity.fields if table is not None and own is not None else ():
            options = [
                {"name": column, "kind": kind}
                for column, kind in table.columns.items()  # type: ignore[union-attr]
                if field.fits(kind)
            ]
            required = field.required or (name == "sales" and field.name in ("customer_id", "order_date"))
            chosen = own.column(field.name) if own is not None else None
            told = {"name": field.name, "title": field.title, "required": required, "options": options}
            fields.append({**told, "column": chosen or ""})
        return {"name": name, "title": entity.title, "table": own.table if own else "", "fields": fields}

    def _mapping(self) -> Mapping:
        return Mapping(tuple(self._draft.values()))

    def _check(self) -> None:
        """Count what the draft would give; only the latest answer is shown."""
        self._wanted += 1
        database, mapping, wanted = self.current.own_database(), self._mapping(), self._wanted
        if database is None or not mapping.tables:
            self.card.change(counts=[], findings=[], sql={}, storable=False, checking=False)
            return
        self.card.change(checking=True, storable=False)
        tables = self._known.tables
        self._background.start(
            READS, lambda: _checked(database, mapping, tables), partial(self._counted, wanted, mapping)
        )

    def _counted(
        self, wanted: int, mapping: Mapping, outcome: tuple[Validation, dict[str, str]] | SalesError
    ) -> None:
        if wanted != self._wanted:
            return
        if isinstance(outcome, SalesError):
            self.card.change(checking=False, counts=[], sql={}, findings=[
                {"severity": "error", "message": outcome.message, "remedy": outcome.remedy}])  # fmt: skip
            return
        validation, views = outcome
        self.card.change(
            checking=False,
            counts=_told_counts(validation.counts, self.current.settings.currency),
            findings=[
                {
                    "severity": f.severity,
                    "message": f"{f.message[:1].upper()}{f.message[1:]}",
                    "remedy": f.remedy,
                }
                for f in validation.findings
            ],
            sql=views,
            storable=validation.ok and mapping != self._stored,
        )

    def _asked(self, event: dict[str, Any]) -> None:
        kind = event.get("kind", "")
        if kind in ("table", "column") and event.get("entity") in ENTITIES:
            self._choose(event)
        elif kind == "store":
            mapping = self._mapping()
            self._change(lambda db: store_mapping(db, mapping), "The mapping is stored.")
        elif kind == "remove":
            self._draft = {}
            self._change(remove_mapping, "The mapping was removed; it can be restored below.")
        elif kind == "restore":
            entry = int(event.get("entry", 0))
            self._change(lambda db: restore_mapping(db, entry), "The earlier mapping is in force again.")
        elif kind in ("switch", "explore"):
            self._act(kind)

    def _choose(self, event: dict[str, Any]) -> None:
        entity = str(event["entity"])
        if event["kind"] == "table":
            table = next((t for t in self._known.tables if t.name == event.get("table")), None)
            self._draft.pop(entity, None)
            if table is not None:
                columns = suggest_columns(entity, table)
                self._draft[entity] = TableMapping(entity, table.name, tuple(columns.items()))
        elif entity in self._draft:
            own = self._draft[entity]
            columns = {**dict(own.columns), str(event["field"]): str(event.get("column", ""))}
            self._draft[entity] = TableMapping(entity, own.table, tuple(columns.items()))
        self.card.change(message="", tone="", next=None)
        self._show_choices()
        self._check()

    def _change(self, work: Callable[[Database], Any], said: str) -> None:
        database = self.current.own_database()
        try:
            require(Role.ADMIN, "mapping tables")
        except SalesError as error:
            self.card.change(message=str(error), tone="error", next=None)
            return
        if database is None:
            return
        self.card.change(busy=True, message="", tone="", next=None)
        self._background.start(LOADS, lambda: work(database), partial(self._changed, said))

    def _changed(self, said: str, outcome: Any) -> None:
        if isinstance(outcome, SalesError):
            self.card.change(busy=False, message=str(outcome), tone="error")
            return
        name = self.current.shown_url(self.current.own_url).rsplit("/", 1)[-1]
        following = {"kind": "explore", "label": "Open Explore"}
        if self.current.shows_demo:
            following = {"kind": "switch", "label": f"Show {name} on every page"}
        self.card.change(busy=False, message=said, tone="good", next=following)
        self.current.changed()


def _checked(
    database: Database, mapping: Mapping, tables: list[TableInfo]
) -> tuple[Validation, dict[str, str]]:
    validation = validate_mapping(database, mapping)
    return validation, staging_views(mapping, tables, database.engine) if validation.ok else {}


def _told_counts(counts: LineCounts | None, currency: str) -> list[dict[str, str]]:
    if counts is None or not counts.lines:
        return []
    facts = [
        ("lines", "Order lines"),
        ("orders", "Orders"),
        ("customers", "Customers"),
        ("products", "Products"),
    ]
    told = [{"key": key, "label": label, "value": f"{getattr(counts, key):,}"} for key, label in facts]
    told.append({"key": "revenue", "label": f"Revenue ({currency})", "value": f"{counts.revenue:,.2f}"})
    if counts.first_day is not None and counts.last_day is not None:
        told.append({"key": "first", "label": "First order", "value": counts.first_day.isoformat()})
        told.append({"key": "last", "label": "Last order", "value": counts.last_day.isoformat()})
    return told


def _in_force(state: StoredMapping | None) -> str:
    if state is None:
        return "No mapping is in force: tables with the expected names are used as they are."
    if state.mapping is None:
        return f"In force: views written by hand ({', '.join(sorted(state.views))}). They are kept as text."
    tables = ", ".join(
        f"{ENTITIES[own.entity].title.lower()} from {own.table}" for own in state.mapping.tables
    )
    return f"In force: {tables}."


def _told_state(state: StoredMapping) -> dict[str, Any]:
    tables = "written by hand" if state.views else "none"
    if state.mapping is not None:
        tables = ", ".join(dict.fromkeys(own.table for own in state.mapping.tables))
    return {"entry": state.entry, "at": state.stored_at, "action": state.action, "tables": tables,
            "restorable": bool(state.views)}  # fmt: skip
