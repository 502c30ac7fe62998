"""Tables and views of a folder of Parquet files: a view is a file ``name.sql`` beside them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import polars as pl

from core.database.changes import BrokenView, Changes
from core.database.duckdb_errors import reason
from core.database.duckdb_files import Limits, connect, load_duckdb, parquet_tables, sql_views
from core.database.duckdb_reader import is_one_select, parquet_source
from core.database.duckdb_sql import quoted
from core.database.duckdb_write import locked
from core.database.frames import DTYPES
from core.database.parquet_load import write_parquet
from core.errors import DatabaseError


class ParquetChanges(Changes):
    """A plan of what becomes of the files of a folder; ``commit`` carries it out."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._files, self._views = parquet_tables(folder), sql_views(folder)
        self._tables = dict(self._files)
        self._dropped: list[str] = []
        self._renamed: dict[str, str] = {}
        self._added: list[tuple[str, pl.DataFrame]] = []

    def relations(self) -> dict[str, str]:
        return {**dict.fromkeys(self._views, "view"), **dict.fromkeys(self._tables, "table")}

    def working_views(self) -> set[str]:
        return {view for view in self._views if not self._fault(view)}

    def drop_table(self, table: str) -> None:
        del self._tables[table]
        self._dropped.append(table)

    def rename_tables(self, names: Mapping[str, str]) -> None:
        for old, new in names.items():
            if os.sep in new or "/" in new or new.startswith(".") or new.rstrip(". ") != new:
                raise DatabaseError(
                    f"The table {old} cannot be named {new!r}: tables here are files, and no file can be "
                    "called so.",
                    "Choose another.",
                )
        moved = {new: self._tables.pop(old) for old, new in names.items()}
        self._tables |= moved
        self._renamed |= names

    def drop_view(self, view: str) -> None:
        del self._views[view]

    def create_view(self, view: str, text: str) -> None:
        self._views[view] = text.strip()
        if fault := self._fault(view):
            raise BrokenView(view, fault)

    def add_rows(self, table: str, columns: Mapping[str, str], rows: Sequence[tuple[object, ...]]) -> None:
        schema = {name: DTYPES[kind] for name, kind in columns.items()}
        self._added.append((table, pl.DataFrame(list(rows), schema=schema, orient="row")))

    def _fault(self, view: str) -> str:
        """Why a view does not work on the tables as they will be; empty if it does."""
        with closing(connect(":memory:", self._limits, None)) as connection:
            try:
                for name, files in self._tables.items():
                    connection.execute(f"CREATE VIEW {quoted(name)} AS SELECT * FROM {parquet_source(files)}")
                if not is_one_select(connection, self._views[view]):
                    return "it is something else than one SELECT"
                for other, text in self._views.items():
                    if other != view and is_one_select(connection, text):
                        with suppress(load_duckdb().Error):
                            connection.execute(f"CREATE VIEW {quoted(other)} AS {text}")
                connection.execute(f"CREATE VIEW {quoted(view)} AS {self._views[view]}")
            except load_duckdb().Error as error:
                return reason(error)
        return ""

    def commit(self) -> None:
        """Move the files; one that cannot be moved leaves all where they were."""
        done: list[tuple[Path, Path]] = []
        hidden = {}
        places = {table: self._places(table) for table in (*self._dropped, *self._renamed)}
        try:
            for of_table in places.values():
                for place in of_table:
                    hidden[place] = place.with_name(f".{place.name}.{os.getpid()}.moved")
                    _move(place, hidden[place], done)
            for old, new in self._renamed.items():
                for place in places[old]:
                    ending = place.suffix if place in self._files[old] else ""
                    _move(hidden.pop(place), self._folder / f"{new}{ending}", done)
            self._write_views()
        except OSError as error:
            for here, there in reversed(done):
                there.rename(here)
            raise DatabaseError(
                f"The folder {self._folder} cannot be written: {error.strerror}. Nothing was changed.",
                "Check that the folder and its files are yours.",
            ) from error
        for place, moved in hidden.items():
            _remove(moved, place)
        for table, frame in self._added:
            write_parquet(self._folder, table, frame, "append")

    def _places(self, table: str) -> list[Path]:
        """The file and the sub-folder of a table; both may be there."""
        alone = [file for file in self._files[table] if file.parent == self._folder]
        folder = self._folder / table
        return [*alone, folder] if folder.is_dir() else alone

    def _write_views(self) -> None:
        old = sql_views(self._folder)
        for view, text in self._views.items():
            if old.get(view) != text:
                partial = self._folder / f".{view}.{os.getpid()}.partial"
                partial.write_text(f"{text}\n", encoding="utf-8")
                os.replace(partial, self._folder / f"{view}.sql")
        for view in old.keys() - self._views.keys():
            (self._folder / f"{view}.sql").unlink()


@contextmanager
def changing(folder: Path, limits: Limits) -> Iterator[ParquetChanges]:
    """Changes of a folder of Parquet files; see ``Database.changing``."""
    if not os.access(folder, os.W_OK):
        raise DatabaseError(
            f"The folder {folder} cannot be written: its tables stay as they are.",
            "Rename or remove the files where they come from, or give the folder write permission.",
        )
    with closing(locked(folder.with_name(f"{folder.name}.loading"))):
        changes = ParquetChanges(folder, limits)
        yield changes
        changes.commit()


def _move(here: Path, there: Path, done: list[tuple[Path, Path]]) -> None:
    here.rename(there)
    done.append((here, there))


def _remove(moved: Path, place: Path) -> None:
    if not moved.is_dir():
        moved.unlink(missing_ok=True)
        return
    for file in moved.glob("*.parquet"):
        file.unlink(missing_ok=True)
    try:
        moved.rmdir()
    except OSError:  # other files than the table's are left
        moved.rename(place)
