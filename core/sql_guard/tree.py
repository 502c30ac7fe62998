"""The syntax tree of typed SQL: only parts that read, tables of the database, and no explosion of CTEs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from core.sql_guard.functions import names_in
from core.sql_guard.problems import StatementError, refused_at
from core.sql_guard.reasons import ONE_SELECT, PARTS
from core.sql_guard.tokens import Word

MAX_SOURCES = 5_000
"""Tables a statement may read, counting a CTE's tables as often as it is used: engines copy them."""

_KINDS = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)
_SEEN: dict[type, bool] = {}
_ALLOWED_BASES = (exp.Binary, exp.Unary, exp.Func, *_KINDS)
_ALLOWED_NAMES = names_in(
    """Alias Aliases All Any AtTimeZone Between Boolean Bracket CTE Case Cast Collate Column ColumnDef Columns
    Comprehension Cube DataType DataTypeParam Distinct Escape Exists Fetch Filter ForIn From Group
    GroupingSets Having Identifier IgnoreNulls In Interval IntervalSpan JSONKeyValue Join JSONPath JSONPathKey
    JSONPathRoot JSONPathSlice JSONPathSubscript JSONPathWildcard JSONPathSelector JSONPathUnion
    JSONPathRecursive JSONPathFilter JSONPathScript Kwarg Lambda Lateral Limit LimitOptions Literal National
    Null Offset Order Ordered Paren Placeholder PropertyEQ Qualify RespectNulls Rollup Slice Star Struct Table
    TableAlias TableSample Tuple Unnest Var Where Window WindowSpec With WithinGroup HexString
    OpenJSONColumnDef"""
)
_REFUSED_NAMES = frozenset({"Command", "NextValueFor", "Into", "Lock", "ReadCSV", "ReadParquet"})

_FILE_LIKE = re.compile(
    r"[/\\*?:]|\.(csv|tsv|txt|json|jsonl|ndjson|parquet|xlsx?|gz|zst|bz2|db|duckdb|sqlite3?|arrow)$"
)
_HIDDEN = re.compile(
    r"^(pragma_(?!(table_info|table_xinfo|table_list|index_list|index_info|foreign_key_list)$)|sqlite_stmt$|dbstat$"
    r"|sqlite_dbpage$|fts3tokenize$|fts5vocab$|duckdb_(?!tables$|columns$|views$)|pg_(?!catalog$)|sysprocesses$"
    r"|sys$|xp_|sp_)"
)
_MOST_PARTS = {"duckdb": 3, "mysql": 1}
"""How many names, joined by dots, may stand for a table; MySQL has databases where others have schemas."""
_SCHEMAS = {
    "sqlite": frozenset({"main", "temp"}),
    "duckdb": frozenset({"main", "temp", "memory", "information_schema"}),
}
"""The only schemas there are in files; on servers the connection knows which one is its own."""
_CATALOGUES = {
    "tsql": re.compile(r"sys$|guest$|cdc$|db_"),  # INFORMATION_SCHEMA tells of tables that may be read anyway
    "": re.compile(r"information_schema$|pg_|sys$|system$|global_temp$|mysql$|performance_schema$"),
}
"""Schemas of servers that hold nothing of the company."""
_OPEN_CATALOGUES = {"tsql": frozenset({"information_schema"})}
_WITHOUT_SCHEMA = "Name its tables without a schema."


@dataclass(frozen=True)
class TreeFacts:
    """What the check of the tree found out."""

    tables: tuple[str, ...]
    parameters: tuple[str, ...]
    alias_offsets: frozenset[int]
    schemas: tuple[tuple[str, int], ...]


def check_tree(sql: str, tree: exp.Expr, words: Sequence[Word], dialect: str) -> TreeFacts:
    """Facts about the statement.

    Raises
    ------
    StatementError
        A part of it may do something other than reading the tables of the database.
    """
    if not isinstance(tree, _KINDS):
        raise _part_refused(sql, tree, words)
    nodes = list(tree.walk())
    ctes = {node.alias.lower() for node in nodes if isinstance(node, exp.CTE)}
    tables: dict[str, None] = {}
    parameters: dict[str, None] = {}
    schemas: dict[str, int] = {}
    aliases = set()
    for node in nodes:
        if not _is_allowed(type(node)):
            raise _part_refused(sql, node, words)
        if isinstance(node, exp.Identifier) and _HIDDEN.match(node.name.lower()):
            raise refused_at(
                sql, node.meta.get("start", 0), f"{node.name} shows the inside of the engine", "Leave it out."
            )
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier | exp.Dot):
            _check_table(sql, node, words, dialect)
            if node.db or node.name.lower() not in ctes:
                tables.setdefault(".".join(part.name for part in node.parts))
            if named := _schema_of(node, dialect):
                schemas.setdefault(named, _first_place(node) or 0)
        elif isinstance(node, exp.In) and isinstance(node.args.get("field"), exp.Column | exp.Literal):
            _check_membership(sql, node.args["field"])
        elif isinstance(node, exp.TableAlias) and isinstance(node.this, exp.Identifier):
            aliases.add(node.this.meta.get("start", -1))
        elif isinstance(node, exp.Placeholder | exp.Parameter):
            name = node.name
            if not name or not name.isidentifier():
                raise StatementError(
                    "Parameters without a name cannot be used.", "Write them as :name, such as :as_of_day."
                )
            parameters.setdefault(name)
    if ctes:
        _check_size(tree)
    in_order = sorted(parameters, key=lambda name: _place(words, name))
    return TreeFacts(tuple(tables), tuple(in_order), frozenset(aliases), tuple(schemas.items()))


def _is_allowed(kind: type[exp.Expr]) -> bool:
    if kind not in _SEEN:
        name = kind.__name__
        listed = name in _ALLOWED_NAMES or issubclass(kind, _ALLOWED_BASES)
        _SEEN[kind] = listed and name not in _REFUSED_NAMES
    return _SEEN[kind]


def _part_refused(sql: str, node: exp.Expr, words: Sequence[Word]) -> StatementError:
    keyword, reason, remedy = PARTS.get(type(node), ("", "", ONE_SELECT))
    if not reason:
        keyword = node.key.upper()
        reason = f"{keyword} cannot be used here"
    for word in words:
        if not word.quoted and not word.is_string and word.upper.split(" ")[0] == keyword:
            return refused_at(sql, word.start, reason, remedy)
    place = _first_place(node)
    return StatementError(f"{reason}.", remedy) if place is None else refused_at(sql, place, reason, remedy)


def _first_place(node: exp.Expr) -> int | None:
    places = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return min(places, default=None)


def _check_table(sql: str, table: exp.Table, words: Sequence[Word], dialect: str) -> None:
    names = [part.name for part in table.parts]
    place = _first_place(table) or 0
    text = next((w for w in words if w.is_string and w.raw.strip("'") == names[-1]), None)
    named = any(not w.is_string and w.name == names[-1].lower() for w in words)
    if text is not None and not named:
        place = text.start
    if _FILE_LIKE.search(".".join(names).lower()) or (text is not None and not named):
        raise refused_at(
            sql,
            place,
            f"{'.'.join(names)} is a file, and files cannot be read here",
            "Load it first: the Data page, or sales-dashboard ingest FILE",
        )
    if len(names) > _MOST_PARTS.get(dialect, 2):
        raise refused_at(
            sql, place, f"{'.'.join(names)} is outside this database", "Name its tables without a database."
        )
    if len(names) < 2:
        return
    schema, known = names[-2], _SCHEMAS.get(dialect)
    if known is not None and schema.lower() not in known:
        raise refused_at(sql, place, f"There is no schema {schema}", "Name the table alone.")
    if known is None and _CATALOGUES.get(dialect, _CATALOGUES[""]).match(schema.lower()):
        raise refused_at(sql, place, f"The schema {schema} shows the inside of the engine", _WITHOUT_SCHEMA)


def _schema_of(table: exp.Table, dialect: str) -> str:
    """The schema that a table of a server is looked for in, as the server compares names; empty: its own."""
    named = table.args.get("db")
    if not isinstance(named, exp.Identifier) or dialect in _SCHEMAS:
        return ""
    if named.name.lower() in _OPEN_CATALOGUES.get(dialect, ()):
        return ""
    return named.name if dialect == "postgres" and named.quoted else named.name.lower()


def require_own_schema(sql: str, schemas: Sequence[tuple[str, int]], own: str, dialect: str) -> None:
    """Check that the tables of a statement are in the schema that is shown.

    Parameters
    ----------
    schemas
        Schemas that the statement names, with their places; see ``CheckedStatement``.
    own
        The schema of the connection, as the server writes it.

    Raises
    ------
    StatementError
        One is in another schema, whoever may read it.
    """
    shown = own if dialect == "postgres" else own.lower()
    for schema, place in schemas:
        if schema != shown:
            raise refused_at(
                sql, place, f"The schema {schema} is not the one that is shown, {own}", _WITHOUT_SCHEMA
            )


def _check_membership(sql: str, field: exp.Column | exp.Literal) -> None:
    """``x IN name`` reads the table of that name on some engines."""
    name = field.name if isinstance(field, exp.Literal) else ".".join(part.name for part in field.parts)
    if isinstance(field, exp.Literal) or _FILE_LIKE.search(name.lower()):
        raise refused_at(sql, _first_place(field) or 0, f"IN {name} needs brackets", "Write IN (…).")


def _place(words: Sequence[Word], name: str) -> int:
    return next((word.start for word in words if word.raw == name), 0)


def _check_size(tree: exp.Expr) -> None:
    """Refuse CTEs that double and double again: engines copy a CTE wherever it is used."""
    weights: dict[str, int] = {}
    for with_ in reversed(list(tree.find_all(exp.With))):  # inner ones first
        for cte in with_.expressions:
            name = cte.alias.lower()
            weights[name] = max(weights.get(name, 0), _weight(cte.this, weights))
    total = _weight(tree, weights)
    if total > MAX_SOURCES:
        raise StatementError(
            f"The statement reads {total:,} tables, counting those of a WITH part each time it is used.",
            f"At most {MAX_SOURCES:,} can be read; use each part less often.",
        )


def _weight(tree: exp.Expr, weights: dict[str, int]) -> int:
    return max(1, sum(weights.get(table.name.lower(), 1) for table in tree.find_all(exp.Table)))
