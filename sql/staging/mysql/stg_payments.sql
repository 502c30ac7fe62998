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
    DATEDIFF(CAST(paymentDate AS DATE), '1970-01-01') AS payment_day,
    CAST(amount AS DOUBLE) AS amount
FROM payments
