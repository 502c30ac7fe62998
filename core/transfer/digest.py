"""A checksum of a table's values that is the same on every engine and in every order of the rows."""

from dataclasses import dataclass

import polars as pl

_SEEDS = (0x5A1E5, 0xC0FFEE)
_WORD = 1 << 64


@dataclass
class Digest:
    """The number of rows added so far, and two sums of 64 bits over hashes of all their values.

    Rows are added as frames whose columns have the kinds that they are copied as, so that a date is the same
    value whether an engine keeps it as text or as a day. Hashes are those of the installed Polars; a text
    says its version, so that texts of different versions never seem equal.
    """

    rows: int = 0
    first: int = 0
    second: int = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Count in the rows of ``frame``."""
        if frame.is_empty():
            return
        plain = frame.with_columns(pl.col(pl.Float64) + 0.0)  # not every engine tells -0.0 from 0.0
        self.rows += frame.height
        self.first = (self.first + _sum(plain, _SEEDS[0])) % _WORD
        self.second = (self.second + _sum(plain, _SEEDS[1])) % _WORD

    def __str__(self) -> str:
        return f"{pl.__version__}/{self.rows}/{self.first:016x}{self.second:016x}"


def _sum(frame: pl.DataFrame, seed: int) -> int:
    """The sum of the hashes of all rows, modulo 2 to the power of 64."""
    hashes = frame.hash_rows(seed)
    low = int((hashes & 0xFFFFFFFF).sum())
    high = int((hashes // (1 << 32)).sum())
    return (low + (high << 32)) % _WORD
