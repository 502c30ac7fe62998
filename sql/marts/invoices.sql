-- title: Invoices: one per order that is not cancelled and has lines
-- grain: invoice_id
-- needs: stg_orders, stg_sales
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   invoice_id: id, key of the order invoiced
--   customer_id: id, customer who owes it
--   order_day: day, date of the order
--   invoice_day: day, date of shipping if before the as-of date, else of the order
--   amount: number, sum of its lines, currency; negative for a credit note
WITH order_amounts AS (
    SELECT s.order_id, SUM(s.amount) AS amount
    FROM stg_sales AS s
    WHERE s.is_cancelled = 0 AND s.order_day < :as_of_day
    GROUP BY s.order_id
)
SELECT
    o.order_id AS invoice_id,
    o.customer_id,
    o.order_day,
    CASE WHEN o.shipped_day < :as_of_day THEN o.shipped_day ELSE o.order_day END AS invoice_day,
    a.amount
FROM stg_orders AS o
INNER JOIN order_amounts AS a ON a.order_id = o.order_id
WHERE o.is_cancelled = 0 AND o.order_day < :as_of_day
