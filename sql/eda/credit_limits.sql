-- title: Customers with their current credit limits
-- grain: customer_id
-- needs: stg_customers
-- columns:
--   customer_id: id, key of the customer
--   customer_name: text, name of the company
--   country: text, country
--   credit_limit: number, current credit limit, currency
SELECT c.customer_id, c.customer_name, c.country, c.credit_limit
FROM stg_customers AS c
ORDER BY c.credit_limit DESC, c.customer_id
