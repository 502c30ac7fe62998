-- title: Sales offices with canonical names
-- grain: office_id
-- needs: offices
-- columns:
--   office_id: id, key of the office
--   office_name: text, the city the office is in
--   country: text, country
--   territory: text, sales territory
SELECT
    officeCode AS office_id,
    TRIM(city) AS office_name,
    TRIM(country) AS country,
    territory
FROM offices
