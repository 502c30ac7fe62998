-- productlines: one row per product line.
CREATE TABLE productlines (
    productLine VARCHAR(50) NOT NULL,
    textDescription VARCHAR(4000),
    htmlDescription TEXT,
    image BLOB,
    PRIMARY KEY (productLine)
);
