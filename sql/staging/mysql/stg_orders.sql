-- title: Orders with canonical names
-- grain: order_id
-- needs: orders
-- columns:
--   order_id: id, key of the order
--   customer_id: id, customer who ordered
--   order_day: day, date of the order
--   order_month: integer, month of the order as yyyymm
--   required_day: day, date by which the customer wants the goods
--   shipped_day: day, date of shipping, null if not shipped (changes later)
--   status: text, current status
--   is_cancelled: integer, 1 if the order is cancelled, else 0
SELECT
    orderNumber AS order_id,
    customerNumber AS customer_id,
    DATEDIFF(CAST(orderDate AS DATE), '1970-01-01') AS order_day,
    YEAR(CAST(orderDate AS DATE)) * 100 + MONTH(CAST(orderDate AS DATE)) AS order_month,
    DATEDIFF(CAST(requiredDate AS DATE), '1970-01-01') AS required_day,
    DATEDIFF(CAST(shippedDate AS DATE), '1970-01-01') AS shipped_day,
    status,
    CASE WHEN status = 'Cancelled' THEN 1 ELSE 0 END AS is_cancelled
FROM orders
