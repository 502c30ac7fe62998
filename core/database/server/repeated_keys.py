"""Keys that come more than once, on servers that declare keys and do not enforce them."""

from core.database.base import Database
from core.database.server.database import ServerDatabase
from core.errors import DatabaseError, MissingDataError

KEYS = {
    "stg_customers": "customer_id",
    "stg_employees": "employee_id",
    "stg_offices": "office_id",
    "stg_orders": "order_id",
    "stg_products": "product_id",
}
"""Views whose key is joined to: a repeated one there counts order lines twice."""


def repeated_keys(database: Database) -> dict[str, int]:
    """How many keys come more than once, by view; views without any are left out, as are missing ones."""
    found = {}
    for view, key in KEYS.items():
        repeated = f"SELECT {key} FROM {view} WHERE {key} IS NOT NULL GROUP BY {key} HAVING COUNT(*) > 1"
        try:
            count = database.query(f"SELECT COUNT(*) AS repeated FROM ({repeated}) AS r")["repeated"].item()
        except MissingDataError:
            continue
        if count:
            found[view] = int(count)
    return found


def require_unique_keys(database: Database) -> None:
    """Refuse data that would be counted twice, where the server lets keys come more than once.

    Raises
    ------
    DatabaseError
        Keys are repeated; names the views and how many.
    """
    if not isinstance(database, ServerDatabase) or database.dialect.capabilities.enforced_keys:
        return
    if found := repeated_keys(database):
        told = ", ".join(f"{view}.{KEYS[view]} ({count:,})" for view, count in found.items())
        raise DatabaseError(
            f"Keys come more than once, so that sums would be wrong: {told}.",
            "Remove the repeated rows (sql/synapse/dedicated/repeated_keys.sql counts them) and train again.",
        )
