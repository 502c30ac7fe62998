"""MySQL dumps: the CREATE TABLE and INSERT statements of a ``mysqldump`` file, read without a server."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import polars as pl

from core.database.schema import TableSchema, parse_create_table
from core.errors import IngestError
from core.ingest.problems import Problem
from core.ingest.source import Block, Source

_BLOCK_ROWS = 20_000
_QUOTED = r"'(?:[^'\\]++|\\.|'')*+'|\"(?:[^\"\\]++|\\.|\"\")*+\""
_STATEMENT = re.compile(
    rf"(?P<skip>\s+|--(?=\s|$)[^\n]*|\#[^\n]*|/\*.*?\*/)|(?P<end>;)|(?P<body>(?:{_QUOTED}|`[^`]*`"
    r"|[^;'\"`/\#-]++|/(?!\*)|-(?!-(?:\s|$)))++)",
    re.DOTALL,
)
_INSERT = re.compile(r"(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+(?:`?\w+`?\.)?`?(?P<table>\w+)`?\s*", re.I)
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


@dataclass
class _Table:
    schema: TableSchema
    inserts: list[tuple[int, int]] = field(default_factory=list)


class MySqlDump:
    """A dump file.

    Raises
    ------
    IngestError
        It holds no table, or a statement that is cut off or cannot be understood; names the line.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.label = path, path.name
        data = path.read_bytes()
        try:
            self.text = data.decode("utf-8-sig")
        except UnicodeDecodeError:  # the dumps of old servers
            self.text = data.decode("latin-1")
        self._tables: dict[str, _Table] = {}
        for start, end in self._statements():
            self._note(start, end)
        if not self._tables:
            raise IngestError(
                f"Nothing was loaded: {self.label} holds no CREATE TABLE statement.",
                "Export the tables with their structure and their data.",
            )

    def sources(self) -> list["DumpTable"]:
        """The tables of the dump in order."""
        return [DumpTable(self, table.schema, table.inserts) for table in self._tables.values()]

    def line_at(self, position: int) -> int:
        """The 1-based line of a position in the text."""
        return bisect_right(self._line_starts, position)

    def refusal(self, position: int, reason: str) -> IngestError:
        """The error for a position in the text."""
        problem = Problem(self.label, self.line_at(position), "", reason)
        return IngestError(f"Nothing was loaded: {problem}.", "Export the dump again.", [problem])

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def _statements(self) -> Iterator[tuple[int, int]]:
        """Start and end of each statement, comments and white space between them left out."""
        position, start = 0, -1
        while position < len(self.text):
            match = _STATEMENT.match(self.text, position)
            if match is None:
                what = "a comment" if self.text.startswith("/*", position) else "a quoted text"
                raise self.refusal(position, f"the dump is cut off: {what} that begins here is never closed")
            if match.lastgroup == "end":
                if start >= 0:
                    yield start, position
                start = -1
            elif match.lastgroup == "body" and start < 0:
                start = position
            position = match.end()
        if start >= 0:
            raise self.refusal(start, "the dump is cut off: the statement that begins here has no end")

    def _note(self, start: int, end: int) -> None:
        if insert := _INSERT.match(self.text, start, end):
            table = self._tables.get(insert["table"])
            if table is None:
                raise self.refusal(start, f"rows for {insert['table']}, a table that is not created before")
            table.inserts.append((insert.end(), end))
        elif re.compile(r"CREATE\s+TABLE\b", re.I).match(self.text, start, end):
            try:
                schema = parse_create_table(self.text[start:end])
            except ValueError as error:
                raise self.refusal(start, f"CREATE TABLE cannot be understood: {error}") from None
            self._tables[schema.name] = _Table(schema)


class DumpTable(Source):
    """The rows of one table of a dump."""

    def __init__(self, dump: MySqlDump, schema: TableSchema, inserts: list[tuple[int, int]]) -> None:
        self._dump, self._inserts = dump, inserts
        self.label, self.name, self.schema = dump.label, schema.name, schema
        self.columns = tuple(column.name for column in schema.columns)
        self.size = sum(end - start for start, end in inserts)

    def blocks(self) -> Iterator[Block]:
        rows: list[list[str | None]] = []
        lines: list[int] = []
        done = 0
        for start, end in self._inserts:
            for position, row in self._rows(start, end):
                rows.append(row)
                lines.append(self._dump.line_at(position))
                if len(rows) == _BLOCK_ROWS:
                    yield _block(rows, lines, done + position - start)
                    rows, lines = [], []
            done += end - start
        if rows:
            yield _block(rows, lines, done)

    def _rows(self, position: int, end: int) -> Iterator[tuple[int, list[str | None]]]:
        """Position and cells of each row of one INSERT, in the order of the table's columns."""
        text, dump = self._dump.text, self._dump
        order: list[int] | None = None
        if named := _COLUMNS.match(text, position, end):
            order, position = self._order(named[1], position), named.end()
        values = _VALUES.match(text, position, end)
        if values is None:
            raise dump.refusal(position, "only INSERT … VALUES is understood")
        position = values.end()
        width = len(order) if order is not None else len(self.columns)
        while True:
            position = _gap(text, position, end)
            start = position
            cells: list[str | None] = []
            if not text.startswith("(", position):
                raise dump.refusal(position, "a row in brackets was expected")
            separator = ","
            while separator == ",":
                position = _gap(text, position + 1, end)
                value = _VALUE.match(text, position, end)
                if value is None:
                    raise dump.refusal(position, f"a value was expected after {len(cells)} of the row")
                cells.append(_cell(value))
                position = _gap(text, value.end(), end)
                separator = text[position : position + 1]
            if separator != ")":
                raise dump.refusal(position, "a comma or a closing bracket was expected")
            if len(cells) != width:
                raise dump.refusal(start, f"the row has {len(cells)} values, but {self.name} takes {width}")
            yield start, _reordered(cells, order, len(self.columns))
            position = _gap(text, position + 1, end)
            if position >= end or text[position] != ",":
                if position < end and not re.match(r"ON\s+DUPLICATE|AS\b", text[position:end], re.I):
                    raise dump.refusal(position, "a comma or the end of the statement was expected")
                return
            position += 1

    def _order(self, listed: str, position: int) -> list[int]:
        names = [name.strip(' `"\n\r\t').lower() for name in listed.split(",")]
        known = {column.lower(): number for number, column in enumerate(self.columns)}
        for name in names:
            if name not in known:
                raise self._dump.refusal(position, f"{self.name} has no column {name}")
        return [known[name] for name in names]


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
