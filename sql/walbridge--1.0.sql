-- walbridge--1.0.sql: what CREATE EXTENSION walbridge installs on a source. The output plugin itself needs no SQL object.

\echo Use "CREATE EXTENSION walbridge" to load this file. \quit

-- Version of the library that this server loads, which is also what the session record of the stream says. It differs from the
-- extension's version while an upgrade is half done.
CREATE FUNCTION walbridge.version() RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'walbridge_version';

COMMENT ON FUNCTION walbridge.version() IS 'version of the walbridge library loaded by this server';
