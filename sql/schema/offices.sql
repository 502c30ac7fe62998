-- offices: one row per sales office.
CREATE TABLE offices (
    officeCode VARCHAR(10) NOT NULL, -- code of the office, text: it may begin with a zero
    city VARCHAR(50) NOT NULL,
    phone VARCHAR(50),
    addressLine1 VARCHAR(50),
    addressLine2 VARCHAR(50),
    state VARCHAR(50),
    country VARCHAR(50) NOT NULL,
    postalCode VARCHAR(15),
    territory VARCHAR(10), -- NA, EMEA, APAC, Japan
    PRIMARY KEY (officeCode)
);
