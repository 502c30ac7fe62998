-- employees: one row per employee.
CREATE TABLE employees (
    employeeNumber INTEGER NOT NULL,
    lastName VARCHAR(50) NOT NULL,
    firstName VARCHAR(50) NOT NULL,
    extension VARCHAR(10),
    email VARCHAR(100),
    officeCode VARCHAR(10) NOT NULL,
    reportsTo INTEGER, -- the employee's manager; null at the top
    jobTitle VARCHAR(50),
    PRIMARY KEY (employeeNumber),
    FOREIGN KEY (officeCode) REFERENCES offices (officeCode),
    FOREIGN KEY (reportsTo) REFERENCES employees (employeeNumber)
);
