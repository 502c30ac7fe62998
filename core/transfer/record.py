"""What a copy notes in its target while it is under way, so that another run can go on where it ended."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from core.database.base import Database
from core.database.changes import HIDDEN
from core.database.loading import BulkLoad
from core.database.schema import Column, TableSchema
from core.errors import MissingDataError, QueryError

RECORD = f"{HIDDEN}copy"
"""One row per table that is copied but not yet in place."""

_COLUMNS = {
    "source": "text",
    "version": "text",
    "place": "integer",
    "name": "text",
    "columns": "text",
    "row_count": "integer",
    "digest": "text",
    "noted_at": "text",
}
_SCHEMA = TableSchema(RECORD, tuple(Column(name, kind) for name, kind in _COLUMNS.items()))


@dataclass(frozen=True)
class Copied:
    """A table that is complete in the target under a hidden name.

    Attributes
    ----------
    source, version
        Where it comes from, and the version of the data there.
    place
        Its number, which makes its hidden name.
    kinds
        Of its columns, by name, as they were written.
    digest
        The checksum of what was read.
    """

    source: str
    version: str
    place: int
    name: str
    kinds: dict[str, str]
    rows: int
    digest: str

    @property
    def hidden(self) -> str:
        """The name that it has until it takes its place."""
        return hidden_name(self.place)


def hidden_name(place: int) -> str:
    """The name of the table of that number while it is copied: short, since some engines cut names."""
    return f"{RECORD}_{place}"


def read_record(database: Database) -> list[Copied]:
    """The tables that an earlier copy left, by number; none if there was no such copy."""
    try:
        rows = pl.concat(list(database.read_batches(RECORD)))
    except (MissingDataError, QueryError):
        return []
    latest = {
        row["place"]: Copied(
            row["source"],
            row["version"],
            int(row["place"]),
            row["name"],
            json.loads(row["columns"]),
            int(row["row_count"]),
            row["digest"],
        )
        for row in rows.sort("noted_at").iter_rows(named=True)
    }
    return [latest[place] for place in sorted(latest)]


def note(load: BulkLoad, copied: Sequence[Copied]) -> None:
    """Add tables to the record, in the transaction that brings them."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    values = [
        (one.source, one.version, one.place, one.name, json.dumps(one.kinds), one.rows, one.digest, now)
        for one in copied
    ]
    kinds = [pl.Int64 if kind == "integer" else pl.String for kind in _COLUMNS.values()]
    load.create(_SCHEMA)
    load.insert(
        RECORD,
        [
            pl.Series(name, column, dtype=dtype)
            for name, column, dtype in zip(_COLUMNS, zip(*values, strict=True), kinds, strict=True)
        ],
    )
    load.add_key(RECORD)
    load.install(RECORD, "append")
