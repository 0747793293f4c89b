-- waiting_for.sql: transactions that creating a logical slot waits for, oldest first: open ones that wrote, and prepared ones.
SELECT a.pid::text, coalesce(a.usename::text, ''), coalesce(a.datname::text, ''), coalesce(a.application_name, ''),
       coalesce(a.state, ''), coalesce(a.xact_start::text, '')
FROM pg_catalog.pg_stat_activity a
WHERE a.backend_xid IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid()
UNION ALL
SELECT 'prepared transaction ' || p.gid, p.owner::text, p.database::text, '', 'prepared', p.prepared::text
FROM pg_catalog.pg_prepared_xacts p
ORDER BY 6
