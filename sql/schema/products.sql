-- products: one row per product.
CREATE TABLE products (
    productCode VARCHAR(15) NOT NULL,
    productName VARCHAR(70) NOT NULL,
    productLine VARCHAR(50) NOT NULL,
    productScale VARCHAR(10),
    productVendor VARCHAR(50),
    productDescription TEXT,
    quantityInStock INTEGER NOT NULL, -- units, today
    buyPrice DECIMAL(10, 2) NOT NULL, -- currency, cost of a unit today
    MSRP DECIMAL(10, 2) NOT NULL, -- currency, list price of a unit today
    PRIMARY KEY (productCode),
    FOREIGN KEY (productLine) REFERENCES productlines (productLine)
);
