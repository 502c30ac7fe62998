"""Embed tokens that will be accepted: checked against the views before they are signed."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from core.errors import SalesError
from core.settings import Settings
from dashboard.embedding.access import pins_of
from dashboard.embedding.catalogue import embeddable
from dashboard.embedding.tokens import issue_token, signing_key

ALL = "*"


def checked_token(
    settings: Settings, views: Sequence[str], pins: Mapping[str, str], *, hours: float = 24.0
) -> str:
    """A token for ``views`` with ``pins``, which both exist.

    Raises
    ------
    SalesError
        A view does not exist or cannot be limited to what is fixed, or the time is out of bounds.
    """
    known = embeddable()
    for slug in views:
        if slug == ALL:
            continue
        if slug not in known:
            near = get_close_matches(slug, known, n=1)
            raise SalesError(
                f"There is no view {slug!r}.",
                f"Did you mean {near[0]}?" if near else "The page Embed lists them all.",
            )
        pins_of(known[slug], pins)
    return issue_token(signing_key(settings), views, pins, hours=hours)
