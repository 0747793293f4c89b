-- types.sql: values of built-in types at their extremes, as text in JSON and as binary in the wire protocol.
SET timezone = 'UTC';
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy "quoted"');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN very_positive AS positive CHECK (value > 1);
CREATE DOMAIN moods AS mood[];
CREATE TYPE floats AS RANGE (subtype = float8);
CREATE COLLATION plain FROM "C";
CREATE TABLE types (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    b bool, i2 int2, i4 int4, i8 int8, o oid, f4 float4, f8 float8, n numeric, n2 numeric(6, 2), m money,
    t text, vc varchar(10), c char(5), ch "char", na name, by bytea,
    d date, ti time, tz timetz, ts timestamp, tstz timestamptz(3), iv interval,
    u uuid, ip inet, net cidr, mac macaddr, bi bit(3), vb bit varying(10),
    js json, jb jsonb, x xml, po point, bx box, ln pg_lsn, tv tsvector, tq tsquery,
    rc regclass, rt regtype, rp regprocedure,
    ia int[], ta text[], ma mood[], mo mood, ms moods, pa pair, pas pair[], dp positive, dv very_positive,
    ir int4range, fr floats, dr daterange, tm txid_snapshot,
    col text COLLATE plain, gen int GENERATED ALWAYS AS (i2::int + 1) STORED);
SELECT new_slot('types');
INSERT INTO types (b) VALUES (NULL);
INSERT INTO types (b, i2, i4, i8, o, f4, f8, n, n2, m, t, vc, c, ch, na, by, d, ti, tz, ts, tstz, iv, u, ip, net, mac, bi, vb, js, jb, x, po, bx,
    ln, tv, tq, rc, rt, rp, ia, ta, ma, mo, ms, pa, pas, dp, dv, ir, fr, dr, tm, col)
VALUES
    (true, -32768, -2147483648, -9223372036854775808, 4294967295, '3.4028235e38', '1.7976931348623157e308', 'NaN', -1234.56,
     '-92233720368547758.08', '', '', 'ab', 'x', 'name', '\x00ff5c27',
     '-infinity', '24:00:00', '00:00:00-15:59', '-infinity', 'infinity', '-178000000 years -10 mons -3 days -04:05:06.789',
     '00000000-0000-0000-0000-000000000000', '::ffff:1.2.3.4/96', '10.0.0.0/8', '08:00:2b:01:02:03', B'101', B'',
     '{"a":  [1, null]}', '{"a": [1, null], "b": "é"}', '<a>é</a>', '(1.5,-2)', '((0,0),(1,1))',
     'FFFFFFFF/FFFFFFFF', 'a:1 b', 'a & b', 'types', 'mood', 'pg_catalog.int4pl(int, int)',
     '{{1,2},{3,NULL}}', '{"a,b",NULL,"\"q\""}', '{sad,"happy \"quoted\""}', 'happy "quoted"', '{ok}', ROW(1, 'x,y'), ARRAY[ROW(NULL, '')::pair], 1, 2,
     '[1,10)', '(1.1,)', '[2024-01-01,)', '10:20:10,14,15', 'col'),
    (false, 32767, 2147483647, 9223372036854775807, 0, '-1.1754944e-38', '-0', '12345678901234567890.1234567890123456789', 0.01,
     '92233720368547758.07', E'tab\tnewline\n', 'é', '', '', '', '',
     '4714-11-24 BC', '00:00:00', '12:00:00.000001+15:59', '4714-11-24 00:00:00 BC', '294276-12-31 23:59:59.999+00', '1 day',
     'ffffffff-ffff-ffff-ffff-ffffffffffff', '1.2.3.4', '::/0', 'ff:ff:ff:ff:ff:ff', B'000', B'1111111111',
     'null', 'null', 'text', '(NaN,Infinity)', '((-1e300,0),(1e-300,1))', '0/0', '', '', 'pg_class', 'int4', 'lower(text)',
     '{}', '[0:1]={a,b}', '{}', 'sad', '{}', ROW(NULL, NULL), '{}', 5, 5,
     'empty', 'empty', 'empty', '10:10:', '');
INSERT INTO types (f4, f8, d, ts, tstz, iv, n) VALUES ('NaN', '-Infinity', 'infinity', '2024-02-29 12:00:00.5', '2024-02-29 12:00:00.5+02', '0', 1e-20),
    ('Infinity', 0.1::float8 + 0.2, '2024-12-31', 'infinity', '0001-01-01 BC', '1 year 2 mons -3 days 04:05:06', -0.0);
-- the session's settings are not the stream's
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
SET extra_float_digits = 0;
SET bytea_output = 'escape';
SET search_path = public;
SET timezone = 'Asia/Tokyo';
CREATE TABLE types_lines AS SELECT * FROM rows_of('types') WITH ORDINALITY rows (line, n);
CREATE FUNCTION row_number(wanted int) RETURNS TABLE (col text, val text) LANGUAGE sql
    AS $$ SELECT key, value::text FROM types_lines, json_each(line::json -> 'new') WHERE n = wanted $$;
SELECT count(*) AS nulls FROM row_number(1) WHERE val = 'null';
SELECT * FROM row_number(2);
SELECT * FROM row_number(3);
SELECT * FROM row_number(4) WHERE val <> 'null';
SELECT * FROM row_number(5) WHERE val <> 'null';

-- what the stream says about the columns
INSERT INTO types (b) VALUES (true);
SELECT c ->> 'name' AS name, c - 'name' AS says
FROM changes('types') line, jsonb_array_elements(line::jsonb -> 'columns') c WHERE line::json ->> 'kind' = 'relation';

-- binary stands for the send function's result, text is the output function's. Integers, dates and times are signed varints, numerics a
-- scale and one; values of fixed size stand as they are, all others behind their length
CREATE FUNCTION varint(n numeric) RETURNS bytea LANGUAGE sql IMMUTABLE
    AS $$ WITH RECURSIVE groups(n, rest) AS (
            SELECT 0, n UNION ALL SELECT g.n + 1, div(rest, 128) FROM groups g WHERE rest >= 128)
          SELECT string_agg(set_byte('\x00', 0, (rest % 128)::int + CASE WHEN rest >= 128 THEN 128 ELSE 0 END), ''::bytea ORDER BY groups.n)
          FROM groups $$;
CREATE FUNCTION signed(n int8) RETURNS bytea LANGUAGE sql IMMUTABLE
    AS $$ SELECT varint(CASE WHEN n < 0 THEN -2 * n::numeric - 1 ELSE 2 * n::numeric END) $$;
CREATE FUNCTION sized(value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT varint(length(value)) || value $$;
CREATE FUNCTION micros(e numeric) RETURNS int8 LANGUAGE sql IMMUTABLE AS $$ SELECT (e * 1000000)::int8 $$;
CREATE TABLE sent (b bool, i2 int2, i4 int4, i8 int8, o oid, f4 float4, f8 float8, n numeric, by bytea, d date, ti time, tz timetz, ts timestamp,
    tstz timestamptz, iv interval, u uuid, ip inet, net cidr, bi bit(3), vb varbit, ch "char", jb jsonb, dv very_positive, t text, na name);
INSERT INTO sent VALUES (true, -2, 3, -4, 5, 1.5, -2.5, 123.456, '\x0001', '2024-01-02', '01:02:03', '01:02:03+04', '2024-01-02 03:04:05',
    '2024-01-02 03:04:05+00', '1 mon 2 days 3 sec', '12345678-1234-1234-1234-123456789abc', '1.2.3.4/24', '10.0.0.0/8', B'101', B'1', 'x',
    '{"a":1}', 77, 'text', 'name'),
    (false, -32768, 2147483647, -9223372036854775808, 4294967295, 'NaN', '-Infinity', -0.05, '', 'infinity', '24:00:00', '00:00:00-15', '-infinity',
    'infinity', '-1 day', '00000000-0000-0000-0000-000000000000', '::1', '::/0', B'000', B'', '', 'null', 2147483647, '', '');
CREATE TABLE frames AS SELECT string_agg(data, ''::bytea) AS data
    FROM pg_logical_slot_peek_binary_changes('types', NULL, NULL, 'proto_version', '1', 'include', 'public.sent');
CREATE FUNCTION holds(value bytea) RETURNS bool LANGUAGE sql
    AS $$ SELECT position(value IN data) > 0 FROM frames $$;
SELECT holds(boolsend(b) || signed(i2) || signed(i4) || signed(i8) || signed(o::int8 - CASE WHEN o::int8 > 2147483647 THEN 4294967296 ELSE 0 END)
        || float4send(f4) || float8send(f8)) AS numbers,
    holds(signed(CASE WHEN isfinite(d) THEN d - date '2000-01-01' ELSE 2147483647 END) || signed(micros(extract(epoch FROM ti)::numeric)) || timetz_send(tz)
        || signed(CASE WHEN isfinite(ts) THEN micros(extract(epoch FROM ts - timestamp '2000-01-01')::numeric) ELSE -9223372036854775808 END)
        || signed(CASE WHEN isfinite(tstz) THEN micros(extract(epoch FROM tstz - timestamptz '2000-01-01 00:00+00')::numeric) ELSE 9223372036854775807 END)
        || interval_send(iv) || uuid_send(u)) AS times,
    holds(sized(inet_send(ip)) || sized(cidr_send(net)) || sized(bit_send(bi)) || sized(varbit_send(vb)) || charsend(ch) || sized(jsonb_send(jb))
        || signed(dv) || sized(textsend(t)) || sized(namesend(na))) AS others,
    holds(CASE n WHEN 123.456 THEN '\x04' || signed(123456) ELSE '\x03' || signed(-5) END || sized(byteasend("by"))) AS numerics
FROM sent;
-- numerics without a short form: those that are no number, long ones, and more places than a number shows
CREATE TABLE long_numerics (n numeric);
INSERT INTO long_numerics VALUES ('NaN'), (1e18), (-1e18 + 1), (1e-17), (1e-16), (123456789012345678901234567890.5), (0), (0.000), (10000), (-0.0001);
UPDATE frames SET data = (SELECT string_agg(f.data, ''::bytea)
    FROM pg_logical_slot_peek_binary_changes('types', NULL, NULL, 'proto_version', '1', 'include', 'public.long_numerics') f);
SELECT n, holds('\x490103' || CASE WHEN n = 'NaN' OR abs(n) >= 1e18 OR scale(n) > 16 THEN '\x00' || sized(numeric_send(n))
    ELSE set_byte('\x00', 0, scale(n) + 1) || signed((n * 10::numeric ^ scale(n))::int8) END) AS sent FROM long_numerics;
-- with binary=off the same values are text
UPDATE frames SET data = (SELECT string_agg(f.data, ''::bytea)
    FROM pg_logical_slot_peek_binary_changes('types', NULL, NULL, 'proto_version', '1', 'binary', 'off', 'include', 'public.sent') f);
SELECT holds(sized('t')) b, holds(sized('-2')) i2, holds(sized('123.456')) n, holds(sized('\x5c7830303031')) "by", holds(sized('2024-01-02')) d,
    holds(sized('{"a": 1}')) jb;
SELECT pg_drop_replication_slot('types');
RESET ALL;
