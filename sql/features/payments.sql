-- title: How each customer paid before each as-of day; exact amounts are matched first, the rest oldest first
-- grain: customer_id, as_of_day
-- needs: stg_orders, stg_sales, stg_payments
-- parameters:
--   as_of_day_1: day, rows on or after it are left out
--   as_of_day_2: day, another as-of day, or the last one again
--   as_of_day_3: day, another as-of day, or the last one again
--   as_of_day_4: day, another as-of day, or the last one again
--   as_of_day_5: day, another as-of day, or the last one again
--   as_of_day_6: day, another as-of day, or the last one again
--   as_of_day_7: day, another as-of day, or the last one again
--   as_of_day_8: day, another as-of day, or the last one again
--   as_of_day_9: day, another as-of day, or the last one again
--   as_of_day_10: day, another as-of day, or the last one again
--   as_of_day_11: day, another as-of day, or the last one again
--   as_of_day_12: day, another as-of day, or the last one again
--   as_of_day_13: day, another as-of day, or the last one again
--   as_of_day_14: day, another as-of day, or the last one again
--   as_of_day_15: day, another as-of day, or the last one again
--   as_of_day_16: day, another as-of day, or the last one again
--   as_of_day_17: day, another as-of day, or the last one again
--   as_of_day_18: day, another as-of day, or the last one again
--   as_of_day_19: day, another as-of day, or the last one again
--   as_of_day_20: day, another as-of day, or the last one again
--   as_of_day_21: day, another as-of day, or the last one again
--   as_of_day_22: day, another as-of day, or the last one again
--   as_of_day_23: day, another as-of day, or the last one again
--   as_of_day_24: day, another as-of day, or the last one again
--   terms_days: integer, days from invoice to due date
-- columns:
--   customer_id: id, key of the customer
--   as_of_day: day, everything is as known before this day
--   late_share: number, share of the invoices due before the day that were not paid by then; null without one
--   late_share_365: number, the same for invoices due in the 365 days before; null without one
--   mean_days_to_pay: number, days from invoice to payment of the invoices paid; null without one
--   mean_days_late: number, days past due until payment or the as-of day, 0 if in time; null if none was due
--   longest_days_late: integer, the largest of them; null if none was due
--   outstanding: number, invoiced and not paid, currency
--   overdue: number, of these past their due date, currency
--   overdue_share: number, overdue over outstanding; null if nothing is outstanding
--   oldest_overdue_days: integer, days past due of the oldest unpaid invoice, 0 if none is overdue
--   paid_365: number, payments of the last 365 days, currency
--   days_since_payment: integer, days since the last payment; null without one
WITH
as_of_days AS (
    SELECT 0 + :as_of_day_1 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_2 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_3 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_4 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_5 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_6 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_7 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_8 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_9 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_10 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_11 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_12 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_13 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_14 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_15 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_16 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_17 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_18 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_19 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_20 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_21 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_22 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_23 AS as_of_day
    UNION
    SELECT 0 + :as_of_day_24 AS as_of_day
),
order_amounts AS (
    SELECT s.order_id, ROUND(SUM(s.amount) * 100, 0) AS cents
    FROM stg_sales AS s
    GROUP BY s.order_id
),
entries AS (
    SELECT
        o.customer_id,
        a.cents,
        0 AS is_payment,
        o.order_day AS day,
        o.shipped_day,
        o.required_day,
        ROW_NUMBER() OVER (PARTITION BY o.customer_id, a.cents ORDER BY o.order_day, o.order_id) AS place
    FROM stg_orders AS o
    INNER JOIN order_amounts AS a ON a.order_id = o.order_id
    WHERE o.customer_id IS NOT NULL AND o.order_day IS NOT NULL
    UNION ALL
    SELECT
        p.customer_id,
        ROUND(p.amount * 100, 0) AS cents,
        1 AS is_payment,
        p.payment_day AS day,
        p.payment_day AS shipped_day,
        p.payment_day AS required_day,
        ROW_NUMBER() OVER (
            PARTITION BY p.customer_id, ROUND(p.amount * 100, 0) ORDER BY p.payment_day, p.payment_id
        ) AS place
    FROM stg_payments AS p
    WHERE p.customer_id IS NOT NULL AND p.payment_day IS NOT NULL
),
pairs AS (
    SELECT
        e.customer_id,
        e.cents,
        MAX(CASE WHEN e.is_payment = 0 THEN e.day END) AS order_day,
        MAX(CASE WHEN e.is_payment = 0 THEN e.shipped_day END) AS shipped_day,
        MAX(CASE WHEN e.is_payment = 0 THEN e.required_day END) AS required_day,
        MAX(CASE WHEN e.is_payment = 1 THEN e.day END) AS payment_day
    FROM entries AS e
    GROUP BY e.customer_id, e.cents, e.place
),
known_invoices AS (
    SELECT
        m.customer_id,
        d.as_of_day,
        m.order_day,
        CASE WHEN m.shipped_day < d.as_of_day THEN m.shipped_day ELSE m.order_day END AS invoice_day,
        CASE WHEN m.payment_day < d.as_of_day THEN m.payment_day END AS exact_day,
        m.cents
    FROM pairs AS m
    INNER JOIN as_of_days AS d ON d.as_of_day > m.order_day
    WHERE m.required_day IS NULL OR m.required_day + 30 >= d.as_of_day OR m.shipped_day < d.as_of_day
),
known_payments AS (
    SELECT
        m.customer_id,
        d.as_of_day,
        m.payment_day,
        m.cents,
        CASE WHEN m.order_day < d.as_of_day THEN 1 ELSE 0 END AS is_matched
    FROM pairs AS m
    INNER JOIN as_of_days AS d ON d.as_of_day > m.payment_day
    WHERE m.cents > 0
),
unmatched AS (
    SELECT k.customer_id, k.as_of_day, 0 AS is_receipt, k.order_day AS day, k.invoice_day, k.cents
    FROM known_invoices AS k
    WHERE k.exact_day IS NULL AND k.cents > 0
    UNION ALL
    SELECT k.customer_id, k.as_of_day, 1 AS is_receipt, k.order_day AS day, k.order_day AS invoice_day, -k.cents
    FROM known_invoices AS k
    WHERE k.exact_day IS NULL AND k.cents < 0
    UNION ALL
    SELECT k.customer_id, k.as_of_day, 1 AS is_receipt, k.payment_day AS day, k.payment_day AS invoice_day, k.cents
    FROM known_payments AS k
    WHERE k.is_matched = 0
),
running AS (
    SELECT
        u.customer_id,
        u.as_of_day,
        u.is_receipt,
        u.day,
        u.invoice_day,
        u.cents,
        SUM(u.cents) OVER (
            PARTITION BY u.customer_id, u.as_of_day, u.is_receipt ORDER BY u.day, u.invoice_day, u.cents
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS up_to
    FROM unmatched AS u
),
settled AS (
    SELECT
        r.customer_id,
        r.as_of_day,
        r.is_receipt,
        r.invoice_day,
        r.cents,
        r.up_to,
        MIN(CASE WHEN r.is_receipt = 1 THEN r.day END) OVER (
            PARTITION BY r.customer_id, r.as_of_day ORDER BY r.up_to, r.is_receipt
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS paid_day,
        COALESCE(MAX(CASE WHEN r.is_receipt = 1 THEN r.up_to END) OVER (
            PARTITION BY r.customer_id, r.as_of_day ORDER BY r.up_to, r.is_receipt
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ), 0.0) AS received_before
    FROM running AS r
),
decided AS (
    SELECT
        k.customer_id,
        k.as_of_day,
        k.as_of_day AS invoice_day,
        k.as_of_day AS paid_day,
        0.0 AS open_cents,
        k.as_of_day - k.payment_day AS payment_age,
        k.cents AS paid_cents
    FROM known_payments AS k
    UNION ALL
    SELECT
        k.customer_id,
        k.as_of_day,
        k.invoice_day,
        k.exact_day AS paid_day,
        0.0 AS open_cents,
        NULL AS payment_age,
        0.0 AS paid_cents
    FROM known_invoices AS k
    WHERE k.exact_day IS NOT NULL AND k.cents > 0
    UNION ALL
    SELECT
        s.customer_id,
        s.as_of_day,
        s.invoice_day,
        s.paid_day,
        CASE
            WHEN s.paid_day IS NOT NULL THEN 0.0
            WHEN s.up_to - s.received_before < s.cents THEN s.up_to - s.received_before
            ELSE s.cents
        END AS open_cents,
        NULL AS payment_age,
        0.0 AS paid_cents
    FROM settled AS s
    WHERE s.is_receipt = 0
),
invoice_totals AS (
    SELECT
        c.customer_id,
        c.as_of_day,
        SUM(CASE WHEN c.due_day < c.as_of_day THEN 1 ELSE 0 END) AS due_invoices,
        SUM(CASE WHEN c.due_day < c.as_of_day AND c.days_late > 0 THEN 1 ELSE 0 END) AS late_invoices,
        SUM(CASE WHEN c.due_day < c.as_of_day AND c.due_day >= c.as_of_day - 365 THEN 1 ELSE 0 END)
            AS due_invoices_365,
        SUM(
            CASE
                WHEN c.due_day < c.as_of_day AND c.due_day >= c.as_of_day - 365 AND c.days_late > 0 THEN 1 ELSE 0
            END
        ) AS late_invoices_365,
        SUM(CASE WHEN c.due_day < c.as_of_day THEN c.days_late END) AS days_late,
        MAX(CASE WHEN c.due_day < c.as_of_day THEN c.days_late END) AS longest_days_late,
        SUM(CASE WHEN c.payment_age IS NULL AND c.paid_day IS NOT NULL THEN 1 ELSE 0 END) AS paid_invoices,
        SUM(CASE WHEN c.paid_day > c.invoice_day THEN c.paid_day - c.invoice_day ELSE 0 END) AS days_to_pay,
        SUM(c.open_cents) AS open_cents,
        SUM(CASE WHEN c.due_day < c.as_of_day THEN c.open_cents ELSE 0.0 END) AS overdue_cents,
        MAX(CASE WHEN c.open_cents > 0 AND c.due_day < c.as_of_day THEN c.as_of_day - c.due_day ELSE 0 END)
            AS oldest_overdue_days,
        SUM(CASE WHEN c.payment_age <= 365 THEN c.paid_cents ELSE 0.0 END) AS paid_cents_365,
        MIN(c.payment_age) AS days_since_payment
    FROM (
        SELECT
            d.customer_id,
            d.as_of_day,
            d.invoice_day,
            d.invoice_day + :terms_days AS due_day,
            d.paid_day,
            d.open_cents,
            d.payment_age,
            d.paid_cents,
            CASE
                WHEN d.paid_day IS NULL THEN d.as_of_day - d.invoice_day - :terms_days
                WHEN d.paid_day > d.invoice_day + :terms_days THEN d.paid_day - d.invoice_day - :terms_days
                ELSE 0
            END AS days_late
        FROM decided AS d
    ) AS c
    GROUP BY c.customer_id, c.as_of_day
)
SELECT
    i.customer_id,
    i.as_of_day,
    CASE WHEN i.due_invoices > 0 THEN i.late_invoices * 1.0 / i.due_invoices END AS late_share,
    CASE WHEN i.due_invoices_365 > 0 THEN i.late_invoices_365 * 1.0 / i.due_invoices_365 END AS late_share_365,
    CASE WHEN i.paid_invoices > 0 THEN i.days_to_pay * 1.0 / i.paid_invoices END AS mean_days_to_pay,
    CASE WHEN i.due_invoices > 0 THEN i.days_late * 1.0 / i.due_invoices END AS mean_days_late,
    i.longest_days_late,
    i.open_cents * 1.0 / 100 AS outstanding,
    i.overdue_cents * 1.0 / 100 AS overdue,
    CASE WHEN i.open_cents > 0 THEN i.overdue_cents * 1.0 / i.open_cents END AS overdue_share,
    i.oldest_overdue_days,
    i.paid_cents_365 * 1.0 / 100 AS paid_365,
    i.days_since_payment
FROM invoice_totals AS i
