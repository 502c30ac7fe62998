"""Reasons in plain sentences with units."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.models.credit.binning import Floats
from core.models.credit.features import FEATURES, Feature
from core.models.purchases.wording import CURRENCY_SIGN

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
        return f"{value:,.0%}"
    if feature.unit == "currency":
        return f"{currency} {value:,.0f}".strip()
    if feature.unit == "days":
        return f"{value:,.0f} {'day' if round(value) == 1 else 'days'}"
    return f"{value:,.0f}" if feature.unit == "count" else f"{value:,.1f}"


def statement(feature: Feature, value: Any, currency: str = "") -> str:
    """What a feature says of a customer or an invoice: "3 invoices are overdue"."""
    if value is None:
        return _UNKNOWN.get(feature.name, f"{feature.label[:1].upper()}{feature.label[1:]} not known yet")
    number = 0.0 if feature.unit == "text" else float(value)
    for instead in _INSTEAD.get(feature.name, ()):
        if round(number, 2 if feature.unit == "currency" else None) == instead[0]:
            return instead[1]
    told = _STATEMENTS[feature.name]
    if feature.name == "days_past_due_mean" and number < 0:
        told, number = "Pays {} before the due date on average", -number
    given = _within_sentence(str(value)) if feature.unit == "text" else number
    return told.format(shown(feature, given, currency))


def _within_sentence(name: str) -> str:
    """A point within a name must not look like the end of the sentence."""
    return name.replace(". ", ".\u00a0")


_STATEMENTS = {
    "record_risk": "Judged by the customer's own record {} of invoices are paid late",
    "late_share": "About {} of earlier invoices were paid late",
    "late_share_365": "About {} of the last year's invoices were paid late",
    "days_past_due_mean": "Pays {} past due on average",
    "defaults": "{} earlier invoices were 60 or more days past due",
    "overdue_amount": "{} is overdue",
    "overdue_invoices": "{} invoices are overdue",
    "open_amount": "{} is invoiced and not yet paid",
    "exposure_ratio": "Open invoices and this one are {} times the orders of a year",
    "amount": "The invoice comes to {}",
    "amount_ratio": "The invoice is {} times the customer's mean invoice",
    "invoices": "Had {} invoices before",
    "tenure_days": "First ordered {} ago",
    "recency_days": "Last ordered {} ago",
    "country": "Based in {}",
}
_INSTEAD = {
    "days_past_due_mean": ((0, "Pays in time on average"),),
    "defaults": (
        (0, "No earlier invoice was 60 or more days past due"),
        (1, "1 earlier invoice was 60 or more days past due"),
    ),
    "overdue_amount": ((0, "Nothing is overdue"),),
    "overdue_invoices": ((0, "No invoice is overdue"), (1, "1 invoice is overdue")),
    "open_amount": ((0, "No invoice is open"),),
    "invoices": ((0, "Had no invoice before"), (1, "Had 1 invoice before")),
    "tenure_days": ((0, "First ordered today"),),
    "recency_days": ((0, "Ordered today"),),
}
"""What is said instead where the rounded value is one of these."""

_UNKNOWN = {
    "tenure_days": "Has not ordered before",
    "recency_days": "Has not ordered before",
    "country": "The country is not known",
}


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
        low = "low" if total > 0 else "high"
        return f"Similar predictions turned out too {low} in the past: {direction} the risk."
    same = [part for part in parts if part[1] * total > 0] or list(parts)
    name = max(same, key=lambda part: abs(part[1]))[0]
    feature = FEATURES.get(name)
    if feature is None:
        return f"{name.replace('_', ' ').capitalize()} {row.get(name)}: {direction} the risk."
    return f"{statement(feature, row.get(name), currency)}: {direction} the risk."


def sentences(group: str, name: str, values: Sequence[Any] | None, totals: Floats) -> list[str]:
    """What ``sentence`` says of many rows in which the feature ``name`` is the strongest of its group.

    ``values`` are those of the feature (``None``: not among the data), ``totals`` the group's contributions.
    Amounts have the sign of a currency that is not named.
    """
    feature = FEATURES.get(name)
    if group == CALIBRATION or feature is None or values is None:
        rows = [{}] * len(totals) if values is None else [{name: value} for value in values]
        return [sentence(group, [(name, t)], row, t) for row, t in zip(rows, totals.tolist(), strict=True)]
    verdict = {True: ": raises the risk.", False: ": lowers the risk."}
    pairs = zip(values, (totals > 0).tolist(), strict=True)
    return [statement(feature, value, CURRENCY_SIGN) + verdict[up] for value, up in pairs]


def group_of(name: str) -> str:
    """The business group of a feature."""
    if name in FEATURES:
        return FEATURES[name].group
    return name
