"""How good predictions are: metrics, intervals, comparison with baselines."""

from core.evaluation.estimate import Estimate, bootstrap, customer_weights
from core.evaluation.evaluation import MEAN, Evaluation, evaluate

__all__ = ["MEAN", "Estimate", "Evaluation", "bootstrap", "customer_weights", "evaluate"]
