"""Recommendations: what to buy again, what may be new, what goes together."""

from core.models.recommend.backtest import backtest_recommendations
from core.models.recommend.model import Recommender

__all__ = ["Recommender", "backtest_recommendations"]
