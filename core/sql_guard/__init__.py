"""The guard of typed SQL: what a person typed is parsed, and refused unless it only reads."""

from core.sql_guard.check import CheckedStatement, check_statement
from core.sql_guard.functions import allowed_functions
from core.sql_guard.problems import StatementError, line_and_column, refused_at
from core.sql_guard.tree import require_own_schema

__all__ = [
    "CheckedStatement",
    "StatementError",
    "allowed_functions",
    "check_statement",
    "line_and_column",
    "refused_at",
    "require_own_schema",
]
