-- title: Invoiced and received by day, country and sales representative
-- grain: day, country, sales_rep_id
-- needs: stg_orders, stg_sales, stg_payments, stg_customers
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   day: day, date of invoice (shipping if before the as-of date, else order) or payment
--   country: text, country of the customer, null if unknown
--   sales_rep_id: id, current sales representative of the customer, null if none
--   invoiced: number, orders invoiced that day, currency
--   received: number, payments of that day, currency
WITH order_amounts AS (
    SELECT s.order_id, SUM(s.amount) AS amount
    FROM stg_sales AS s
    WHERE s.is_cancelled = 0 AND s.order_day < :as_of_day
    GROUP BY s.order_id
),
invoices AS (
    SELECT
        o.customer_id,
        CASE WHEN o.shipped_day < :as_of_day THEN o.shipped_day ELSE o.order_day END AS invoice_day,
        a.amount
    FROM stg_orders AS o
    INNER JOIN order_amounts AS a ON a.order_id = o.order_id
    WHERE o.is_cancelled = 0 AND o.order_day < :as_of_day
),
movements AS (
    SELECT i.customer_id, i.invoice_day AS day, i.amount AS invoiced, 0.0 AS received
    FROM invoices AS i
    UNION ALL
    SELECT p.customer_id, p.payment_day AS day, 0.0 AS invoiced, p.amount AS received
    FROM stg_payments AS p
    WHERE p.payment_day < :as_of_day
)
SELECT
    m.day,
    c.country,
    c.sales_rep_id,
    SUM(m.invoiced) AS invoiced,
    SUM(m.received) AS received
FROM movements AS m
LEFT JOIN stg_customers AS c ON c.customer_id = m.customer_id
GROUP BY m.day, c.country, c.sales_rep_id
