-- title: How each customer's orders had been delivered before each as-of day
-- grain: customer_id, as_of_day
-- needs: stg_orders
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
--   customer_id: id, key of the customer
--   as_of_day: day, everything is as known before this day
--   open_orders: integer, orders not yet shipped and wanted no more than 30 days ago; null without such dates
--   unshipped_orders: integer, orders not shipped 30 days after they were wanted (often cancelled); null as above
--   unshipped_share: number, the same over all orders wanted more than 30 days ago; null without one
--   mean_shipping_days: number, days from the order to its shipping; null if nothing was shipped
--   last_shipping_days: integer, days from the last order to its shipping; null if it is not shipped
--   last_days_overdue: integer, days the last order was shipped, or waits, past the wanted date; 0 if in time
--   late_delivery_share: number, share of orders shipped after the wanted date; null without one shipped
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
ordered AS (
    SELECT
        o.customer_id,
        o.order_day,
        o.required_day,
        o.shipped_day,
        LEAD(o.order_day) OVER (PARTITION BY o.customer_id ORDER BY o.order_day, o.order_id) AS next_day
    FROM stg_orders AS o
    WHERE o.customer_id IS NOT NULL AND o.order_day IS NOT NULL
),
totals AS (
    SELECT
        o.customer_id,
        d.as_of_day,
        COUNT(o.required_day) AS dated_orders,
        SUM(CASE WHEN o.required_day + 30 < d.as_of_day THEN 1 ELSE 0 END) AS due_orders,
        SUM(CASE WHEN o.shipped_day < d.as_of_day THEN 1 ELSE 0 END) AS shipped_orders,
        SUM(CASE WHEN o.required_day + 30 < d.as_of_day AND o.shipped_day < d.as_of_day THEN 1 ELSE 0 END)
            AS due_and_shipped_orders,
        SUM(CASE WHEN o.required_day IS NOT NULL AND o.shipped_day < d.as_of_day THEN 1 ELSE 0 END)
            AS dated_and_shipped_orders,
        SUM(CASE WHEN o.shipped_day < d.as_of_day THEN o.shipped_day - o.order_day ELSE 0 END) AS shipping_days,
        SUM(CASE WHEN o.shipped_day < d.as_of_day AND o.shipped_day > o.required_day THEN 1 ELSE 0 END)
            AS late_orders,
        SUM(
            CASE
                WHEN o.next_day < d.as_of_day THEN NULL
                WHEN o.shipped_day < d.as_of_day THEN o.shipped_day - o.order_day
            END
        ) AS last_shipping_days,
        SUM(
            CASE
                WHEN o.next_day < d.as_of_day OR o.required_day IS NULL THEN NULL
                WHEN o.shipped_day < d.as_of_day AND o.shipped_day > o.required_day
                    THEN o.shipped_day - o.required_day
                WHEN o.shipped_day < d.as_of_day OR o.required_day >= d.as_of_day THEN 0
                ELSE d.as_of_day - o.required_day
            END
        ) AS last_days_overdue
    FROM ordered AS o
    INNER JOIN as_of_days AS d ON d.as_of_day > o.order_day
    GROUP BY o.customer_id, d.as_of_day
)
SELECT
    t.customer_id,
    t.as_of_day,
    CASE
        WHEN t.dated_orders > 0
            THEN t.dated_orders - t.dated_and_shipped_orders - t.due_orders + t.due_and_shipped_orders
    END AS open_orders,
    CASE WHEN t.dated_orders > 0 THEN t.due_orders - t.due_and_shipped_orders END AS unshipped_orders,
    CASE
        WHEN t.due_orders > 0 THEN (t.due_orders - t.due_and_shipped_orders) * 1.0 / t.due_orders
    END AS unshipped_share,
    CASE WHEN t.shipped_orders > 0 THEN t.shipping_days * 1.0 / t.shipped_orders END AS mean_shipping_days,
    t.last_shipping_days,
    t.last_days_overdue,
    CASE
        WHEN t.dated_and_shipped_orders > 0 THEN t.late_orders * 1.0 / t.dated_and_shipped_orders
    END AS late_delivery_share
FROM totals AS t
