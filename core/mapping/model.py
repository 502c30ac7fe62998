"""Which columns of which tables are a company's orders, customers, products and payments."""

import json
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass

from core.errors import SalesError
from core.mapping.fields import ENTITIES


class MappingError(SalesError):
    """A mapping cannot be used as it is; nothing was stored."""


@dataclass(frozen=True)
class TableMapping:
    """One canonical table (``entity``, a key of ``ENTITIES``) and the columns of ``table`` that make it.

    ``columns`` are pairs of field and column, in the order of the fields.
    """

    entity: str
    table: str
    columns: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        entity = ENTITIES.get(self.entity)
        if entity is None:
            raise MappingError(
                f"There is no canonical table {self.entity!r}.", f"Known: {', '.join(ENTITIES)}."
            )
        given = dict(self.columns)
        if unknown := [field for field in given if entity.field(field) is None]:
            known = ", ".join(field.name for field in entity.fields)
            raise MappingError(
                f"{entity.title} have no field {', '.join(unknown)}.", f"Known fields: {known}."
            )
        ordered = tuple((field.name, given[field.name]) for field in entity.fields if given.get(field.name))
        object.__setattr__(self, "columns", ordered)

    def column(self, field: str) -> str | None:
        """The column that holds a field; ``None`` if it is not mapped."""
        return dict(self.columns).get(field)


@dataclass(frozen=True)
class Mapping:
    """The mapped tables, at most one for each canonical table. Immutable, comparable, and JSON both ways."""

    tables: tuple[TableMapping, ...] = ()

    def __post_init__(self) -> None:
        order = list(ENTITIES)
        object.__setattr__(self, "tables", tuple(sorted(self.tables, key=lambda t: order.index(t.entity))))
        names = [table.entity for table in self.tables]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise MappingError(f"{', '.join(sorted(repeated))} can be mapped to one table only.")

    @classmethod
    def of(cls, **tables: tuple[str, AnyMapping[str, str]]) -> "Mapping":
        """A mapping written as ``Mapping.of(sales=("table", {"customer_id": "column"}))``."""
        return cls(
            tuple(
                TableMapping(entity, table, tuple(fields.items()))
                for entity, (table, fields) in tables.items()
            )
        )

    def entity(self, name: str) -> TableMapping | None:
        """The table mapped to a canonical table."""
        return next((table for table in self.tables if table.entity == name), None)

    def to_json(self) -> str:
        """The mapping as JSON text, readable and stable."""
        told = {t.entity: {"table": t.table, "columns": dict(t.columns)} for t in self.tables}
        return json.dumps(told, indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Mapping":
        """The mapping that ``to_json`` wrote.

        Raises
        ------
        MappingError
            The text is no mapping.
        """
        try:
            told = json.loads(text)
            pairs = {name: (str(part["table"]), dict(part["columns"])) for name, part in told.items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise MappingError(f"This is no mapping: {error}.", "Map the tables again.") from error
        return cls.of(**pairs)
