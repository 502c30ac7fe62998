"""The features of a customer snapshot: what a person calls them, unit, group and origin."""

from dataclasses import dataclass

from core.sql_files import SqlFile, read_sql


@dataclass(frozen=True)
class Feature:
    """One column of a snapshot.

    Attributes
    ----------
    label
        Reads well within a sentence: "days since the last order".
    unit
        days, currency, orders, share, ratio, lines, products, payments, count, or text.
    group
        One of ``GROUPS``: what explanations add up by.
    source
        The query it comes from, such as ``features/purchases``; empty if it follows from the as-of day alone.
    current
        Whether it is, or is measured by, a value of today whatever the as-of day: there is no history of it.
    training
        Whether models learn from it unless told otherwise.
    """

    name: str
    label: str
    unit: str
    group: str
    source: str
    current: bool = False
    training: bool = True


GROUPS = {
    "recency": "how recently",
    "frequency": "how often",
    "monetary": "how much",
    "rhythm": "rhythm and season",
    "returns": "deliveries and returns",
    "assortment": "choice of products",
    "price": "prices and discounts",
    "payment": "payment behaviour",
    "profile": "who and where",
}
"""The business groups of features, with what a person calls them."""

_ORDERS, _DELIVERY, _PRODUCTS = "features/purchases", "features/fulfilment", "features/assortment"
_MONEY, _PROFILE, _OFFICE = "features/payments", "features/profile", "features/sales_office"

_LISTED = (
    Feature("recency_days", "days since the last order", "days", "recency", _ORDERS),
    Feature("tenure_days", "days since the first order", "days", "recency", _ORDERS),
    Feature("orders", "orders so far", "orders", "frequency", _ORDERS),
    Feature("order_days", "days with an order so far", "count", "frequency", _ORDERS),
    Feature("orders_30", "orders in the last 30 days", "orders", "frequency", _ORDERS),
    Feature("orders_90", "orders in the last 90 days", "orders", "frequency", _ORDERS),
    Feature("orders_180", "orders in the last 180 days", "orders", "frequency", _ORDERS),
    Feature("orders_365", "orders in the last 365 days", "orders", "frequency", _ORDERS),
    Feature("order_lines", "order lines so far", "lines", "frequency", _ORDERS),
    Feature("orders_trend", "change in orders over half a year", "ratio", "frequency", _ORDERS),
    Feature("revenue", "amount ordered so far", "currency", "monetary", _ORDERS),
    Feature("revenue_30", "amount ordered in the last 30 days", "currency", "monetary", _ORDERS),
    Feature("revenue_90", "amount ordered in the last 90 days", "currency", "monetary", _ORDERS),
    Feature("revenue_180", "amount ordered in the last 180 days", "currency", "monetary", _ORDERS),
    Feature("revenue_365", "amount ordered in the last 365 days", "currency", "monetary", _ORDERS),
    Feature("mean_order_value", "mean amount of an order", "currency", "monetary", _ORDERS),
    Feature("mean_order_value_365", "mean amount of an order in 365 days", "currency", "monetary", _ORDERS),
    Feature("last_order_value", "amount of the last order", "currency", "monetary", _ORDERS),
    Feature("largest_order_value", "amount of the largest order", "currency", "monetary", _ORDERS),
    Feature("order_value_cv", "variation of the amounts of orders", "ratio", "monetary", _ORDERS),
    Feature("revenue_trend", "change in amounts over half a year", "ratio", "monetary", _ORDERS),
    Feature("mean_gap_days", "mean days between orders", "days", "rhythm", _ORDERS),
    Feature("last_gap_days", "days between the last two orders", "days", "rhythm", _ORDERS),
    Feature("gap_cv", "irregularity of the days between orders", "ratio", "rhythm", _ORDERS),
    Feature(
        "recency_to_gap", "days since the last order against the usual gap", "ratio", "rhythm", _ORDERS
    ),
    Feature(
        "season_share", "share of earlier orders in the season ahead", "share", "rhythm", _ORDERS
    ),
    Feature("returned_amount", "amount returned so far", "currency", "returns", _ORDERS),
    Feature("returned_share", "share of the amount returned", "share", "returns", _ORDERS),
    Feature("open_orders", "orders waiting to be shipped", "orders", "returns", _DELIVERY),
    Feature("unshipped_orders", "orders long due and never shipped", "orders", "returns", _DELIVERY),
    Feature("unshipped_share", "share of due orders that were never shipped", "share", "returns", _DELIVERY),
    Feature("mean_shipping_days", "mean days from order to shipping", "days", "returns", _DELIVERY),
    Feature("last_shipping_days", "days the last order took to be shipped", "days", "returns", _DELIVERY),
    Feature("last_days_overdue", "days the last delivery was late", "days", "returns", _DELIVERY),
    Feature("late_delivery_share", "share of deliveries that were late", "share", "returns", _DELIVERY),
    Feature("product_lines", "product lines bought from so far", "count", "assortment", _PRODUCTS),
    Feature("product_lines_365", "product lines bought from in a year", "count", "assortment", _PRODUCTS),
    Feature("line_concentration", "concentration on few product lines", "ratio", "assortment", _PRODUCTS),
    Feature("main_line_share", "share of the main product line", "share", "assortment", _PRODUCTS),
    Feature("main_product_line", "main product line", "text", "assortment", _PRODUCTS),
    Feature("discount", "discount on today's MSRP so far", "share", "price", _PRODUCTS, current=True),
    Feature("discount_365", "discount on today's MSRP in a year", "share", "price", _PRODUCTS, current=True),
    Feature("late_share", "share of invoices paid late", "share", "payment", _MONEY),
    Feature("late_share_365", "share of invoices paid late in a year", "share", "payment", _MONEY),
    Feature("mean_days_to_pay", "mean days from invoice to payment", "days", "payment", _MONEY),
    Feature("mean_days_late", "mean days past due", "days", "payment", _MONEY),
    Feature("longest_days_late", "longest days past due", "days", "payment", _MONEY),
    Feature("outstanding", "amount invoiced and not paid", "currency", "payment", _MONEY),
    Feature("overdue", "amount past due", "currency", "payment", _MONEY),
    Feature("overdue_share", "share of the unpaid amount that is past due", "share", "payment", _MONEY),
    Feature("oldest_overdue_days", "days past due of the oldest unpaid invoice", "days", "payment", _MONEY),
    Feature("paid_365", "payments in the last 365 days", "currency", "payment", _MONEY),
    Feature("days_since_payment", "days since the last payment", "days", "payment", _MONEY),
    Feature("country", "country", "text", "profile", _PROFILE, current=True),
    Feature("office_id", "sales office today", "text", "profile", _OFFICE, current=True),
    Feature(
        "credit_limit", "credit limit today", "currency", "profile", _PROFILE, current=True, training=False
    ),
    Feature("calendar_sine", "season of the days ahead (spring to autumn)", "ratio", "rhythm", ""),
    Feature("calendar_cosine", "season of the days ahead (winter to summer)", "ratio", "rhythm", ""),
)  # fmt: skip

FEATURES = {feature.name: feature for feature in _LISTED}
"""All features of a snapshot by name, in the order of its columns."""

TRAINING_FEATURES = tuple(feature.name for feature in _LISTED if feature.training)
"""The features that models learn from unless told otherwise."""

SQUARED = {"gap_cv": "gap_cv_squared", "order_value_cv": "order_value_cv_squared"}
"""Features that are the square root of a column of their query: not every engine has the function."""


def feature_sql(name: str) -> SqlFile | None:
    """The query that a feature comes from; ``None`` if it follows from the as-of day alone.

    Raises
    ------
    KeyError
        There is no feature of this name.
    """
    source = FEATURES[name].source
    return read_sql(source) if source else None
