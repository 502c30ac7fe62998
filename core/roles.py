"""Who may do what: every function that needs a right asks here, and whoever runs the product decides."""

import logging
import math
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from core.errors import SalesError

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)


class Role(IntEnum):
    """What a person may do; each role may do all that those before it may.

    A viewer looks at pages, an analyst queries in SQL, an admin changes data and trains models.
    """

    VIEWER = 1
    ANALYST = 2
    ADMIN = 3

    def __str__(self) -> str:
        return self.name.lower()


def role_named(text: str) -> Role:
    """The role of that name.

    Raises
    ------
    ValueError
        There is none.
    """
    try:
        return Role[text.strip().upper()]
    except KeyError:
        raise ValueError(f"{text!r} is no role: viewer, analyst or admin") from None


@dataclass(frozen=True)
class Person:
    """Somebody who acts, and what they may do.

    Attributes
    ----------
    name
        As they signed in.
    role
        The highest role they have.
    session
        Key of the sign-in, so that signing out ends what was begun with it; empty: none.
    until
        POSIX time in seconds when the sign-in ends.
    record
        What was known of them when they signed in, as a digest: when that changes, the sign-in ends.
    """

    name: str
    role: Role
    session: str = ""
    until: float = math.inf
    record: str = ""


SERVER = Person("the server", Role.ADMIN)
"""The program itself, as when it trains the demo's models at the start."""

Policy = Callable[[Role], bool]
"""Whether whoever is acting now has at least this role."""


class NotAllowedError(SalesError):
    """The person who asks lacks the role that is needed."""


def allow_everything(_role: Role) -> bool:
    """The policy of a single user on their own machine, and the default."""
    return True


def known_people_only(role: Role) -> bool:
    """The policy where people sign in: whoever acts must be known, and have the role."""
    person = who()
    return person is not None and person.role >= role


_ACTING: ContextVar[Person | None] = ContextVar("acting", default=None)


def acting() -> Person | None:
    """The person given by ``acting_as`` around the work that is being done."""
    return _ACTING.get()


@contextmanager
def acting_as(person: Person | None) -> "Iterator[None]":
    """Let work within a ``with`` block be that of ``person``."""
    token = _ACTING.set(person)
    try:
        yield
    finally:
        _ACTING.reset(token)


def carried[**P, T](work: Callable[P, T]) -> Callable[P, T]:
    """``work`` to be run in another thread, later, with the rights of whoever acts now."""
    person = who()

    def with_rights(*args: P.args, **kwargs: P.kwargs) -> T:
        with acting_as(person):
            return work(*args, **kwargs)

    return with_rights


_policy: Policy = allow_everything
_find: Callable[[], Person | None] = acting


def who() -> Person | None:
    """Whoever acts now; None if nobody is known."""
    return _find()


def allows(role: Role) -> bool:
    """Whether whoever is acting now has at least ``role``."""
    return _policy(role)


def require(role: Role, doing: str = "doing this") -> None:
    """Return if whoever is acting now has at least ``role``; a refusal is logged.

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
        person = who()
        log.warning(
            "refused: %s for %s, which needs the role %s",
            doing, f"{person.name} ({person.role})" if person else "somebody unknown", role,
        )  # fmt: skip
        raise NotAllowedError(
            f"You lack the right for {doing}: it needs the role {role}.", "Ask whoever runs the dashboard."
        )


def set_policy(policy: Policy) -> Policy:
    """Let ``policy`` decide from now on in the whole process; returns the one before."""
    global _policy
    before, _policy = _policy, policy
    return before


def set_finder(find: Callable[[], Person | None]) -> Callable[[], Person | None]:
    """Let ``find`` tell who is acting from now on in the whole process; returns the one before."""
    global _find
    before, _find = _find, find
    return before


@contextmanager
def policy(chosen: Policy) -> "Iterator[None]":
    """Let another policy decide within a ``with`` block, as tests do."""
    before = set_policy(chosen)
    try:
        yield
    finally:
        set_policy(before)
