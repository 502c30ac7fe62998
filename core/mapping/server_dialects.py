"""How database servers write what staging views need."""

from core.mapping.dialect import Dialect

_NUMBER = r"^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$"
_ISO_SHAPE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"


class PostgresDialect(Dialect):
    """PostgreSQL: a cast that fails ends the query, so values are looked at first."""

    text_type, number_type, integer_type = "TEXT", "DOUBLE PRECISION", "BIGINT"

    def whole(self, expression: str) -> str:
        return super().whole(f"TRUNC({expression})")

    def rounded(self, expression: str) -> str:
        return super().rounded(f"CAST({expression} AS NUMERIC)")  # halves of others go to the even number

    def number(self, expression: str, kind: str) -> str:
        if kind != "text":
            return f"CAST({expression} AS DOUBLE PRECISION)"
        cleaned = f"TRIM({expression})"
        return f"CASE WHEN {cleaned} ~ '{_NUMBER}' THEN CAST({cleaned} AS DOUBLE PRECISION) END"

    def date(self, expression: str, kind: str) -> str:
        if kind in ("date", "datetime"):
            return f"CAST({expression} AS DATE)"
        shape, starts = (_ISO_SHAPE, (1, 6, 9)) if kind == "text" else ("^[1-9][0-9]{7}$", (1, 5, 7))
        text = expression if kind == "text" else self.as_text(expression)
        year, month, day = (
            f"CAST(SUBSTRING({text}, {start}, {size}) AS INTEGER)"
            for start, size in zip(starts, (4, 2, 2), strict=True)
        )
        date = f"MAKE_DATE({year}, {month}, 1) + ({day} - 1)"
        return (
            f"CASE WHEN NOT {text} ~ '{shape}' OR {year} = 0 OR NOT {month} BETWEEN 1 AND 12 "
            f"OR NOT {day} BETWEEN 1 AND 31 THEN NULL "
            f"WHEN EXTRACT(MONTH FROM {date}) = {month} THEN {date} END"
        )

    def day(self, date: str) -> str:
        return f"{date} - DATE '1970-01-01'" if date.startswith("CAST") else f"({date}) - DATE '1970-01-01'"

    def month(self, date: str) -> str:
        return f"CAST(EXTRACT(YEAR FROM {date}) * 100 + EXTRACT(MONTH FROM {date}) AS INTEGER)"

    def date_text(self, date: str) -> str:
        return f"TO_CHAR({date}, 'YYYY-MM-DD')"


class MysqlDialect(Dialect):
    """MySQL and MariaDB."""

    text_type, number_type, integer_type = "CHAR", "DOUBLE", "SIGNED"

    def whole(self, expression: str) -> str:
        return super().whole(f"TRUNCATE({expression}, 0)")

    def number(self, expression: str, kind: str) -> str:
        if kind != "text":
            return f"CAST({expression} AS DOUBLE)"
        cleaned = f"TRIM({expression})"
        return f"CASE WHEN {cleaned} REGEXP '{_NUMBER}' THEN CAST({cleaned} AS DOUBLE) END"

    def date(self, expression: str, kind: str) -> str:
        if kind in ("date", "datetime"):
            return f"CAST({expression} AS DATE)"
        if kind == "integer":
            parsed = f"STR_TO_DATE({self.as_text(expression)}, '%Y%m%d')"
            return f"CASE WHEN {expression} BETWEEN 10000101 AND 99991231 THEN {parsed} END"
        parsed = f"STR_TO_DATE(LEFT({expression}, 10), '%Y-%m-%d')"
        return f"CASE WHEN {expression} REGEXP '{_ISO_SHAPE}' THEN {parsed} END"

    def day(self, date: str) -> str:
        return f"DATEDIFF({date}, '1970-01-01')"

    def month(self, date: str) -> str:
        return f"YEAR({date}) * 100 + MONTH({date})"

    def date_text(self, date: str) -> str:
        return f"DATE_FORMAT({date}, '%Y-%m-%d')"
