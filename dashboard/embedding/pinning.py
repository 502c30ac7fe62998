"""Which filters can be fixed for which view: those that decide alone what it shows.

A view is listed where it shows the same whatever happens to the rows outside the filter. What is not listed
cannot be fixed: ranks, shares and forecasts made over all customers would tell of the others.
"""

from collections.abc import Collection

_GROUPS: dict[tuple[str, ...], tuple[str, ...]] = {
    (
        "key-figures",
        "days-to-pay",
        "expected-spend-classes",
        "expected-spend-by-country",
        "churn-cohorts",
        "churn-active",
        "churn-silence",
        "churn-figures",
        "churn-bands",
        "churn-risks",
        "credit-points",
        "feature-summary",
        "feature-correlations",
        "feature-relation",
        "feature-drift",
        "feature-table",
    ): (
        "country",
        "office",
        "sales_rep",
        "customer",
        "credit_limit",
    ),
    (
        "revenue-timeline",
        "revenue-and-profit",
    ): (
        "country",
        "product_line",
        "office",
        "sales_rep",
        "product",
        "customer",
        "credit_limit",
    ),
    ("credit-limits",): (
        "period",
        "product_line",
        "product",
        "credit_limit",
    ),
    (
        "purchasing-power",
        "churn-countries",
    ): (
        "office",
        "sales_rep",
        "customer",
        "credit_limit",
    ),
    (
        "payments-and-invoices",
        "largest-debtors",
        "top-exposures",
        "churn-campaign",
    ): (
        "country",
        "office",
        "sales_rep",
    ),
    (
        "revenue-by-country",
        "customers-by-country",
    ): (
        "period",
        "product_line",
        "office",
        "sales_rep",
        "product",
        "customer",
        "credit_limit",
    ),
    ("revenue-by-office",): (
        "period",
        "country",
        "product_line",
        "sales_rep",
        "product",
        "customer",
        "credit_limit",
    ),
    ("revenue-by-representative",): (
        "period",
        "country",
        "product_line",
        "office",
        "product",
        "customer",
        "credit_limit",
    ),
    (
        "country-map",
        "order-rows",
        "price-against-msrp",
        "seasonality",
    ): (
        "period",
        "country",
        "product_line",
        "office",
        "sales_rep",
        "product",
        "customer",
        "credit_limit",
    ),
    (
        "gross-profit-by-product-line",
        "revenue-by-product-line",
        "volume-by-product-line",
    ): (
        "period",
        "country",
        "office",
        "sales_rep",
        "product",
        "customer",
        "credit_limit",
    ),
    ("pareto-products",): (
        "period",
        "country",
        "product_line",
        "office",
        "sales_rep",
        "customer",
        "credit_limit",
    ),
    (
        "stock-cover",
        "campaign-figures",
        "campaign-customers",
        "campaign-stock",
        "recommended-products",
    ): (
        "product_line",
        "product",
    ),
    ("dead-stock",): ("product_line",),
    (
        "churn-campaign-desk",
        "churn-profit",
    ): (
        "country",
        "office",
        "sales_rep",
        "customer",
    ),
    (
        "credit-past-due",
        "credit-figures",
        "credit-review",
        "credit-bands",
        "credit-loss",
    ): (
        "country",
        "office",
        "sales_rep",
        "credit_limit",
    ),
}
"""Views, and the dimensions to which each of them can be limited."""
PINNABLE: dict[str, tuple[str, ...]] = {
    slug: dimensions for slugs, dimensions in _GROUPS.items() for slug in slugs
}


def cannot_pin(slug: str, dimensions: Collection[str]) -> tuple[str, ...]:
    """Those of ``dimensions`` that the view cannot be limited to."""
    return tuple(name for name in dimensions if name not in PINNABLE.get(slug, ()))
