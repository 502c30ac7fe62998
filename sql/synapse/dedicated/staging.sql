-- Staging views for other tools; the dashboard brings them along and needs none
-- Made by: python -m core.database.server.synapse_scripts --out sql/synapse
-- A reader then finds the views whatever tool it uses.

CREATE VIEW [stg_customers] AS
SELECT
    customerNumber AS customer_id,
    customerName COLLATE Latin1_General_100_BIN2 AS customer_name,
    LTRIM(RTRIM(CONCAT(LTRIM(RTRIM(contactFirstName)), ' ', LTRIM(RTRIM(contactLastName))))) COLLATE Latin1_General_100_BIN2 AS contact_name,
    LTRIM(RTRIM(city)) COLLATE Latin1_General_100_BIN2 AS city,
    LTRIM(RTRIM(country)) COLLATE Latin1_General_100_BIN2 AS country,
    salesRepEmployeeNumber AS sales_rep_id,
    CAST(creditLimit AS FLOAT) AS credit_limit
FROM customers;
GO

CREATE VIEW [stg_employees] AS
SELECT
    employeeNumber AS employee_id,
    LTRIM(RTRIM(CONCAT(LTRIM(RTRIM(firstName)), ' ', LTRIM(RTRIM(lastName))))) COLLATE Latin1_General_100_BIN2 AS employee_name,
    jobTitle COLLATE Latin1_General_100_BIN2 AS job_title,
    officeCode AS office_id,
    reportsTo AS reports_to
FROM employees;
GO

CREATE VIEW [stg_offices] AS
SELECT
    officeCode AS office_id,
    LTRIM(RTRIM(city)) COLLATE Latin1_General_100_BIN2 AS office_name,
    LTRIM(RTRIM(country)) COLLATE Latin1_General_100_BIN2 AS country,
    territory COLLATE Latin1_General_100_BIN2 AS territory
FROM offices;
GO

CREATE VIEW [stg_orders] AS
SELECT
    orderNumber AS order_id,
    customerNumber AS customer_id,
    CAST(DATEDIFF(DAY, '19700101', TRY_CAST(orderDate AS DATE)) AS BIGINT) AS order_day,
    CAST(YEAR(TRY_CAST(orderDate AS DATE)) * 100 + MONTH(TRY_CAST(orderDate AS DATE)) AS BIGINT) AS order_month,
    CAST(DATEDIFF(DAY, '19700101', TRY_CAST(requiredDate AS DATE)) AS BIGINT) AS required_day,
    CAST(DATEDIFF(DAY, '19700101', TRY_CAST(shippedDate AS DATE)) AS BIGINT) AS shipped_day,
    status COLLATE Latin1_General_100_BIN2 AS status,
    CAST(CASE WHEN status COLLATE Latin1_General_100_BIN2 = 'Cancelled' THEN 1 ELSE 0 END AS BIGINT) AS is_cancelled
FROM orders;
GO

CREATE VIEW [stg_payments] AS
SELECT
    customerNumber AS customer_id,
    checkNumber AS payment_id,
    CAST(DATEDIFF(DAY, '19700101', TRY_CAST(paymentDate AS DATE)) AS BIGINT) AS payment_day,
    CAST(amount AS FLOAT) AS amount
FROM payments;
GO

CREATE VIEW [stg_products] AS
SELECT
    productCode AS product_id,
    productName COLLATE Latin1_General_100_BIN2 AS product_name,
    productLine COLLATE Latin1_General_100_BIN2 AS product_line,
    productVendor COLLATE Latin1_General_100_BIN2 AS vendor,
    productScale COLLATE Latin1_General_100_BIN2 AS scale,
    CAST(buyPrice AS FLOAT) AS buy_price,
    CAST(MSRP AS FLOAT) AS msrp,
    CAST(quantityInStock AS BIGINT) AS quantity_in_stock
FROM products;
GO

CREATE VIEW [stg_sales] AS
SELECT
    d.orderNumber AS order_id,
    CAST(d.orderLineNumber AS BIGINT) AS line_number,
    o.customerNumber AS customer_id,
    d.productCode AS product_id,
    CAST(DATEDIFF(DAY, '19700101', TRY_CAST(o.orderDate AS DATE)) AS BIGINT) AS order_day,
    CAST(YEAR(TRY_CAST(o.orderDate AS DATE)) * 100 + MONTH(TRY_CAST(o.orderDate AS DATE)) AS BIGINT) AS order_month,
    CAST(d.quantityOrdered AS BIGINT) AS quantity,
    CAST(d.priceEach AS FLOAT) AS unit_price,
    d.quantityOrdered * CAST(d.priceEach AS FLOAT) AS amount,
    d.quantityOrdered * CAST(p.buyPrice AS FLOAT) AS cost,
    CAST(CASE WHEN o.status COLLATE Latin1_General_100_BIN2 = 'Cancelled' THEN 1 ELSE 0 END AS BIGINT) AS is_cancelled
FROM orderdetails AS d
INNER JOIN orders AS o ON o.orderNumber = d.orderNumber
LEFT JOIN products AS p ON p.productCode = d.productCode;
GO
