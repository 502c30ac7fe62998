-- title: When, how often and for how much each customer ordered before each as-of day
-- grain: customer_id, as_of_day
-- needs: stg_orders, stg_sales
-- parameters:
--   as_of_day_1: day, rows on or after it are left out
--   as_of_day_2: day, another as-of day, or the last one again
--   as_of_day_3: day, another as-of day, or the last one again
--   as_of_day_4: day, another as-of day, or the last one again
--   as_of_day_5: day, another as-of day, or the last one again
--   as_of_day_6: day, another as-of day, or the last one again
--   as_of_day_7: day, another as-of day, or the last one again
--   as_of_day_8: day, another as-of day, or the last one again
--   as_of_day_9: day, another as-of day, or the last one again
--   as_of_day_10: day, another as-of day, or the last one again
--   as_of_day_11: day, another as-of day, or the last one again
--   as_of_day_12: day, another as-of day, or the last one again
--   as_of_day_13: day, another as-of day, or the last one again
--   as_of_day_14: day, another as-of day, or the last one again
--   as_of_day_15: day, another as-of day, or the last one again
--   as_of_day_16: day, another as-of day, or the last one again
--   as_of_day_17: day, another as-of day, or the last one again
--   as_of_day_18: day, another as-of day, or the last one again
--   as_of_day_19: day, another as-of day, or the last one again
--   as_of_day_20: day, another as-of day, or the last one again
--   as_of_day_21: day, another as-of day, or the last one again
--   as_of_day_22: day, another as-of day, or the last one again
--   as_of_day_23: day, another as-of day, or the last one again
--   as_of_day_24: day, another as-of day, or the last one again
-- columns:
--   customer_id: id, key of the customer; orders without a customer are left out
--   as_of_day: day, everything is as known before this day
--   recency_days: integer, days since the last order
--   tenure_days: integer, days since the first order
--   orders: integer, orders, those cancelled later included (the status is not known as of a day)
--   order_days: integer, days with an order
--   orders_30: integer, orders of the last 30 days
--   orders_90: integer, orders of the last 90 days
--   orders_180: integer, orders of the last 180 days
--   orders_365: integer, orders of the last 365 days
--   order_lines: integer, lines of all orders
--   revenue: number, amount of all orders, currency
--   revenue_30: number, amount ordered in the last 30 days, currency
--   revenue_90: number, amount ordered in the last 90 days, currency
--   revenue_180: number, amount ordered in the last 180 days, currency
--   revenue_365: number, amount ordered in the last 365 days, currency
--   mean_order_value: number, amount of an order, currency
--   mean_order_value_365: number, amount of an order of the last 365 days, currency; null without one
--   last_order_value: number, amount of the last day with an order, currency
--   largest_order_value: number, largest amount of a day with an order, currency
--   order_value_cv_squared: number, variance of the amounts of order days over their squared mean
--   mean_gap_days: number, days between two days with an order; null before the second
--   last_gap_days: integer, days between the last two days with an order; null before the second
--   gap_cv_squared: number, variance of the gaps over their squared mean; null before the third order day
--   recency_to_gap: number, days since the last order over the mean gap; null before the second order day
--   orders_trend: number, orders of the last 180 days less those of the 180 days before, over their sum
--   revenue_trend: number, the same with amounts, from -1 to 1; null where nothing was bought in 360 days
--   season_share: number, share of the order days of 1 to 3 years in the season ahead; null in the first year
--   returned_amount: number, amount of all lines with a negative amount, as a positive number, currency
--   returned_share: number, the same over the amount of all other lines; null if there is no such amount
WITH
as_of_days AS (
    SELECT 0 + :as_of_day_1 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_2 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_3 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_4 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_5 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_6 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_7 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_8 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_9 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_10 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_11 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_12 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_13 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_14 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_15 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_16 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_17 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_18 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_19 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_20 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_21 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_22 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_23 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_24 AS as_of_day
),
order_amounts AS (
    SELECT
        s.order_id,
        COUNT(*) AS order_lines,
        SUM(s.amount) AS amount,
        SUM(CASE WHEN s.amount < 0 THEN -s.amount ELSE 0.0 END) AS returned
    FROM stg_sales AS s
    GROUP BY s.order_id
),
customer_days AS (
    SELECT
        o.customer_id,
        o.order_day,
        COUNT(*) AS orders,
        COALESCE(SUM(a.order_lines), 0) AS order_lines,
        ROUND(COALESCE(SUM(a.amount), 0.0), 4) AS amount,
        ROUND(COALESCE(SUM(a.returned), 0.0), 4) AS returned
    FROM stg_orders AS o
    LEFT JOIN order_amounts AS a ON a.order_id = o.order_id
    WHERE o.customer_id IS NOT NULL AND o.order_day IS NOT NULL
    GROUP BY o.customer_id, o.order_day
),
spaced_days AS (
    SELECT
        c.customer_id,
        c.order_day,
        c.orders,
        c.order_lines,
        c.amount,
        c.returned,
        c.order_day - LAG(c.order_day) OVER (PARTITION BY c.customer_id ORDER BY c.order_day) AS gap_days,
        LEAD(c.order_day) OVER (PARTITION BY c.customer_id ORDER BY c.order_day) AS next_day
    FROM customer_days AS c
),
known_days AS (
    SELECT
        c.customer_id,
        d.as_of_day,
        d.as_of_day - c.order_day AS age,
        CASE WHEN c.next_day < d.as_of_day THEN 0 ELSE 1 END AS is_last,
        c.orders,
        c.order_lines,
        c.amount,
        c.returned,
        c.gap_days
    FROM spaced_days AS c
    INNER JOIN as_of_days AS d ON d.as_of_day > c.order_day
),
totals AS (
    SELECT
        k.customer_id,
        k.as_of_day,
        MIN(k.age) AS recency_days,
        MAX(k.age) AS tenure_days,
        SUM(k.orders) AS orders,
        COUNT(*) AS order_days,
        SUM(CASE WHEN k.age <= 30 THEN k.orders ELSE 0 END) AS orders_30,
        SUM(CASE WHEN k.age <= 90 THEN k.orders ELSE 0 END) AS orders_90,
        SUM(CASE WHEN k.age <= 180 THEN k.orders ELSE 0 END) AS orders_180,
        SUM(CASE WHEN k.age <= 360 THEN k.orders ELSE 0 END) AS orders_360,
        SUM(CASE WHEN k.age <= 365 THEN k.orders ELSE 0 END) AS orders_365,
        SUM(k.order_lines) AS order_lines,
        ROUND(SUM(k.amount), 4) AS revenue,
        ROUND(SUM(CASE WHEN k.age <= 30 THEN k.amount ELSE 0.0 END), 4) AS revenue_30,
        ROUND(SUM(CASE WHEN k.age <= 90 THEN k.amount ELSE 0.0 END), 4) AS revenue_90,
        ROUND(SUM(CASE WHEN k.age <= 180 THEN k.amount ELSE 0.0 END), 4) AS revenue_180,
        ROUND(SUM(CASE WHEN k.age <= 360 THEN k.amount ELSE 0.0 END), 4) AS revenue_360,
        ROUND(SUM(CASE WHEN k.age <= 365 THEN k.amount ELSE 0.0 END), 4) AS revenue_365,
        SUM(k.amount * k.amount) AS squared_amounts,
        MAX(k.amount) AS largest_order_value,
        SUM(CASE WHEN k.is_last = 1 THEN k.amount ELSE 0.0 END) AS last_order_value,
        SUM(CASE WHEN k.is_last = 1 THEN k.gap_days END) AS last_gap_days,
        COUNT(k.gap_days) AS gaps,
        SUM(k.gap_days * k.gap_days * 1.0) AS squared_gaps,
        ROUND(SUM(k.returned), 4) AS returned_amount,
        SUM(CASE WHEN k.age > 275 AND k.age <= 365 THEN 1 ELSE 0 END) AS season_days_1,
        SUM(CASE WHEN k.age > 640 AND k.age <= 730 THEN 1 ELSE 0 END) AS season_days_2,
        SUM(CASE WHEN k.age > 1005 AND k.age <= 1095 THEN 1 ELSE 0 END) AS season_days_3,
        SUM(CASE WHEN k.age <= 365 THEN 1 ELSE 0 END) AS year_days_1,
        SUM(CASE WHEN k.age <= 730 THEN 1 ELSE 0 END) AS year_days_2,
        SUM(CASE WHEN k.age <= 1095 THEN 1 ELSE 0 END) AS year_days_3
    FROM known_days AS k
    GROUP BY k.customer_id, k.as_of_day
)
SELECT
    t.customer_id,
    t.as_of_day,
    t.recency_days,
    t.tenure_days,
    t.orders,
    t.order_days,
    t.orders_30,
    t.orders_90,
    t.orders_180,
    t.orders_365,
    t.order_lines,
    t.revenue,
    t.revenue_30,
    t.revenue_90,
    t.revenue_180,
    t.revenue_365,
    t.revenue * 1.0 / t.orders AS mean_order_value,
    CASE WHEN t.orders_365 > 0 THEN t.revenue_365 * 1.0 / t.orders_365 END AS mean_order_value_365,
    t.last_order_value,
    t.largest_order_value,
    CASE
        WHEN t.order_days > 1 AND t.revenue > 0 AND t.squared_amounts * t.order_days > t.revenue * t.revenue
            THEN ROUND((t.squared_amounts * t.order_days - t.revenue * t.revenue) * 1.0 * t.order_days
                / ((t.order_days - 1) * t.revenue * t.revenue), 6)
        WHEN t.order_days > 1 AND t.revenue > 0 THEN 0.0
    END AS order_value_cv_squared,
    CASE WHEN t.gaps > 0 THEN (t.tenure_days - t.recency_days) * 1.0 / t.gaps END AS mean_gap_days,
    t.last_gap_days,
    CASE
        WHEN t.gaps > 1
            THEN (t.squared_gaps * t.gaps
                - (t.tenure_days - t.recency_days) * 1.0 * (t.tenure_days - t.recency_days)) * 1.0 * t.gaps
                / ((t.gaps - 1) * 1.0 * (t.tenure_days - t.recency_days) * (t.tenure_days - t.recency_days))
    END AS gap_cv_squared,
    CASE
        WHEN t.gaps > 0 THEN t.recency_days * 1.0 * t.gaps / (t.tenure_days - t.recency_days)
    END AS recency_to_gap,
    CASE WHEN t.orders_360 > 0 THEN (2 * t.orders_180 - t.orders_360) * 1.0 / t.orders_360 END AS orders_trend,
    CASE
        WHEN t.revenue_180 < 0 AND t.revenue_360 > t.revenue_180 THEN -1.0
        WHEN t.revenue_360 < t.revenue_180 AND t.revenue_180 > 0 THEN 1.0
        WHEN t.revenue_360 > 0 THEN (2 * t.revenue_180 - t.revenue_360) * 1.0 / t.revenue_360
    END AS revenue_trend,
    CASE
        WHEN t.tenure_days >= 1095 AND t.year_days_3 > 0
            THEN (t.season_days_1 + t.season_days_2 + t.season_days_3) * 1.0 / t.year_days_3
        WHEN t.tenure_days >= 730 AND t.tenure_days < 1095 AND t.year_days_2 > 0
            THEN (t.season_days_1 + t.season_days_2) * 1.0 / t.year_days_2
        WHEN t.tenure_days >= 365 AND t.tenure_days < 730 AND t.year_days_1 > 0
            THEN t.season_days_1 * 1.0 / t.year_days_1
    END AS season_share,
    t.returned_amount,
    CASE
        WHEN t.revenue + t.returned_amount > 0
            THEN t.returned_amount * 1.0 / (t.revenue + t.returned_amount)
    END AS returned_share
FROM totals AS t
