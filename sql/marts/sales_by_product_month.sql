-- title: Revenue by month, product, country and sales representative
-- grain: order_month, product_id, country, sales_rep_id
-- needs: stg_sales, stg_customers
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   order_month: integer, month of the order as yyyymm
--   product_id: id, product sold
--   country: text, country of the customer, null if unknown
--   sales_rep_id: id, current sales representative of the customer, null if none
--   revenue: number, revenue of the lines that are not cancelled, currency
--   gross_profit: number, revenue less cost at current purchase prices, currency; lines of unknown cost add nothing
--   quantity: integer, pieces sold less pieces returned
SELECT
    s.order_month,
    s.product_id,
    c.country,
    c.sales_rep_id,
    SUM(s.amount) AS revenue,
    COALESCE(SUM(s.amount - s.cost), 0) AS gross_profit,
    SUM(s.quantity) AS quantity
FROM stg_sales AS s
LEFT JOIN stg_customers AS c ON c.customer_id = s.customer_id
WHERE s.is_cancelled = 0 AND s.order_day < :as_of_day
GROUP BY s.order_month, s.product_id, c.country, c.sales_rep_id
