"""The declared tables: columns, types and keys as ``sql/schema/*.sql`` says them in portable SQL."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType

from core.resources import sql_folder

_WORD = r"[`\"\[]?(\w+)[`\"\]]?"
_CREATE = re.compile(rf"\s*CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:{_WORD}\s*\.\s*)?{_WORD}\s*\(", re.I)
_COLUMN = re.compile(r"\s*(?:[`\"\[]([^`\"\]]+)[`\"\]]|(\w+))\s+(\w+)", re.S)
_PRIMARY = re.compile(r"\s*(?:CONSTRAINT\s+\S+\s+)?PRIMARY\s+KEY\s*(?:\w+\s*)?\(([^)]*)\)", re.I)
_FOREIGN = re.compile(
    rf"\s*(?:CONSTRAINT\s+\S+\s+)?FOREIGN\s+KEY\s*(?:{_WORD}\s*)?\(([^)]*)\)\s*REFERENCES\s+{_WORD}\s*\(([^)]*)\)",
    re.I,
)
_OTHER = re.compile(r"\s*(?:UNIQUE|KEY|INDEX|FULLTEXT|SPATIAL|CONSTRAINT|CHECK)\b", re.I)


@dataclass(frozen=True)
class Column:
    """A column: ``kind`` is integer, number, text, date, datetime, boolean or binary."""

    name: str
    kind: str
    required: bool = False


@dataclass(frozen=True)
class ForeignKey:
    """Columns of a table whose values must be found in the columns of another."""

    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...]


@dataclass(frozen=True)
class TableSchema:
    """A table: its columns in order and its keys, which may be empty."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = field(default=())

    def column(self, name: str) -> Column | None:
        """The column of that name, whatever the case of its letters."""
        return next((column for column in self.columns if column.name.lower() == name.lower()), None)


def kind_of(declared: str) -> str:
    """The kind of a column from its declared SQL type in any dialect (``BIGINT(20)`` -> integer)."""
    word = declared.upper()
    if re.match(r"BOOL|BIT\b", word):
        return "boolean"
    if "INT" in word or word in {"SERIAL", "YEAR"}:
        return "integer"
    if re.match(r"DATETIME|TIMESTAMP", word):
        return "datetime"
    if word.startswith("DATE"):
        return "date"
    if re.match(r"DEC|NUM|REAL|FLOAT|DOUB|MONEY|SMALLMONEY|FIXED", word):
        return "number"
    return "binary" if re.search(r"BLOB|BINARY|BYTEA", word) else "text"


@cache
def declared_tables() -> Mapping[str, TableSchema]:
    """The tables of ``sql/schema`` by name."""
    files = sorted((sql_folder() / "schema").glob("*.sql"))
    schemas = (parse_create_table(file.read_text(encoding="utf-8")) for file in files)
    return MappingProxyType({schema.name: schema for schema in schemas})


def with_declared_keys(schema: TableSchema) -> TableSchema:
    """``schema`` with the keys declared for a table of its name, where it has none and has the columns."""
    declared = next(
        (known for name, known in declared_tables().items() if name.lower() == schema.name.lower()), None
    )
    if declared is None:
        return schema
    present = {column.name.lower(): column.name for column in schema.columns}

    def own(names: tuple[str, ...]) -> tuple[str, ...]:
        known = tuple(present[name.lower()] for name in names if name.lower() in present)
        return known if len(known) == len(names) else ()

    foreign = tuple(replace(key, columns=own(key.columns)) for key in declared.foreign_keys)
    return replace(
        schema,
        primary_key=schema.primary_key or own(declared.primary_key),
        foreign_keys=schema.foreign_keys or tuple(key for key in foreign if key.columns),
    )


def parse_create_table(statement: str) -> TableSchema:
    """The table that a CREATE TABLE statement describes; options that bear on no value are passed over.

    Raises
    ------
    ValueError
        The text is no CREATE TABLE statement with a list of columns.
    """
    text = re.sub(r"--[^\n]*", "", statement)
    head = _CREATE.match(text)
    if head is None:
        raise ValueError("not a CREATE TABLE statement with columns")
    columns: list[Column] = []
    primary: tuple[str, ...] = ()
    foreign: list[ForeignKey] = []
    for part in _parts(text[head.end() :]):
        if match := _PRIMARY.match(part):
            primary = _names(match[1])
        elif match := _FOREIGN.match(part):
            foreign.append(ForeignKey(_names(match[2]), match[3], _names(match[4])))
        elif _OTHER.match(part):
            continue
        elif match := _COLUMN.match(part):
            rest = part[match.end() :].upper()
            name = match[1] or match[2]
            inline_key = re.search(r"\bPRIMARY\s+KEY\b", rest) is not None
            if inline_key:
                primary = (name,)
            kind = kind_of(match[3])
            if match[3].upper() == "TINYINT" and re.match(r"\s*\(1\)", rest):
                kind = "boolean"
            columns.append(Column(name, kind, inline_key or "NOT NULL" in rest))
    return TableSchema(head[2], tuple(columns), primary, tuple(foreign))


def _names(listed: str) -> tuple[str, ...]:
    return tuple(re.sub(r"\(\d+\)", "", name).strip(' `"[]\n\t') for name in listed.split(","))


def _parts(body: str) -> list[str]:
    """The text up to the bracket that closes the list, cut at its outer commas."""
    parts, start, depth, quote = [], 0, 0, ""
    for position, char in enumerate(body):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif char in ",)" and not depth:
            parts.append(body[start:position])
            start = position + 1
            if char == ")":
                return parts
    raise ValueError("the list of columns is not closed")
