-- title: Ordered and kept revenue by day and product line
-- grain: order_day, product_line
-- needs: stg_sales, stg_products
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   order_day: day, date of the order
--   product_line: text, product line, null if unknown
--   ordered: number, quantity times price of all lines, those of orders cancelled later included, currency
--   revenue: number, the same without cancelled orders, currency
SELECT
    s.order_day,
    p.product_line,
    SUM(s.amount) AS ordered,
    SUM(CASE WHEN s.is_cancelled = 0 THEN s.amount ELSE 0 END) AS revenue
FROM stg_sales AS s
LEFT JOIN stg_products AS p ON p.product_id = s.product_id
WHERE s.order_day < :as_of_day
GROUP BY s.order_day, p.product_line
