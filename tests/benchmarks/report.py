"""Rows of figures, printed as a table or written as JSON."""

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Sense = Literal["at most", "at least"]


@dataclass(frozen=True)
class Row:
    """One figure: ours, that of a peer measured in the same run, and what was to be reached.

    ``target`` is in the unit of ``ours``, or a share of ``peer`` where ``relative`` is set.
    """

    part: str
    figure: str
    ours: float | None
    unit: str
    peer: float | None = None
    peer_name: str = ""
    target: float | None = None
    sense: Sense = "at most"
    relative: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours as a multiple of the peer's."""
        return None if self.ours is None or not self.peer else self.ours / self.peer

    @property
    def met(self) -> bool | None:
        """Whether the target was reached; None without a target or a figure."""
        value = self.ratio if self.relative else self.ours
        if value is None or self.target is None:
            return None
        return value <= self.target if self.sense == "at most" else value >= self.target


def median(values: Sequence[float]) -> float:
    """The median, not a number for nothing measured."""
    return statistics.median(values) if values else float("nan")


def progress(text: str) -> None:
    """Say on standard error what is being measured."""
    print(f"… {text}", file=sys.stderr, flush=True)


def print_table(rows: Sequence[Row]) -> None:
    """Print the rows with aligned columns, one block per part."""
    cells = [_cells(row) for row in rows]
    head = ("figure", "ours", "peer", "ratio", "target", "met", "remark")
    widths = [max(len(line[i]) for line in [head, *cells]) for i in range(len(head))]
    part = None
    for row, line in zip(rows, cells, strict=True):
        if row.part != part:
            part = row.part
            print(f"\n{part}\n  {_line(head, widths)}\n  {'  '.join('-' * width for width in widths)}")
        print(f"  {_line(line, widths)}")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    numeric = {1, 3, 4}
    return "  ".join(
        c.rjust(w) if i in numeric else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    target = ""
    if row.target is not None:
        sign = "≤" if row.sense == "at most" else "≥"
        target = (
            f"{sign} {row.target:g} × peer" if row.relative else f"{sign} {_number(row.target)} {row.unit}"
        )
    met = {None: "", True: "yes", False: "NO"}[row.met]
    ours = "not measured" if row.ours is None else f"{_number(row.ours)} {row.unit}"
    peer = "" if row.peer is None else f"{_number(row.peer)} {row.unit} {row.peer_name}".rstrip()
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return row.figure, ours, peer, ratio, target, met, row.note


def _number(value: float) -> str:
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def write_json(rows: Sequence[Row], file: Path) -> None:
    """Write the rows with ratio and whether the target was met."""
    plain = [asdict(row) | {"ratio": row.ratio, "met": row.met} for row in rows]
    file.write_text(json.dumps(plain, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
