"""Churn: who will not order within the horizon, when the next order is due, and why."""

from core.models.churn.model import ACTIVE_DAYS, ChurnModel

__all__ = ["ACTIVE_DAYS", "ChurnModel"]
