"""What the page that predicts any table says of tables, figures, inputs and kept models."""

from typing import Any

from core.ingest.names import is_reserved
from core.model_store import ModelVersion
from core.models.card import estimate_of
from core.predictions.tabular import figure


def is_ours(name: str) -> bool:
    """Whether a table was made by the product rather than loaded."""
    return is_reserved(name) or name.startswith("scores_")


def table_label(name: str, kind: str, rows: int | None) -> str:
    return f"{name} ({rows:,} rows)" if rows is not None else f"{name} ({kind})"


def told_figure(measured: Any, used: bool) -> dict[str, Any]:
    never_negative = measured.metric in ("Brier", "ECE", "MAE")
    low = max(0.0, measured.low) if measured.low is not None and never_negative else measured.low
    interval = "" if low is None else f"{figure(low)} to {figure(measured.high)}"
    return {"value": figure(measured.value), "interval": interval, "used": used}


def told_input(given: Any) -> dict[str, Any]:
    told = dict(given)
    if given["kind"] != "choice" and given.get("low") is not None:
        low, high = (
            figure(given[end]) if given["kind"] == "number" else str(given[end]) for end in ("low", "high")
        )
        told["range"] = f"{low} to {high}"
    return told


def told_model(version: ModelVersion) -> dict[str, str]:
    card = version.card
    metric = next((name for name in ("AUC", "MAE") if name in card.metrics), "")
    quality = card.badge
    if metric:
        found = estimate_of(card.metrics[metric])
        quality += f"; {metric} {figure(found.value)} [{figure(found.low)} to {figure(found.high)}]"
    return {
        "name": version.task.removeprefix("tabular-"),
        "label": card.notes[0] if card.notes else "",
        "quality": quality[:1].upper() + quality[1:],
        "trained": f"{version.created:%-d %b %Y %H:%M}",
    }
