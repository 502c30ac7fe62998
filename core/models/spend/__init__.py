"""Spend: the revenue that is to be expected of each customer within the horizon, and why."""

from core.models.spend.model import SpendModel

__all__ = ["SpendModel"]
