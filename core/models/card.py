"""What is known of a trained model: data, choice, measured quality. Everything is plain JSON."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import polars as pl

from core.evaluation import Estimate, Evaluation
from core.models.ladder import Rung, badge


@dataclass(frozen=True)
class Decision:
    """Which model is used, and why.

    ``difference`` is the challenger's paired improvement over the simple model in ``metric``; the challenger
    wins only if its whole interval is above zero.
    """

    champion: str
    challenger: str
    simple: str
    metric: str
    difference: dict[str, float | None]
    reason: str


def decide(evaluation: Evaluation, *, simple: str, challenger: str, metric: str) -> Decision:
    """The simple model stays the champion until the challenger is better with an interval above zero."""
    gain = evaluation.difference(challenger, simple, metric)
    wins = gain.is_above_zero
    shown = f"{gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"
    reason = (
        f"{challenger} is better than {simple} by {shown} in {metric}."
        if wins
        else f"{challenger} is not shown to be better than {simple}: {shown} in {metric}."
    )
    return Decision(challenger if wins else simple, challenger, simple, metric, gain.as_dict(), reason)


@dataclass(frozen=True)
class ModelCard:
    """What a reader must know of a model.

    Attributes
    ----------
    as_of_day, horizon_days
        Days since 1970-01-01 and days; training saw nothing on or after the as-of day.
    trained_rows, events
        Rows of the training snapshots, and customers with the rarer outcome in them.
    rung, badge
        The step of the ladder and what pages say of it.
    metrics
        By name: value, low, high (95 %) of the champion in the backtest; ``baselines``: those of peers.
    fingerprint
        Of the training data and settings: equal data give equal fingerprints.
    """

    task: str
    horizon_days: int
    as_of_day: int
    trained_rows: int
    events: int
    rung: int
    badge: str
    champion: str
    decision: Decision | None = None
    metrics: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, Mapping[str, float | None]]] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    fingerprint: str = ""
    notes: tuple[str, ...] = ()

    @property
    def bears_predictions(self) -> bool:
        """Whether there were enough events to predict at all."""
        return not self.badge.startswith(badge(Rung.BASE_RATE))

    def to_json(self) -> str:
        """The card as JSON text."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """The card that ``to_json`` wrote."""
        plain = json.loads(text)
        decision = plain.pop("decision")
        features, notes = tuple(plain.pop("features")), tuple(plain.pop("notes"))
        return cls(
            **plain, features=features, notes=notes, decision=Decision(**decision) if decision else None
        )


def measured(evaluation: Evaluation, model: str) -> dict[str, dict[str, float | None]]:
    """The figures of a model in a backtest, averaged over cutoffs, as a card holds them."""
    names = evaluation.scores["metric"].unique(maintain_order=True).to_list()
    return {name: evaluation.score(model, name).as_dict() for name in names}


def fingerprint(*frames: pl.DataFrame, settings: Mapping[str, object] | None = None) -> str:
    """Sixteen hexadecimal digits of all values of the frames (in any order of rows) and settings."""
    digest = hashlib.sha256(json.dumps(dict(settings or {}), sort_keys=True, default=str).encode())
    for frame in frames:
        digest.update(",".join(f"{name}:{dtype}" for name, dtype in frame.schema.items()).encode())
        if frame.height:
            rows = frame.hash_rows(seed=7)
            digest.update(f"{frame.height}:{int(rows.sum())}:{int((rows // 4099).sum())}".encode())
    return digest.hexdigest()[:16]


def estimate_of(fields: Mapping[str, float | None]) -> Estimate:
    """The estimate that a card holds as plain values."""
    return Estimate(
        *(
            float("nan") if (value := fields.get(name)) is None else value
            for name in ("value", "low", "high", "standard_error")
        )
    )
