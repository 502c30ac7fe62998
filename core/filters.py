"""What a person has restricted the dashboard to: period, places, people, products, customers, amounts."""

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from functools import reduce
from operator import and_
from typing import Any, Self

import param
import polars as pl

from core.days import FIRST_DAY, LAST_DAY, plain_date, to_day

LISTS: dict[str, str] = {
    "country": "countries",
    "product_line": "product_lines",
    "office": "offices",
    "sales_rep": "sales_reps",
    "product": "products",
    "customer": "customers",
}
"""Dimensions of which several values can be chosen, with the parameter that holds them."""
RANGES = ("credit_limit", "spend")
DIMENSIONS: tuple[str, ...] = ("period", *LISTS, *RANGES)
"""Everything that can be restricted; these names are also the keys of a URL query."""

_TITLES = {
    "period": "Period",
    "country": "Country",
    "product_line": "Product line",
    "office": "Office",
    "sales_rep": "Sales representative",
    "product": "Product",
    "customer": "Customer",
    "credit_limit": "Credit limit",
    "spend": "Revenue of 365 days",
}
_BETWEEN = ".."


def dimension_name(name: str) -> str:
    """The dimension called ``name``, which may also be the name of its parameter (``countries``).

    Raises
    ------
    ValueError
        Nothing can be restricted by that name.
    """
    for dimension, parameter in LISTS.items():
        if name in (dimension, parameter):
            return dimension
    if name in DIMENSIONS:
        return name
    raise ValueError(f"There is no dimension {name!r}. Dimensions: {', '.join(DIMENSIONS)}.")


class SalesFilters(param.Parameterized):
    """The restrictions that apply to every chart. Values of one list are alternatives, dimensions add up.

    Keys of sales representatives, products and customers are compared by their text: 103 and "103" are the
    same customer. Two objects with the same restrictions are equal.
    """

    period = param.CalendarDateRange(
        default=None,
        allow_None=True,
        doc="First and last order date, both included; None: all time.",
    )
    countries = param.List(default=[], item_type=str, bounds=(0, None), doc="Countries of customers.")
    product_lines = param.List(default=[], item_type=str, bounds=(0, None), doc="Product lines.")
    offices = param.List(default=[], item_type=str, bounds=(0, None), doc="Sales offices, by name.")
    sales_reps = param.List(
        default=[], item_type=(str, int), bounds=(0, None), doc="Sales representatives, by employee_id."
    )
    products = param.List(default=[], item_type=(str, int), bounds=(0, None), doc="Products, by product_id.")
    customers = param.List(
        default=[], item_type=(str, int), bounds=(0, None), doc="Customers, by customer_id."
    )
    credit_limit = param.Range(
        default=None, allow_None=True, bounds=(0, math.inf), doc="Least and largest current credit limit."
    )
    spend = param.Range(
        default=None,
        allow_None=True,
        bounds=(-math.inf, math.inf),
        doc="Least and largest revenue of the 365 days before the as-of date.",
    )

    def is_active(self, dimension: str) -> bool:
        """Whether ``dimension`` is restricted."""
        return bool(self.values_of(dimension))

    def active(self, skip: Collection[str] = ()) -> tuple[str, ...]:
        """The dimensions that are restricted, without those in ``skip``."""
        skipped = {dimension_name(name) for name in skip}
        return tuple(d for d in DIMENSIONS if d not in skipped and self.is_active(d))

    def values_of(self, dimension: str) -> tuple[Any, ...]:
        """The chosen values: of a list in their order (keys as text), of a range its two ends, else empty."""
        dimension = dimension_name(dimension)
        if dimension in LISTS:
            return tuple(dict.fromkeys(str(value) for value in getattr(self, LISTS[dimension])))
        chosen = getattr(self, dimension)
        if chosen is None:
            return ()
        return tuple(plain_date(end) for end in chosen) if dimension == "period" else tuple(chosen)

    def key(self) -> tuple[tuple[str, tuple[Any, ...]], ...]:
        """A hashable value that is equal for equal restrictions, for caches."""
        return tuple(
            (d, tuple(sorted(self.values_of(d))) if d in LISTS else self.values_of(d)) for d in self.active()
        )

    def __eq__(self, other: object) -> bool:
        return self.key() == other.key() if isinstance(other, SalesFilters) else NotImplemented

    # watchers are kept by object, and a change must not move an object in a dictionary
    __hash__ = object.__hash__

    def copy(self) -> Self:
        """The same restrictions in another object, without its watchers."""
        return type(self)(**self._parameters())

    def _parameters(self) -> dict[str, Any]:
        names = [LISTS.get(dimension, dimension) for dimension in DIMENSIONS]
        return {name: _copied(getattr(self, name)) for name in names}

    def assign(self, other: "SalesFilters") -> None:
        """Take over all restrictions of ``other`` in one change."""
        self.param.update(**other._parameters())

    def clear(self, dimension: str | None = None) -> None:
        """Lift the restriction of ``dimension``, or all of them."""
        chosen = DIMENSIONS if dimension is None else (dimension_name(dimension),)
        self.param.update(**{LISTS.get(d, d): [] if d in LISTS else None for d in chosen})

    def toggle(self, dimension: str, value: object) -> None:
        """Add ``value`` to the list of ``dimension``, or take it out if it is there.

        For a period or a range, set it to ``value``, or lift it if it is that already.
        """
        dimension = dimension_name(dimension)
        if dimension not in LISTS:
            same = value is not None and self.values_of(dimension) == tuple(value)  # type: ignore[arg-type]
            setattr(self, dimension, None if same else value)
        elif str(value) in self.values_of(dimension):
            self.remove(dimension, value)
        else:
            setattr(self, LISTS[dimension], [*getattr(self, LISTS[dimension]), str(value)])

    def remove(self, dimension: str, value: object = None) -> None:
        """Take ``value`` out of a list; a period or range is lifted whatever ``value`` is."""
        dimension = dimension_name(dimension)
        if dimension in LISTS:
            kept = [v for v in getattr(self, LISTS[dimension]) if str(v) != str(value)]
            setattr(self, LISTS[dimension], kept)
        else:
            setattr(self, dimension, None)

    def without(self, key: str, value: object = None) -> Self:
        """A copy without one restriction; ``key`` and ``value`` are those of ``chips()``."""
        copied = self.copy()
        copied.remove(key, value)
        return copied

    def chips(self, names: Mapping[str, Mapping[str, str]] | None = None) -> list[tuple[str, str, str]]:
        """(key, value, label) of every restriction that can be removed on its own.

        ``names`` may give readable names by dimension and key, such as ``{"customer": {"103": "Atelier"}}``.
        """
        result = []
        for dimension in self.active():
            values = self.values_of(dimension)
            texts = list(values) if dimension in LISTS else [_range_text(values)]
            for text in texts:
                shown = (names or {}).get(dimension, {}).get(text, text)
                if dimension not in LISTS:
                    shown = " to ".join(_amount(v) if dimension in RANGES else str(v) for v in values)
                result.append((dimension, text, f"{_TITLES[dimension]}: {shown}"))
        return result

    def to_query(self) -> dict[str, str]:
        """What is restricted, as a URL query; ``from_query`` reads it back."""
        return {
            dimension: (
                ",".join(_escaped(value) for value in self.values_of(dimension))
                if dimension in LISTS
                else _range_text(self.values_of(dimension))
            )
            for dimension in self.active()
        }

    @classmethod
    def from_query(
        cls, query: Mapping[str, str], known: Mapping[str, Collection[object]] | None = None
    ) -> tuple[Self, list[str]]:
        """The filters of a URL query, and a sentence for each part that could not be used and was left out.

        Keys that are no dimension belong to others and are passed over. ``known`` may list the values that
        exist by dimension; others are left out. Never raises.
        """
        chosen: dict[str, Any] = {}
        problems: list[str] = []
        for dimension in DIMENSIONS:
            text = query.get(dimension)
            if text is None or not str(text):
                continue
            if dimension in LISTS:
                values = list(dict.fromkeys(value for value in _split(str(text)) if value))
                if known is not None and dimension in known:
                    exist = {str(value) for value in known[dimension]}
                    absent = [value for value in values if value not in exist]
                    problems += [
                        f"{_TITLES[dimension]} {v!r} is not in the data and was ignored." for v in absent
                    ]
                    values = [value for value in values if value in exist]
                chosen[LISTS[dimension]] = values
                continue
            try:
                chosen[dimension] = _parsed_range(dimension, str(text))
                cls(**{dimension: chosen[dimension]})
            except (ValueError, TypeError, OverflowError):
                chosen.pop(dimension, None)
                example = "2024-01-01..2024-12-31" if dimension == "period" else "1000..50000"
                problems.append(f"{_TITLES[dimension]} {text!r} was ignored; expected for example {example}.")
        return cls(**chosen), problems

    def expression(self, columns: Mapping[str, str], skip: Collection[str] = ()) -> pl.Expr:
        """A Polars condition over the rows of a frame.

        ``columns`` maps dimensions to the frame's columns (period: a date column; the lists: columns of
        plain values). Restricted dimensions that the frame lacks are left out, as are those in ``skip``.
        """
        conditions = [
            self._condition(dimension, pl.col(columns[dimension]))
            for dimension in self.active(skip)
            if dimension in columns
        ]
        return reduce(and_, conditions) if conditions else pl.lit(True)

    def _condition(self, dimension: str, column: pl.Expr) -> pl.Expr:
        values = self.values_of(dimension)
        if dimension in LISTS:
            return column.cast(pl.String).is_in(list(values))
        return column.is_between(pl.lit(values[0]), pl.lit(values[1]))

    def sql_parameters(self, as_of: date | None = None) -> dict[str, int]:
        """The parameters of ``sql/eda``: ``from_day`` and ``until_day`` (half-open, not beyond ``as_of``).

        With ``as_of`` also ``as_of_day``. Restrictions other than the period are not SQL parameters.
        """
        limit = LAST_DAY if as_of is None else to_day(as_of)
        first, until = FIRST_DAY, limit
        if period := self.values_of("period"):
            first, until = to_day(period[0]), min(limit, to_day(period[1]) + 1)
        result = {"from_day": first, "until_day": until}
        return result if as_of is None else result | {"as_of_day": limit}

    def within(self, first: date, until: date) -> tuple[date, date]:
        """The chosen period cut to ``first`` .. the day before ``until``; both ends included."""
        last = until - timedelta(days=1)
        if period := self.values_of("period"):
            return max(first, period[0]), min(last, period[1])
        return first, last


def _copied(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,")


def _split(text: str) -> Iterable[str]:
    """The values of a list in which commas and backslashes are escaped by a backslash."""
    value, escaped = "", False
    for character in text:
        if escaped or character not in "\\,":
            value, escaped = value + character, False
        elif character == "\\":
            escaped = True
        else:
            yield value
            value = ""
    yield value


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _amount(value: float) -> str:
    return f"{value:,.0f}"


def _range_text(values: tuple[Any, ...]) -> str:
    return _BETWEEN.join(str(v) if isinstance(v, date) else _number(v) for v in values)


def _parsed_range(dimension: str, text: str) -> tuple[Any, Any]:
    low, high = (part.strip() for part in text.split(_BETWEEN))
    if dimension == "period":
        first, last = date.fromisoformat(low), date.fromisoformat(high)
    else:
        first, last = float(low), float(high)  # type: ignore[assignment]
        if not (math.isfinite(first) and math.isfinite(last)):  # type: ignore[arg-type]
            raise ValueError(text)
    if first > last:
        raise ValueError(text)
    return first, last
