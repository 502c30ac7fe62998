"""Reasons in plain sentences with units."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.models.credit.binning import Floats
from core.models.credit.features import FEATURES, Feature

CALIBRATION = "calibration"
LEAST = 0.02
"""Log-odds below which nothing is worth a sentence."""


def shown(feature: Feature, value: Any, currency: str = "") -> str:
    """A value with its unit."""
    if value is None:
        return "unknown"
    if feature.unit == "text":
        return str(value)
    if feature.unit == "share":
        return f"{value:.0%}"
    if feature.unit == "currency":
        return f"{currency} {value:,.0f}".strip()
    if feature.unit == "days":
        return f"{value:,.0f} {'day' if round(value) == 1 else 'days'}"
    return f"{value:,.0f}" if feature.unit == "count" else f"{value:.1f}"


def sentence(
    group: str, parts: Sequence[tuple[str, float]], row: Mapping[str, Any], total: float, currency: str = ""
) -> str:
    """Why a group of features raises or lowers the risk: its strongest feature with its value.

    ``parts`` are the features of the group and their contributions, ``row`` the values.
    """
    if abs(total) < LEAST:
        return ""
    direction = "raises" if total > 0 else "lowers"
    if group == CALIBRATION:
        return f"Calibration to observed rates {direction} the risk."
    same = [part for part in parts if part[1] * total > 0] or list(parts)
    name = max(same, key=lambda part: abs(part[1]))[0]
    feature = FEATURES.get(name)
    if feature is None:
        return f"{name} is {row.get(name)}: {direction} the risk."
    label = feature.label[:1].upper() + feature.label[1:]
    if row.get(name) is None:
        return f"{label}: not known yet, which {direction} the risk."
    return f"{label}: {shown(feature, row[name], currency)}, which {direction} the risk."


def sentences(group: str, name: str, values: Sequence[Any] | None, totals: Floats) -> list[str]:
    """What ``sentence`` says of many rows in which the feature ``name`` is the strongest of its group.

    ``values`` are those of the feature (``None``: not among the data), ``totals`` the group's contributions.
    """
    feature = FEATURES.get(name)
    if group == CALIBRATION or feature is None or values is None:
        rows = [{}] * len(totals) if values is None else [{name: value} for value in values]
        return [sentence(group, [(name, t)], row, t) for row, t in zip(rows, totals.tolist(), strict=True)]
    label = feature.label[:1].upper() + feature.label[1:]
    known = {True: ", which raises the risk.", False: ", which lowers the risk."}
    unknown = {up: f"not known yet{said}" for up, said in known.items()}
    pairs = zip(values, (totals > 0).tolist(), strict=True)
    return [f"{label}: {unknown[up] if v is None else shown(feature, v) + known[up]}" for v, up in pairs]


def group_of(name: str) -> str:
    """The business group of a feature."""
    if name in FEATURES:
        return FEATURES[name].group
    return name
