"""The queries of the product: one text file each under ``sql/``, with a header comment that describes it.

The header is made of ``-- key: value`` lines; indented entries follow ``parameters`` and ``columns``::

    -- title: Revenue by day
    -- grain: order_day, country
    -- needs: stg_sales, stg_customers
    -- parameters:
    --   as_of_day: day, rows on or after it are left out
    -- columns:
    --   order_day: day, date of the order
    --   revenue: number, currency
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from core.errors import QueryError
from core.resources import sql_folder

COLUMN_TYPES = ("id", "integer", "number", "text", "date", "day")
"""First word of every column description. ``day`` is an integer, days since 1970-01-01; ``id`` is a key of
whatever type the company uses (integer in Classic Models), never calculated with."""

_TABLE_DEFINITIONS = ("schema/", "synapse/")
_SINGLE = ("title", "grain", "needs")
_LISTS = ("parameters", "columns")
_ENTRY = re.compile(r"^--(?P<indent>\s+)(?P<key>[a-z_][a-z0-9_]*):\s*(?P<value>.*)$")


@dataclass(frozen=True)
class SqlFile:
    """One query: its text and what its header says.

    ``text`` is the SELECT alone, without header and closing semicolon. ``parameters`` and ``columns`` map
    names to descriptions; the first word of a description is its type (``COLUMN_TYPES``). ``needs`` names
    the base tables a staging view reads, or the staging views that any other query reads.
    """

    name: str
    text: str
    title: str
    grain: str
    parameters: dict[str, str]
    columns: dict[str, str]
    needs: tuple[str, ...]

    @property
    def stem(self) -> str:
        """The file's name without its folder: for staging, the name of the view."""
        return self.name.rsplit("/", 1)[-1]


def column_type(description: str) -> str:
    """The type a column or parameter description starts with, one of ``COLUMN_TYPES``."""
    return re.split(r"[\s,;.]", description.strip(), maxsplit=1)[0]


def parse_sql(name: str, content: str) -> SqlFile:
    """The query in ``content``.

    Raises
    ------
    QueryError
        The header is missing, incomplete or has a column without a type; names file and line.
    """
    single: dict[str, str] = {}
    lists: dict[str, dict[str, str]] = {key: {} for key in _LISTS}
    open_list: dict[str, str] | None = None
    lines = content.strip().splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    for number, line in enumerate(lines[:end], start=1):
        entry = _ENTRY.match(line)
        if entry is None:
            raise QueryError(f"{name}.sql, header line {number}: expected '-- key: value', found {line!r}.")
        key, value = entry["key"], entry["value"].strip()
        if len(entry["indent"]) > 1 and open_list is not None:
            if column_type(value) not in COLUMN_TYPES:
                expected = ", ".join(COLUMN_TYPES)
                raise QueryError(
                    f"{name}.sql, header line {number}: {key} must start with one of {expected}."
                )
            open_list[key] = value
        elif key in _LISTS:
            open_list = lists[key]
        elif key in _SINGLE:
            open_list, single[key] = None, value
        else:
            raise QueryError(f"{name}.sql, header line {number}: unknown entry {key!r}.")
    text = "\n".join(lines[end:]).strip().removesuffix(";").rstrip()
    missing = [key for key in _SINGLE if key not in single] + ([] if lists["columns"] else ["columns"])
    if missing or not text:
        raise QueryError(f"{name}.sql: the header lacks {', '.join(missing) or 'a query below it'}.")
    needs = tuple(part.strip() for part in single["needs"].split(",") if part.strip())
    return SqlFile(name, text, single["title"], single["grain"], lists["parameters"], lists["columns"], needs)


def sql_names(folder: str = "") -> list[str]:
    """Sorted names of all queries in ``folder`` (such as ``marts``; empty: all), for ``read_sql``."""
    root = sql_folder()
    prefix = folder.strip("/") + "/"
    names = sorted(path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*.sql"))
    queries = [name for name in names if not name.startswith(_TABLE_DEFINITIONS)]
    return [name for name in queries if prefix == "/" or name.startswith(prefix)]


@cache
def read_sql(name: str) -> SqlFile:
    """The query called ``name``: its path below ``sql/`` without suffix, such as ``marts/sales_daily``.

    Raises
    ------
    QueryError
        There is no such query (the nearest names are given), its file cannot be read or its header is wrong.
    """
    known = sql_names()
    if name not in known:
        by_stem = [other for other in known if other.rsplit("/", 1)[-1] == name.rsplit("/", 1)[-1]]
        nearest = by_stem or get_close_matches(name, known, n=3, cutoff=0.4)
        raise QueryError(
            f"There is no query called {name!r}.",
            f"Nearest names: {', '.join(nearest)}." if nearest else "See the folder sql for all queries.",
        )
    try:
        content = (sql_folder() / f"{name}.sql").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{name}.sql cannot be read: {error}.", "Save it as UTF-8 text.") from None
    return parse_sql(name, content)


def staging_files(engine: str) -> list[SqlFile]:
    """The staging views of an engine (``sqlite``, ``duckdb``), one SELECT each; ``stem`` names the view.

    They read base tables only, so they can be created in any order.

    Raises
    ------
    QueryError
        No staging views are known for this engine.
    """
    names = sql_names(f"staging/{engine}")
    if not engine or not names:
        engines = sorted({name.split("/")[1] for name in sql_names("staging")})
        raise QueryError(
            f"There are no staging views for {engine!r}.", f"Known engines: {', '.join(engines)}."
        )
    return [read_sql(name) for name in names]
