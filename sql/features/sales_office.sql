-- title: The sales office that looks after each customer today (there is no history of it)
-- grain: customer_id
-- needs: stg_customers, stg_employees
-- columns:
--   customer_id: id, key of the customer
--   office_id: id, office of the current sales representative, null if there is none
SELECT
    c.customer_id,
    MAX(e.office_id) AS office_id
FROM stg_customers AS c
LEFT JOIN stg_employees AS e ON e.employee_id = c.sales_rep_id
WHERE c.customer_id IS NOT NULL
GROUP BY c.customer_id
