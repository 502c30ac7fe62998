-- orders: one row per order.
CREATE TABLE orders (
    orderNumber INTEGER NOT NULL,
    orderDate DATE NOT NULL,
    requiredDate DATE,
    shippedDate DATE, -- null while the order has not been shipped
    status VARCHAR(15) NOT NULL, -- Shipped, Resolved, Cancelled, On Hold, Disputed, In Process
    comments TEXT,
    customerNumber INTEGER NOT NULL,
    PRIMARY KEY (orderNumber),
    FOREIGN KEY (customerNumber) REFERENCES customers (customerNumber)
);
