-- Keys that come more than once, which a dedicated pool does not prevent and which make sums wrong
-- Made by: python -m core.database.server.synapse_scripts --out sql/synapse
-- No row is the right answer.

SELECT 'offices' AS table_name, COUNT_BIG(*) AS repeated_keys FROM (
    SELECT [officeCode] FROM [offices] GROUP BY [officeCode] HAVING COUNT_BIG(*) > 1
) AS offices_keys HAVING COUNT_BIG(*) > 0
UNION ALL
SELECT 'employees' AS table_name, COUNT_BIG(*) AS repeated_keys FROM (
    SELECT [employeeNumber] FROM [employees] GROUP BY [employeeNumber] HAVING COUNT_BIG(*) > 1
) AS employees_keys HAVING COUNT_BIG(*) > 0
UNION ALL
SELECT 'customers' AS table_name, COUNT_BIG(*) AS repeated_keys FROM (
    SELECT [customerNumber] FROM [customers] GROUP BY [customerNumber] HAVING COUNT_BIG(*) > 1
) AS customers_keys HAVING COUNT_BIG(*) > 0
UNION ALL
SELECT 'productlines' AS table_name, COUNT_BIG(*) AS repeated_keys FROM (
    SELECT [productLine] FROM [productlines] GROUP BY [productLine] HAVING COUNT_BIG(*) > 1
) AS productlines_keys HAVING COUNT_BIG(*) > 0
UNION ALL
SELECT 'products' AS table_name, COUNT_BIG(*) AS repeated_keys FROM (
    SELECT [productCode] FROM [products] GROUP BY [productCode] HAVING COUNT_BIG(*) > 1
) AS products_keys HAVING COUNT_BIG(*) > 0
UNION ALL
SELECT 'orders' AS table_name, COUNT_BIG(*) AS repeated_keys FROM (
    SELECT [orderNumber] FROM [orders] GROUP BY [orderNumber] HAVING COUNT_BIG(*) > 1
) AS orders_keys HAVING COUNT_BIG(*) > 0
UNION ALL
SELECT 'orderdetails' AS table_name, COUNT_BIG(*) AS repeated_keys FROM (
    SELECT [orderNumber], [productCode] FROM [orderdetails] GROUP BY [orderNumber], [productCode] HAVING COUNT_BIG(*) > 1
) AS orderdetails_keys HAVING COUNT_BIG(*) > 0
UNION ALL
SELECT 'payments' AS table_name, COUNT_BIG(*) AS repeated_keys FROM (
    SELECT [customerNumber], [checkNumber] FROM [payments] GROUP BY [customerNumber], [checkNumber] HAVING COUNT_BIG(*) > 1
) AS payments_keys HAVING COUNT_BIG(*) > 0;
