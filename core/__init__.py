"""Sales analytics core: data access, filters, sales data, models. Knows no browser."""

__version__ = "0.1.0"
