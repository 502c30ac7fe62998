"""What MySQL's and MariaDB's catalogue tells."""

RELATIONS = """
SELECT t.table_name AS name, CASE WHEN t.table_type LIKE '%VIEW' THEN 'view' ELSE 'table' END AS kind,
       c.column_name AS column_name, c.column_type AS column_type
FROM information_schema.tables AS t
LEFT JOIN information_schema.columns AS c
    ON c.table_schema = t.table_schema AND c.table_name = t.table_name
WHERE t.table_schema = DATABASE()
ORDER BY t.table_name, c.ordinal_position
"""

SCHEMA_VERSION = """
SELECT CONCAT_WS('-',
    (SELECT CONCAT(COUNT(*), ':', COALESCE(SUM(CRC32(CONCAT_WS(':', table_name, create_time))), 0))
     FROM information_schema.tables WHERE table_schema = DATABASE()),
    (SELECT COALESCE(SUM(CRC32(CONCAT_WS(':', table_name, column_name, ordinal_position, column_type))), 0)
     FROM information_schema.columns WHERE table_schema = DATABASE()),
    (SELECT COALESCE(SUM(CRC32(CONCAT_WS(':', table_name, view_definition))), 0)
     FROM information_schema.views WHERE table_schema = DATABASE()))
"""

DATA_VERSION = """
SELECT CONCAT_WS('-',
    COALESCE(SUM(CRC32(CONCAT_WS(':', table_name, update_time))), 0),
    CASE WHEN MAX(update_time) >= NOW() - INTERVAL 2 SECOND THEN SYSDATE(6) END)
FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type NOT LIKE '%VIEW'
"""
"""Times are to the second: a table that was changed just now may change again within the same second, so that
the version stays open for two seconds."""

VIEW_TEXTS = """
SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = DATABASE()
"""

KEY = """
SELECT column_name FROM information_schema.key_column_usage
WHERE table_schema = DATABASE() AND table_name = :table AND constraint_name = 'PRIMARY'
ORDER BY ordinal_position
"""

FOREIGN_KEYS = """
SELECT constraint_name, column_name, referenced_table_name, referenced_column_name
FROM information_schema.key_column_usage
WHERE table_schema = DATABASE() AND table_name = :table AND referenced_table_name IS NOT NULL
ORDER BY constraint_name, ordinal_position
"""
