-- title: What each customer ordered in the days from each as-of day on
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
--   horizon_days: integer, length of the window that begins with the as-of day
-- columns:
--   customer_id: id, key of a customer who ordered before the as-of day
--   as_of_day: day, first day of the window
--   orders: integer, orders of the window that are not cancelled
--   revenue: number, their amount, currency
--   ordered: integer, 1 if there is such an order, else 0
--   complete: integer, 1 if the data reach to the end of the window, else 0
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
    SELECT s.order_id, SUM(s.amount) AS amount
    FROM stg_sales AS s
    GROUP BY s.order_id
),
customer_days AS (
    SELECT
        o.customer_id,
        o.order_day,
        SUM(1 - o.is_cancelled) AS orders,
        ROUND(SUM(CASE WHEN o.is_cancelled = 0 THEN COALESCE(a.amount, 0.0) ELSE 0.0 END), 4) AS revenue
    FROM stg_orders AS o
    LEFT JOIN order_amounts AS a ON a.order_id = o.order_id
    WHERE o.customer_id IS NOT NULL AND o.order_day IS NOT NULL
    GROUP BY o.customer_id, o.order_day
),
ends AS (
    SELECT MAX(o.order_day) + 1 AS end_day FROM stg_orders AS o
),
outcomes AS (
    SELECT
        c.customer_id,
        d.as_of_day,
        SUM(CASE WHEN c.order_day >= d.as_of_day THEN c.orders ELSE 0 END) AS orders,
        ROUND(SUM(CASE WHEN c.order_day >= d.as_of_day THEN c.revenue ELSE 0.0 END), 4) AS revenue
    FROM customer_days AS c
    INNER JOIN as_of_days AS d ON d.as_of_day + :horizon_days > c.order_day
    GROUP BY c.customer_id, d.as_of_day
    HAVING MIN(c.order_day) < d.as_of_day
)
SELECT
    o.customer_id,
    o.as_of_day,
    o.orders,
    o.revenue,
    CASE WHEN o.orders > 0 THEN 1 ELSE 0 END AS ordered,
    CASE WHEN o.as_of_day + :horizon_days <= e.end_day THEN 1 ELSE 0 END AS complete
FROM outcomes AS o
CROSS JOIN ends AS e
