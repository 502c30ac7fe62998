-- title: Orders that name no customer and are therefore in no snapshot
-- grain: one row
-- needs: stg_orders
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   orders: integer, orders without a customer
SELECT COUNT(*) AS orders
FROM stg_orders AS o
WHERE o.customer_id IS NULL AND o.order_day < :as_of_day
