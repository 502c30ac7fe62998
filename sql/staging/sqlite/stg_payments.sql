-- title: Payments with canonical names
-- grain: customer_id, payment_id
-- needs: payments
-- columns:
--   customer_id: id, customer who paid
--   payment_id: id, number of the payment within the customer
--   payment_day: day, date of the payment
--   amount: number, amount paid, currency
SELECT
    customerNumber AS customer_id,
    checkNumber AS payment_id,
    CAST(julianday(substr(paymentDate, 1, 10)) - 2440587.5 AS INTEGER) AS payment_day,
    amount * 1.0 AS amount
FROM payments
