-- title: Every renaming of a table
-- grain: renamed_at, old_name
-- needs: sales_rename_log
-- columns:
--   renamed_at: text, UTC time of the renaming
--   old_name: text, name before
--   new_name: text, name after
SELECT r.renamed_at, r.old_name, r.new_name
FROM sales_rename_log AS r
ORDER BY r.renamed_at
