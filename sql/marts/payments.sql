-- title: Payments received
-- grain: customer_id, payment_id
-- needs: stg_payments
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   customer_id: id, customer who paid
--   payment_id: id, number of the payment within the customer
--   payment_day: day, date of the payment
--   amount: number, amount paid, currency
SELECT p.customer_id, p.payment_id, p.payment_day, p.amount
FROM stg_payments AS p
WHERE p.payment_day < :as_of_day
