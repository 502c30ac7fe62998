"""Make the demo company with its models for the image, and a copy of it as the seed of empty volumes.

``make_demo.py CACHE`` keeps the result in the folder CACHE; as long as neither the program nor the data nor
the packages change, the next build takes it from there. Without CACHE the demo is that of another image,
already in the data folder, and is only laid out as the seed.
"""

import hashlib
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from core.database import open_database
from core.demo import ensure_demo_database
from core.jobs.prepare import prepare
from core.model_store import open_model_store
from core.resources import made_demo
from core.settings import read_settings

BUILD = Path(__file__).resolve().parents[2]
INPUTS = ("core", "sql", "data/demo", "requirements.lock", "infra/image/make_demo.py")


def key(build: Path) -> str:
    """Stands for everything that the demo and its models are made from."""
    digest = hashlib.sha256()
    for name in INPUTS:
        place = build / name
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(build)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def seal(database: Path) -> None:
    """Leave one file without a log beside it, so that it can be read where nothing can be written."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    database.with_suffix(".lock").unlink(missing_ok=True)


def make() -> None:
    """Load the demo into the data folder, then train, score and judge its models.

    An image without them would be slow at the first visit, hence it fails if one cannot be made.
    """
    settings = read_settings()
    file = ensure_demo_database(settings)
    with open_database(f"sqlite:///{file}", read_only=False) as database:
        found = prepare(database, open_model_store(settings, database))
    if found.failed:
        raise SystemExit(f"Models of the demo could not be made: {found.failed}")
    seal(file)


def take_or_make(cache: Path) -> None:
    """Take the demo from the cache or make it."""
    folder = read_settings().data_folder
    kept = cache / key(BUILD)
    if kept.is_dir():
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        print("The demo and its models are those of an earlier build.", flush=True)
    else:
        make()
        shutil.rmtree(cache, ignore_errors=True)  # a mounted folder itself stays
        shutil.copytree(folder, kept)


def main(arguments: list[str]) -> None:
    """Fill the data folder if a cache is given, and lay the seed beside the program."""
    if arguments:
        take_or_make(Path(arguments[0]))
    made_demo().parent.mkdir(exist_ok=True)
    shutil.copyfile(read_settings().data_folder / "demo.sqlite", made_demo())


if __name__ == "__main__":
    main(sys.argv[1:])
