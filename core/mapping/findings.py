"""What a validation says: findings with a remedy, and counts."""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from core.mapping.model import MappingError

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class MappingFinding:
    """Something worth knowing; an ``error`` keeps the mapping from being stored."""

    severity: Severity
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class LineCounts:
    """What Explore would show: ``rows`` are those of the table, ``lines`` those that can be used.

    ``revenue`` leaves out cancelled orders.
    """

    rows: int = 0
    lines: int = 0
    orders: int = 0
    customers: int = 0
    products: int = 0
    revenue: float = 0.0
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True)
class Validation:
    """The result; ``counts`` is ``None`` where order lines are not mapped or could not be counted."""

    findings: tuple[MappingFinding, ...]
    counts: LineCounts | None = None

    @property
    def ok(self) -> bool:
        """Whether the mapping can be stored."""
        return all(finding.severity != "error" for finding in self.findings)

    def require_ok(self) -> None:
        """Raise a ``MappingError`` with the first error, if there is one."""
        errors = [finding for finding in self.findings if finding.severity == "error"]
        if errors:
            more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
            raise MappingError(f"Nothing was mapped: {errors[0].message}{more}", errors[0].remedy)


@dataclass
class Findings:
    """Findings as they are made."""

    said: list[MappingFinding] = field(default_factory=list)

    def say(self, severity: Severity, message: str, remedy: str = "") -> None:
        """Add one."""
        self.said.append(MappingFinding(severity, message, remedy))

    @property
    def failed(self) -> bool:
        """Whether one of them is an error."""
        return any(finding.severity == "error" for finding in self.said)


def counted(number: int, what: str) -> str:
    """A number with its noun: 1 row, 2,000 rows."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
