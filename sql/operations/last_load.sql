-- title: The latest load into the database
-- grain: one row per table of the latest load
-- needs: sales_load_log
-- columns:
--   loaded_at: text, UTC time of the load, ISO 8601
--   source: text, names of the files loaded
--   table_name: text, table loaded
--   rows_loaded: integer, rows loaded
SELECT l.loaded_at, l.source, l.table_name, l.row_count AS rows_loaded
FROM sales_load_log AS l
WHERE l.loaded_at = (SELECT MAX(m.loaded_at) FROM sales_load_log AS m)
ORDER BY l.table_name
