-- title: Revenue by month
-- grain: order_month
-- needs: stg_sales
-- parameters:
--   from_day: day, first day counted
--   until_day: day, rows on or after it are left out
-- columns:
--   order_month: integer, month of the order as yyyymm
--   revenue: number, revenue of the lines that are not cancelled, currency
--   gross_profit: number, revenue less cost at current purchase prices, currency; lines of unknown cost add nothing
--   quantity: integer, pieces sold less pieces returned
SELECT
    s.order_month,
    SUM(s.amount) AS revenue,
    COALESCE(SUM(s.amount - s.cost), 0) AS gross_profit,
    SUM(s.quantity) AS quantity
FROM stg_sales AS s
WHERE s.is_cancelled = 0 AND s.order_day >= :from_day AND s.order_day < :until_day
GROUP BY s.order_month
ORDER BY s.order_month
