"""One state of a Spark database: a session with temporary views over folders and the staging views."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.database.changes import HIDDEN
from core.database.spark.frames import kind_of_spark
from core.database.spark.session import literal, load_pyspark, quoted, reason
from core.database.staging import Staging, staging_over
from core.errors import DatabaseError
from core.sql_files import SqlFile

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession


@dataclass(frozen=True)
class Reader:
    """A session and what can be queried in it.

    Attributes
    ----------
    tables
        Kind (table or view) of everything but the staging views, by name.
    files
        The tables that are folders or files of the address, by name.
    version
        Changes with the files of the tables.
    """

    session: "SparkSession"
    tables: Mapping[str, str]
    files: Mapping[str, str]
    staging: Staging
    version: str


def open_reader(session: "SparkSession", files: "Listing") -> Reader:
    """Create the views of a session.

    Raises
    ------
    DatabaseError
        A folder of the address cannot be read.
    """
    errors = load_pyspark()
    for name, (form, path) in files.tables.items():
        try:
            session.sql(
                f"CREATE OR REPLACE TEMPORARY VIEW {quoted(name)} USING {form} OPTIONS (path {literal(path)})"
            )
        except errors.PySparkException as error:
            raise DatabaseError(f"The folder {path} cannot be read: {reason(error)}.") from None
    kinds = dict.fromkeys(files.tables, "table") | catalogue(session)
    staging = _staged(session, kinds)
    return Reader(session, kinds, {n: p for n, (_, p) in files.tables.items()}, staging, files.version)


def catalogue(session: "SparkSession") -> dict[str, str]:
    """Kind of each table and view of the current schema, but for those hidden, by name."""
    return {
        table.name: "view" if table.tableType == "VIEW" else "table"
        for table in session.catalog.listTables()
        if not table.isTemporary and not table.name.startswith(HIDDEN)
    }


def columns_of(session: "SparkSession", table: str) -> dict[str, str]:
    """The kind of each column of a table or view."""
    fields = session.table(quoted(table)).schema.fields
    return {field.name: kind_of_spark(field.dataType.simpleString()) for field in fields}


def _staged(session: "SparkSession", present: Mapping[str, str]) -> Staging:
    errors = load_pyspark()

    def create(file: SqlFile) -> str:
        try:
            session.sql(f"CREATE OR REPLACE TEMPORARY VIEW {quoted(file.stem)} AS {file.text}")
        except errors.PySparkException as error:
            return reason(error)
        return ""

    return staging_over("spark", present, create, lambda table: columns_of(session, table))


@dataclass(frozen=True)
class Listing:
    """The tables of a folder (format and path by name), and a text that changes with their files."""

    tables: Mapping[str, tuple[str, str]]
    version: str


def listed(session: "SparkSession", folder: str) -> Listing:
    """What is in the folder of the address, as the server sees it.

    A Parquet file or a folder of them is a table; so is a folder that has a Delta log.

    Raises
    ------
    DatabaseError
        There is no such folder, or it has no table.
    """
    errors = load_pyspark()
    files = session.read.format("binaryFile").option("recursiveFileLookup", "true")
    named = ("path", "modificationTime", "length")
    try:
        data = files.option("pathGlobFilter", "*.parquet").load(folder).select(*named).collect()
    except errors.PySparkException as error:
        raise DatabaseError(
            f"The folder {folder} cannot be read by the Spark server: {reason(error)}.",
            "Correct the option tables of the address; it is a path as the server sees it.",
        ) from None
    try:
        logs = files.load(f"{folder}/*/_delta_log/*.json").select(*named).collect()
    except errors.PySparkException:  # no folder has such a log
        logs = []
    tables: dict[str, tuple[str, str]] = {}
    for rows, form in ((data, "parquet"), (logs, "delta")):
        for row in rows:
            first = _below(str(row.path), folder).split("/", 1)[0]
            tables[first.removesuffix(".parquet")] = (form, f"{folder}/{first}")
    if not tables:
        raise DatabaseError(f"The folder {folder} has no Parquet files.", "Correct the option tables.")
    return Listing(tables, _digest(sorted(map(tuple, [*data, *logs]))))


def catalogue_version(session: "SparkSession") -> str:
    """A text that changes with the files of the tables of the current schema.

    Tables without files of their own, such as those of another database, count by their rows.
    """
    errors = load_pyspark()
    found: list[tuple[str, object]] = []
    for name, kind in sorted(catalogue(session).items()):
        if kind == "view":
            continue
        try:
            session.catalog.refreshTable(quoted(name))
            table = session.table(quoted(name))
            found.append((name, sorted(table.inputFiles()) or table.count()))
        except errors.PySparkException as error:  # dropped meanwhile
            found.append((name, reason(error)))
    return _digest(found)


def _below(path: str, folder: str) -> str:
    """The part of a file's path below the folder, whatever the scheme before it is."""
    bare = folder.split(":", 1)[-1].lstrip("/")
    return path.split(bare, 1)[-1].lstrip("/")


def _digest(found: Any) -> str:
    return hashlib.sha256(repr(found).encode()).hexdigest()[:24]
