"""Credit risk: late payment and default of invoices and customers, scorecard, exposure, limits."""

from core.models.credit.customers import review_list
from core.models.credit.desk import Answer, Ceilings, CreditDesk
from core.models.credit.features import FEATURES, Book, Feature
from core.models.credit.model import CreditModel
from core.models.credit.outcomes import OUTCOMES, outcomes

__all__ = [
    "FEATURES",
    "OUTCOMES",
    "Answer",
    "Book",
    "Ceilings",
    "CreditDesk",
    "CreditModel",
    "Feature",
    "outcomes",
    "review_list",
]
