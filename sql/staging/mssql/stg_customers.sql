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
    customerName COLLATE Latin1_General_100_BIN2 AS customer_name,
    LTRIM(RTRIM(CONCAT(LTRIM(RTRIM(contactFirstName)), ' ', LTRIM(RTRIM(contactLastName))))) COLLATE Latin1_General_100_BIN2 AS contact_name,
    LTRIM(RTRIM(city)) COLLATE Latin1_General_100_BIN2 AS city,
    LTRIM(RTRIM(country)) COLLATE Latin1_General_100_BIN2 AS country,
    salesRepEmployeeNumber AS sales_rep_id,
    CAST(creditLimit AS FLOAT) AS credit_limit
FROM customers
