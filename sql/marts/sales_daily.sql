-- title: Revenue by day, country, sales representative and product line
-- grain: order_day, country, sales_rep_id, product_line
-- needs: stg_sales, stg_customers, stg_products
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   order_day: day, date of the order
--   country: text, country of the customer, null if unknown
--   sales_rep_id: id, current sales representative of the customer, null if none
--   product_line: text, product line, null if unknown
--   revenue: number, revenue of the lines that are not cancelled, currency
--   gross_profit: number, revenue less cost at current purchase prices, currency; lines of unknown cost add nothing
--   quantity: integer, pieces sold less pieces returned
--   order_lines: integer, number of order lines
SELECT
    s.order_day,
    c.country,
    c.sales_rep_id,
    p.product_line,
    SUM(s.amount) AS revenue,
    COALESCE(SUM(s.amount - s.cost), 0) AS gross_profit,
    SUM(s.quantity) AS quantity,
    COUNT(*) AS order_lines
FROM stg_sales AS s
LEFT JOIN stg_customers AS c ON c.customer_id = s.customer_id
LEFT JOIN stg_products AS p ON p.product_id = s.product_id
WHERE s.is_cancelled = 0 AND s.order_day < :as_of_day
GROUP BY s.order_day, c.country, c.sales_rep_id, p.product_line
