-- title: Customers with what they ordered before the as-of date
-- grain: customer_id
-- needs: stg_customers, stg_orders, stg_sales
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   customer_id: id, key of the customer; customers known only from orders are included
--   customer_name: text, name of the company, null if known only from orders
--   contact_name: text, first and last name of the contact
--   city: text, city
--   country: text, country
--   sales_rep_id: id, current sales representative, null if none
--   credit_limit: number, current credit limit, currency (not as of the date)
--   first_order_day: day, first order that is not cancelled, null if none
--   last_order_day: day, last order that is not cancelled, null if none
--   orders: integer, orders that are not cancelled
--   orders_365: integer, those of the 365 days before the as-of date
--   order_lines: integer, order lines that are not cancelled
--   revenue: number, revenue of all time before the as-of date, currency
--   revenue_365: number, revenue of the 365 days before the as-of date, currency
WITH live_orders AS (
    SELECT
        o.customer_id,
        MIN(o.order_day) AS first_order_day,
        MAX(o.order_day) AS last_order_day,
        COUNT(*) AS orders,
        SUM(CASE WHEN o.order_day >= :as_of_day - 365 THEN 1 ELSE 0 END) AS orders_365
    FROM stg_orders AS o
    WHERE o.is_cancelled = 0 AND o.order_day < :as_of_day
    GROUP BY o.customer_id
),
live_sales AS (
    SELECT
        s.customer_id,
        COUNT(*) AS order_lines,
        SUM(s.amount) AS revenue,
        SUM(CASE WHEN s.order_day >= :as_of_day - 365 THEN s.amount ELSE 0 END) AS revenue_365
    FROM stg_sales AS s
    WHERE s.is_cancelled = 0 AND s.order_day < :as_of_day
    GROUP BY s.customer_id
),
everyone AS (
    SELECT c.customer_id FROM stg_customers AS c
    UNION
    SELECT o.customer_id FROM live_orders AS o
)
SELECT
    e.customer_id,
    c.customer_name,
    c.contact_name,
    c.city,
    c.country,
    c.sales_rep_id,
    c.credit_limit,
    o.first_order_day,
    o.last_order_day,
    COALESCE(o.orders, 0) AS orders,
    COALESCE(o.orders_365, 0) AS orders_365,
    COALESCE(s.order_lines, 0) AS order_lines,
    COALESCE(s.revenue, 0) AS revenue,
    COALESCE(s.revenue_365, 0) AS revenue_365
FROM everyone AS e
LEFT JOIN stg_customers AS c ON c.customer_id = e.customer_id
LEFT JOIN live_orders AS o ON o.customer_id = e.customer_id
LEFT JOIN live_sales AS s ON s.customer_id = e.customer_id
