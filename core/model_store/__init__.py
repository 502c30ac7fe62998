"""Where trained models are kept, and which of them is used."""

from pathlib import Path

from core.database import Database, database_path
from core.model_store.database import DatabaseModelStore
from core.model_store.folder import FolderModelStore
from core.model_store.store import ModelStore, ModelStoreError, ModelVersion
from core.settings import Settings

__all__ = [
    "DatabaseModelStore",
    "FolderModelStore",
    "ModelStore",
    "ModelStoreError",
    "ModelVersion",
    "open_model_store",
]


def open_model_store(settings: Settings, database: Database) -> ModelStore:
    """The store that the settings ask for.

    ``SALES_MODEL_STORE`` is a folder, or empty: then models are kept in the database itself. DuckDB and
    Parquet are rewritten as a whole by every change, so models go to a folder beside them; those of Spark go
    to the data folder, so that they are opened at once, and without Spark.
    """
    if settings.model_store:
        return FolderModelStore(Path(settings.model_store).expanduser())
    if database.engine in ("duckdb", "parquet"):
        place = database_path(settings.resolved_database_url)
        return FolderModelStore(place.with_name(f"{place.name}-models"))
    if database.engine == "spark":
        return FolderModelStore(settings.data_folder / "spark-models")
    return DatabaseModelStore(database, settings.data_folder / "models")
