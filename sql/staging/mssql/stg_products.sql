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
    productName COLLATE Latin1_General_100_BIN2 AS product_name,
    productLine COLLATE Latin1_General_100_BIN2 AS product_line,
    productVendor COLLATE Latin1_General_100_BIN2 AS vendor,
    productScale COLLATE Latin1_General_100_BIN2 AS scale,
    CAST(buyPrice AS FLOAT) AS buy_price,
    CAST(MSRP AS FLOAT) AS msrp,
    CAST(quantityInStock AS BIGINT) AS quantity_in_stock
FROM products
