"""In which way the dates and numbers of a column are written, where its kind is already known."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from core.database.schema import Column
from core.ingest.convert import NUMBERS, Reading
from core.ingest.corrections import Correction
from core.ingest.source import Source
from core.ingest.survey import Verdict, best_style, candidates_of, survey


@dataclass
class Chosen:
    """How each column of a source is read, by its name in the source.

    ``provisional`` and ``ambiguous`` have names of the table's columns.
    """

    readings: dict[str, Reading] = field(default_factory=dict)
    provisional: set[str] = field(default_factory=set)
    ambiguous: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, reading: Reading, ambiguous: bool = False) -> None:
        """Decide one column."""
        self.readings[name] = reading
        if ambiguous:
            self.ambiguous.add(reading.name)

    def restyle(self, styles: dict[str, str | None]) -> None:
        """Change the way in which columns are written; ``None`` where that is ambiguous."""
        for name, style in styles.items():
            self.add(name, replace(self.readings[name], style=style or ""), style is None)

    def add_verdicts(self, verdicts: dict[str, Verdict]) -> None:
        """Take over the results of a survey."""
        for name, verdict in verdicts.items():
            self.readings[name] = verdict.reading
            if not verdict.certain:
                self.provisional.add(verdict.reading.name)
            if verdict.note:
                self.notes.append(verdict.note)


def style_of(source: Source, name: str, kind: str) -> str | None:
    """The way in which a column of a known kind is written; ``None`` if that is ambiguous.

    Where not all of its cells follow one way, the one that most of the first follow.
    """
    verdict = survey(source, [name], lambda _: None, offered={name: candidates_of(kind)})[name]
    if verdict.ambiguous:
        return None
    if verdict.reading.kind == kind:
        return verdict.reading.style
    place = source.columns.index(name)
    for block in source.blocks():
        cells = block.columns[place]
        if len(block.lines) and cells.null_count() < len(cells):
            return best_style(cells, kind)
    return ""


def corrected(source: Source, name: str, column: Column, correction: Correction) -> tuple[Reading, bool]:
    """How a column is read whose type a person has chosen, and whether its values can be read in two ways."""
    reading = Reading(column.name, correction.kind, correction.style or "", column.required)
    if correction.style is not None or len(candidates_of(correction.kind)) == 1:
        return reading, False
    style = style_of(source, name, correction.kind)
    return replace(reading, style=style or ""), style is None


def styles_of_numbers(
    source: Source, readings: dict[str, Reading], progress: Callable[[int], None]
) -> dict[str, str | None]:
    """The style of the number columns of a file that is likely to have decimal commas, where not the plain.

    There 1.234 is as likely a thousand as a fraction: what the first rows leave open, all rows decide.
    """
    kinds = {n: r.kind for n, r in readings.items() if r.kind in ("integer", "number") and not r.style}
    # As numbers also where integers are expected, so that 1.000 is seen as what it may be.
    offered = {name: candidates_of("number") for name in kinds}
    first = survey(source, kinds, progress, whole=False, offered=offered)
    left_open = [name for name, verdict in first.items() if verdict.ambiguous]
    verdicts = survey(source, left_open, progress, offered=offered) if left_open else {}
    styles: dict[str, str | None] = {}
    for name, verdict in (first | verdicts).items():
        if verdict.ambiguous:
            styles[name] = None
        elif verdict.reading.style and verdict.reading.style != NUMBERS[0]:
            styles[name] = verdict.reading.style
    return styles
