"""MySQL dumps: the CREATE TABLE and INSERT statements of a ``mysqldump`` file, read without a server."""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import BinaryIO

import polars as pl

from core.database.schema import TableSchema, parse_create_table
from core.errors import IngestError
from core.ingest.problems import Problem, refusal
from core.ingest.source import Block, Source
from core.ingest.sql_statements import Statement, statements_of
from core.ingest.streams import open_stream

_BLOCK_ROWS = 20_000
_QUOTED = r"'(?:[^'\\]++|\\.|'')*+'|\"(?:[^\"\\]++|\\.|\"\")*+\""
_INSERT = re.compile(r"(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+(?:`?\w+`?\.)?`?(?P<table>\w+)`?\s*", re.I)
_CREATE = re.compile(r"CREATE\s+TABLE\b", re.I)
_COLUMNS = re.compile(r"\(([^()']*)\)\s*")
_VALUES = re.compile(r"VALUES?\s*", re.I)
_GAP = re.compile(r"(?:\s+|/\*.*?\*/|--(?=\s)[^\n]*|\#[^\n]*)*", re.DOTALL)
_VALUE = re.compile(
    rf"(?:_(?P<charset>\w+)\s*)?(?:(?P<text>{_QUOTED})|(?P<hex>0[xX][0-9a-fA-F]+|[xX]'[0-9a-fA-F]*')"
    r"|(?P<word>NULL|TRUE|FALSE|DEFAULT)\b|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))",
    re.DOTALL | re.I,
)
_ESCAPE = re.compile(r"\\(.)|''|\"\"", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "b": "\b", "Z": "\x1a"}


_AGAIN = "Export the dump again, with its structure and as INSERT … VALUES statements."


@dataclass
class _Table:
    """A table, and offset, length in bytes and first line of each of its INSERT statements."""

    schema: TableSchema
    inserts: "array[int]" = field(default_factory=lambda: array("q"))


@dataclass
class _Text:
    """The text of one statement, and the line of each place in it; places are asked for in order."""

    label: str
    text: str
    line: int
    _counted: int = 0

    def line_at(self, position: int) -> int:
        self.line += self.text.count("\n", self._counted, position)
        self._counted = max(self._counted, position)
        return self.line

    def refusal(self, position: int, reason: str) -> IngestError:
        return refusal(Problem(self.label, self.line_at(position), "", reason, _AGAIN))


class MySqlDump:
    """A dump file, plain or gzip. Its rows are read a statement at a time.

    Raises
    ------
    IngestError
        It holds no table, or a statement that is cut off or cannot be understood; names the line.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.label = path, path.name
        self.encoding = "utf-8"
        self._tables: dict[str, _Table] = {}
        for statement in statements_of(path):
            self._note(statement)
        if not self._tables:
            raise IngestError(
                f"Nothing was loaded: {self.label} holds no CREATE TABLE statement.",
                "Export the tables with their structure and their data.",
            )

    def sources(self) -> list["DumpTable"]:
        """The tables of the dump in order."""
        return [DumpTable(self, table.schema, table.inserts) for table in self._tables.values()]

    def _note(self, statement: Statement) -> None:
        try:
            text = statement.text.decode("utf-8")
        except UnicodeDecodeError:  # the dumps of old servers
            text = statement.text.decode("latin-1")
            self.encoding = "latin-1"
        if insert := _INSERT.match(text):
            table = self._tables.get(insert["table"])
            if table is None:
                reason = f"rows for {insert['table']}, a table that is not created before"
                raise refusal(Problem(self.label, statement.line, "", reason, _AGAIN))
            table.inserts.extend((statement.offset, len(statement.text), statement.line))
        elif _CREATE.match(text):
            try:
                schema = parse_create_table(text)
            except ValueError as error:
                reason = f"CREATE TABLE cannot be understood: {error}"
                raise refusal(Problem(self.label, statement.line, "", reason, _AGAIN)) from None
            self._tables[schema.name] = _Table(schema)


class DumpTable(Source):
    """The rows of one table of a dump."""

    def __init__(self, dump: MySqlDump, schema: TableSchema, inserts: "array[int]") -> None:
        self._dump, self._inserts = dump, inserts
        self.label, self.name, self.schema = dump.label, schema.name, schema
        self.columns = tuple(column.name for column in schema.columns)
        self.size = sum(inserts[1::3])

    def blocks(self) -> Iterator[Block]:
        if not self._inserts:
            return
        rows: list[list[str | None]] = []
        lines: list[int] = []
        done = 0
        with open_stream(self._dump.path, self._inserts[0]) as stream:
            here = self._inserts[0]
            for offset, length, line in batched(self._inserts, 3):
                _skip(stream, offset - here)
                text = stream.read(length).decode(self._dump.encoding)
                here = offset + length
                statement = _Text(self.label, text, line)
                for position, row in self._rows(statement):
                    rows.append(row)
                    lines.append(statement.line_at(position))
                    if len(rows) == _BLOCK_ROWS:
                        yield _block(rows, lines, done + position)
                        rows, lines = [], []
                done += length
        if rows:
            yield _block(rows, lines, done)

    def _rows(self, statement: _Text) -> Iterator[tuple[int, list[str | None]]]:
        """Position and cells of each row of one INSERT, in the order of the table's columns."""
        text, end = statement.text, len(statement.text)
        insert = _INSERT.match(text)
        position = insert.end() if insert else 0
        order: list[int] | None = None
        if named := _COLUMNS.match(text, position, end):
            order, position = self._order(named[1], statement), named.end()
        values = _VALUES.match(text, position, end)
        if values is None:
            raise statement.refusal(position, "only INSERT … VALUES is understood")
        position = values.end()
        width = len(order) if order is not None else len(self.columns)
        while True:
            position = _gap(text, position, end)
            start = position
            cells: list[str | None] = []
            if not text.startswith("(", position):
                raise statement.refusal(position, "a row in brackets was expected")
            separator = ","
            while separator == ",":
                position = _gap(text, position + 1, end)
                value = _VALUE.match(text, position, end)
                if value is None:
                    raise statement.refusal(position, f"a value was expected after {len(cells)} of the row")
                cells.append(_cell(value))
                position = _gap(text, value.end(), end)
                separator = text[position : position + 1]
            if separator != ")":
                raise statement.refusal(position, "a comma or a closing bracket was expected")
            if len(cells) != width:
                raise statement.refusal(
                    start, f"the row has {len(cells)} values, but {self.name} takes {width}"
                )
            yield start, _reordered(cells, order, len(self.columns))
            position = _gap(text, position + 1, end)
            if position >= end or text[position] != ",":
                if position < end and not re.match(r"ON\s+DUPLICATE|AS\b", text[position:end], re.I):
                    raise statement.refusal(position, "a comma or the end of the statement was expected")
                return
            position += 1

    def _order(self, listed: str, statement: _Text) -> list[int]:
        names = [name.strip(' `"\n\r\t').lower() for name in listed.split(",")]
        known = {column.lower(): number for number, column in enumerate(self.columns)}
        for name in names:
            if name not in known:
                raise statement.refusal(0, f"{self.name} has no column {name}")
        return [known[name] for name in names]


def _skip(stream: BinaryIO, number: int) -> None:
    """Go forward in a stream that may have no other way."""
    while number > 0 and (piece := len(stream.read(min(number, 1 << 20)))):
        number -= piece


def _gap(text: str, position: int, end: int) -> int:
    match = _GAP.match(text, position, end)
    return match.end() if match else position


def _reordered(cells: list[str | None], order: list[int] | None, width: int) -> list[str | None]:
    if order is None or order == list(range(width)):
        return cells
    row: list[str | None] = [None] * width
    for target, cell in zip(order, cells, strict=True):
        row[target] = cell
    return row


def _cell(value: re.Match[str]) -> str | None:
    """A literal as text: words for booleans, 0x… for bytes."""
    if text := value["text"]:
        inner = text[1:-1]
        quote = text[0]
        if "\\" in inner or quote in inner:
            inner = _ESCAPE.sub(lambda m: _unescaped(m, quote), inner)
        if (value["charset"] or "").lower() == "binary":
            return "0x" + inner.encode("latin-1", errors="replace").hex()
        return inner
    if value["hex"]:
        return "0x" + value["hex"].strip("'")[2:].lower()
    if word := value["word"]:
        return {"TRUE": "1", "FALSE": "0"}.get(word.upper())
    return value["number"]


def _unescaped(match: re.Match[str], quote: str) -> str:
    if match[1]:
        return _ESCAPED.get(match[1], match[1])
    return quote if match[0][0] == quote else match[0]


def _block(rows: list[list[str | None]], lines: list[int], done: int) -> Block:
    columns = [pl.Series(cells, dtype=pl.String) for cells in zip(*rows, strict=True)]
    return Block(columns, lines, done=done)
