-- title: Customers, credit limits and active customers by country
-- grain: country
-- needs: stg_customers, stg_sales
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   country: text, country of the customer, null if unknown
--   customers: integer, customers
--   active_customers: integer, customers with an order line in the 365 days before the as-of date
--   credit_limit: number, sum of current credit limits, currency
--   revenue_365: number, revenue of the 365 days before the as-of date, currency
WITH recent AS (
    SELECT s.customer_id, SUM(s.amount) AS revenue_365
    FROM stg_sales AS s
    WHERE s.is_cancelled = 0 AND s.order_day >= :as_of_day - 365 AND s.order_day < :as_of_day
    GROUP BY s.customer_id
)
SELECT
    c.country,
    COUNT(*) AS customers,
    COUNT(r.customer_id) AS active_customers,
    COALESCE(SUM(c.credit_limit), 0) AS credit_limit,
    COALESCE(SUM(r.revenue_365), 0) AS revenue_365
FROM stg_customers AS c
LEFT JOIN recent AS r ON r.customer_id = c.customer_id
GROUP BY c.country
ORDER BY revenue_365 DESC
