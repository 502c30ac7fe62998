"""What the catalogue of SQL Server tells: tables, views, keys, rights, and what has changed."""

import re

RELATIONS = """
SELECT t.TABLE_NAME, CASE WHEN t.TABLE_TYPE = 'VIEW' THEN 'view' ELSE 'table' END,
       c.COLUMN_NAME, c.DATA_TYPE, c.NUMERIC_PRECISION, c.NUMERIC_SCALE
FROM INFORMATION_SCHEMA.TABLES AS t
LEFT JOIN INFORMATION_SCHEMA.COLUMNS AS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME
WHERE t.TABLE_SCHEMA = SCHEMA_NAME()
ORDER BY t.TABLE_NAME, c.ORDINAL_POSITION
"""

SCHEMA_VERSION = """
SELECT COUNT_BIG(*), SUM(CAST(o.object_id AS BIGINT)), MAX(o.modify_date)
FROM sys.objects AS o
WHERE o.type IN ('U', 'V') AND o.schema_id = SCHEMA_ID() AND o.is_ms_shipped = 0
"""

DATA_VERSION = """
SELECT CONCAT(
    (SELECT SUM(p.rows) FROM sys.partitions AS p
     INNER JOIN sys.objects AS o ON o.object_id = p.object_id
     WHERE o.type = 'U' AND o.schema_id = SCHEMA_ID() AND p.index_id IN (0, 1)), '-',
    (SELECT SUM(d.modification_counter) FROM sys.stats AS s
     INNER JOIN sys.objects AS o ON o.object_id = s.object_id
     CROSS APPLY sys.dm_db_stats_properties(s.object_id, s.stats_id) AS d
     WHERE o.type = 'U' AND o.schema_id = SCHEMA_ID()))
"""
"""Rows of tables, and changes of columns that there are statistics on. Changes of other columns are not seen,
which is why the version also changes with time."""

KEY = """
SELECT c.name FROM sys.indexes AS i
INNER JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id
INNER JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id
WHERE i.is_primary_key = 1 AND i.object_id = OBJECT_ID(:table)
ORDER BY k.key_ordinal
"""

FOREIGN_KEYS = """
SELECT f.name, c.name, OBJECT_NAME(f.referenced_object_id), r.name
FROM sys.foreign_keys AS f
INNER JOIN sys.foreign_key_columns AS k ON k.constraint_object_id = f.object_id
INNER JOIN sys.columns AS c ON c.object_id = k.parent_object_id AND c.column_id = k.parent_column_id
INNER JOIN sys.columns AS r ON r.object_id = k.referenced_object_id AND r.column_id = k.referenced_column_id
WHERE f.parent_object_id = OBJECT_ID(:table)
ORDER BY f.name, k.constraint_column_id
"""

RIGHTS = """
SELECT p.state, p.permission_name, COL_NAME(p.major_id, NULLIF(p.minor_id, 0)), g.name
FROM sys.database_permissions AS p
INNER JOIN sys.database_principals AS g ON g.principal_id = p.grantee_principal_id
WHERE p.class = 1 AND p.major_id = OBJECT_ID(:table)
"""

VIEW_TEXTS = """
SELECT o.name, m.definition FROM sys.sql_modules AS m
INNER JOIN sys.objects AS o ON o.object_id = m.object_id
WHERE o.type = 'V' AND o.schema_id = SCHEMA_ID() AND o.is_ms_shipped = 0
"""

SNAPSHOT_ALLOWED = "SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()"

SERVER = """
SELECT CAST(SERVERPROPERTY('EngineEdition') AS INT), CAST(SERVERPROPERTY('ProductVersion') AS NVARCHAR(128))
"""

HOLD = """
SET NOCOUNT ON;
DECLARE @held INT;
EXEC @held = sp_getapplock @Resource = N'sales-dashboard load', @LockMode = N'Exclusive',
    @LockOwner = N'Session', @LockTimeout = 0;
SELECT @held;
"""

EDITIONS = {
    5: "Azure SQL Database",
    6: "Azure Synapse dedicated SQL pool",
    8: "Azure SQL Managed Instance",
    9: "Azure SQL Edge",
    11: "Azure Synapse serverless SQL pool",
    12: "SQL database in Microsoft Fabric",
}
"""Names of servers by their EngineEdition; others are SQL Server itself."""

_NAME = r"(?:\[(?:[^\]]|\]\])+\]|\"(?:[^\"]|\"\")+\"|[\w@#$]+)"
_VIEW = re.compile(
    rf"""
    (?: \s+ | --[^\n]*\n | /\*.*?\*/ )*
    (?: CREATE (?:\s+OR\s+ALTER)? | ALTER ) \s+ VIEW \s+ (?:{_NAME}\s*\.\s*)? {_NAME}
    \s* (?P<columns>\([^)]*\))? \s* (?: WITH \s+ [\w, \t\n]+? \s )? \s* AS \b
    """,
    re.X | re.I | re.S,
)


def select_of(definition: str) -> str:
    """The SELECT of a view as it was written, out of the statement that made it."""
    head = _VIEW.match(definition)
    return (definition[head.end() :] if head else definition).strip().removesuffix(";")


_RIGHTS = {"D": ("DENY", "TO"), "R": ("REVOKE", "FROM")}
"""A column may be taken out of a right on its table, which the catalogue tells as a right of its own."""


def rights_again(table: str, rows: list[tuple[str, str, str | None, str]]) -> list[str]:
    """The statements that give a table the rights that another had."""
    statements = []
    for state, right, column, grantee in rows:
        verb, to = _RIGHTS.get(state.strip(), ("GRANT", "TO"))
        place = f"{bracketed(table)}{f' ({bracketed(column)})' if column else ''}"
        option = " WITH GRANT OPTION" if state.strip() == "W" else ""
        statements.append(f"{verb} {right} ON {place} {to} {bracketed(grantee)}{option}")
    return statements


def bracketed(name: str) -> str:
    """``name`` as an identifier."""
    return "[" + name.replace("]", "]]") + "]"
