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
    LTRIM(RTRIM(city)) COLLATE Latin1_General_100_BIN2 AS office_name,
    LTRIM(RTRIM(country)) COLLATE Latin1_General_100_BIN2 AS country,
    territory COLLATE Latin1_General_100_BIN2 AS territory
FROM offices
