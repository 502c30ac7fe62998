-- title: Products with canonical names
-- grain: product_id
-- needs: products
-- columns:
--   product_id: id, key of the product
--   product_name: text, name
--   product_line: text, product line
--   vendor: text, vendor
--   scale: text, scale of the model
--   buy_price: number, current purchase price of one piece, currency
--   msrp: number, manufacturer's suggested retail price of one piece, currency
--   quantity_in_stock: integer, pieces in stock now
SELECT
    productCode AS product_id,
    productName AS product_name,
    productLine AS product_line,
    productVendor AS vendor,
    productScale AS scale,
    CAST(buyPrice AS DOUBLE) AS buy_price,
    CAST(MSRP AS DOUBLE) AS msrp,
    quantityInStock AS quantity_in_stock
FROM products
