"""Filters of which some are fixed: whatever is chosen, nothing outside them is ever selected."""

from collections.abc import Callable, Collection
from typing import Any, Self

from core.filters import LISTS, SalesFilters, dimension_name

NO_FILTERS = SalesFilters()


class PinnedFilters(SalesFilters):
    """Filters that can be narrowed, and widened again only as far as their pins.

    A pinned dimension holds when a chart skips it to show what it does not filter, too. What lies outside the
    pins is dropped however it was set; ``on_refused`` is told the dimension.
    """

    def __init__(
        self, pins: SalesFilters, on_refused: Callable[[str], None] | None = None, **params: Any
    ) -> None:
        self._pins = SalesFilters(**pins._parameters())
        self._on_refused = on_refused
        super().__init__(**params)
        watched = [LISTS.get(dimension, dimension) for dimension in self._pins.active()]
        if watched:
            self.param.watch(self._keep_inside, watched)

    @property
    def pins(self) -> SalesFilters:
        """What is fixed; a copy."""
        return self._pins.copy()

    def _keep_inside(self, *events: Any) -> None:
        for event in events:
            dimension = dimension_name(event.name)
            if event.new and not within_pins(self._pins, dimension, event.new):
                setattr(self, event.name, [] if dimension in LISTS else None)
                if self._on_refused is not None:
                    self._on_refused(dimension)

    def active(self, skip: Collection[str] = ()) -> tuple[str, ...]:
        fixed = set(self._pins.active())
        return super().active([name for name in map(dimension_name, skip) if name not in fixed])

    def values_of(self, dimension: str) -> tuple[Any, ...]:
        dimension = dimension_name(dimension)
        chosen, fixed = super().values_of(dimension), self._pins.values_of(dimension)
        return chosen if chosen and within_pins(self._pins, dimension, chosen) else fixed or chosen

    def key(self) -> tuple[tuple[str, tuple[Any, ...]], ...]:
        # what a chart shows without its own dimension depends on the pins: caches must keep them apart
        fixed = self._pins.key()
        return (("pinned", fixed), *super().key()) if fixed else super().key()

    def toggle(self, dimension: str, value: object) -> None:
        dimension = dimension_name(dimension)
        if dimension not in LISTS or not self._pins.is_active(dimension):
            super().toggle(dimension, value)
            return
        chosen = [str(known) for known in getattr(self, LISTS[dimension])]
        changed = [known for known in chosen if known != str(value)]
        setattr(self, LISTS[dimension], changed if len(changed) < len(chosen) else [*chosen, str(value)])

    def copy(self) -> Self:
        return type(self)(self._pins, **self._parameters())

    def is_chosen(self, dimension: str, value: str) -> bool:
        """Whether a chip (``chips()``) was chosen, so that it can be removed; what is fixed cannot."""
        chosen = super().values_of(dimension)
        return str(value) in chosen if dimension in LISTS else bool(chosen)


def within_pins(pins: SalesFilters, dimension: str, chosen: Collection[Any]) -> bool:
    """Whether values of a dimension select nothing that the pins do not."""
    fixed = pins.values_of(dimension)
    if not fixed:
        return True
    if dimension in LISTS:
        return {str(value) for value in chosen} <= set(fixed)
    low, high = SalesFilters(**{dimension: tuple(chosen)}).values_of(dimension)
    return bool(fixed[0] <= low and high <= fixed[1])


def without_choices(filters: SalesFilters) -> SalesFilters:
    """What remains when everything that can be removed is removed: nothing, or the pins."""
    return filters.pins if isinstance(filters, PinnedFilters) else NO_FILTERS
