-- orderdetails: one row per order line.
CREATE TABLE orderdetails (
    orderNumber INTEGER NOT NULL,
    productCode VARCHAR(15) NOT NULL,
    quantityOrdered INTEGER NOT NULL, -- units
    priceEach DECIMAL(10, 2) NOT NULL, -- currency, price of a unit in this order
    orderLineNumber INTEGER NOT NULL, -- position in the order, from 1
    PRIMARY KEY (orderNumber, productCode),
    FOREIGN KEY (orderNumber) REFERENCES orders (orderNumber),
    FOREIGN KEY (productCode) REFERENCES products (productCode)
);
