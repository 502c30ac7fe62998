"""Sales in memory: what ``core.sales_data`` offers, by subject."""
