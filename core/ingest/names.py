"""What tables are called: names of files and sheets as names of tables."""

import re

from core.database.schema import declared_tables
from core.errors import IngestError

_TASK = "(churn|spend|sales|recommend|credit)"
_RESERVED = re.compile(
    r"^(sqlite_|_ingest_|stg_|sales_(load|mapping|rename)_log$|model_(versions|parts|activations)$"
    rf"|scores_{_TASK}$|backtest_{_TASK}_(scores|differences|predictions|about)$)",
    re.I,
)


def target_name(name: str) -> str:
    """The table that a file or table name stands for."""
    bare = bare_name(name)
    for declared in declared_tables():
        if bare == bare_name(declared):
            return declared
    clean = re.sub(r"\W+", "_", name.strip()).strip("_")
    return f"t_{clean}" if not clean or clean[0].isdigit() else clean


def bare_name(name: str) -> str:
    """``name`` in small letters and digits alone, so that Order_Number and orderNumber are the same."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def is_reserved(name: str) -> bool:
    """Whether the product or the engine keeps this name for itself; nothing is no name either."""
    return not name.strip() or _RESERVED.match(name) is not None


def refuse_reserved(name: str, label: str) -> None:
    """Refuse to load ``label`` as a table of a reserved name.

    Raises
    ------
    IngestError
        The name is reserved.
    """
    if is_reserved(name):
        raise IngestError(
            f"{label} cannot be loaded as {name!r}: the name is reserved.", "Choose another with --table."
        )
