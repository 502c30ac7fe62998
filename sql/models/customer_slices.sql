-- title: Customers with orders cut into ranges of keys, for reading them part by part
-- grain: slice_start
-- needs: stg_orders
-- parameters:
--   as_of_day: day, customers whose orders are all on or after it are left out
--   slice_size: integer, customers in a range
-- columns:
--   slice_start: integer, customers before the range
--   first_customer_id: id, first customer of the range
--   last_customer_id: id, last customer of the range
--   customers: integer, customers in the range
WITH customers AS (
    SELECT o.customer_id, ROW_NUMBER() OVER (ORDER BY o.customer_id) - 1 AS position
    FROM stg_orders AS o
    WHERE o.order_day < :as_of_day AND o.customer_id IS NOT NULL
    GROUP BY o.customer_id
),
sliced AS (
    SELECT c.customer_id, c.position - c.position % :slice_size AS slice_start
    FROM customers AS c
)
SELECT
    s.slice_start,
    MIN(s.customer_id) AS first_customer_id,
    MAX(s.customer_id) AS last_customer_id,
    COUNT(*) AS customers
FROM sliced AS s
GROUP BY s.slice_start
