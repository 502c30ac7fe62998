"""Where the rows of quoted text begin and end, found for a whole chunk at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_QUOTE, _NEWLINE, _RETURN = 34, 10, 13


@dataclass(frozen=True)
class Layout:
    """Rows, delimiters outside quotes, and the line of each row counted from 0."""

    rows: int
    delimiters: int
    lines: Sequence[int]


def layout_of(chunk: bytes, delimiter: bytes) -> Layout | None:
    """The rows of a chunk that begins and ends with a whole row; ``None`` if a quote is where none belongs.

    A quote must open a cell, close it, or be doubled inside a quoted cell: quotes open and close in turn, and
    one that closes just before one that opens is a doubled one.
    """
    data = np.frombuffer(chunk, dtype=np.uint8)
    plain = _plain_layout(data, delimiter[0])
    if plain is not None:
        return plain
    quotes = np.flatnonzero(data == _QUOTE)
    if len(quotes) % 2:
        return None
    opening, closing = _without_doubled(quotes[0::2], quotes[1::2])
    before = data[opening[opening > 0] - 1]
    after = data[closing[closing < len(data) - 1] + 1]
    mark = delimiter[0]
    if not ((before == mark) | (before == _NEWLINE)).all():
        return None
    if not ((after == mark) | (after == _NEWLINE) | (after == _RETURN)).all():
        return None
    marks = np.flatnonzero(data == mark)
    inside = np.searchsorted(marks, closing) - np.searchsorted(marks, opening)
    ends = np.flatnonzero(data == _NEWLINE)
    if not chunk.endswith(b"\n"):
        ends = np.append(ends, len(data))
    first, last = np.searchsorted(ends, opening), np.searchsorted(ends, closing)
    broken = int((last - first).sum())
    rows = len(ends) - broken
    lines: Sequence[int] = range(rows)
    if broken:
        outside = np.ones(len(ends), dtype=bool)
        for start, stop in zip(first[last > first], last[last > first], strict=True):
            outside[start:stop] = False
        lines = [0, *(np.flatnonzero(outside)[:-1] + 1).tolist()]
    return Layout(rows, len(marks) - int(inside.sum()), lines)


def _plain_layout(data: np.ndarray, mark: int) -> Layout | None:
    """The layout where every delimiter and line break ends a cell, as in most files; ``None`` if one may not.

    Between them, every piece either holds no quote, or begins and ends with one and holds no other: as many
    quotes as there are in all.
    """
    quote, line_break = data == _QUOTE, data == _NEWLINE
    ends = np.flatnonzero(line_break | (data == mark))
    rows = int(np.count_nonzero(line_break))
    delimiters = len(ends) - rows
    starts = np.append(0, ends + 1)
    if data[-1] == _NEWLINE:
        starts = starts[:-1]
    else:
        ends, rows = np.append(ends, len(data)), rows + 1
    lasts = ends - 1
    lasts -= data[lasts] == _RETURN  # the chunk has none but at the ends of lines
    opens = lasts > starts
    opens &= quote[np.minimum(starts, len(data) - 1)] & quote[lasts]
    if 2 * int(np.count_nonzero(opens)) != int(np.count_nonzero(quote)):
        return None
    return Layout(rows, delimiters, range(rows))


def _without_doubled(opening: np.ndarray, closing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Opening and closing quotes without those that are a doubled quote inside a cell."""
    doubled = closing[:-1] + 1 == opening[1:]
    if not doubled.any():
        return opening, closing
    return opening[np.append(True, ~doubled)], closing[np.append(~doubled, True)]
