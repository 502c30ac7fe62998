"""Invoices matched to the payments that settle them, and how good the matching is."""

from core.receivables.load import load_matching
from core.receivables.matching import DEFAULT_DAYS, RULES, Matching, match
from core.receivables.quality import Quality, quality

__all__ = ["DEFAULT_DAYS", "RULES", "Matching", "Quality", "load_matching", "match", "quality"]
