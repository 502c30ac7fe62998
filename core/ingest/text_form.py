"""How a text file is written: its encoding and its delimiter, and where it is not text at all."""

import csv
import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from core.ingest.problems import Problem
from core.ingest.streams import open_stream

LONGEST_CELL = 10 * 1024 * 1024
_DELIMITERS = ",;\t|"
_SNIFFED_ROWS = 50
_SNIFFED_BYTES = 4096
_AS_UTF8 = "Save the file as UTF-8."


def encoding_of(path: Path) -> str:
    """``utf-16`` for a file with its byte order mark, else ``utf-8-sig``."""
    with open_stream(path) as stream:
        return "utf-16" if stream.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def unmarked_utf16(path: Path) -> Problem | None:
    """The problem of a file that is UTF-16 but does not say so: every other byte of plain words is zero."""
    with open_stream(path) as stream:
        start = stream.read(_SNIFFED_BYTES)
    zeros = max(start[0::2].count(0), start[1::2].count(0))
    if len(start) < 4 or zeros < len(start) * 0.4:
        return None
    return Problem(path.name, 1, "", "it looks like UTF-16 without a byte order mark", _AS_UTF8)


def text_lines(text: io.TextIOWrapper) -> Iterator[str]:
    """The lines of a text, for the ``csv`` module.

    Raises
    ------
    csv.Error
        ``NUL`` for a line with a zero byte, ``field larger`` for a line that could fill the memory.
    """
    for line in iter(partial(text.readline, LONGEST_CELL), ""):
        if "\0" in line:
            raise csv.Error("NUL")
        if len(line) == LONGEST_CELL and not line.endswith("\n"):
            raise csv.Error("field larger")
        yield line


def delimiter_of(path: Path, encoding: str) -> str:
    """The delimiter under which the first rows agree best."""
    if Path(path.name.removesuffix(".gz")).suffix.lower() in (".tsv", ".tab"):
        return "\t"
    sample: list[str] = []
    with io.TextIOWrapper(open_stream(path), encoding=encoding, errors="replace", newline="") as text:
        while len(sample) < _SNIFFED_ROWS and (line := text.readline(LONGEST_CELL)):
            sample.append(line)
            if len(line) == LONGEST_CELL:
                break
    best, delimiter = 0, ","
    for candidate in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(sample, delimiter=candidate) if row]
        except csv.Error:
            continue
        if widths and widths[0] > 1 and (agreeing := widths.count(widths[0]) * 100 + widths[0]) > best:
            best, delimiter = agreeing, candidate
    return delimiter


def quote_problem(path: Path, line: int, error: csv.Error) -> Problem:
    """The problem behind an error of the ``csv`` module in the record that begins at ``line``."""
    text = str(error)
    if "unexpected end" in text:
        reason, remedy = "a quote is opened here and never closed", "Close it, or leave it out."
    elif "field larger" in text:
        reason = "a cell is larger than 10 MB; a quote that is opened here and never closed makes such cells"
        remedy = "Close the quote, or leave the cell out."
    elif "expected after" in text:
        reason, remedy = "text follows a closing quote; a quote inside a cell must be doubled", "Double it."
    elif "new-line character" in text:
        reason = "a carriage return stands inside the line"
        remedy = "Save the file with one kind of line ending."
    else:
        reason, remedy = text, ""
    return Problem(path.name, line, "", reason, remedy)


def nul_problem(path: Path, encoding: str, columns: Sequence[str], delimiter: str) -> Problem:
    """The first line that holds a zero byte."""
    reason = "it holds a NUL byte, so the file is damaged or not text"
    zero = "\0".encode("utf-16-le" if encoding == "utf-16" else "utf-8")
    with open_stream(path) as stream:
        for number, line in enumerate(stream, start=1):
            if zero in line:
                column = _column_at(line[: line.find(zero)], number, columns, delimiter)
                return Problem(path.name, number, column, reason, "Export the file again as UTF-8 text.")
    return Problem(path.name, 1, "", reason, "Export the file again as UTF-8 text.")


def encoding_problem(path: Path, encoding: str, columns: Sequence[str], delimiter: str) -> Problem:
    """The first line that is not in the encoding."""
    if encoding == "utf-16":
        reason = "it is not UTF-16 although it begins with its byte order mark"
        return Problem(path.name, 1, "", reason, _AS_UTF8)
    with open_stream(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                reason = f"byte 0x{line[error.start]:02X} at position {error.start + 1} is not UTF-8"
                column = _column_at(line[: error.start], number, columns, delimiter)
                return Problem(path.name, number, column, reason, _AS_UTF8)
    return Problem(path.name, 1, "", "it is not UTF-8", _AS_UTF8)


def _column_at(before: bytes, line: int, columns: Sequence[str], delimiter: str) -> str:
    """The column that a place in a line without quotes belongs to; empty if it cannot be told."""
    number = before.count(delimiter.encode()) if delimiter else 0
    return columns[number] if line > 1 and b'"' not in before and number < len(columns) else ""
