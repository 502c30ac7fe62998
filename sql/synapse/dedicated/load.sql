-- Load a dedicated SQL pool from Parquet files of a lake
-- Made by: python -m core.database.server.synapse_scripts --out sql/synapse
-- Replace ACCOUNT and CONTAINER. Its managed identity needs Storage Blob Data Reader there.
-- Rows go into new tables which then take the place of the old ones, so readers never see
-- half of a table.

CREATE TABLE [offices_new] WITH (DISTRIBUTION = REPLICATE, CLUSTERED INDEX ([officeCode])) AS SELECT * FROM [offices] WHERE 1 = 0;

COPY INTO [offices_new] ([officeCode], [city], [phone], [addressLine1], [addressLine2], [state], [country], [postalCode], [territory])
FROM 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/offices/*.parquet'
WITH (FILE_TYPE = 'PARQUET', CREDENTIAL = (IDENTITY = 'Managed Identity'));

CREATE TABLE [employees_new] WITH (DISTRIBUTION = REPLICATE, CLUSTERED INDEX ([employeeNumber])) AS SELECT * FROM [employees] WHERE 1 = 0;

COPY INTO [employees_new] ([employeeNumber], [lastName], [firstName], [extension], [email], [officeCode], [reportsTo], [jobTitle])
FROM 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/employees/*.parquet'
WITH (FILE_TYPE = 'PARQUET', CREDENTIAL = (IDENTITY = 'Managed Identity'));

CREATE TABLE [customers_new] WITH (DISTRIBUTION = REPLICATE, CLUSTERED INDEX ([customerNumber])) AS SELECT * FROM [customers] WHERE 1 = 0;

COPY INTO [customers_new] ([customerNumber], [customerName], [contactLastName], [contactFirstName], [phone], [addressLine1], [addressLine2], [city], [state], [postalCode], [country], [salesRepEmployeeNumber], [creditLimit])
FROM 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/customers/*.parquet'
WITH (FILE_TYPE = 'PARQUET', CREDENTIAL = (IDENTITY = 'Managed Identity'));

CREATE TABLE [productlines_new] WITH (DISTRIBUTION = REPLICATE, CLUSTERED INDEX ([productLine])) AS SELECT * FROM [productlines] WHERE 1 = 0;

COPY INTO [productlines_new] ([productLine], [textDescription], [htmlDescription], [image])
FROM 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/productlines/*.parquet'
WITH (FILE_TYPE = 'PARQUET', CREDENTIAL = (IDENTITY = 'Managed Identity'));

CREATE TABLE [products_new] WITH (DISTRIBUTION = REPLICATE, CLUSTERED INDEX ([productCode])) AS SELECT * FROM [products] WHERE 1 = 0;

COPY INTO [products_new] ([productCode], [productName], [productLine], [productScale], [productVendor], [productDescription], [quantityInStock], [buyPrice], [MSRP])
FROM 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/products/*.parquet'
WITH (FILE_TYPE = 'PARQUET', CREDENTIAL = (IDENTITY = 'Managed Identity'));

CREATE TABLE [orders_new] WITH (DISTRIBUTION = HASH ([orderNumber]), CLUSTERED COLUMNSTORE INDEX) AS SELECT * FROM [orders] WHERE 1 = 0;

COPY INTO [orders_new] ([orderNumber], [orderDate], [requiredDate], [shippedDate], [status], [comments], [customerNumber])
FROM 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/orders/*.parquet'
WITH (FILE_TYPE = 'PARQUET', CREDENTIAL = (IDENTITY = 'Managed Identity'));

CREATE TABLE [orderdetails_new] WITH (DISTRIBUTION = HASH ([orderNumber]), CLUSTERED COLUMNSTORE INDEX) AS SELECT * FROM [orderdetails] WHERE 1 = 0;

COPY INTO [orderdetails_new] ([orderNumber], [productCode], [quantityOrdered], [priceEach], [orderLineNumber])
FROM 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/orderdetails/*.parquet'
WITH (FILE_TYPE = 'PARQUET', CREDENTIAL = (IDENTITY = 'Managed Identity'));

CREATE TABLE [payments_new] WITH (DISTRIBUTION = HASH ([customerNumber]), CLUSTERED COLUMNSTORE INDEX) AS SELECT * FROM [payments] WHERE 1 = 0;

COPY INTO [payments_new] ([customerNumber], [checkNumber], [paymentDate], [amount])
FROM 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/payments/*.parquet'
WITH (FILE_TYPE = 'PARQUET', CREDENTIAL = (IDENTITY = 'Managed Identity'));

RENAME OBJECT [offices] TO [offices_old];
RENAME OBJECT [offices_new] TO [offices];
DROP TABLE [offices_old];
ALTER TABLE [offices] ADD PRIMARY KEY NONCLUSTERED ([officeCode]) NOT ENFORCED;
CREATE STATISTICS [st_officeCode] ON [offices] ([officeCode]);

RENAME OBJECT [employees] TO [employees_old];
RENAME OBJECT [employees_new] TO [employees];
DROP TABLE [employees_old];
ALTER TABLE [employees] ADD PRIMARY KEY NONCLUSTERED ([employeeNumber]) NOT ENFORCED;
CREATE STATISTICS [st_employeeNumber] ON [employees] ([employeeNumber]);
CREATE STATISTICS [st_officeCode] ON [employees] ([officeCode]);
CREATE STATISTICS [st_reportsTo] ON [employees] ([reportsTo]);

RENAME OBJECT [customers] TO [customers_old];
RENAME OBJECT [customers_new] TO [customers];
DROP TABLE [customers_old];
ALTER TABLE [customers] ADD PRIMARY KEY NONCLUSTERED ([customerNumber]) NOT ENFORCED;
CREATE STATISTICS [st_customerNumber] ON [customers] ([customerNumber]);
CREATE STATISTICS [st_salesRepEmployeeNumber] ON [customers] ([salesRepEmployeeNumber]);

RENAME OBJECT [productlines] TO [productlines_old];
RENAME OBJECT [productlines_new] TO [productlines];
DROP TABLE [productlines_old];
ALTER TABLE [productlines] ADD PRIMARY KEY NONCLUSTERED ([productLine]) NOT ENFORCED;
CREATE STATISTICS [st_productLine] ON [productlines] ([productLine]);

RENAME OBJECT [products] TO [products_old];
RENAME OBJECT [products_new] TO [products];
DROP TABLE [products_old];
ALTER TABLE [products] ADD PRIMARY KEY NONCLUSTERED ([productCode]) NOT ENFORCED;
CREATE STATISTICS [st_productCode] ON [products] ([productCode]);
CREATE STATISTICS [st_productLine] ON [products] ([productLine]);

RENAME OBJECT [orders] TO [orders_old];
RENAME OBJECT [orders_new] TO [orders];
DROP TABLE [orders_old];
ALTER TABLE [orders] ADD PRIMARY KEY NONCLUSTERED ([orderNumber]) NOT ENFORCED;
CREATE STATISTICS [st_orderNumber] ON [orders] ([orderNumber]);
CREATE STATISTICS [st_customerNumber] ON [orders] ([customerNumber]);
CREATE STATISTICS [st_orderDate] ON [orders] ([orderDate]);
CREATE STATISTICS [st_requiredDate] ON [orders] ([requiredDate]);
CREATE STATISTICS [st_shippedDate] ON [orders] ([shippedDate]);

RENAME OBJECT [orderdetails] TO [orderdetails_old];
RENAME OBJECT [orderdetails_new] TO [orderdetails];
DROP TABLE [orderdetails_old];
ALTER TABLE [orderdetails] ADD PRIMARY KEY NONCLUSTERED ([orderNumber], [productCode]) NOT ENFORCED;
CREATE STATISTICS [st_orderNumber] ON [orderdetails] ([orderNumber]);
CREATE STATISTICS [st_productCode] ON [orderdetails] ([productCode]);

RENAME OBJECT [payments] TO [payments_old];
RENAME OBJECT [payments_new] TO [payments];
DROP TABLE [payments_old];
ALTER TABLE [payments] ADD PRIMARY KEY NONCLUSTERED ([customerNumber], [checkNumber]) NOT ENFORCED;
CREATE STATISTICS [st_customerNumber] ON [payments] ([customerNumber]);
CREATE STATISTICS [st_checkNumber] ON [payments] ([checkNumber]);
CREATE STATISTICS [st_paymentDate] ON [payments] ([paymentDate]);
