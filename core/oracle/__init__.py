"""The Bayes-optimal scores of generated companies: what the best possible model would score."""

from core.oracle.scores import TASKS, invoice_oracle, oracle_scores

__all__ = ["TASKS", "invoice_oracle", "oracle_scores"]
