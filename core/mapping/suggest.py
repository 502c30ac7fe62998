"""A first mapping from the names and types of the columns."""

import re
from collections.abc import Iterable

from core.database.base import TableInfo
from core.mapping.fields import ENTITIES, Entity, Field
from core.mapping.model import Mapping, TableMapping

_EXACT, _ENDING, _INSIDE = 100, 60, 40
_SHORT = 4


def suggest_columns(entity: str, table: TableInfo) -> dict[str, str]:
    """The likely column of each field of a canonical table, each column used once.

    The best match is taken first: a name known for the field, then one that ends with it, then one that has
    it as a part; columns whose type cannot hold the field are left out.
    """
    scored = [
        (score, -place, field.name, column)
        for place, field in enumerate(ENTITIES[entity].fields)
        for column, kind in table.columns.items()
        if (score := _score(field, column, kind, table.name)) > 0
    ]
    chosen: dict[str, str] = {}
    for _, _, field_name, column in sorted(scored, reverse=True):
        if field_name not in chosen and column not in chosen.values():
            chosen[field_name] = column
    return {f.name: chosen[f.name] for f in ENTITIES[entity].fields if f.name in chosen}


def suggest_mapping(tables: Iterable[TableInfo]) -> Mapping | None:
    """One table that looks like sales, mapped; ``None`` if none does.

    A table qualifies if it has a customer, a date, and an amount or quantity and price.
    """
    found = []
    for table in tables:
        columns = suggest_columns("sales", table)
        if is_enough(columns):
            found.append((len(columns), table.rows or 0, table.name, columns))
    if not found:
        return None
    *_, name, columns = max(found, key=lambda row: row[:2])
    return Mapping((TableMapping("sales", name, tuple(columns.items())),))


def suggest_entity(table: TableInfo) -> str:
    """The canonical table that a table most looks like; sales where nothing does."""
    scores = {entity.name: _likeness(entity, table) for entity in ENTITIES.values()}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > 0 else "sales"


def is_enough(columns: dict[str, str]) -> bool:
    """Whether order lines with these fields can be explored on their own."""
    priced = "amount" in columns or {"quantity", "unit_price"} <= columns.keys()
    return {"customer_id", "order_date"} <= columns.keys() and priced


def _likeness(entity: Entity, table: TableInfo) -> int:
    columns = suggest_columns(entity.name, table)
    needed = {field.name for field in entity.fields if field.required}
    if not needed <= columns.keys() or (entity.name == "sales" and not is_enough(columns)):
        return 0
    named = bare(entity.name) in bare(table.name) or bare(table.name) in bare(entity.name)
    return len(columns) + (10 if named else 0)


def _score(field: Field, column: str, kind: str, table: str) -> int:
    """How likely ``column`` holds ``field``; 0 if it does not."""
    if not field.fits(kind):
        return 0
    name = bare(column)
    for place, known in enumerate(field.known.split()):
        for base, matches in (
            (_EXACT, name in (known, bare(table) + known)),
            (_ENDING, len(known) > _SHORT and name.endswith(known)),
            (_INSIDE, len(known) > _SHORT and known in name),
        ):
            if matches:
                return base - place
    return 0


def bare(name: str) -> str:
    """``name`` in small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
