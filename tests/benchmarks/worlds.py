"""Generated companies of several sizes, made once and kept in the user's cache folder."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from core.resources import sql_folder
from tests.benchmarks.report import progress

YEARS = 3
SEED = 1
SIZES = {"40 k": 500, "400 k": 5_000, "4 M": 50_000}
"""Customers by the rough number of order lines; 500 customers are the demo that ships."""


@dataclass(frozen=True)
class GeneratedWorld:
    """A company on disk: its CSV folder and the SQLite file made from it."""

    folder: Path
    file: Path

    @property
    def url(self) -> str:
        """The database address."""
        return f"sqlite:///{self.file}"


def cache_folder() -> Path:
    """Where generated companies are kept (``$XDG_CACHE_HOME`` or ``~/.cache``)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sales-dashboard-benchmarks"


def world(customers: int) -> GeneratedWorld:
    """The company with that many customers, made now unless it is in the cache."""
    digest = hashlib.sha256(repr((customers, YEARS, SEED)).encode())
    for file in sorted((sql_folder() / "schema").glob("*.sql")):
        digest.update(file.read_bytes())
    place = cache_folder() / f"company-{customers}-{digest.hexdigest()[:12]}"
    made = GeneratedWorld(place / "csv", place / "company.sqlite")
    if not made.file.is_file():
        from core.generate import generate_company
        from core.ingest import ingest

        progress(f"making a company of {customers:,} customers")
        partial = place.with_name(f"{place.name}.{os.getpid()}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        company = generate_company(partial / "csv", customers=customers, years=YEARS, seed=SEED)
        ingest([company.folder], f"sqlite:///{partial / 'company.sqlite'}")
        shutil.rmtree(place, ignore_errors=True)
        partial.rename(place)
    return made
