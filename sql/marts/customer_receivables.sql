-- title: What each customer owes; payments settle the oldest invoices first
-- grain: customer_id
-- needs: stg_customers, stg_orders, stg_sales, stg_payments
-- parameters:
--   as_of_day: day, rows on or after it are left out
--   terms_days: integer, days from invoice to due date
-- columns:
--   customer_id: id, key of the customer
--   invoiced: number, invoices before the as-of date, currency
--   due: number, of these past their due date (credit notes are due at once), currency
--   paid: number, payments before the as-of date, currency
--   outstanding: number, invoiced and not paid, at least 0, currency
--   overdue: number, due and not paid, at least 0, currency
--   on_account: number, paid beyond what is invoiced, at least 0, currency
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
    SELECT
        i.customer_id,
        i.amount AS invoiced,
        CASE
            WHEN i.amount < 0 OR i.invoice_day + :terms_days < :as_of_day THEN i.amount
            ELSE 0.0
        END AS due,
        0.0 AS paid
    FROM invoices AS i
    UNION ALL
    SELECT p.customer_id, 0.0 AS invoiced, 0.0 AS due, p.amount AS paid
    FROM stg_payments AS p
    WHERE p.payment_day < :as_of_day
    UNION ALL
    SELECT c.customer_id, 0.0 AS invoiced, 0.0 AS due, 0.0 AS paid
    FROM stg_customers AS c
),
balances AS (
    SELECT
        m.customer_id,
        ROUND(SUM(m.invoiced), 2) AS invoiced,
        ROUND(SUM(m.due), 2) AS due,
        ROUND(SUM(m.paid), 2) AS paid
    FROM movements AS m
    GROUP BY m.customer_id
)
SELECT
    b.customer_id,
    b.invoiced,
    b.due,
    b.paid,
    CASE WHEN b.invoiced > b.paid THEN ROUND(b.invoiced - b.paid, 2) ELSE 0.0 END AS outstanding,
    CASE WHEN b.due > b.paid THEN ROUND(b.due - b.paid, 2) ELSE 0.0 END AS overdue,
    CASE WHEN b.paid > b.invoiced THEN ROUND(b.paid - b.invoiced, 2) ELSE 0.0 END AS on_account
FROM balances AS b
