"""How often customers buy, when they leave, and what they spend per order: BG/NBD and Gamma-Gamma."""

from core.models.purchases.bg_nbd import BgNbd
from core.models.purchases.bg_nbd_fit import BgNbdFit, fit_bg_nbd
from core.models.purchases.clock import CalendarClock, estimate_clock
from core.models.purchases.gamma_gamma import GammaGamma, fit_gamma_gamma
from core.models.purchases.history import PurchaseHistory

__all__ = [
    "BgNbd",
    "BgNbdFit",
    "CalendarClock",
    "GammaGamma",
    "PurchaseHistory",
    "estimate_clock",
    "fit_bg_nbd",
    "fit_gamma_gamma",
]
