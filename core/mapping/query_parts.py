"""Parts of the queries that staging views are made of."""

import re
from dataclasses import dataclass

from core.sql_files import SqlFile, read_sql


@dataclass(frozen=True)
class Lines:
    """Order lines as a part of a query: common table expressions, FROM clause, and where each field is."""

    ctes: tuple[str, ...]
    source: str
    fields: dict[str, str]
    condition: str


def without_unused(cte: str, query: str) -> str:
    """A common table expression without the columns that ``query`` does not read."""
    read = set(re.findall(r"\b[a-z]\.(\w+)", query))
    head, *columns, last = cte.split("\n        ")
    ending = last[last.index("\n") :]
    columns.append(last.removesuffix(ending))
    kept = [c.rstrip(",") for c in columns if c.rstrip(",").rsplit(" AS ", 1)[-1] in read]
    return "\n        ".join([head, ",\n        ".join(kept)]) + ending


def described(view: str) -> SqlFile:
    """What a staging view is, said once for all engines in the shipped files."""
    return read_sql(f"staging/sqlite/{view}")
