-- title: How many customers snapshots can cover, and the orders that name none
-- grain: one row
-- needs: stg_orders
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   customers: integer, customers with an order
--   guest_orders: integer, orders without a customer; they are in no snapshot
--   first_order_day: day, oldest order, null if none
SELECT
    COUNT(DISTINCT o.customer_id) AS customers,
    COALESCE(SUM(CASE WHEN o.customer_id IS NULL THEN 1 ELSE 0 END), 0) AS guest_orders,
    MIN(o.order_day) AS first_order_day
FROM stg_orders AS o
WHERE o.order_day < :as_of_day
