"""Renaming and dropping tables, the same on every engine: all or nothing, for admins only."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import polars as pl
import pytest

from core.database import Database, open_database
from core.errors import DatabaseError, MissingDataError
from core.ingest import ingest
from core.mapping import Mapping, current_mapping, remove_mapping, store_mapping
from core.roles import NotAllowedError, Role, policy, require
from core.sales_data import load_sales
from core.tables import change_tables, drop_tables, rename_table, table_use

FILES = {
    "customers": "customerNumber,customerName,country\n103,Atelier,France\n",
    "orders": "orderNumber,orderDate,status,customerNumber,requiredDate,shippedDate,comments\n"
    "1,2024-01-01,Shipped,103,,,\n",
    "visits": "id,day\n1,2024-01-01\n2,2024-01-02\n",
}


ENGINES = ("sqlite", "duckdb", "parquet")


def address(engine: str, folder: Path) -> str:
    return f"{engine}:///{folder / 't'}.{engine}"


def load(folder: Path, engine: str, *names: str) -> str:
    for name in names:
        (folder / f"{name}.csv").write_text(FILES[name])
    ingest([folder / f"{name}.csv" for name in names], address(engine, folder))
    return address(engine, folder)


def create_view(engine: str, folder: Path, name: str, text: str) -> None:
    """A view made by other means than the product's."""
    place = folder / f"t.{engine}"
    if engine == "parquet":
        (place / f"{name}.sql").write_text(text)
        return
    connect = sqlite3.connect if engine == "sqlite" else duckdb.connect
    with closing(connect(place)) as connection:  # type: ignore[operator]
        connection.execute(f"CREATE VIEW {name} AS {text}")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database(engine: str, tmp_path: Path) -> Iterator[Database]:
    with open_database(load(tmp_path, engine, *FILES), read_only=False) as opened:
        yield opened


def hidden(folder: Path) -> list[str]:
    """What changes leave behind but the lock."""
    return [p.name for p in folder.rglob(".*") if not p.name.endswith(".lock")]


def tables(database: Database) -> list[str]:
    return [table.name for table in database.tables() if table.kind == "table" and "log" not in table.name]


def test_what_hangs_on_a_table(database: Database) -> None:
    use = table_use(database, "Customers")
    assert (use.table, use.rows, use.referred_by) == ("customers", 1, ("orders.customerNumber",))
    assert "stg_customers" in use.views
    assert table_use(database, "visits").views == ()


def test_tables_are_renamed_and_dropped(database: Database) -> None:
    version = database.data_version()
    rename_table(database, "VISITS", "Visits 2024")
    assert tables(database) == ["Visits 2024", "customers", "orders"]
    assert database.query('SELECT COUNT(*) AS number FROM "Visits 2024"').item() == 2
    drop_tables(database, ["Visits 2024", "orders"])
    assert tables(database) == ["customers"]
    assert database.data_version() != version


def test_names_may_be_swapped_and_taken_from_a_dropped_table(database: Database) -> None:
    change_tables(database, dropped=["orders"], renamed={"visits": "customers", "customers": "orders"})
    assert tables(database) == ["customers", "orders"]
    assert database.query("SELECT COUNT(*) AS number FROM customers").item() == 2


@pytest.mark.parametrize(
    ("dropped", "renamed", "said"),
    [
        (["visit"], {}, r"There is no table visit\. Did you mean visits"),
        (["stg_orders"], {}, "is a view, not a table"),
        (["sales_load_log"], {}, "belongs to the product"),
        ([], {"visits": "Orders"}, "There is already a table Orders"),
        ([], {"visits": "a", "orders": "A"}, "There is already a table A"),
        ([], {"visits": "stg_x"}, "the name is reserved"),
        ([], {"visits": " "}, "the name is empty"),
        ([], {"visits": "x" * 101}, "too long"),
        (["visits"], {"visits": "b"}, "cannot be both"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_changes(
    database: Database, dropped: list[str], renamed: dict[str, str], said: str
) -> None:
    with pytest.raises(DatabaseError, match=said):
        change_tables(database, dropped=["customers", *dropped], renamed=renamed)
    assert tables(database) == ["customers", "orders", "visits"]


def test_dropping_and_renaming_leave_nothing_behind(database: Database, tmp_path: Path) -> None:
    change_tables(database, dropped=["orders"], renamed={"visits": "calls"})
    assert hidden(tmp_path) == []
    assert tables(database) == ["calls", "customers"]


def test_a_table_of_the_classic_models_takes_its_staging_view_along(database: Database) -> None:
    assert database.query("SELECT COUNT(*) AS number FROM stg_customers").item() == 1
    rename_table(database, "customers", "clients")
    with pytest.raises(MissingDataError, match="lacks the table customers"):
        database.query("SELECT COUNT(*) AS number FROM stg_customers")
    rename_table(database, "clients", "customers")
    assert database.query("SELECT COUNT(*) AS number FROM stg_customers").item() == 1


def test_a_view_keeps_its_table_or_follows_it(database: Database, engine: str, tmp_path: Path) -> None:
    create_view(engine, tmp_path, "recent", "SELECT * FROM visits")
    assert table_use(database, "visits").views == ("recent",)
    with pytest.raises(DatabaseError, match="visits cannot be dropped: the view recent reads from it"):
        drop_tables(database, ["orders", "visits"])
    assert tables(database) == ["customers", "orders", "visits"]
    if engine == "sqlite":
        rename_table(database, "visits", "calls")
    else:
        with pytest.raises(DatabaseError, match="visits cannot be renamed: the view recent reads from it"):
            rename_table(database, "visits", "calls")
    assert database.query("SELECT COUNT(*) AS number FROM recent").item() == 2


def test_a_mapping_follows_its_table_and_keeps_it(database: Database) -> None:
    fields = {"customer_id": "id", "order_date": "day", "amount": "id"}
    store_mapping(database, Mapping.of(sales=("visits", fields)))
    rename_table(database, "visits", "calls")
    state = current_mapping(database)
    assert state is not None
    assert (state.action, state.mapping) == ("renamed", Mapping.of(sales=("calls", fields)))
    assert '"calls"' in state.views["stg_sales"]
    assert load_sales(database).daily["revenue"].sum() == 3
    with pytest.raises(DatabaseError, match="calls cannot be dropped: the views stg_customers, stg_orders, "):
        drop_tables(database, ["calls"])
    remove_mapping(database)
    drop_tables(database, ["calls"])
    assert tables(database) == ["customers", "orders"]


def test_a_renamed_table_leaves_the_names_of_its_indexes(tmp_path: Path) -> None:
    with open_database(load(tmp_path, "sqlite", *FILES), read_only=False) as database:
        rename_table(database, "orders", "old_orders")
    load(tmp_path, "sqlite", "orders")
    with closing(sqlite3.connect(tmp_path / "t.sqlite")) as connection:
        found = connection.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'").fetchall()
    assert ("old_orders", "of_old_orders_customerNumber") in found
    assert ("orders", "of_orders_customerNumber") in found


def test_folders_of_files_are_tables_too(tmp_path: Path) -> None:
    folder = tmp_path / "t.parquet"
    (folder / "parts").mkdir(parents=True)
    for number in (1, 2):
        pl.DataFrame({"n": [number]}).write_parquet(folder / "parts" / f"{number}.parquet")
    (folder / "parts" / "notes.txt").write_text("kept")
    with open_database(f"parquet:///{folder}", read_only=False) as database:
        for name in ("a/b", ".a", "a."):
            with pytest.raises(DatabaseError, match="no file can be called so"):
                rename_table(database, "parts", name)
        rename_table(database, "parts", "pieces")
        assert database.query("SELECT SUM(n) AS n FROM pieces").item() == 3
        drop_tables(database, ["pieces"])
        assert database.tables() == []
    assert [p.name for p in folder.rglob("*")] == ["pieces", "notes.txt"]


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_database(load(tmp_path, "parquet", "visits"), read_only=False) as database:
        monkeypatch.setattr(os, "access", lambda *_: False)
        with pytest.raises(DatabaseError, match="cannot be written: its tables stay as they are"):
            drop_tables(database, ["visits"])


def test_files_that_cannot_be_moved_stay_where_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_database(load(tmp_path, "parquet", *FILES), read_only=False) as database:
        rename = Path.rename

        def fails(self: Path, target: Path) -> Path:
            if target.name == "calls.parquet":
                raise OSError(28, "No space left on device")
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", fails)
        with pytest.raises(DatabaseError, match=r"No space left on device\. Nothing was changed"):
            change_tables(database, dropped=["orders"], renamed={"visits": "calls"})
        assert tables(database) == ["customers", "orders", "visits"]
    assert hidden(tmp_path) == []


def test_a_database_for_reading_only_is_left_alone(engine: str, tmp_path: Path) -> None:
    with (
        open_database(load(tmp_path, engine, "visits")) as opened,
        pytest.raises(DatabaseError, match="open for reading only"),
    ):
        drop_tables(opened, ["visits"])


def test_only_admins_may(database: Database) -> None:
    with policy(lambda role: role <= Role.ANALYST):
        require(Role.VIEWER)
        require(Role.ANALYST)
        with pytest.raises(NotAllowedError, match="it needs the role admin"):
            drop_tables(database, ["visits"])
    assert "visits" in tables(database)
    require(Role.ADMIN)
