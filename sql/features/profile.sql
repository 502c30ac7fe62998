-- title: Who each customer is, as known today (there is no history of it)
-- grain: customer_id
-- needs: stg_customers
-- columns:
--   customer_id: id, key of the customer
--   country: text, country
--   credit_limit: number, current credit limit, currency
SELECT
    c.customer_id,
    MAX(c.country) AS country,
    MAX(c.credit_limit) AS credit_limit
FROM stg_customers AS c
WHERE c.customer_id IS NOT NULL
GROUP BY c.customer_id
