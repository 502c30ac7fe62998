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
    CAST(DATEDIFF(DAY, '19700101', TRY_CAST(orderDate AS DATE)) AS BIGINT) AS order_day,
    CAST(YEAR(TRY_CAST(orderDate AS DATE)) * 100 + MONTH(TRY_CAST(orderDate AS DATE)) AS BIGINT) AS order_month,
    CAST(DATEDIFF(DAY, '19700101', TRY_CAST(requiredDate AS DATE)) AS BIGINT) AS required_day,
    CAST(DATEDIFF(DAY, '19700101', TRY_CAST(shippedDate AS DATE)) AS BIGINT) AS shipped_day,
    status COLLATE Latin1_General_100_BIN2 AS status,
    CAST(CASE WHEN status COLLATE Latin1_General_100_BIN2 = 'Cancelled' THEN 1 ELSE 0 END AS BIGINT) AS is_cancelled
FROM orders
