-- title: Revenue by month and by the month of the customer's first order
-- grain: order_month, first_order_month
-- needs: stg_sales, stg_orders
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   order_month: integer, month of the order as yyyymm
--   first_order_month: integer, month of the first order of the customer as yyyymm, null for orders without customer
--   revenue: number, revenue of the lines that are not cancelled, currency
WITH first_orders AS (
    SELECT o.customer_id, MIN(o.order_month) AS first_order_month
    FROM stg_orders AS o
    WHERE o.order_day < :as_of_day
    GROUP BY o.customer_id
)
SELECT s.order_month, f.first_order_month, SUM(s.amount) AS revenue
FROM stg_sales AS s
LEFT JOIN first_orders AS f ON f.customer_id = s.customer_id
WHERE s.is_cancelled = 0 AND s.order_day < :as_of_day
GROUP BY s.order_month, f.first_order_month
