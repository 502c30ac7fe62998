"""Every view of the product, by subject; importing this package fills the registry."""

from dashboard.views import customers, figures, money, places, products, receivables, rows, timeline

__all__ = ["customers", "figures", "money", "places", "products", "receivables", "rows", "timeline"]
