-- title: How often each product was ordered in each country
-- grain: country, product_id
-- needs: stg_sales, stg_customers
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   country: text, country of the customer
--   product_id: id, product
--   purchases: integer, order lines with a positive quantity, those of cancelled orders included
SELECT c.country, s.product_id, COUNT(*) AS purchases
FROM stg_sales AS s
INNER JOIN stg_customers AS c ON c.customer_id = s.customer_id
WHERE
    s.order_day < :as_of_day
    AND s.quantity > 0
    AND s.product_id IS NOT NULL
    AND c.country IS NOT NULL
GROUP BY c.country, s.product_id
