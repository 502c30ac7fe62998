-- title: Products by revenue with their cumulative share
-- grain: product_id
-- needs: stg_sales, stg_products
-- parameters:
--   from_day: day, first day counted
--   until_day: day, rows on or after it are left out
-- columns:
--   product_id: id, product sold
--   product_name: text, name, null if unknown
--   product_line: text, product line, null if unknown
--   revenue: number, revenue of the lines that are not cancelled, currency
--   gross_profit: number, revenue less cost at current purchase prices, currency; lines of unknown cost add nothing
--   quantity: integer, pieces sold less pieces returned
--   cumulative_share: number, share of this and all larger products in the total, 0 to 1; null if the total is not positive
WITH sold AS (
    SELECT
        s.product_id,
        SUM(s.amount) AS revenue,
        COALESCE(SUM(s.amount - s.cost), 0) AS gross_profit,
        SUM(s.quantity) AS quantity
    FROM stg_sales AS s
    WHERE s.is_cancelled = 0 AND s.order_day >= :from_day AND s.order_day < :until_day
    GROUP BY s.product_id
),
running AS (
    SELECT
        p.product_id,
        p.revenue,
        p.gross_profit,
        p.quantity,
        SUM(p.revenue) OVER (
            ORDER BY p.revenue DESC, p.product_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS running_revenue,
        SUM(p.revenue) OVER () AS total_revenue
    FROM sold AS p
)
SELECT
    r.product_id,
    p.product_name,
    p.product_line,
    r.revenue,
    r.gross_profit,
    r.quantity,
    CASE WHEN r.total_revenue > 0 THEN r.running_revenue * 1.0 / r.total_revenue END AS cumulative_share
FROM running AS r
LEFT JOIN stg_products AS p ON p.product_id = r.product_id
ORDER BY r.revenue DESC, r.product_id
