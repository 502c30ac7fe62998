"""The embedded demo company: a database made from the shipped CSV files when it is first needed."""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from core.errors import DatabaseError
from core.resources import demo_folder, made_demo, sql_folder
from core.settings import Settings


def ensure_demo_database(settings: Settings, progress: Callable[[str, float], None] | None = None) -> Path:
    """The demo database, made now if it is missing or older than the shipped files.

    An image ships it made, with trained models; then it is copied.

    Parameters
    ----------
    progress
        Called with the file being read and the fraction done; ``None`` for silence.

    Raises
    ------
    DatabaseError
        The data folder cannot be written, or the shipped files are missing.
    IngestError
        The shipped files are damaged.
    """
    target = settings.data_folder / "demo.sqlite"
    files = sorted(demo_folder().glob("*.csv"))
    fingerprint = _fingerprint(files)
    if _built_from(target) == fingerprint:
        return target
    if not files:
        raise DatabaseError(
            "The demo company does not come with this installation.",
            "Install again, or load data of your own: sales-dashboard ingest PATH",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(target.with_suffix(".lock")):
            if _built_from(target) != fingerprint:  # else another process made it meanwhile
                _build(files, target, fingerprint, progress)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(
            f"The demo database cannot be made in {target.parent}: {error}.",
            "Set SALES_DATA_DIR to a folder that can be written.",
        ) from error
    return target


def _build(
    files: list[Path], target: Path, fingerprint: int, progress: Callable[[str, float], None] | None
) -> None:
    """Make the database beside its place and move it there complete."""
    from core.ingest import ingest

    partial = target.with_name(f"{target.stem}.{os.getpid()}.partial.sqlite")
    try:
        if _built_from(made_demo()) == fingerprint:
            shutil.copyfile(made_demo(), partial)
        else:
            ingest(files, f"sqlite:///{partial}", progress=progress)
            with closing(sqlite3.connect(partial)) as connection:
                connection.execute(f"PRAGMA user_version = {fingerprint}")
                connection.commit()
        for ending in ("-wal", "-shm"):  # those of an older demo do not belong to the new one
            target.with_name(target.name + ending).unlink(missing_ok=True)
        os.replace(partial, target)
    finally:
        for ending in ("", "-wal", "-shm"):
            partial.with_name(partial.name + ending).unlink(missing_ok=True)


def _fingerprint(files: list[Path]) -> int:
    """A positive 31-bit number that stands for the contents of the shipped files and the tables' schema."""
    digest = hashlib.sha256()
    for file in [*files, *sorted((sql_folder() / "schema").glob("*.sql"))]:
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return int.from_bytes(digest.digest()[:4]) >> 1 or 1


def _built_from(target: Path) -> int | None:
    """The fingerprint that a demo database was made from; ``None`` if it is missing or damaged.

    It is read from the header (bytes 60 to 63, ``user_version``), which also works in a sealed folder.
    """
    if not target.is_file():
        return None
    with target.open("rb") as stream:
        header = stream.read(64)
    return int.from_bytes(header[60:64]) if header.startswith(b"SQLite format 3\0") else None


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    """Let one process in at a time; SQLite's own lock ends with the process that holds it."""
    with closing(sqlite3.connect(lock, isolation_level=None, timeout=300)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
