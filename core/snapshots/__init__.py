"""Customer snapshots: one row per customer and as-of day, with what was known, and what came after.

``snapshots`` and ``labels`` are the only places where days of features and outcomes are compared; all of it
happens in the queries under ``sql/features`` and ``sql/labels``.
"""

from core.snapshots.build import guest_orders, labels, order_span, snapshot_passes, snapshots
from core.snapshots.canary import LeakError, check_no_leak
from core.snapshots.catalogue import FEATURES, GROUPS, TRAINING_FEATURES, Feature, feature_sql
from core.snapshots.cutoffs import default_cutoffs, training_days
from core.snapshots.telltale import telltale_columns

__all__ = [
    "FEATURES",
    "GROUPS",
    "TRAINING_FEATURES",
    "Feature",
    "LeakError",
    "check_no_leak",
    "default_cutoffs",
    "feature_sql",
    "guest_orders",
    "labels",
    "order_span",
    "snapshot_passes",
    "snapshots",
    "telltale_columns",
    "training_days",
]
