"""Whether keys repeat, told while rows go by, as long as they come in order."""

from collections.abc import Sequence

import polars as pl


class KeyWatch:
    """Watches the primary keys of rows that come batch by batch.

    Rows whose first key column never decreases (as in every file sorted by order number) are compared with
    their own batch only. As soon as one decreases, nothing more can be said.

    Attributes
    ----------
    is_sure
        Whether all rows so far came in order, so that no key has come twice.
    """

    def __init__(self, key: Sequence[str]) -> None:
        self.is_sure = True
        self._key = list(key)
        self._last: pl.DataFrame | None = None

    def add(self, frame: pl.DataFrame) -> bool:
        """``False`` if a key is certain to have come twice."""
        if not self._key or not self.is_sure or frame.is_empty():
            return True
        keys = frame.select(self._key)
        if self._last is not None:
            keys = pl.concat([self._last, keys])
        first = keys.to_series()
        if any(column.null_count() for column in keys.get_columns()) or not first.is_sorted():
            self.is_sure = False
            return True
        self._last = keys.filter(first == first[-1])  # the next batch may go on with the same first column
        if keys.width == 1:  # sorted, so equal ones are neighbours
            return not (first == first.shift()).any()
        return keys.hash_rows().n_unique() == keys.height or keys.n_unique() == keys.height
