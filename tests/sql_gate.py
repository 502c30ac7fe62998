"""What portable SQL may contain: walks the syntax tree of a query as six engines understand it."""

import re
from collections.abc import Iterator

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

DIALECTS = ("tsql", "sqlite", "duckdb", "postgres", "mysql", "spark")

_BANNED: dict[type[exp.Expr], str] = {
    exp.Limit: "LIMIT or TOP",
    exp.Fetch: "FETCH",
    exp.Offset: "OFFSET",
    exp.Qualify: "QUALIFY",
    exp.Filter: "FILTER",
    exp.Interval: "INTERVAL",
    exp.DPipe: "||",
    exp.Boolean: "a boolean literal",
    exp.Cast: "a cast",
    exp.TryCast: "a cast",
    exp.ILike: "ILIKE",
    exp.Lateral: "LATERAL",
    exp.IntDiv: "integer division",
    exp.Bracket: "an array",
}
_FUNCTIONS = (
    *(exp.Sum, exp.Count, exp.Min, exp.Max, exp.Avg, exp.Coalesce, exp.Round, exp.RowNumber),
    *(exp.Case, exp.If, exp.And, exp.Or, exp.Exists, exp.Lag, exp.Lead),
)
_CONDITION_PLACES = (exp.Where, exp.Having, exp.Join, exp.And, exp.Or, exp.Not, exp.Paren, exp.If, exp.Case)


def violations(text: str, may_order: bool = True) -> list[str]:
    """Everything in a query that some engine would refuse or understand otherwise; empty if portable."""
    found: dict[str, None] = {}
    for dialect in DIALECTS:
        try:
            tree = parse_one(text, dialect=dialect)
        except SqlglotError as error:
            found[f"{dialect} cannot parse it: {str(error).splitlines()[0]}"] = None
            continue
        found |= dict.fromkeys(_in_tree(tree, may_order))
    return [*found, *_in_text(text)]


def _in_text(text: str) -> Iterator[str]:
    """Keywords that parsers read but forget, or take for names."""
    bare = re.sub(r"'[^']*'", "''", re.sub(r"--[^\n]*", "", text))
    for pattern, name in (
        (r"\bNULLS\b", "NULLS FIRST or LAST"),
        (r"\bGROUP BY\s+ALL\b", "GROUP BY ALL"),
        (r"\|\|", "||"),
        (r"\bTRUE\b|\bFALSE\b", "a boolean literal"),
        (r"[\"`\[]", "a quoted name"),
        (r"::", "a cast"),
        (r"\bDATE\s*''", "a date literal"),
        (r";", "more than one statement"),
    ):
        if re.search(pattern, bare, re.IGNORECASE):
            yield name


def _in_tree(tree: exp.Expr, may_order: bool) -> Iterator[str]:
    for node in tree.walk():
        for banned, name in _BANNED.items():
            if isinstance(node, banned):
                yield name
        yield from _in_node(node)
        top = node.parent is tree and may_order
        if isinstance(node, exp.Order) and not top and not isinstance(node.parent, exp.Window):
            yield "ORDER BY inside a query or mart"


def _in_node(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.With) and node.args.get("recursive"):
        yield "a recursive CTE"
    if isinstance(node, exp.Group) and any(isinstance(e, exp.Literal) for e in node.expressions):
        yield "an ordinal in GROUP BY"
    if isinstance(node, exp.Ordered) and isinstance(node.this, exp.Literal):
        yield "an ordinal in ORDER BY"
    if isinstance(node, exp.Func) and not isinstance(node, (*_FUNCTIONS, exp.Cast, exp.TryCast)):
        yield f"the function {node.sql_name() if not isinstance(node, exp.Anonymous) else node.name}"
    if isinstance(node, exp.Div) and not _has_decimal(node.this):
        yield "a division without * 1.0"
    if isinstance(node, exp.Predicate) and not isinstance(node.parent, _CONDITION_PLACES):
        yield "a condition used as a value"
    if isinstance(node, exp.Join) and (
        node.side == "FULL" or node.method == "NATURAL" or node.args.get("using")
    ):
        yield "a FULL, NATURAL or USING join"
    if isinstance(node, exp.WindowSpec) and node.args.get("kind") == "RANGE":
        yield "a RANGE window"
    if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
        yield "SELECT *"
    if isinstance(node, exp.Subquery) and isinstance(node.parent, exp.From | exp.Join) and not node.alias:
        yield "a sub-query without a name"


def _has_decimal(node: exp.Expr) -> bool:
    return any(not literal.is_string and "." in literal.name for literal in node.find_all(exp.Literal))
