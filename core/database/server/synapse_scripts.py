"""Scripts that set up a Synapse pool, made from the tables and staging views of the product.

``python -m core.database.server.synapse_scripts --out sql/synapse`` writes them; whoever administers the
pool reads, adapts and runs them.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from core.database.schema import TableSchema, declared_tables
from core.database.server.mssql_catalogue import bracketed
from core.database.server.synapse import DedicatedDialect, create_statistics
from core.sql_files import staging_files

_LAKE = "https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models"
_ORDER = (
    "offices",
    "employees",
    "customers",
    "productlines",
    "products",
    "orders",
    "orderdetails",
    "payments",
)
_LENGTHS = {
    "text": "NVARCHAR(4000)",
    "integer": "BIGINT",
    "number": "FLOAT",
    "date": "DATE",
    "binary": "VARBINARY(8000)",
}


def scripts() -> Mapping[str, str]:
    """The text of each script by its path below ``sql/synapse``."""
    tables = [declared_tables()[name] for name in _ORDER]
    return {
        "dedicated/tables.sql": _tables(tables),
        "dedicated/load.sql": _load(tables),
        "dedicated/repeated_keys.sql": _repeated_keys(tables),
        "dedicated/staging.sql": _staging("A reader then finds the views whatever tool it uses."),
        "serverless/tables.sql": _lake_views(tables),
        "serverless/staging.sql": _staging("They read the views over the lake."),
    }


def write(folder: Path) -> None:
    """Write all scripts below ``folder``."""
    for name, text in scripts().items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _head(title: str, *notes: str) -> str:
    made = "-- Made by: python -m core.database.server.synapse_scripts --out sql/synapse"
    return "\n".join([f"-- {title}", made, *(f"-- {note}" for note in notes)])


def _tables(tables: list[TableSchema]) -> str:
    dialect = DedicatedDialect()
    parts = [
        _head(
            "Tables of a dedicated SQL pool",
            "Orders, their lines and payments are spread over the nodes by a key and stored by column;",
            "small tables are on every node. Keys are declared and NOT enforced: run repeated_keys.sql",
            "after every load.",
        )
    ]
    for schema in tables:
        columns, _, storage = dialect.create_table(schema.name, schema).rpartition(")\nWITH")
        listed = columns.replace("] ([", "] (\n    [", 1).replace(", [", ",\n    [")
        parts.append(f"{listed}\n)\nWITH{storage};")
        if schema.primary_key:
            parts.append(f"{dialect.add_primary_key(schema.name, schema.primary_key)};")
    return "\n\n".join(parts) + "\n"


def _load(tables: list[TableSchema]) -> str:
    parts = [
        _head(
            "Load a dedicated SQL pool from Parquet files of a lake",
            "Replace ACCOUNT and CONTAINER. Its managed identity needs Storage Blob Data Reader there.",
            "Rows go into new tables which then take the place of the old ones, so readers never see",
            "half of a table.",
        )
    ]
    for schema in tables:
        new, old, name = f"{schema.name}_new", f"{schema.name}_old", bracketed(schema.name)
        columns = ", ".join(bracketed(column.name) for column in schema.columns)
        parts.append(
            f"CREATE TABLE {bracketed(new)} {_storage(schema)} AS SELECT * FROM {name} WHERE 1 = 0;\n\n"
            f"COPY INTO {bracketed(new)} ({columns})\nFROM '{_LAKE}/{schema.name}/*.parquet'\n"
            "WITH (FILE_TYPE = 'PARQUET', CREDENTIAL = (IDENTITY = 'Managed Identity'));"
        )
    for schema in tables:
        new, old, name = f"{schema.name}_new", f"{schema.name}_old", bracketed(schema.name)
        lines = [
            f"RENAME OBJECT {name} TO {bracketed(old)};",
            f"RENAME OBJECT {bracketed(new)} TO {name};",
            f"DROP TABLE {bracketed(old)};",
        ]
        if schema.primary_key:
            lines.append(f"{DedicatedDialect().add_primary_key(schema.name, schema.primary_key)};")
        lines += [f"{create_statistics(schema.name, column)};" for column in _looked_up(schema)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _storage(schema: TableSchema) -> str:
    return DedicatedDialect().create_table(schema.name, schema).rpartition("\n")[2]


def _looked_up(schema: TableSchema) -> list[str]:
    """Columns that queries join or filter by."""
    foreign = (name for key in schema.foreign_keys for name in key.columns)
    dates = (column.name for column in schema.columns if column.kind == "date")
    return list(dict.fromkeys([*schema.primary_key, *foreign, *dates]))


def _repeated_keys(tables: list[TableSchema]) -> str:
    head = _head(
        "Keys that come more than once, which a dedicated pool does not prevent and which make sums wrong",
        "No row is the right answer.",
    )
    counts = [
        f"SELECT '{schema.name}' AS table_name, COUNT_BIG(*) AS repeated_keys FROM (\n"
        f"    SELECT {listed} FROM {bracketed(schema.name)} GROUP BY {listed} HAVING COUNT_BIG(*) > 1\n"
        f") AS {schema.name}_keys HAVING COUNT_BIG(*) > 0"
        for schema in tables
        if (listed := ", ".join(map(bracketed, schema.primary_key)))
    ]
    return f"{head}\n\n" + "\nUNION ALL\n".join(counts) + ";\n"


def _staging(note: str) -> str:
    """The staging views as views of the database; the dashboard puts them before queries itself."""
    parts = [_head("Staging views for other tools; the dashboard brings them along and needs none", note)]
    parts += [f"CREATE VIEW {bracketed(file.stem)} AS\n{file.text};\nGO" for file in staging_files("mssql")]
    return "\n\n".join(parts) + "\n"


def _lake_views(tables: list[TableSchema]) -> str:
    parts = [
        _head(
            "Tables of a serverless SQL pool: views over Parquet files of a lake",
            "Replace ACCOUNT and CONTAINER; for Delta tables FORMAT by 'DELTA', the path by the folder.",
            "Columns and types are said, so the pool neither guesses them nor reads more than needed.",
        ),
        "-- ALTER DATABASE CURRENT COLLATE Latin1_General_100_BIN2_UTF8;",
    ]
    for schema in tables:
        columns = ",\n".join(
            f"    {bracketed(column.name)} {_LENGTHS[column.kind]}"
            + (" COLLATE Latin1_General_100_BIN2_UTF8" if column.kind == "text" else "")
            for column in schema.columns
        ).replace("NVARCHAR(4000)", "VARCHAR(8000)")
        parts.append(
            f"CREATE OR ALTER VIEW {bracketed(schema.name)} AS\nSELECT * FROM OPENROWSET(\n"
            f"    BULK '{_LAKE}/{schema.name}/*.parquet', FORMAT = 'PARQUET'\n"
            f") WITH (\n{columns}\n) AS r;\nGO"
        )
    return "\n\n".join(parts) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the scripts; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m core.database.server.synapse_scripts", description=__doc__
    )
    parser.add_argument("--out", type=Path, required=True, help="folder that the scripts are written to")
    write(parser.parse_args(arguments).out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
