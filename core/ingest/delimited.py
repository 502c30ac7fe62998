"""Comma-, semicolon- and tab-separated text with line-exact problems.

Chunks of sound rows are cut into columns by Polars, several times faster than the ``csv`` module; from the
first oddity on, the ``csv`` module reads the rest.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import BinaryIO

import polars as pl

from core.errors import IngestError, RowProblem
from core.ingest.problems import Problem, refusal
from core.ingest.source import Block, Source
from core.ingest.streams import open_stream, place_in_file
from core.ingest.text_form import (
    LONGEST_CELL,
    delimiter_of,
    encoding_of,
    encoding_problem,
    nul_problem,
    quote_problem,
    text_lines,
    unmarked_utf16,
)

_CHUNK_BYTES = 2 << 20
_BLOCK_ROWS = 20_000


class DelimitedFile(Source):
    """A file of delimited text in UTF-8, or in UTF-16 with a byte order mark; plain or gzip.

    Raises
    ------
    IngestError
        The file is empty, its header has two columns of one name, or it is not text.
    """

    empty_is_null = True

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.label, self.name = path, path.name, name
        self.size = path.stat().st_size
        self._delimiter = ""
        csv.field_size_limit(LONGEST_CELL)
        self._encoding = encoding_of(path)
        if self._encoding == "utf-8-sig" and (problem := unmarked_utf16(path)):
            raise refusal(problem)
        try:
            self._delimiter = delimiter_of(path, self._encoding)
            header, self.header_line = self._header()
        except (UnicodeDecodeError, csv.Error) as error:
            raise refusal(self._read_problem(error, 1)) from None
        self.comma_likely = self._delimiter == ";"
        names, self.notes = checked_header(header, self.label, self.header_line)
        self.columns = tuple(names)

    def blocks(self) -> Iterator[Block]:
        return self.typed_blocks({})

    def typed_blocks(self, dtypes: Mapping[str, pl.DataType]) -> Iterator[Block]:
        if self._encoding != "utf-8-sig":
            yield from self._careful_blocks(0, 0)
            return
        with open_stream(self.path) as stream:
            header = b"".join(stream.readline() for _ in range(self.header_line))
            if header.count(b"\r") != header.count(b"\r\n"):  # lines that end in a carriage return alone
                yield from self._careful_blocks(0, 0)
                return
            line, offset = self.header_line, len(header)
            wanted = [dtypes.get(name, pl.String()) for name in self.columns]
            while chunk := _whole_rows(stream):
                found = self._rows_of(chunk, wanted)
                if found is None and dtypes:  # a cell is no plain number, and those that follow may be none
                    wanted = [pl.String()] * len(wanted)
                    found = self._rows_of(chunk, wanted)
                if found is None:
                    yield from self._careful_blocks(offset, line)
                    return
                columns, lines = found
                if isinstance(lines, range):
                    numbers: Sequence[int] = range(line + 1, line + len(lines) + 1)
                else:
                    numbers = [line + 1 + number for number in lines]
                yield Block(columns, numbers, done=place_in_file(stream))
                offset += len(chunk)
                line += len(lines) if isinstance(lines, range) else chunk.count(b"\n")

    def _rows_of(
        self, chunk: bytes, dtypes: Sequence[pl.DataType]
    ) -> tuple[list[pl.Series], Sequence[int]] | None:
        """Columns and lines (from 0) of sound rows; ``None`` if any row needs a closer look."""
        if len(chunk) > LONGEST_CELL or b"\0" in chunk:
            return None
        if b"\r" in chunk and chunk.count(b"\r") != chunk.count(b"\r\n"):
            return None
        width, quoted = len(self.columns), b'"' in chunk
        if width == 1 and (b"\n\n" in chunk or b"\n\r" in chunk or chunk.startswith((b"\n", b"\r"))):
            return None
        lines: Sequence[int]
        if quoted:
            from core.ingest.quoting import layout_of  # only quotes need NumPy

            layout = layout_of(chunk, self._delimiter.encode())
            if layout is None:
                return None
            rows, separators, lines = layout.rows, layout.delimiters, layout.lines
        else:
            rows = chunk.count(b"\n") + (not chunk.endswith(b"\n"))
            separators, lines = chunk.count(self._delimiter.encode()), range(rows)
        if separators != rows * (width - 1):
            return None
        try:
            frame = pl.read_csv(
                chunk,
                has_header=False,
                schema={str(number): dtype for number, dtype in enumerate(dtypes)},
                separator=self._delimiter,
                quote_char='"' if quoted else None,
            )
        except pl.exceptions.PolarsError:  # a longer line, bytes that are not UTF-8, or no plain number
            return None
        columns = frame.get_columns()
        if any(column.dtype.is_float() and not column.is_finite().all() for column in columns):
            return None
        return (columns, lines) if frame.height == rows else None

    def _careful_blocks(self, offset: int, line: int) -> Iterator[Block]:
        """The rows from a byte offset, after ``line`` lines, read by the ``csv`` module."""
        with open_stream(self.path, offset) as stream:
            encoding = self._encoding if offset == 0 else "utf-8"
            text = io.TextIOWrapper(stream, encoding=encoding, newline="")
            records = csv.reader(text_lines(text), delimiter=self._delimiter, strict=True)
            read, ended = line, False  # lines up to the last whole record
            while not ended:
                records_read: list[list[str]] = []
                failure: RowProblem | None = None
                try:
                    records_read.extend(islice(records, _BLOCK_ROWS))
                    ended = not records_read
                except (UnicodeDecodeError, csv.Error) as error:
                    ended = True
                    failure = self._read_problem(error, read + sum(map(_height, records_read)) + 1)
                after = line + records.line_num
                done = place_in_file(stream)
                block = self._block(records_read, read, after if not failure else -1, failure, done)
                read = after
                if len(block.lines) or block.problems:
                    yield block

    def _block(
        self, records: list[list[str]], read: int, after: int, failure: RowProblem | None, done: int
    ) -> Block:
        """The records from after line ``read`` to line ``after``, sorted into rows and problems."""
        width = len(self.columns)
        lines: Sequence[int] = range(read + 1, read + len(records) + 1)
        problems: list[RowProblem] = []
        if after - read != len(records):  # cells with line breaks
            starts = accumulate(map(_height, records), initial=read + 1)
            lines = list(islice(starts, len(records)))
        if read < self.header_line or set(map(len, records)) != {width}:
            pairs = [pair for pair in zip(records, lines, strict=True) if pair[1] > self.header_line]
            problems = [self._ragged(row, at) for row, at in pairs if row and len(row) != width]
            records = [row for row, _ in pairs if len(row) == width]
            lines = [at for row, at in pairs if len(row) == width]
        columns = zip(*records, strict=True) if records else ((),) * width
        series = [pl.Series(cells, dtype=pl.String) for cells in columns]
        if failure:
            problems.append(failure)
        return Block(series, lines, tuple(problems), done=min(done, self.size))

    def _ragged(self, row: Sequence[str], line: int) -> Problem:
        cells = f"{len(row)} cell" + ("s" if len(row) != 1 else "")
        column = self.columns[len(row)] if len(row) < len(self.columns) else ""
        reason = f"{cells}, but the header has {len(self.columns)}"
        mark = {"\t": "a tab", ",": "a comma", ";": "a semicolon"}.get(self._delimiter, self._delimiter)
        few, many = "Fill in the missing cells.", f"Put quotes around cells that hold {mark}."
        return Problem(self.label, line, column, reason, few if column else many)

    def _read_problem(self, error: UnicodeDecodeError | csv.Error, line: int) -> Problem:
        columns = getattr(self, "columns", ()) or self._likely_names()
        if isinstance(error, UnicodeDecodeError):
            return encoding_problem(self.path, self._encoding, columns, self._delimiter)
        if str(error) == "NUL":
            return nul_problem(self.path, self._encoding, columns, self._delimiter)
        return quote_problem(self.path, line, error)

    def _likely_names(self) -> list[str]:
        """The cells of the first line, where what follows cannot be read."""
        with open_stream(self.path) as stream:
            line = stream.readline(LONGEST_CELL).decode(self._encoding, errors="replace")
        return [cell.strip(' "\r\n') for cell in line.split(self._delimiter or ",")]

    def _header(self) -> tuple[list[str], int]:
        """The header's cells and the number of lines up to its end."""
        with io.TextIOWrapper(open_stream(self.path), encoding=self._encoding, newline="") as text:
            records = csv.reader(text_lines(text), delimiter=self._delimiter, strict=True)
            for row in records:
                if any(cell.strip() for cell in row):
                    return row, records.line_num
        raise IngestError(
            f"Nothing was loaded: {self.label} is empty.",
            "A file needs a header line that names its columns.",
        )


def checked_header(header: Sequence[str], label: str, line: int) -> tuple[list[str], tuple[str, ...]]:
    """Column names from the cells of a header, and notes on those without a name.

    Raises
    ------
    IngestError
        Two columns have one name.
    """
    names: list[str] = []
    notes = []
    seen: set[str] = set()
    for number, cell in enumerate(header, start=1):
        name = " ".join(cell.split())
        if not name:
            name = f"column_{number}"
            notes.append(f"{label}, line {line}: column {number} has no name and is called {name}; name it")
        if name.lower() in seen:
            reason = f"the header names two columns {name!r}"
            raise refusal(Problem(label, line, name, reason, "Rename one of them."))
        seen.add(name.lower())
        names.append(name)
    return names, tuple(notes)


def _whole_rows(stream: BinaryIO) -> bytes:
    """The next chunk, up to the end of a row."""
    chunk = stream.read(_CHUNK_BYTES)
    if chunk and not chunk.endswith(b"\n"):
        chunk += stream.readline(LONGEST_CELL)
    if b'"' not in chunk or not _is_open(chunk):
        return chunk
    pieces, length, open_quote = [chunk], 0, True
    while open_quote and length < LONGEST_CELL and (piece := stream.readline(LONGEST_CELL)):
        pieces.append(piece)
        length += len(piece)
        open_quote ^= _is_open(piece)
    return b"".join(pieces)


def _is_open(chunk: bytes) -> bool:
    """Whether a chunk that begins with a row ends inside a quoted cell."""
    return chunk.count(b'"') % 2 == 1


def _height(record: list[str]) -> int:
    """How many lines a record takes in the file."""
    return 1 + sum(cell.count("\n") + cell.count("\r") - cell.count("\r\n") for cell in record)
