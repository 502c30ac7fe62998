-- title: Average price of each product against its suggested retail price
-- grain: product_id
-- needs: stg_sales, stg_products
-- parameters:
--   from_day: day, first day counted
--   until_day: day, rows on or after it are left out
-- columns:
--   product_id: id, product sold
--   product_name: text, name
--   product_line: text, product line
--   msrp: number, suggested retail price, currency
--   buy_price: number, current purchase price, currency
--   average_price: number, revenue by piece, currency; null if returns outweigh sales
--   price_to_msrp: number, average price by suggested price; null if either is missing
--   quantity: integer, pieces sold less pieces returned
--   revenue: number, revenue of the lines that are not cancelled, currency
WITH sold AS (
    SELECT s.product_id, SUM(s.quantity) AS quantity, SUM(s.amount) AS revenue
    FROM stg_sales AS s
    WHERE s.is_cancelled = 0 AND s.order_day >= :from_day AND s.order_day < :until_day
    GROUP BY s.product_id
)
SELECT
    p.product_id,
    p.product_name,
    p.product_line,
    p.msrp,
    p.buy_price,
    CASE WHEN s.quantity > 0 THEN s.revenue * 1.0 / s.quantity END AS average_price,
    CASE WHEN s.quantity > 0 AND p.msrp > 0 THEN s.revenue * 1.0 / s.quantity / p.msrp END AS price_to_msrp,
    s.quantity,
    s.revenue
FROM sold AS s
INNER JOIN stg_products AS p ON p.product_id = s.product_id
ORDER BY s.revenue DESC, p.product_id
