"""A model of any table, with an honest split, a baseline, and reasons for each row."""

from core.models.tabular.model import Report, TabularModel
from core.models.tabular.target import Target, TargetError

__all__ = ["Report", "TabularModel", "Target", "TargetError"]
