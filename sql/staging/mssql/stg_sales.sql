-- title: Order lines with canonical names and amounts
-- grain: order_id, line_number
-- needs: orderdetails, orders, products
-- columns:
--   order_id: id, order of the line
--   line_number: integer, position in the order
--   customer_id: id, customer who ordered
--   product_id: id, product sold
--   order_day: day, date of the order
--   order_month: integer, month of the order as yyyymm
--   quantity: integer, pieces; negative for a return
--   unit_price: number, price of one piece in the order, currency
--   amount: number, quantity times unit price, currency
--   cost: number, quantity times the current purchase price, currency; null if the product is unknown
--   is_cancelled: integer, 1 if the order is cancelled, else 0
SELECT
    d.orderNumber AS order_id,
    CAST(d.orderLineNumber AS BIGINT) AS line_number,
    o.customerNumber AS customer_id,
    d.productCode AS product_id,
    CAST(DATEDIFF(DAY, '19700101', TRY_CAST(o.orderDate AS DATE)) AS BIGINT) AS order_day,
    CAST(YEAR(TRY_CAST(o.orderDate AS DATE)) * 100 + MONTH(TRY_CAST(o.orderDate AS DATE)) AS BIGINT) AS order_month,
    CAST(d.quantityOrdered AS BIGINT) AS quantity,
    CAST(d.priceEach AS FLOAT) AS unit_price,
    d.quantityOrdered * CAST(d.priceEach AS FLOAT) AS amount,
    d.quantityOrdered * CAST(p.buyPrice AS FLOAT) AS cost,
    CAST(CASE WHEN o.status COLLATE Latin1_General_100_BIN2 = 'Cancelled' THEN 1 ELSE 0 END AS BIGINT) AS is_cancelled
FROM orderdetails AS d
INNER JOIN orders AS o ON o.orderNumber = d.orderNumber
LEFT JOIN products AS p ON p.productCode = d.productCode
