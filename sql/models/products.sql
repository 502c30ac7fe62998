-- title: Products with what recommendations need: line, stock, prices (current values)
-- grain: product_id
-- needs: stg_products
-- columns:
--   product_id: id, key of the product
--   product_name: text, name
--   product_line: text, product line
--   quantity_in_stock: integer, pieces in stock now (not as of a date)
--   msrp: number, suggested retail price of one piece, currency
--   buy_price: number, current purchase price of one piece, currency
SELECT p.product_id, p.product_name, p.product_line, p.quantity_in_stock, p.msrp, p.buy_price
FROM stg_products AS p
