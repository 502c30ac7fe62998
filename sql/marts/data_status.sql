-- title: How much data there is before the as-of date, and how fresh
-- grain: one row
-- needs: stg_customers, stg_employees, stg_offices, stg_products, stg_orders, stg_sales, stg_payments
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   customers: integer, customers
--   employees: integer, employees
--   offices: integer, offices
--   products: integer, products
--   orders: integer, orders, cancelled ones included
--   cancelled_orders: integer, orders that are cancelled
--   order_lines: integer, lines of all orders
--   payments: integer, payments
--   first_order_day: day, oldest order, null if none
--   last_order_day: day, latest order, null if none
--   first_payment_day: day, oldest payment, null if none
--   last_payment_day: day, latest payment, null if none
WITH known_orders AS (
    SELECT
        COUNT(*) AS orders,
        COALESCE(SUM(o.is_cancelled), 0) AS cancelled_orders,
        MIN(o.order_day) AS first_order_day,
        MAX(o.order_day) AS last_order_day
    FROM stg_orders AS o
    WHERE o.order_day < :as_of_day
),
known_lines AS (
    SELECT COUNT(*) AS order_lines FROM stg_sales AS s WHERE s.order_day < :as_of_day
),
known_payments AS (
    SELECT
        COUNT(*) AS payments,
        MIN(p.payment_day) AS first_payment_day,
        MAX(p.payment_day) AS last_payment_day
    FROM stg_payments AS p
    WHERE p.payment_day < :as_of_day
)
SELECT
    (SELECT COUNT(*) FROM stg_customers) AS customers,
    (SELECT COUNT(*) FROM stg_employees) AS employees,
    (SELECT COUNT(*) FROM stg_offices) AS offices,
    (SELECT COUNT(*) FROM stg_products) AS products,
    o.orders,
    o.cancelled_orders,
    l.order_lines,
    p.payments,
    o.first_order_day,
    o.last_order_day,
    p.first_payment_day,
    p.last_payment_day
FROM known_orders AS o
CROSS JOIN known_lines AS l
CROSS JOIN known_payments AS p
