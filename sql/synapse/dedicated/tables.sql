-- Tables of a dedicated SQL pool
-- Made by: python -m core.database.server.synapse_scripts --out sql/synapse
-- Orders, their lines and payments are spread over the nodes by a key and stored by column;
-- small tables are on every node. Keys are declared and NOT enforced: run repeated_keys.sql
-- after every load.

CREATE TABLE [offices] (
    [officeCode] NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [city] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [phone] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [addressLine1] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [addressLine2] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [state] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [country] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [postalCode] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [territory] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2
)
WITH (DISTRIBUTION = REPLICATE, CLUSTERED INDEX ([officeCode]));

ALTER TABLE [offices] ADD PRIMARY KEY NONCLUSTERED ([officeCode]) NOT ENFORCED;

CREATE TABLE [employees] (
    [employeeNumber] BIGINT NOT NULL,
    [lastName] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [firstName] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [extension] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [email] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [officeCode] NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [reportsTo] BIGINT,
    [jobTitle] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2
)
WITH (DISTRIBUTION = REPLICATE, CLUSTERED INDEX ([employeeNumber]));

ALTER TABLE [employees] ADD PRIMARY KEY NONCLUSTERED ([employeeNumber]) NOT ENFORCED;

CREATE TABLE [customers] (
    [customerNumber] BIGINT NOT NULL,
    [customerName] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [contactLastName] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [contactFirstName] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [phone] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [addressLine1] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [addressLine2] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [city] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [state] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [postalCode] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [country] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [salesRepEmployeeNumber] BIGINT,
    [creditLimit] FLOAT
)
WITH (DISTRIBUTION = REPLICATE, CLUSTERED INDEX ([customerNumber]));

ALTER TABLE [customers] ADD PRIMARY KEY NONCLUSTERED ([customerNumber]) NOT ENFORCED;

CREATE TABLE [productlines] (
    [productLine] NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [textDescription] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [htmlDescription] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [image] VARBINARY(8000)
)
WITH (DISTRIBUTION = REPLICATE, CLUSTERED INDEX ([productLine]));

ALTER TABLE [productlines] ADD PRIMARY KEY NONCLUSTERED ([productLine]) NOT ENFORCED;

CREATE TABLE [products] (
    [productCode] NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [productName] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [productLine] NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [productScale] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [productVendor] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [productDescription] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [quantityInStock] BIGINT NOT NULL,
    [buyPrice] FLOAT NOT NULL,
    [MSRP] FLOAT NOT NULL
)
WITH (DISTRIBUTION = REPLICATE, CLUSTERED INDEX ([productCode]));

ALTER TABLE [products] ADD PRIMARY KEY NONCLUSTERED ([productCode]) NOT ENFORCED;

CREATE TABLE [orders] (
    [orderNumber] BIGINT NOT NULL,
    [orderDate] DATE NOT NULL,
    [requiredDate] DATE,
    [shippedDate] DATE,
    [status] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [comments] NVARCHAR(4000) COLLATE Latin1_General_100_BIN2,
    [customerNumber] BIGINT NOT NULL
)
WITH (DISTRIBUTION = HASH ([orderNumber]), CLUSTERED COLUMNSTORE INDEX);

ALTER TABLE [orders] ADD PRIMARY KEY NONCLUSTERED ([orderNumber]) NOT ENFORCED;

CREATE TABLE [orderdetails] (
    [orderNumber] BIGINT NOT NULL,
    [productCode] NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [quantityOrdered] BIGINT NOT NULL,
    [priceEach] FLOAT NOT NULL,
    [orderLineNumber] BIGINT NOT NULL
)
WITH (DISTRIBUTION = HASH ([orderNumber]), CLUSTERED COLUMNSTORE INDEX);

ALTER TABLE [orderdetails] ADD PRIMARY KEY NONCLUSTERED ([orderNumber], [productCode]) NOT ENFORCED;

CREATE TABLE [payments] (
    [customerNumber] BIGINT NOT NULL,
    [checkNumber] NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [paymentDate] DATE NOT NULL,
    [amount] FLOAT NOT NULL
)
WITH (DISTRIBUTION = HASH ([customerNumber]), CLUSTERED COLUMNSTORE INDEX);

ALTER TABLE [payments] ADD PRIMARY KEY NONCLUSTERED ([customerNumber], [checkNumber]) NOT ENFORCED;
