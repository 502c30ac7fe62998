"""What PostgreSQL's catalogue tells: tables, views, what has changed, and what hangs on a table."""

RELATIONS = """
SELECT c.relname, CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END,
       a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_class AS c
LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
  AND NOT c.relispartition AND has_table_privilege(c.oid, 'SELECT')
ORDER BY c.relname, a.attnum
"""

UNREADABLE = """
SELECT lower(c.relname) FROM pg_class AS c
WHERE c.relnamespace = COALESCE(current_schema()::regnamespace, to_regnamespace('public'))
  AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
  AND (current_schema() IS NULL OR NOT has_table_privilege(c.oid, 'SELECT'))
"""
"""There is no current schema for a user who may not use it."""

SCHEMA_VERSION = """
WITH mine AS (
    SELECT oid, xmin FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'f', 'v', 'm')
)
SELECT md5(concat_ws('|',
    (SELECT string_agg(oid || ':' || xmin, ',' ORDER BY oid) FROM mine),
    (SELECT count(*) || ':' || sum(a.xmin::text::bigint) FROM pg_attribute AS a
     JOIN mine ON mine.oid = a.attrelid WHERE a.attnum > 0),
    (SELECT sum(r.xmin::text::bigint) FROM pg_rewrite AS r JOIN mine ON mine.oid = r.ev_class)))
"""

DATA_VERSION = """
SELECT concat_ws('-',
    (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables
     WHERE schemaname = current_schema()),
    (SELECT sum(relfilenode::bigint) FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'm')),
    (SELECT floor(extract(epoch FROM now()) / 600) FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind = 'f' LIMIT 1))
"""
"""Rows of foreign tables change unseen: where there are any, the version changes every ten minutes."""

VIEW_TEXTS = """
SELECT c.relname, pg_get_viewdef(c.oid) FROM pg_class AS c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('v', 'm')
"""

KEY = """
SELECT a.attname FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place) ON true
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum
WHERE i.indisprimary AND c.relname = :table AND c.relnamespace = current_schema()::regnamespace
ORDER BY k.place
"""

FOREIGN_KEYS = """
SELECT k.conname, a.attname, p.relname, b.attname FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_class AS p ON p.oid = k.confrelid
JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS u (here, there, place) ON true
JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.here
JOIN pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = u.there
WHERE k.contype = 'f' AND c.relname = :table AND c.relnamespace = current_schema()::regnamespace
ORDER BY k.conname, u.place
"""

DEPENDENT_VIEWS = """
WITH RECURSIVE hanging AS (
    SELECT r.ev_class AS oid, 1 AS depth FROM pg_depend AS d
    JOIN pg_rewrite AS r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
    WHERE d.refobjid = CAST(:table AS regclass) AND r.ev_class <> d.refobjid
    UNION
    SELECT r.ev_class, h.depth + 1 FROM hanging AS h
    JOIN pg_depend AS d ON d.refobjid = h.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite AS r ON r.oid = d.objid AND r.ev_class <> h.oid
)
SELECT hanging.oid::regclass::text, pg_get_viewdef(hanging.oid)
FROM hanging JOIN pg_class AS c ON c.oid = hanging.oid AND c.relkind = 'v'
GROUP BY hanging.oid ORDER BY max(hanging.depth)
"""

RIGHTS = """
SELECT format('GRANT %s ON %s TO %s%s', x.privilege_type, CAST(:table AS regclass)::text,
              CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END,
              CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS x
WHERE c.oid = CAST(:table AS regclass) AND x.grantee <> c.relowner
"""
