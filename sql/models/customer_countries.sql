-- title: Country of each customer
-- grain: customer_id
-- needs: stg_customers
-- columns:
--   customer_id: id, key of the customer
--   country: text, country, null if unknown
SELECT c.customer_id, c.country
FROM stg_customers AS c
