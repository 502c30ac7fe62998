-- title: Revenue by country
-- grain: country
-- needs: stg_sales, stg_customers
-- parameters:
--   from_day: day, first day counted
--   until_day: day, rows on or after it are left out
-- columns:
--   country: text, country of the customer, null if unknown
--   revenue: number, revenue of the lines that are not cancelled, currency
--   gross_profit: number, revenue less cost at current purchase prices, currency; lines of unknown cost add nothing
--   quantity: integer, pieces sold less pieces returned
--   customers: integer, customers with an order line
--   orders: integer, orders with a line
SELECT
    c.country,
    SUM(s.amount) AS revenue,
    COALESCE(SUM(s.amount - s.cost), 0) AS gross_profit,
    SUM(s.quantity) AS quantity,
    COUNT(DISTINCT s.customer_id) AS customers,
    COUNT(DISTINCT s.order_id) AS orders
FROM stg_sales AS s
LEFT JOIN stg_customers AS c ON c.customer_id = s.customer_id
WHERE s.is_cancelled = 0 AND s.order_day >= :from_day AND s.order_day < :until_day
GROUP BY c.country
ORDER BY revenue DESC
