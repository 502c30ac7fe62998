"""Names, values and types as DuckDB writes them."""

SQL_TYPES = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "text": "VARCHAR",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
}
"""How each kind of column is declared. Amounts are DOUBLE, so that sums agree with those of SQLite."""


def quoted(name: str) -> str:
    """``name`` as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """``value`` as text."""
    return "'" + str(value).replace("'", "''") + "'"
