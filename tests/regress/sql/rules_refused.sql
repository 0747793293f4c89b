-- rules_refused.sql: what an expression may not hold. A row here that says nothing is something that decoding would evaluate.
CREATE SCHEMA own;
CREATE FUNCTION own.immutable_sql(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE FUNCTION own.immutable_plpgsql(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE WARNING ''called''; RETURN $1; END';
CREATE FUNCTION own.renamed_internal(text) RETURNS text LANGUAGE internal IMMUTABLE STRICT AS 'md5_text';
CREATE FUNCTION own.greater(point, point) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE FUNCTION own.compare(point, point) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE WARNING ''called''; RETURN 0; END';
CREATE OPERATOR own.>>>> (LEFTARG = point, RIGHTARG = point, FUNCTION = own.greater);
CREATE OPERATOR own.<<<< (LEFTARG = point, RIGHTARG = point, FUNCTION = own.greater);
CREATE OPERATOR own.==== (LEFTARG = point, RIGHTARG = point, FUNCTION = own.greater);
CREATE OPERATOR CLASS own.points DEFAULT FOR TYPE point USING btree AS OPERATOR 1 own.<<<<, OPERATOR 3 own.====, OPERATOR 5 own.>>>>, FUNCTION 1 own.compare(point, point);
CREATE TYPE own.pair AS (a int, b text);
CREATE TYPE own.colour AS ENUM ('red', 'green');
CREATE TYPE own.span AS RANGE (subtype = float8);
CREATE DOMAIN own.positive AS int CHECK (own.immutable_plpgsql(VALUE) > 0);
CREATE DOMAIN own.plain AS int;
CREATE AGGREGATE own.total(int) (sfunc = int4pl, stype = int);
CREATE CAST (text AS point) WITH INOUT AS ASSIGNMENT;
CREATE TABLE refused (id int PRIMARY KEY, t text, c text COLLATE "C", p text COLLATE "POSIX", d date, ts timestamp, tz timestamptz, n numeric,
    a int[], points point[], pt point, pair own.pair, e own.colour, es own.colour[], span own.span, pos own.positive, plain own.plain,
    x xml, j json, r int4range, reg regclass, flag boolean, b bytea);
CREATE FUNCTION tried(VARIADIC expressions text[]) RETURNS TABLE (expression text, type text, said text, at int) LANGUAGE sql AS $$
    SELECT e, f.type, f.problem || coalesce(' / ' || hint, ''), f."position"
    FROM unnest(expressions) WITH ORDINALITY u (e, n),
         walbridge.examine_rules(jsonb_build_array(jsonb_build_object('table', 'public.refused', 'columns', jsonb_build_object('new', e)))::text) f
    WHERE item = 'column' ORDER BY n $$;
\pset tuples_only
\pset format unaligned
-- not one expression
SELECT * FROM tried('', '  ', 'id, t', 'id) + (id', 'id;', 'id; DROP TABLE refused', 'id AS x', 'id x', 'id FROM refused', 'id -- comment', 'id /* comment */',
    'id /* open', '-- comment', '*', 'refused.*', 'DISTINCT id', 'ALL id', 'id WHERE true', 'id UNION SELECT 1', 'id INTO x', 'id LIMIT 1', 'SELECT 1', '(SELECT 1)', 'id + (SELECT 1)', 'VALUES (1)',
    'id OVER ()', 'id ORDER BY 1', '''open', '"open', '$$open', 'E''\', 'U&''\0041''', 'id)', '(id', '1 = 1) OR (true');
-- names
SELECT * FROM tried('nosuch', 'refused.id', 'public.refused.id', 'db.public.refused.id', 'other.id', 'ctid', 'xmin', 'tableoid', 'refused', 'refused IS NULL', '"Id"', 'ID', 'id.x', '$1', ':x',
    'immutable_sql(id)', 'own.immutable_sql(id)', 'own.immutable_sql(1)', 'own.immutable_plpgsql(id)', 'own.immutable_plpgsql(1)', 'own.renamed_internal(t)');
-- not the row's alone
SELECT * FROM tried('now()', 'current_date', 'current_timestamp', 'localtime', 'current_user', 'session_user', 'current_schema', 'current_database()', 'clock_timestamp()', 'random()',
    'gen_random_uuid()', 'nextval(''s'')', 'tz::text', 'd::text', 'ts::date', 'tz::date', 'age(ts)', 'to_char(n, ''9'')', 'to_char(ts, ''YYYY'')', 
    'tz + interval ''1 day''', 'ts + interval ''1 day''', 'concat(t, id)', 't || id', 'a::text', 'e::text', 'current_setting(''x'')', 'pg_sleep(1)', 'version()', 'row_to_json(refused)', 'quote_literal(t)',
    'reg::text', 'to_tsvector(t)', 'to_tsvector(''english'', t)', 'pg_read_file(t)', 'txid_current()', 'inet_client_addr()', 'set_config(''a'', ''b'', false)', 'lo_get(1)');
-- not a row's
SELECT * FROM tried('count(*)', 'sum(id)', 'own.total(id)', 'sum(id) FILTER (WHERE true)', 'row_number() OVER ()', 'rank() OVER (ORDER BY id)', 'generate_series(1, 2)', 'unnest(a)', 'jsonb_each(j::jsonb)',
    'EXISTS (SELECT 1)', 'id IN (SELECT 1)', 'ARRAY(SELECT 1)', '(SELECT id)', 'grouping(id)', 'regexp_matches(t, ''x'')', 'string_agg(t, '','' ORDER BY t)');
-- types
SELECT * FROM tried('pair', '(pair).a', 'pair = pair', 'ROW(id, t)', 'ROW(id, t) = ROW(1, ''a'')', 'ROW(id, t) < ROW(1, ''a'')', 'ROW(id, t) IS NULL', 'pair IS NULL', 'span', 'span = span', 'pos', 'pos + 1', 'id::own.positive', 'id::own.plain', '1::own.positive',
    'plain + 1', 'e = ''red''', 'e < ''green''::own.colour', 'es = ARRAY[''red'']::own.colour[]', 'CASE e WHEN ''red'' THEN 1 END', 'a = ARRAY[1,2]', 'points = points', 'greatest(pt, pt)', 'id IN (1, 2)', 'id = ANY (a)',
    'pt OPERATOR(own.>>>>) pt', 'ARRAY[pt] = ARRAY[pt]', 'array_position(points, pt)', 't::point', 'x', 'xmlelement(name a)', 'x IS DOCUMENT', 'xpath(''a'', x)', 'json_build_object(''a'', id)', 'to_json(id)', 'j -> ''a''', 'j::jsonb', 'j::jsonb ->> ''a''', 'j::jsonb @> ''{}''', 'reg', 'reg = 1',
    '''refused''::regclass', 'int4in(''1'')', 'r @> 1', 'r = r', 'int4range(1, id)', 'b || ''\x00''', '''\x00''::bytea', 'NULL', '''text''', '1.5', 'true', 'NOT flag', 't LIKE ''a%''', 't ~ ''a''', 't IS NOT DISTINCT FROM ''a''', 'nullif(t, ''a'')', 'coalesce(t, c)',
    'CASE WHEN id > 1 THEN ''a'' ELSE t END', 'a[1]', 'a[1:2]', 't COLLATE "C"', 't COLLATE nosuch', 'c < p', 'c || p', 'c = t', 'greatest(c, p)', 'lower(c || p)', '(c COLLATE "C") < p');
-- literals that mean another thing elsewhere, or later
SELECT * FROM tried('''2026-12-31''::date', '''01-02-03''::date', 'date ''2026-02-01''', '''today''::date', '''now''::timestamp', '''epoch''::timestamp', '''infinity''::timestamptz', '''2026-12-31 12:00''::timestamptz',
    '''2026-12-31 12:00+01''::timestamptz', '''2026-12-31 12:00 Europe/Berlin''::timestamptz', 'd > ''2026-01-01''', 'ts > ''2026-01-01 10:00''', 'tz > ''2026-01-01''', 'tz > ''2026-01-01 00:00Z''', '''10:00''::time', '''10:00''::timetz', '''10:00+02''::timetz', 'interval ''1 day''', 'interval ''-1 day 02:00''',
    '''1-2''::interval', '''{2026-01-02,2026-03-04}''::date[]', '''{01-02-03}''::date[]', '''[2026-01-01,2026-02-01)''::daterange', '''[today,tomorrow)''::daterange', '''{1,2}''::int[]', '''[1,2)''::int4range', '''red''::own.colour', '''nosuch''::own.colour', '''{red}''::own.colour[]', '''1.50''::money',
    '''md5''::regproc', '12::regclass', '''x''::xml', '''{"a":1}''::jsonb', '''$.a''::jsonpath', '''yes''::boolean', '''1e3''::float8', '''10.0.0.1''::inet', '''101''::bit(3)', '''a & b''::tsquery', 'make_date(2026, 1, 2)', 'make_interval(days => 1)');
-- written in SQL: inlined, or refused, and never evaluated on the way
SELECT * FROM tried('round(n)', 'round(1.5)', 'round(pi()::numeric)', 'lpad(t, 5)', 'lpad(''x'', 5)', 'log(n)', 'log(2.0)', 'trunc(n)', 'bit_length(t)', 'bit_length(''x'')', 'octet_length(t)', 'age(ts, ts)', 'age(tz)',
    'to_timestamp(1)', 'ts_debug(t)', 't SIMILAR TO ''a%''', 'timezone(''UTC'', ts)', 'ts AT TIME ZONE ''UTC''', 'overlay(t PLACING ''x'' FROM 2)', 'trim(t)', 'position(''a'' IN t)',
    'd + id', 'id + d', 'd - d', '(d, d) OVERLAPS (d, d)', 'make_interval(days => id)', 'sha256(b)', 'md5(t)', 'hashtext(t)', 'length(t)', 'upper(t)', 'initcap(t)', 'encode(b, ''hex'')', 'format(''%s'', t)', 'regexp_replace(t, ''a'', ''b'')', 'translate(t, ''a'', ''b'')');
-- evaluated beforehand where it is constant; an error then is one of the rule
SELECT * FROM tried('1 / 0', 'id + 1 / 0', 'CASE WHEN id > 0 THEN 1 ELSE 1 / 0 END', '''x''::int', 'repeat(''x'', 10)', 'nosuch(id)', 'id + t', 't::int', 'abs(t)', 'length(id)', 'id > t');
\pset tuples_only off
\pset format aligned
DROP TABLE refused;
SET client_min_messages = warning;
DROP SCHEMA own CASCADE;
DROP CAST (text AS point);
