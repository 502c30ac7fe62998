-- title: Invoices and payments of each customer by day
-- grain: customer_id, day, is_credit_note
-- needs: stg_orders, stg_sales, stg_payments
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   customer_id: id, key of the customer
--   day: day, date of invoice (shipping if before the as-of date, else order) or payment
--   is_credit_note: integer, 1 for orders with more returned than sold, which count as due at once, else 0
--   invoiced: number, orders invoiced that day, currency
--   received: number, payments of that day, currency
WITH order_amounts AS (
    SELECT s.order_id, SUM(s.amount) AS amount
    FROM stg_sales AS s
    WHERE s.is_cancelled = 0 AND s.order_day < :as_of_day
    GROUP BY s.order_id
),
movements AS (
    SELECT
        o.customer_id,
        CASE WHEN o.shipped_day < :as_of_day THEN o.shipped_day ELSE o.order_day END AS day,
        CASE WHEN a.amount < 0 THEN 1 ELSE 0 END AS is_credit_note,
        a.amount AS invoiced,
        0.0 AS received
    FROM stg_orders AS o
    INNER JOIN order_amounts AS a ON a.order_id = o.order_id
    WHERE o.is_cancelled = 0 AND o.order_day < :as_of_day
    UNION ALL
    SELECT p.customer_id, p.payment_day AS day, 0 AS is_credit_note, 0.0 AS invoiced, p.amount AS received
    FROM stg_payments AS p
    WHERE p.payment_day < :as_of_day
)
SELECT m.customer_id, m.day, m.is_credit_note, SUM(m.invoiced) AS invoiced, SUM(m.received) AS received
FROM movements AS m
GROUP BY m.customer_id, m.day, m.is_credit_note
