-- title: Revenue by sales representative and office
-- grain: sales_rep_id
-- needs: stg_sales, stg_customers, stg_employees, stg_offices
-- parameters:
--   from_day: day, first day counted
--   until_day: day, rows on or after it are left out
-- columns:
--   sales_rep_id: id, current sales representative of the customer, null if none
--   employee_name: text, name of the sales representative, null if none
--   office_name: text, the city the office is in, null if none
--   revenue: number, revenue of the lines that are not cancelled, currency
--   gross_profit: number, revenue less cost at current purchase prices, currency; lines of unknown cost add nothing
--   quantity: integer, pieces sold less pieces returned
--   customers: integer, customers with an order line
--   orders: integer, orders with a line
SELECT
    c.sales_rep_id,
    e.employee_name,
    o.office_name,
    SUM(s.amount) AS revenue,
    COALESCE(SUM(s.amount - s.cost), 0) AS gross_profit,
    SUM(s.quantity) AS quantity,
    COUNT(DISTINCT s.customer_id) AS customers,
    COUNT(DISTINCT s.order_id) AS orders
FROM stg_sales AS s
LEFT JOIN stg_customers AS c ON c.customer_id = s.customer_id
LEFT JOIN stg_employees AS e ON e.employee_id = c.sales_rep_id
LEFT JOIN stg_offices AS o ON o.office_id = e.office_id
WHERE s.is_cancelled = 0 AND s.order_day >= :from_day AND s.order_day < :until_day
GROUP BY c.sales_rep_id, e.employee_name, o.office_name
ORDER BY revenue DESC
