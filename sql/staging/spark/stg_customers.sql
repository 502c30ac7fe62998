-- title: Customers with canonical names
-- grain: customer_id
-- needs: customers
-- columns:
--   customer_id: id, key of the customer
--   customer_name: text, name of the company
--   contact_name: text, first and last name of the contact
--   city: text, city
--   country: text, country, without spaces around it
--   sales_rep_id: id, current sales representative (stg_employees.employee_id), null if none
--   credit_limit: number, current credit limit in currency
SELECT
    customerNumber AS customer_id,
    customerName AS customer_name,
    TRIM(
        TRIM(COALESCE(CAST(contactFirstName AS STRING), '')) || ' ' || TRIM(COALESCE(CAST(contactLastName AS STRING), ''))
    ) AS contact_name,
    TRIM(city) AS city,
    TRIM(country) AS country,
    salesRepEmployeeNumber AS sales_rep_id,
    CAST(creditLimit AS DOUBLE) AS credit_limit
FROM customers
