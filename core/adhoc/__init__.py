"""SQL that a person types: run within limits, explained, completed, saved and exported."""

from core.adhoc.run import QueryResult, explain, parameters_of, run_query
from core.adhoc.saved import SavedParameter, SavedQuery, saved_queries
from core.adhoc.schema import Schema, identifier, schema_of
from core.database.adhoc import QueryCancelled, QueryLimits, QueryTimeout
from core.sql_guard import StatementError, check_statement

__all__ = [
    "QueryCancelled",
    "QueryLimits",
    "QueryResult",
    "QueryTimeout",
    "SavedParameter",
    "SavedQuery",
    "Schema",
    "StatementError",
    "check_statement",
    "explain",
    "identifier",
    "parameters_of",
    "run_query",
    "saved_queries",
    "schema_of",
]
