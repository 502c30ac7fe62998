-- title: Every load of a table
-- grain: loaded_at, table_name
-- needs: sales_load_log
-- columns:
--   loaded_at: text, UTC time of the load, ISO 8601
--   table_name: text, table loaded
--   source: text, file that the rows came from
SELECT l.loaded_at, l.table_name, l.source
FROM sales_load_log AS l
ORDER BY l.loaded_at
