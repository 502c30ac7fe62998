"""Writing the tables block by block, so that memory does not grow with the number of customers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import BinaryIO, Self

import polars as pl

from core.errors import GenerateError

MONEY = ("priceEach", "amount", "creditLimit", "buyPrice", "MSRP")


class CsvFolder:
    """CSV files that grow by blocks and appear in `folder` only when all of them are complete.

    A context manager: files are written to a sibling folder and moved at the end; on error nothing changes.
    """

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self.folder = folder
        self.names = tuple(names)
        self.rows = dict.fromkeys(self.names, 0)
        self._partial = folder
        self._files: dict[str, BinaryIO] = {}

    def refuse_other_files(self, beside: tuple[str, ...] = (), overwrite: bool = False) -> None:
        """Raise when the folder is not one or holds files that are not to be replaced.

        With `overwrite` these tables and the files named `beside` may be there.
        """
        if not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise GenerateError(
                f"{self.folder} is a file, not a folder.", "Choose another folder with --out."
            )
        known = {self._path(name).name for name in self.names} | set(beside)
        others = sorted(entry.name for entry in self.folder.iterdir() if entry.name not in known)
        if others:
            raise GenerateError(
                f"The folder {self.folder} holds other files ({', '.join(others[:3])}).",
                "Choose an empty or new folder with --out.",
            )
        present = sorted(entry.name for entry in self.folder.iterdir())
        if present and not overwrite:
            raise GenerateError(
                f"The folder {self.folder} holds tables already ({', '.join(present[:3])}).",
                "Choose an empty or new folder with --out, or replace them with --overwrite.",
            )

    def append(self, name: str, frame: pl.DataFrame) -> None:
        """Add rows to a table; empty cells are nulls, money has two decimals."""
        money = [column for column in MONEY if column in frame.columns]
        # Whole cents divided by 100 have an exact two-decimal form as long as they fit in 15 digits.
        frame = frame.with_columns(pl.col(money).round(2).cast(pl.Decimal(18, 2)))
        file = self._files[name]
        frame.write_csv(file, include_header=file.tell() == 0)
        self.rows[name] += frame.height

    def paths(self) -> dict[str, Path]:
        """Where each table is when all is written."""
        return {name: self._path(name) for name in self.names}

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.csv"

    def __enter__(self) -> Self:
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self._partial = Path(mkdtemp(prefix=f".{self.folder.name}-", dir=self.folder.parent))
        except OSError as error:
            raise GenerateError(
                f"The folder {self.folder} cannot be written: {error.strerror}.",
                "Choose another folder with --out.",
            ) from error
        self._files = {name: (self._partial / f"{name}.csv").open("wb") for name in self.names}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()
        if kind is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in self.names:
                os.replace(self._partial / f"{name}.csv", self._path(name))
        shutil.rmtree(self._partial, ignore_errors=True)
