"""What can be written in a typed query: tables, columns and functions, for a browser and for completion."""

import re
from dataclasses import dataclass

from core.adhoc.run import DIALECTS
from core.database.base import Database, TableInfo
from core.sql_guard import allowed_functions

_KEYWORDS = """
SELECT DISTINCT FROM WHERE GROUP BY HAVING ORDER LIMIT OFFSET WITH RECURSIVE AS JOIN LEFT INNER CROSS ON USING
UNION ALL EXCEPT INTERSECT CASE WHEN THEN ELSE END AND OR NOT IN EXISTS BETWEEN LIKE IS NULL CAST OVER
PARTITION ROWS VALUES ASC DESC
"""
KEYWORDS = tuple(_KEYWORDS.split())
"""Words of SQL that are worth completing."""

_RESERVED_WORDS = """
add all alter analyse analyze and anti any array as asc asof asymmetric at authorization autoincrement
between binary both by case cast check collate collation column commit concurrently constraint create
cross current_date current_time current_timestamp default deferrable delete desc describe distinct do
drop else end escape except exists false fetch for foreign freeze from full glob group having ilike in
index initially inner insert intersect into is isnull join lambda lateral leading left like limit natural
not nothing notnull null offset on only or order outer overlaps pivot pivot_longer pivot_wider placing
positional primary qualify raise recursive references returning right select semi set show similar some
summarize symmetric table tablesample then to trailing transaction true union unique unpack unpivot
update using values variadic verbose when where window with
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())
"""Words that one engine or another takes for a part of the statement where a name may stand."""

_RESERVED_WORDS_OF_SERVERS = """
accessible before begin bigint blob break browse bulk call cascade change char character checkpoint close
clustered coalesce compute condition contains continue convert cume_dist current_role current_user cursor
database databases day_hour dbcc deallocate dec decimal declare delayed deny dense_rank deterministic disk
distributed double dual dump each elseif empty enclosed errlvl escaped exec execute exit explain external
file fillfactor first_value float force freetext fulltext function generated get goto grouping groups
high_priority holdlock identity if ignore infile inout int integer interval iterate json_table key keys kill
lag last_value lead leave linear lineno lines load localtime localtimestamp lock long loop low_priority
match maxvalue merge mod modifies national nocheck nonclustered nth_value ntile nullif numeric of off
offsets old new open optimize option out outfile partition percent percent_rank period plan precision print
proc procedure public purge raiserror range rank read reads real reconfigure regexp release rename repeat
replace replication require resignal restore restrict return revert revoke rlike role row row_number rows
rowcount rowguidcol rule save schema schemas securityaudit sensitive separator session session_user setuser
shutdown signal smallint spatial specific sql ssl starting statistics straight_join symmetric_key system
system_user terminated textsize tinyint top tran trigger truncate tsequal undo unlock unsigned updatetext
usage use user utc_date values varbinary varchar varying view virtual waitfor while within write writetext
xor year_month zerofill
"""
_RESERVED_ON_SERVERS = frozenset(_RESERVED_WORDS_OF_SERVERS.split())
"""More such words, of PostgreSQL, MySQL, MariaDB, SQL Server and Spark."""
_EMBEDDED = frozenset({"", "sqlite", "duckdb"})
_BACKTICKS = frozenset({"mysql", "spark"})
"""Engines on whose dialect "name" is a text."""


@dataclass(frozen=True)
class Schema:
    """Tables and views (staging views among them) with columns and rows, and the functions to call."""

    tables: tuple[TableInfo, ...]
    functions: tuple[str, ...]
    keywords: tuple[str, ...] = KEYWORDS


def schema_of(database: Database) -> Schema:
    """The schema of ``database`` as it is now."""
    functions = allowed_functions(DIALECTS.get(database.engine, ""))
    return Schema(tuple(database.tables()), tuple(sorted(functions)))


def identifier(name: str, engine: str = "") -> str:
    """``name`` as it is written in a query on ``engine``: in quotes unless it is a plain word there."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None and name.lower() not in _RESERVED
    if engine not in _EMBEDDED:
        plain = plain and name.lower() not in _RESERVED_ON_SERVERS
    if engine == "postgres":  # what is not in quotes is taken in small letters
        plain = plain and name == name.lower()
    if plain:
        return name
    if engine in _BACKTICKS:
        return "`" + name.replace("`", "``") + "`"
    return '"' + name.replace('"', '""') + '"'
