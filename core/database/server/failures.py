"""Errors of database servers as sentences with a remedy. Passwords are in none of them."""

from core.database.server.address import Address
from core.database.server.dialect import Dialect, Failure
from core.errors import DatabaseError, QueryError, SalesError


class DatabaseWakingError(DatabaseError):
    """A paused database is starting; it answers within a minute or so."""


class ConnectionFailedError(DatabaseError):
    """The server cannot be reached, or refuses to let this user in."""


def connection_error(failure: Failure, dialect: Dialect, address: Address) -> DatabaseError:
    """Why no connection could be made."""
    where, reason = address.place, without(failure.reason, address)
    user = address.user or "this user"
    if failure.kind == "waking":
        return DatabaseWakingError(
            f"The database {address.database} is waking up.", "Try again in a minute; nothing is wrong."
        )
    if failure.kind == "login":
        return ConnectionFailedError(
            f"{dialect.title} at {where} does not let {user} in: {reason}.",
            "Check user and password (in the address, or SALES_DATABASE_PASSWORD), and what the user may do.",
        )
    if failure.kind == "no_database":
        return ConnectionFailedError(
            f"{dialect.title} at {where} has no database {address.database}.",
            "Check the name in the address, or create it there.",
        )
    if failure.kind == "driver":
        return ConnectionFailedError(
            f"The driver of {dialect.title} cannot be used: {reason}.", "Install it."
        )
    if failure.kind == "busy":
        return ConnectionFailedError(
            f"{dialect.title} at {where} takes no more connections now: {reason}.", "Try again in a while."
        )
    if failure.kind == "permission":
        return ConnectionFailedError(
            f"{dialect.title} at {where} does not let {user} use {address.database}: {reason}.",
            "Ask its administrator for the right to connect and to read.",
        )
    return ConnectionFailedError(
        f"{dialect.title} at {where} cannot be reached: {reason}.",
        "Check host and port, that the server runs, and that no firewall is in between.",
    )


def reading_error(failure: Failure, dialect: Dialect, address: Address, asked: str) -> SalesError:
    """Why a query could not be run, where it is not about what is missing in the database."""
    reason = without(failure.reason, address)
    if failure.kind in ("lost", "unreachable"):
        return DatabaseError(
            f"The connection to {dialect.title} at {address.place} was lost: {reason}.", "Try again."
        )
    if failure.kind == "busy":
        return DatabaseError(
            f"{dialect.title} at {address.place} is busy: {reason}.", "Try again in a while."
        )
    if failure.kind == "waking":
        return connection_error(failure, dialect, address)
    if failure.kind == "permission":
        return DatabaseError(
            f"{address.user or 'This user'} may not read what {asked} needs: {reason}.",
            "Ask the administrator of the database for the right to SELECT from it.",
        )
    if failure.kind == "read_only":
        return QueryError(f"{asked} may only read data: {reason}.", "Use SELECT.")
    if failure.kind in ("timeout", "cancelled"):
        return QueryError(
            f"{asked} was stopped by {dialect.title}: {reason}.", "Ask for fewer rows or a shorter period."
        )
    return QueryError(f"{asked} cannot be run: {reason}.")


def writing_error(failure: Failure, address: Address, what: str) -> DatabaseError:
    """Why something could not be written; ``what`` is the beginning of the sentence."""
    reason = without(failure.reason, address)
    if failure.kind in ("permission", "read_only"):
        return DatabaseError(
            f"{what}: {address.user or 'the user'} may not write to {address.database}: {reason}.",
            "Ask the administrator of the database for the right to create and change tables.",
        )
    if failure.kind in ("lost", "busy", "locked", "unreachable"):
        return DatabaseError(f"{what}: the connection was lost or refused: {reason}.", "Try again.")
    if "depend on it" in reason:
        return DatabaseError(f"{what}: {reason}.", "Drop those, or remove the mapping that made them, first.")
    return DatabaseError(f"{what}: {reason}.", "Check that the server has room, and what the reason says.")


def without(reason: str, address: Address) -> str:
    """A reason without the password, should a driver repeat it."""
    if address.password and len(address.password) > 2:
        return reason.replace(address.password, "…")
    return reason
