"""The statements of an SQL file, one after the other, in the memory of the longest."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.ingest.problems import Problem, refusal
from core.ingest.streams import open_stream

_CHUNK_BYTES = 1 << 20
_GUARD = 3
"""Bytes that must follow a token before its end is certain: what looks like ``-`` may become ``-- ``."""
_BOM = b"\xef\xbb\xbf"
_QUOTED = rb"'(?:[^'\\]++|\\.|'')*+'|\"(?:[^\"\\]++|\\.|\"\")*+\""
_TOKEN = re.compile(
    rb"(?P<skip>\s+|--(?=\s|$)[^\n]*|\#[^\n]*|/\*.*?\*/)|(?P<end>;)|(?P<body>(?:"
    + _QUOTED
    + rb"|`[^`]*`|[^;'\"`/\#-]++|/(?!\*)|-(?!-(?:\s|$)))++)",
    re.DOTALL,
)
_AGAIN = "Export the dump again, and see that it is copied completely."


@dataclass(frozen=True)
class Statement:
    """A statement without the semicolon: where its first byte and its first line are in the file."""

    offset: int
    line: int
    text: bytes


def statements_of(path: Path) -> Iterator[Statement]:
    """The statements of a file; comments and white space between them are left out.

    Raises
    ------
    IngestError
        The file ends inside a statement, a quoted text or a comment.
    """
    with open_stream(path) as stream:
        buffer, chunk = b"", _CHUNK_BYTES
        offset, line, counted = 0, 1, 0  # the buffer's place in the file; the line at ``counted`` in it
        position, start, ended = 0, -1, False

        def line_at(place: int) -> int:
            nonlocal line, counted
            line, counted = line + buffer.count(b"\n", counted, place), place
            return line

        while True:
            match = _TOKEN.match(buffer, position)
            if not ended and (match is None or match.end() > len(buffer) - _GUARD):
                cut = start if start >= 0 else position
                if counted < cut:
                    line_at(cut)
                offset, counted, position, start = offset + cut, counted - cut, position - cut, min(start, 0)
                more = stream.read(chunk)
                ended = not more
                if offset == 0 and len(buffer) == 0 and more.startswith(_BOM):
                    more, offset = more[len(_BOM) :], len(_BOM)
                buffer = buffer[cut:] + more
                chunk = max(_CHUNK_BYTES, len(buffer))  # a long statement is looked at only a few times
                continue
            if position >= len(buffer):
                break
            if match is None:
                what = "a comment" if buffer.startswith(b"/*", position) else "a quoted text"
                reason = f"the dump is cut off: {what} that begins here is never closed"
                raise refusal(Problem(path.name, line_at(position), "", reason, _AGAIN))
            if match.lastgroup == "end" and start >= 0:
                yield Statement(offset + start, line_at(start), buffer[start:position])
                start = -1
            elif match.lastgroup == "body" and start < 0:
                start = position
            position = match.end()
        if start >= 0:
            reason = "the dump is cut off: the statement that begins here has no end"
            raise refusal(Problem(path.name, line_at(start), "", reason, _AGAIN))
