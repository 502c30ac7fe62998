"""Which filters can be fixed for which view: those that decide alone what it shows."""

from collections.abc import Collection

PINNABLE: dict[str, tuple[str, ...]] = {}


def cannot_pin(slug: str, dimensions: Collection[str]) -> tuple[str, ...]:
    """Those of ``dimensions`` that the view cannot be limited to."""
    return tuple(name for name in dimensions if name not in PINNABLE.get(slug, ()))
