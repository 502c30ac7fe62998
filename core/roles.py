"""Who may do what: every function that needs a right asks here, and whoever runs the product decides."""

from collections.abc import Callable
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

from core.errors import SalesError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Role(IntEnum):
    """What a person may do; each role may do all that those before it may.

    A viewer looks at pages, an analyst queries in SQL, an admin changes data and trains models.
    """

    VIEWER = 1
    ANALYST = 2
    ADMIN = 3

    def __str__(self) -> str:
        return self.name.lower()


Policy = Callable[[Role], bool]
"""Whether whoever is acting now has at least this role."""


class NotAllowedError(SalesError):
    """The person who asks lacks the role that is needed."""


def allow_everything(_role: Role) -> bool:
    """The policy of a single user on their own machine, and the default."""
    return True


_policy: Policy = allow_everything


def require(role: Role, doing: str = "doing this") -> None:
    """Return if whoever is acting now has at least ``role``.

    Parameters
    ----------
    doing
        What is being done, for the message: ``"dropping tables"``.

    Raises
    ------
    NotAllowedError
        The policy says no.
    """
    if not _policy(role):
        raise NotAllowedError(
            f"You lack the right for {doing}: it needs the role {role}.", "Ask whoever runs the dashboard."
        )


def set_policy(policy: Policy) -> Policy:
    """Let ``policy`` decide from now on in the whole process; returns the one before."""
    global _policy
    before, _policy = _policy, policy
    return before


@contextmanager
def policy(chosen: Policy) -> "Iterator[None]":
    """Let another policy decide within a ``with`` block, as tests do."""
    before = set_policy(chosen)
    try:
        yield
    finally:
        set_policy(before)
