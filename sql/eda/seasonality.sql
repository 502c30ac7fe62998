-- title: Revenue by year and month, as a ratio to the year's mean month
-- grain: order_year, month_of_year
-- needs: stg_sales
-- parameters:
--   from_day: day, first day counted
--   until_day: day, rows on or after it are left out
-- columns:
--   order_year: integer, year of the order
--   month_of_year: integer, 1 to 12
--   revenue: number, revenue of the lines that are not cancelled, currency
--   year_index: number, revenue by the mean of the year's months with orders; null if that is not positive
WITH months AS (
    SELECT
        (s.order_month - s.order_month % 100) * 1.0 / 100 AS order_year,
        s.order_month % 100 AS month_of_year,
        SUM(s.amount) AS revenue
    FROM stg_sales AS s
    WHERE s.is_cancelled = 0 AND s.order_day >= :from_day AND s.order_day < :until_day
    GROUP BY s.order_month
),
years AS (
    SELECT m.order_year, AVG(m.revenue) AS mean_revenue
    FROM months AS m
    GROUP BY m.order_year
)
SELECT
    m.order_year,
    m.month_of_year,
    m.revenue,
    CASE WHEN y.mean_revenue > 0 THEN m.revenue * 1.0 / y.mean_revenue END AS year_index
FROM months AS m
INNER JOIN years AS y ON y.order_year = m.order_year
ORDER BY m.order_year, m.month_of_year
