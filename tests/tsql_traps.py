"""What parses as T-SQL and yet SQL Server refuses, or answers otherwise than other engines."""

from collections.abc import Iterator

from sqlglot import exp, parse_one

from core.sql_guard.functions import names_in

RESERVED = names_in(
    """add all alter and any as asc authorization backup begin between break browse bulk by cascade case
    check checkpoint close clustered coalesce collate column commit compute constraint contains
    containstable continue convert create cross current current_date current_time current_timestamp
    current_user cursor database dbcc deallocate declare default delete deny desc disk distinct
    distributed double drop dump else end errlvl escape except exec execute exists exit external fetch
    file fillfactor for foreign freetext freetexttable from full function goto grant group having
    holdlock identity identity_insert identitycol if in index inner insert intersect into is join key
    kill left like lineno load merge national nocheck nonclustered not null nullif of off offsets on
    open opendatasource openquery openrowset openxml option or order outer over percent pivot plan
    precision primary print proc procedure public raiserror read readtext reconfigure references
    replication restore restrict return revert revoke right rollback rowcount rowguidcol rule save
    schema securityaudit select semantickeyphrasetable session_user set setuser shutdown some statistics
    system_user table tablesample textsize then to top tran transaction trigger truncate try_convert
    tsequal union unique unpivot update updatetext use user values varying view waitfor when where while
    with within writetext"""
)


def traps(text: str) -> list[str]:
    """Everything in a query that SQL Server or Synapse would refuse or understand otherwise."""
    tree = parse_one(text, dialect="tsql")
    return list(dict.fromkeys(trap for node in tree.walk() for trap in _in_node(node, tree)))


def _in_node(node: exp.Expr, tree: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.Group) and node.find(exp.Placeholder):
        yield "a parameter in GROUP BY, which never equals the same one in SELECT"
    if (
        isinstance(node, exp.AggFunc)
        and not isinstance(node, exp.Count)
        and node.find(exp.Subquery, exp.Exists)
    ):
        yield "a sub-query inside of an aggregate"
    if isinstance(node, exp.With) and node.parent is not tree:
        yield "WITH inside of a query"
    if isinstance(node, exp.Identifier) and node.name.lower() in RESERVED and not node.args.get("quoted"):
        yield f"the reserved word {node.name} as a name"
    if isinstance(node, exp.Round) and node.args.get("decimals") is None:
        yield "ROUND without digits"
    if isinstance(node, exp.Tuple) and isinstance(node.parent, exp.In | exp.EQ):
        yield "a comparison of rows"
    if isinstance(node, exp.Distinct) and isinstance(node.parent, exp.Count) and len(node.expressions) > 1:
        yield "COUNT(DISTINCT) of several columns"
    if isinstance(node, exp.Case) and not _results(node):
        yield "CASE with nothing but NULL"
    if isinstance(node, exp.Window):
        yield from _in_window(node)
    if isinstance(node, exp.Avg) and not node.this.find(exp.Literal) and _looks_whole(node.this):
        yield "AVG of integers, which drops the fraction"
    if isinstance(node, exp.Having | exp.Where) and node.find(exp.Window):
        yield "a window function in WHERE or HAVING"


def _in_window(node: exp.Window) -> Iterator[str]:
    if isinstance(node.this, exp.RowNumber | exp.Lag | exp.Lead) and not node.args.get("order"):
        yield "a ranking without ORDER BY"
    if node.args.get("spec") and not node.args.get("order"):
        yield "ROWS without ORDER BY"
    if node.this.find(exp.Distinct):
        yield "DISTINCT in a window"


def _results(case: exp.Case) -> bool:
    results = [branch.args["true"] for branch in case.args["ifs"]]
    results += [case.args["default"]] if case.args.get("default") else []
    return any(not isinstance(result, exp.Null) for result in results)


def _looks_whole(node: exp.Expr) -> bool:
    whole = ("_day", "_days", "_id", "_number", "quantity", "orders", "is_cancelled")
    return isinstance(node, exp.Column) and node.name.endswith(whole)
