"""What the catalogue and the completion show: tables, saved queries, and values for their parameters."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from core.adhoc import SavedQuery, Schema, identifier, saved_queries, schema_of
from dashboard.session import Session


@dataclass(frozen=True)
class Contents:
    """The schema of the database and the saved queries by name."""

    schema: Schema = field(default_factory=lambda: Schema((), ()))
    saved: dict[str, SavedQuery] = field(default_factory=dict)
    key: tuple[object, ...] = ()
    engine: str = ""

    @property
    def tables(self) -> list[dict[str, Any]]:
        """Tables and views as the browser wants them."""
        return [
            {
                "name": t.name,
                "kind": t.kind,
                "rows": t.rows,
                "columns": [list(c) for c in t.columns.items()],
                "broken": t.broken,
            }
            for t in self.schema.tables
        ]

    @property
    def queries(self) -> list[dict[str, Any]]:
        """Saved queries as the browser wants them."""
        return [
            {"name": q.name, "title": q.title, "purpose": q.purpose, "problem": q.problem}
            for q in self.saved.values()
        ]

    @property
    def runnable(self) -> frozenset[str]:
        """Names of the saved queries that can be put into the editor."""
        return frozenset(name for name, query in self.saved.items() if not query.problem)

    @property
    def quoted(self) -> dict[str, str]:
        """How names of tables and columns are written in SQL, where that is not as they are."""
        names = {name for table in self.schema.tables for name in (table.name, *table.columns)}
        return {name: text for name in sorted(names) if (text := identifier(name, self.engine)) != name}

    @property
    def words(self) -> list[str]:
        """Key words and functions to complete."""
        return [*self.schema.keywords, *self.schema.functions]

    def declared(self, text: str) -> dict[str, str] | None:
        """The kinds of the columns, if ``text`` is a saved query as it was saved."""
        return next((q.declared for q in self.saved.values() if q.text.strip() == text.strip()), None)


def read_contents(session: Session, known: Contents) -> Contents:
    """The contents for the as-of date of the session: ``known`` if nothing has changed since.

    Reads the database; raises ``SalesError``.
    """
    database, settings = session.database, session.settings
    key = (database.data_version(), session.as_of)
    if key == known.key:
        return known
    saved = saved_queries(database, as_of=session.as_of, terms_days=settings.payment_terms_days)
    return Contents(schema_of(database), {query.name: query for query in saved}, key, database.engine)


def default_values(session: Session, saved: Iterable[SavedQuery]) -> dict[str, object]:
    """Values that make sense: as-of date and period of the session, else those of the saved queries."""
    values: dict[str, object] = {}
    for query in saved:
        values |= query.defaults
    if session.sales is not None:
        given = session.filters.sql_parameters(session.sales.as_of)
        if not session.filters.values_of("period"):
            given.pop("from_day", None)
        values |= given
    return values
