-- title: How wide each customer's choice of product lines was before each as-of day, and how deep the discounts
-- grain: customer_id, as_of_day
-- needs: stg_sales, stg_products
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
-- columns:
--   customer_id: id, key of the customer
--   as_of_day: day, everything is as known before this day
--   product_lines: integer, product lines bought from so far
--   product_lines_365: integer, product lines bought from in the last 365 days
--   line_concentration: number, sum of the squared shares of product lines in the amount; null without amount
--   main_line_share: number, share of the largest product line in the amount; null without amount
--   main_product_line: text, the product line with the largest amount, the first by name if there are several
--   discount: number, amount below the current MSRP over the MSRP of the same pieces; null if no MSRP is known
--   discount_365: number, the same for the last 365 days
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
line_days AS (
    SELECT
        s.customer_id,
        s.order_day,
        p.product_line,
        ROUND(SUM(CASE WHEN s.amount > 0 THEN s.amount ELSE 0.0 END), 4) AS amount,
        ROUND(SUM(CASE WHEN s.quantity > 0 AND p.msrp > 0 THEN s.amount ELSE 0.0 END), 4) AS listed_amount,
        ROUND(SUM(CASE WHEN s.quantity > 0 AND p.msrp > 0 THEN s.quantity * p.msrp ELSE 0.0 END), 4)
            AS list_amount
    FROM stg_sales AS s
    INNER JOIN stg_products AS p ON p.product_id = s.product_id
    WHERE s.customer_id IS NOT NULL
    GROUP BY s.customer_id, s.order_day, p.product_line
),
line_totals AS (
    SELECT
        l.customer_id,
        d.as_of_day,
        l.product_line,
        ROUND(SUM(l.amount), 4) AS amount,
        MAX(CASE WHEN l.order_day >= d.as_of_day - 365 THEN 1 ELSE 0 END) AS is_recent,
        ROUND(SUM(l.listed_amount), 4) AS listed_amount,
        ROUND(SUM(l.list_amount), 4) AS list_amount,
        ROUND(SUM(CASE WHEN l.order_day >= d.as_of_day - 365 THEN l.listed_amount ELSE 0.0 END), 4)
            AS listed_amount_365,
        ROUND(SUM(CASE WHEN l.order_day >= d.as_of_day - 365 THEN l.list_amount ELSE 0.0 END), 4)
            AS list_amount_365
    FROM line_days AS l
    INNER JOIN as_of_days AS d ON d.as_of_day > l.order_day
    GROUP BY l.customer_id, d.as_of_day, l.product_line
),
ranked AS (
    SELECT
        t.customer_id,
        t.as_of_day,
        t.product_line,
        t.amount,
        t.is_recent,
        t.listed_amount,
        t.list_amount,
        t.listed_amount_365,
        t.list_amount_365,
        ROW_NUMBER() OVER (
            PARTITION BY t.customer_id, t.as_of_day
            ORDER BY CASE WHEN t.product_line IS NULL THEN 1 ELSE 0 END, t.amount DESC, t.product_line
        ) AS place
    FROM line_totals AS t
),
totals AS (
    SELECT
        r.customer_id,
        r.as_of_day,
        COUNT(r.product_line) AS product_lines,
        SUM(CASE WHEN r.product_line IS NOT NULL THEN r.is_recent ELSE 0 END) AS product_lines_365,
        ROUND(SUM(r.amount), 4) AS amount,
        SUM(r.amount * r.amount) AS squared_amounts,
        MAX(r.amount) AS main_amount,
        MAX(CASE WHEN r.place = 1 THEN r.product_line END) AS main_product_line,
        ROUND(SUM(r.listed_amount), 4) AS listed_amount,
        ROUND(SUM(r.list_amount), 4) AS list_amount,
        ROUND(SUM(r.listed_amount_365), 4) AS listed_amount_365,
        ROUND(SUM(r.list_amount_365), 4) AS list_amount_365
    FROM ranked AS r
    GROUP BY r.customer_id, r.as_of_day
)
SELECT
    t.customer_id,
    t.as_of_day,
    t.product_lines,
    t.product_lines_365,
    CASE WHEN t.amount > 0 THEN ROUND(t.squared_amounts * 1.0 / (t.amount * t.amount), 9) END
        AS line_concentration,
    CASE WHEN t.amount > 0 THEN t.main_amount * 1.0 / t.amount END AS main_line_share,
    t.main_product_line,
    CASE WHEN t.list_amount > 0 THEN (t.list_amount - t.listed_amount) * 1.0 / t.list_amount END AS discount,
    CASE
        WHEN t.list_amount_365 > 0
            THEN (t.list_amount_365 - t.listed_amount_365) * 1.0 / t.list_amount_365
    END AS discount_365
FROM totals AS t
