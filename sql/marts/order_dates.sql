-- title: First and last order before the as-of date, cancelled ones included
-- grain: one row
-- needs: stg_orders
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   first_order_day: day, oldest order, null if none
--   last_order_day: day, latest order, null if none
SELECT MIN(o.order_day) AS first_order_day, MAX(o.order_day) AS last_order_day
FROM stg_orders AS o
WHERE o.order_day < :as_of_day
