"""Comma-, semicolon- and tab-separated text with line-exact problems.

Stretches without any quote are cut into columns by Polars, several times faster than the ``csv`` module;
from the first quote (or the first oddity) on, the ``csv`` module reads the rest.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import BinaryIO

import polars as pl

from core.errors import IngestError, RowProblem
from core.ingest.source import Block, Source

_CHUNK_BYTES = 1 << 20
_BLOCK_ROWS = 20_000
_LONGEST_CELL = 1 << 26
_DELIMITERS = ",;\t|"
_SNIFFED_ROWS = 50


class DelimitedFile(Source):
    """A file of delimited text in UTF-8, or in UTF-16 with a byte order mark.

    Raises
    ------
    IngestError
        The file is empty, its header has two columns of one name, or it is not text.
    """

    empty_is_null = True

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.label, self.name = path, path.name, name
        self.size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(4)
        self._encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        try:
            self._delimiter = self._sniffed()
            header, self._header_lines = self._header()
        except UnicodeDecodeError:
            raise self._refusal(_encoding_problem(path, self._encoding)) from None
        except csv.Error as error:
            raise self._refusal(RowProblem(self.label, 1, "", _quote_reason(error))) from None
        self.columns = tuple(self._checked(header))

    def blocks(self) -> Iterator[Block]:
        if self._encoding != "utf-8-sig":
            yield from self._careful_blocks(0, 0)
            return
        with self.path.open("rb") as stream:
            header = b"".join(stream.readline() for _ in range(self._header_lines))
            if header.count(b"\r") != header.count(b"\r\n"):  # lines that end in a carriage return alone
                yield from self._careful_blocks(0, 0)
                return
            line, offset = self._header_lines, len(header)
            while chunk := _whole_lines(stream):
                columns = self._columns_of(chunk)
                if columns is None:
                    yield from self._careful_blocks(offset, line)
                    return
                rows, offset = len(columns[0]), offset + len(chunk)
                yield Block(columns, range(line + 1, line + rows + 1), done=offset)
                line += rows

    def _columns_of(self, chunk: bytes) -> list[pl.Series] | None:
        """The columns of plain lines; ``None`` if any line needs a closer look."""
        width = len(self.columns)
        rows = chunk.count(b"\n") + (not chunk.endswith(b"\n"))
        separators = chunk.count(self._delimiter.encode())
        odd = b'"' in chunk or b"\0" in chunk or chunk.count(b"\r") != chunk.count(b"\r\n")
        if odd or separators != rows * (width - 1) or (width == 1 and (b"\n\n" in chunk or b"\n\r" in chunk)):
            return None
        try:
            frame = pl.read_csv(
                chunk,
                has_header=False,
                schema={str(number): pl.String for number in range(width)},
                separator=self._delimiter,
                quote_char=None,
            )
        except pl.exceptions.PolarsError:  # a longer line, or bytes that are not UTF-8
            return None
        return frame.get_columns() if frame.height == rows else None

    def _careful_blocks(self, offset: int, line: int) -> Iterator[Block]:
        """The rows from a byte offset, after ``line`` lines, read by the ``csv`` module."""
        csv.field_size_limit(_LONGEST_CELL)
        with self.path.open("rb") as stream:
            stream.seek(offset)
            encoding = self._encoding if offset == 0 else "utf-8"
            text = io.TextIOWrapper(stream, encoding=encoding, newline="")
            records = csv.reader(self._lines(text), delimiter=self._delimiter, strict=True)
            read, ended = line, False  # lines up to the last whole record
            while not ended:
                records_read: list[list[str]] = []
                failure: RowProblem | None = None
                try:
                    records_read.extend(islice(records, _BLOCK_ROWS))
                    ended = not records_read
                except (UnicodeDecodeError, csv.Error) as error:
                    ended = True
                    if isinstance(error, csv.Error):
                        failed_at = read + sum(map(_height, records_read)) + 1
                        failure = RowProblem(self.label, failed_at, "", _quote_reason(error))
                    else:
                        failure = _encoding_problem(self.path, self._encoding)
                after = line + records.line_num
                block = self._block(records_read, read, after if not failure else -1, failure, stream.tell())
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
        if read < self._header_lines or set(map(len, records)) != {width}:
            pairs = [pair for pair in zip(records, lines, strict=True) if pair[1] > self._header_lines]
            problems = [self._ragged(row, at) for row, at in pairs if row and len(row) != width]
            records = [row for row, _ in pairs if len(row) == width]
            lines = [at for row, at in pairs if len(row) == width]
        columns = zip(*records, strict=True) if records else ((),) * width
        series = [pl.Series(cells, dtype=pl.String) for cells in columns]
        if failure:
            problems.append(failure)
        return Block(series, lines, tuple(problems), done=min(done, self.size))

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        for line in text:
            if "\0" in line:
                raise csv.Error("NUL")
            yield line

    def _ragged(self, row: Sequence[str], line: int) -> RowProblem:
        cells = f"{len(row)} cell" + ("s" if len(row) != 1 else "")
        column = self.columns[len(row)] if len(row) < len(self.columns) else ""
        return RowProblem(self.label, line, column, f"{cells}, but the header has {len(self.columns)}")

    def _sniffed(self) -> str:
        """The delimiter under which the first rows agree best."""
        if self.path.suffix.lower() in (".tsv", ".tab"):
            return "\t"
        with self.path.open(encoding=self._encoding, newline="") as text:
            sample = list(islice(text, _SNIFFED_ROWS))
        best, delimiter = 0, ","
        for candidate in _DELIMITERS:
            try:
                widths = [len(row) for row in csv.reader(sample, delimiter=candidate) if row]
            except csv.Error:
                continue
            if widths and widths[0] > 1 and (agreeing := widths.count(widths[0]) * 100 + widths[0]) > best:
                best, delimiter = agreeing, candidate
        return delimiter

    def _header(self) -> tuple[list[str], int]:
        """The header's cells and the number of lines up to its end."""
        with self.path.open(encoding=self._encoding, newline="") as text:
            records = csv.reader(self._lines(text), delimiter=self._delimiter, strict=True)
            for row in records:
                if any(cell.strip() for cell in row):
                    return row, records.line_num
        raise IngestError(
            f"Nothing was loaded: {self.label} is empty.",
            "A file needs a header line that names its columns.",
        )

    def _checked(self, header: list[str]) -> Iterator[str]:
        seen: dict[str, str] = {}
        for number, cell in enumerate(header, start=1):
            name = " ".join(cell.split()) or f"column_{number}"
            if name.lower() in seen:
                reason = f"the header names two columns {name!r}"
                raise self._refusal(RowProblem(self.label, self._header_lines, name, reason))
            seen[name.lower()] = name
            yield name

    def _refusal(self, problem: RowProblem) -> IngestError:
        return IngestError(
            f"Nothing was loaded: {problem}.", "Correct the file and load it again.", [problem]
        )


def _whole_lines(stream: BinaryIO) -> bytes:
    """The next chunk, up to the end of a line."""
    chunk = stream.read(_CHUNK_BYTES)
    return chunk if not chunk or chunk.endswith(b"\n") else chunk + stream.readline()


def _height(record: list[str]) -> int:
    """How many lines a record takes in the file."""
    return 1 + sum(cell.count("\n") + cell.count("\r") - cell.count("\r\n") for cell in record)


def _quote_reason(error: csv.Error) -> str:
    text = str(error)
    if text == "NUL":
        return "it holds a NUL byte, so the file is damaged or not text"
    if "unexpected end" in text or "field larger" in text:
        return "a quote is opened here and never closed"
    if "expected after" in text:
        return "text follows a closing quote; a quote inside a cell must be doubled"
    return text


def _encoding_problem(path: Path, encoding: str) -> RowProblem:
    """The first line that is not in the encoding."""
    if encoding == "utf-16":
        return RowProblem(path.name, 1, "", "it is not UTF-16 although it begins with its byte order mark")
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                reason = f"byte 0x{line[error.start]:02X} at position {error.start + 1} is not UTF-8"
                return RowProblem(path.name, number, "", f"{reason}; save the file as UTF-8")
    return RowProblem(path.name, 1, "", "it is not UTF-8")
