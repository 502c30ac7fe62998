"""How an engine writes what staging views need: the only place of this package that differs by engine."""

from abc import ABC, abstractmethod

from core.errors import QueryError

_ISO_SHAPE = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*"


class Dialect(ABC):
    """Expressions of one engine; ``kind`` is that of the column (integer, number, text, date, datetime)."""

    text_type: str
    number_type: str
    integer_type: str

    @staticmethod
    def quoted(name: str) -> str:
        """``name`` as an identifier."""
        return '"' + name.replace('"', '""') + '"'

    def null(self, kind: str) -> str:
        """A null of a known type."""
        types = {"number": self.number_type, "integer": self.integer_type, "day": self.integer_type}
        return f"CAST(NULL AS {types.get(kind, self.text_type)})"

    def as_text(self, expression: str) -> str:
        """A value as text."""
        return f"CAST({expression} AS {self.text_type})"

    def text(self, expression: str, kind: str) -> str:
        """Text without spaces around it; nothing but spaces is null."""
        return f"NULLIF(TRIM({expression if kind == 'text' else self.as_text(expression)}), '')"

    def identifier(self, expression: str, kind: str, *, textual: bool) -> str:
        """A key; with ``textual`` as text, so that keys of several tables can be compared."""
        if kind == "number":
            expression = self.whole(expression)
        if textual:
            return self.text(expression, "integer" if kind == "number" else kind)
        return expression

    def whole(self, expression: str) -> str:
        """A number without its fraction."""
        return f"CAST({expression} AS {self.integer_type})"

    def rounded(self, expression: str) -> str:
        """A number as a whole one."""
        return f"CAST(ROUND({expression}) AS {self.integer_type})"

    def line_number(self, is_table: bool) -> str:  # noqa: ARG002
        """A number that is different in every row of the relation called ``t``."""
        return "ROW_NUMBER() OVER ()"

    @abstractmethod
    def number(self, expression: str, kind: str) -> str:
        """A number with a fraction; null for text that is none."""

    @abstractmethod
    def date(self, expression: str, kind: str) -> str:
        """A date in the engine's own form; null for what is none. Whole numbers are read as yyyymmdd."""

    @abstractmethod
    def day(self, date: str) -> str:
        """Days since 1970-01-01 of what ``date`` gave."""

    @abstractmethod
    def month(self, date: str) -> str:
        """Year and month of what ``date`` gave, as the number yyyymm."""

    @abstractmethod
    def date_text(self, date: str) -> str:
        """What ``date`` gave as ISO text of ten characters."""


class SqliteDialect(Dialect):
    """SQLite: dates are ISO text."""

    text_type, number_type, integer_type = "TEXT", "REAL", "INTEGER"

    def line_number(self, is_table: bool) -> str:
        return "t.rowid" if is_table else super().line_number(is_table)

    def number(self, expression: str, kind: str) -> str:
        if kind != "text":
            return f"{expression} * 1.0"
        cleaned = f"TRIM({expression})"
        numeric = f"{cleaned} GLOB '*[0-9]*' AND NOT {cleaned} GLOB '*[^-+.0-9eE]*'"
        return f"CASE WHEN {numeric} THEN {cleaned} * 1.0 END"

    def date(self, expression: str, kind: str) -> str:
        if kind == "integer":
            parts = " || '-' || ".join(
                f"substr({expression}, {start}, {size})" for start, size in ((1, 4), (5, 2), (7, 2))
            )
            return f"CASE WHEN {expression} BETWEEN 10000101 AND 99991231 THEN {parts} END"
        short = f"substr({expression}, 1, 10)"
        return (
            short
            if kind in ("date", "datetime")
            else f"CASE WHEN {expression} GLOB '{_ISO_SHAPE}' THEN {short} END"
        )

    def day(self, date: str) -> str:
        return f"CAST(julianday({date}) - 2440587.5 AS INTEGER)"

    def month(self, date: str) -> str:
        return f"CAST(strftime('%Y%m', {date}) AS INTEGER)"

    def date_text(self, date: str) -> str:
        return date


class DuckDbDialect(Dialect):
    """DuckDB: dates are dates."""

    text_type, number_type, integer_type = "VARCHAR", "DOUBLE", "BIGINT"

    def whole(self, expression: str) -> str:
        return super().whole(f"TRUNC({expression})")  # a cast alone would round

    def number(self, expression: str, kind: str) -> str:
        return f"{'TRY_CAST' if kind == 'text' else 'CAST'}({expression} AS DOUBLE)"

    def date(self, expression: str, kind: str) -> str:
        if kind == "integer":
            return f"CAST(TRY_STRPTIME({self.as_text(expression)}, '%Y%m%d') AS DATE)"
        if kind in ("date", "datetime"):
            return f"CAST({expression} AS DATE)"
        return f"CAST(TRY_CAST({expression} AS TIMESTAMP) AS DATE)"

    def day(self, date: str) -> str:
        return f"date_diff('day', DATE '1970-01-01', {date})"

    def month(self, date: str) -> str:
        return f"CAST(strftime({date}, '%Y%m') AS INTEGER)"

    def date_text(self, date: str) -> str:
        return f"strftime({date}, '%Y-%m-%d')"


_EMBEDDED: dict[str, type[Dialect]] = {"sqlite": SqliteDialect, "duckdb": DuckDbDialect}
_SERVERS = {"postgres": "PostgresDialect", "mysql": "MysqlDialect"}


def dialect_of(engine: str) -> Dialect:
    """The dialect of an engine.

    Raises
    ------
    QueryError
        Staging views cannot be generated for it.
    """
    if engine in _EMBEDDED:
        return _EMBEDDED[engine]()
    if engine in _SERVERS:
        from core.mapping import server_dialects

        made: Dialect = getattr(server_dialects, _SERVERS[engine])()
        return made
    known = ", ".join([*_EMBEDDED, *_SERVERS])
    raise QueryError(
        f"Tables cannot be mapped on {engine} yet.",
        f"It works on {known}; elsewhere write the staging views.",
    )
