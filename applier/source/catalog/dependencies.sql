-- dependencies.sql: which user object depends on which, system objects left out.
SELECT d.classid, d.objid, d.refclassid, d.refobjid, d.deptype
FROM pg_catalog.pg_depend d
WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND (d.classid, d.objid) <> (d.refclassid, d.refobjid)
