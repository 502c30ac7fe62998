-- title: Products with sales before the as-of date and stock cover
-- grain: product_id
-- needs: stg_products, stg_sales
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   product_id: id, key of the product; products known only from order lines are included
--   product_name: text, name, null if known only from order lines
--   product_line: text, product line
--   vendor: text, vendor
--   scale: text, scale of the model
--   buy_price: number, current purchase price of one piece, currency
--   msrp: number, suggested retail price of one piece, currency
--   quantity_in_stock: integer, pieces in stock now (not as of the date)
--   quantity: integer, pieces sold less returned in all time before the as-of date
--   revenue: number, revenue of all time before the as-of date, currency
--   quantity_365: integer, pieces sold less returned in the 365 days before the as-of date
--   revenue_365: number, revenue of these 365 days, currency
--   last_sold_day: day, last line with a positive quantity, null if never sold
--   average_price: number, revenue by piece over all time, currency; null if no pieces were sold
--   stock_cover_days: number, days the stock lasts at the rate of the 365 days; null if nothing was sold
--   is_dead_stock: integer, 1 if in stock and not sold in the 365 days, else 0
WITH sold AS (
    SELECT
        s.product_id,
        SUM(s.quantity) AS quantity,
        SUM(s.amount) AS revenue,
        SUM(CASE WHEN s.order_day >= :as_of_day - 365 THEN s.quantity ELSE 0 END) AS quantity_365,
        SUM(CASE WHEN s.order_day >= :as_of_day - 365 THEN s.amount ELSE 0 END) AS revenue_365,
        MAX(CASE WHEN s.quantity > 0 THEN s.order_day END) AS last_sold_day
    FROM stg_sales AS s
    WHERE s.is_cancelled = 0 AND s.order_day < :as_of_day
    GROUP BY s.product_id
),
every_product AS (
    SELECT p.product_id FROM stg_products AS p
    UNION
    SELECT s.product_id FROM sold AS s
)
SELECT
    e.product_id,
    p.product_name,
    p.product_line,
    p.vendor,
    p.scale,
    p.buy_price,
    p.msrp,
    p.quantity_in_stock,
    COALESCE(s.quantity, 0) AS quantity,
    COALESCE(s.revenue, 0) AS revenue,
    COALESCE(s.quantity_365, 0) AS quantity_365,
    COALESCE(s.revenue_365, 0) AS revenue_365,
    s.last_sold_day,
    CASE WHEN s.quantity > 0 THEN s.revenue * 1.0 / s.quantity END AS average_price,
    CASE WHEN s.quantity_365 > 0 THEN p.quantity_in_stock * 365.0 / s.quantity_365 END AS stock_cover_days,
    CASE
        WHEN p.quantity_in_stock > 0 AND COALESCE(s.last_sold_day, :as_of_day - 366) < :as_of_day - 365 THEN 1
        ELSE 0
    END AS is_dead_stock
FROM every_product AS e
LEFT JOIN stg_products AS p ON p.product_id = e.product_id
LEFT JOIN sold AS s ON s.product_id = e.product_id
