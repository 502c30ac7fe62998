-- title: Products in orders of a range of customers, cancelled orders included
-- grain: order_id, product_id
-- needs: stg_sales
-- parameters:
--   as_of_day: day, rows on or after it are left out
--   first_customer_id: id, first customer of the range
--   last_customer_id: id, last customer of the range
-- columns:
--   order_id: id, order
--   product_id: id, product in it
--   customer_id: id, customer who ordered; orders without one are left out
--   order_day: day, date of the order
--   quantity: integer, pieces; negative for returns
--   is_cancelled: integer, 1 if the order is cancelled now, else 0 (not known as of the day: for outcomes only)
SELECT
    s.order_id,
    s.product_id,
    s.customer_id,
    s.order_day,
    SUM(s.quantity) AS quantity,
    MAX(s.is_cancelled) AS is_cancelled
FROM stg_sales AS s
WHERE
    s.order_day < :as_of_day
    AND s.product_id IS NOT NULL
    AND s.customer_id >= :first_customer_id
    AND s.customer_id <= :last_customer_id
GROUP BY s.order_id, s.product_id, s.customer_id, s.order_day
