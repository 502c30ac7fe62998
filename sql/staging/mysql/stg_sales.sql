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
    d.orderLineNumber AS line_number,
    o.customerNumber AS customer_id,
    d.productCode AS product_id,
    DATEDIFF(CAST(o.orderDate AS DATE), '1970-01-01') AS order_day,
    YEAR(CAST(o.orderDate AS DATE)) * 100 + MONTH(CAST(o.orderDate AS DATE)) AS order_month,
    d.quantityOrdered AS quantity,
    CAST(d.priceEach AS DOUBLE) AS unit_price,
    d.quantityOrdered * CAST(d.priceEach AS DOUBLE) AS amount,
    d.quantityOrdered * CAST(p.buyPrice AS DOUBLE) AS cost,
    CASE WHEN o.status = 'Cancelled' THEN 1 ELSE 0 END AS is_cancelled
FROM orderdetails AS d
INNER JOIN orders AS o ON o.orderNumber = d.orderNumber
LEFT JOIN products AS p ON p.productCode = d.productCode
