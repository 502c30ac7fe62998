"""Scripts for Synapse pools: up to date, understood by the parser, and with what pools ask for."""

import re
from pathlib import Path

import pytest
from sqlglot import parse_one

from core.database.schema import declared_tables
from core.database.server.synapse_scripts import main, scripts
from core.resources import sql_folder
from core.sql_files import sql_names

SCRIPTS = scripts()


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_up_to_date(name: str) -> None:
    assert (sql_folder() / "synapse" / name).read_text(encoding="utf-8") == SCRIPTS[name]


def test_there_are_no_other_scripts(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path)]) == 0
    folder = sql_folder() / "synapse"
    written = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*.sql"))
    assert written == sorted(file.relative_to(folder) for file in folder.rglob("*.sql"))
    assert not [name for name in sql_names() if name.startswith("synapse/")]


def statements(name: str) -> list[str]:
    """The statements of a script without comments."""
    text = re.sub(r"--[^\n]*", "", SCRIPTS[name])
    return [part.strip() for part in re.split(r";\s*(?:GO\b)?", text) if part.strip()]


@pytest.mark.parametrize("name", [n for n in SCRIPTS if n.endswith(("staging.sql", "repeated_keys.sql"))])
def test_queries_and_views_are_tsql(name: str) -> None:
    for statement in statements(name):
        assert parse_one(statement, dialect="tsql").key in ("create", "union"), statement


def test_every_table_is_stored_in_a_way_of_the_pool_and_its_key_is_not_enforced() -> None:
    found = statements("dedicated/tables.sql")
    tables = [statement for statement in found if statement.startswith("CREATE TABLE")]
    keys = [statement for statement in found if statement.startswith("ALTER TABLE")]
    assert len(tables) == len(keys) == len(declared_tables())
    assert all("PRIMARY KEY NONCLUSTERED" in key and key.endswith("NOT ENFORCED") for key in keys)
    spread = [table for table in tables if "DISTRIBUTION = HASH" in table]
    assert sorted(re.findall(r"CREATE TABLE \[(\w+)\]", " ".join(spread))) == [
        "orderdetails",
        "orders",
        "payments",
    ]
    assert all("COLUMNSTORE" in table for table in spread)
    assert not re.search(r"FOREIGN KEY|DEFAULT|\(MAX\)|IDENTITY", SCRIPTS["dedicated/tables.sql"])
    for table in tables:
        parse_one(table.rpartition("\nWITH")[0], dialect="tsql")


def test_a_load_copies_files_and_swaps_all_tables_afterwards() -> None:
    text = SCRIPTS["dedicated/load.sql"]
    assert text.count("COPY INTO") == len(declared_tables())
    assert text.rindex("COPY INTO") < text.index("RENAME OBJECT")
    assert "CREATE STATISTICS [st_orderDate] ON [orders] ([orderDate])" in text
    assert "INSERT" not in text


def test_a_serverless_pool_has_views_over_files_only() -> None:
    for statement in statements("serverless/tables.sql"):
        assert statement.startswith("CREATE OR ALTER VIEW")
        assert "OPENROWSET" in statement
    assert "[orderDate] DATE" in SCRIPTS["serverless/tables.sql"]
