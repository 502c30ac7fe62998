-- Tables of a serverless SQL pool: views over Parquet files of a lake
-- Made by: python -m core.database.server.synapse_scripts --out sql/synapse
-- Replace ACCOUNT and CONTAINER; for Delta tables FORMAT by 'DELTA', the path by the folder.
-- Columns and types are said, so the pool neither guesses them nor reads more than needed.

-- ALTER DATABASE CURRENT COLLATE Latin1_General_100_BIN2_UTF8;

CREATE OR ALTER VIEW [offices] AS
SELECT * FROM OPENROWSET(
    BULK 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/offices/*.parquet', FORMAT = 'PARQUET'
) WITH (
    [officeCode] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [city] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [phone] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [addressLine1] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [addressLine2] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [state] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [country] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [postalCode] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [territory] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8
) AS r;
GO

CREATE OR ALTER VIEW [employees] AS
SELECT * FROM OPENROWSET(
    BULK 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/employees/*.parquet', FORMAT = 'PARQUET'
) WITH (
    [employeeNumber] BIGINT,
    [lastName] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [firstName] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [extension] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [email] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [officeCode] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [reportsTo] BIGINT,
    [jobTitle] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8
) AS r;
GO

CREATE OR ALTER VIEW [customers] AS
SELECT * FROM OPENROWSET(
    BULK 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/customers/*.parquet', FORMAT = 'PARQUET'
) WITH (
    [customerNumber] BIGINT,
    [customerName] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [contactLastName] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [contactFirstName] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [phone] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [addressLine1] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [addressLine2] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [city] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [state] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [postalCode] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [country] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [salesRepEmployeeNumber] BIGINT,
    [creditLimit] FLOAT
) AS r;
GO

CREATE OR ALTER VIEW [productlines] AS
SELECT * FROM OPENROWSET(
    BULK 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/productlines/*.parquet', FORMAT = 'PARQUET'
) WITH (
    [productLine] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [textDescription] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [htmlDescription] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [image] VARBINARY(8000)
) AS r;
GO

CREATE OR ALTER VIEW [products] AS
SELECT * FROM OPENROWSET(
    BULK 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/products/*.parquet', FORMAT = 'PARQUET'
) WITH (
    [productCode] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [productName] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [productLine] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [productScale] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [productVendor] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [productDescription] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [quantityInStock] BIGINT,
    [buyPrice] FLOAT,
    [MSRP] FLOAT
) AS r;
GO

CREATE OR ALTER VIEW [orders] AS
SELECT * FROM OPENROWSET(
    BULK 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/orders/*.parquet', FORMAT = 'PARQUET'
) WITH (
    [orderNumber] BIGINT,
    [orderDate] DATE,
    [requiredDate] DATE,
    [shippedDate] DATE,
    [status] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [comments] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [customerNumber] BIGINT
) AS r;
GO

CREATE OR ALTER VIEW [orderdetails] AS
SELECT * FROM OPENROWSET(
    BULK 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/orderdetails/*.parquet', FORMAT = 'PARQUET'
) WITH (
    [orderNumber] BIGINT,
    [productCode] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [quantityOrdered] BIGINT,
    [priceEach] FLOAT,
    [orderLineNumber] BIGINT
) AS r;
GO

CREATE OR ALTER VIEW [payments] AS
SELECT * FROM OPENROWSET(
    BULK 'https://ACCOUNT.dfs.core.windows.net/CONTAINER/classic_models/payments/*.parquet', FORMAT = 'PARQUET'
) WITH (
    [customerNumber] BIGINT,
    [checkNumber] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8,
    [paymentDate] DATE,
    [amount] FLOAT
) AS r;
GO
