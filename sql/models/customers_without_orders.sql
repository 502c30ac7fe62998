-- title: Customers who had not ordered before the as-of date
-- grain: customer_id
-- needs: stg_customers, stg_orders
-- parameters:
--   as_of_day: day, orders on or after it are left out
-- columns:
--   customer_id: id, key of the customer
--   country: text, country, null if unknown
SELECT c.customer_id, c.country
FROM stg_customers AS c
WHERE
    c.customer_id IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 AS found
        FROM stg_orders AS o
        WHERE o.customer_id = c.customer_id AND o.order_day < :as_of_day
    )
