-- title: Order lines that are not cancelled
-- grain: order_id, line_number
-- needs: stg_sales
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   order_id: id, order of the line
--   line_number: integer, position in the order
--   order_day: day, date of the order
--   customer_id: id, customer who ordered
--   product_id: id, product sold
--   quantity: integer, pieces; negative for a return
--   revenue: number, quantity times unit price, currency
--   gross_profit: number, revenue less cost at the current purchase price, currency; 0 if the cost is unknown
SELECT
    s.order_id,
    s.line_number,
    s.order_day,
    s.customer_id,
    s.product_id,
    s.quantity,
    s.amount AS revenue,
    COALESCE(s.amount - s.cost, 0) AS gross_profit
FROM stg_sales AS s
WHERE s.is_cancelled = 0 AND s.order_day < :as_of_day
