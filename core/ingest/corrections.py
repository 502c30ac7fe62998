"""Types that a person has chosen for columns, and how they are written down: ``date %d/%m/%Y``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from core.errors import IngestError
from core.ingest.convert import NUMBERS
from core.ingest.names import bare_name
from core.ingest.survey import Candidate, candidates_of

KINDS = ("text", "integer", "number", "date", "datetime", "boolean", "binary")


@dataclass(frozen=True)
class Correction:
    """The kind that a column is to have; ``style`` is ``None`` where the way of writing is to be found."""

    kind: str
    style: str | None


def type_text(candidate: Candidate) -> str:
    """A kind and its way of writing as a text such as ``number 1.234,5``; the plain way is left out."""
    kind, style = candidate
    return f"{kind} {style}" if style else kind


def parse_type(text: str, column: str) -> Correction:
    """The correction that a text such as ``date`` or ``date %d/%m/%Y`` means.

    Raises
    ------
    IngestError
        There is no such type, or no such way of writing it.
    """
    kind, _, style = text.strip().partition(" ")
    if kind not in KINDS:
        raise IngestError(
            f"{text!r} is no type that the column {column} can have.", f"Choose one of {', '.join(KINDS)}."
        )
    if not style:
        return Correction(kind, None)
    if (kind, style) in (("number", NUMBERS[0]), ("integer", NUMBERS[0]), ("date", "%Y-%m-%d")):
        return Correction(kind, "")
    if (kind, style) not in candidates_of(kind):
        known = [known_style for _, known_style in candidates_of(kind) if known_style]
        remedy = f"Choose one of {', '.join(known[:10])}." if known else f"Choose {kind} alone."
        raise IngestError(f"The column {column} cannot be read as {text!r}.", remedy)
    return Correction(kind, style)


def corrections_of(
    types: Mapping[str, Mapping[str, str]] | None, table: str, columns: Iterable[str]
) -> dict[str, Correction]:
    """The corrections for one table by bare column name.

    Parameters
    ----------
    types
        Types by table and column.
    columns
        The columns that the table's sources have.

    Raises
    ------
    IngestError
        A column or type is unknown.
    """
    chosen = next((given for name, given in (types or {}).items() if bare_name(name) == bare_name(table)), {})
    present = {bare_name(column): column for column in columns}
    corrections = {}
    for column, text in chosen.items():
        if bare_name(column) not in present:
            near = get_close_matches(column, list(present.values()), n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(present.values())}."
            raise IngestError(f"A type is given for {column}, but {table} has no such column.", hint)
        corrections[bare_name(column)] = parse_type(text, column)
    return corrections


def check_tables(types: Mapping[str, Mapping[str, str]] | None, tables: Iterable[str]) -> None:
    """Refuse types for a table that is not among those to be loaded.

    Raises
    ------
    IngestError
        A table is unknown.
    """
    known = list(tables)
    for name in types or {}:
        if bare_name(name) not in map(bare_name, known):
            raise IngestError(
                f"Types are given for the table {name}, but no file is for it.",
                f"The files are for {', '.join(known)}.",
            )
