-- title: Orders by day, country and sales representative
-- grain: order_day, country, sales_rep_id
-- needs: stg_orders, stg_sales, stg_customers
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   order_day: day, date of the order
--   country: text, country of the customer, null if unknown
--   sales_rep_id: id, current sales representative of the customer, null if none
--   orders: integer, orders that are not cancelled, with or without lines
--   revenue: number, revenue of the lines that are not cancelled, currency
WITH order_amounts AS (
    SELECT s.order_id, SUM(s.amount) AS revenue
    FROM stg_sales AS s
    WHERE s.is_cancelled = 0 AND s.order_day < :as_of_day
    GROUP BY s.order_id
)
SELECT
    o.order_day,
    c.country,
    c.sales_rep_id,
    COUNT(*) AS orders,
    COALESCE(SUM(a.revenue), 0) AS revenue
FROM stg_orders AS o
LEFT JOIN order_amounts AS a ON a.order_id = o.order_id
LEFT JOIN stg_customers AS c ON c.customer_id = o.customer_id
WHERE o.is_cancelled = 0 AND o.order_day < :as_of_day
GROUP BY o.order_day, c.country, c.sales_rep_id
