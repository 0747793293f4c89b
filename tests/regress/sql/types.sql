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

-- binary is the send function's result, text is the output function's: each value stands in the frame behind its length
CREATE TABLE sent (b bool, i2 int2, i4 int4, i8 int8, o oid, f4 float4, f8 float8, n numeric, by bytea, d date, ti time, tz timetz, ts timestamp,
    tstz timestamptz, iv interval, u uuid, ip inet, net cidr, bi bit(3), vb varbit, ch "char", jb jsonb, dv very_positive, t text, na name);
INSERT INTO sent VALUES (true, -2, 3, -4, 5, 1.5, -2.5, 123.456, '\x0001', '2024-01-02', '01:02:03', '01:02:03+04', '2024-01-02 03:04:05',
    '2024-01-02 03:04:05+00', '1 mon 2 days 3 sec', '12345678-1234-1234-1234-123456789abc', '1.2.3.4/24', '10.0.0.0/8', B'101', B'1', 'x',
    '{"a":1}', 77, 'text', 'name');
CREATE TABLE frames AS SELECT string_agg(data, ''::bytea) AS data
    FROM pg_logical_slot_peek_binary_changes('types', NULL, NULL, 'proto_version', '1', 'include', 'public.sent');
CREATE FUNCTION holds(value bytea) RETURNS bool LANGUAGE sql
    AS $$ SELECT position(decode(lpad(to_hex(length(value)), 2, '0'), 'hex') || value IN data) > 0 FROM frames $$;
SELECT holds(boolsend(b)) b, holds(int2send(i2)) i2, holds(int4send(i4)) i4, holds(int8send(i8)) i8, holds(oidsend(o)) o, holds(float4send(f4)) f4,
    holds(float8send(f8)) f8, holds(numeric_send(n)) n, holds(byteasend(by)) "by", holds(date_send(d)) d, holds(time_send(ti)) ti,
    holds(timetz_send(tz)) tz, holds(timestamp_send(ts)) ts, holds(timestamptz_send(tstz)) tstz, holds(interval_send(iv)) iv,
    holds(uuid_send(u)) u, holds(inet_send(ip)) ip, holds(cidr_send(net)) net, holds(bit_send(bi)) bi, holds(varbit_send(vb)) vb,
    holds(charsend(ch)) ch, holds(jsonb_send(jb)) jb, holds(int4send(dv)) dv, holds(textsend(t)) t, holds(namesend(na)) na
FROM sent;
-- with binary=off the same values are text
UPDATE frames SET data = (SELECT string_agg(f.data, ''::bytea)
    FROM pg_logical_slot_peek_binary_changes('types', NULL, NULL, 'proto_version', '1', 'binary', 'off', 'include', 'public.sent') f);
SELECT holds('t') b, holds('-2') i2, holds('123.456') n, holds('\x5c7830303031') "by", holds('2024-01-02') d, holds('{"a": 1}') jb FROM sent;
SELECT pg_drop_replication_slot('types');
RESET ALL;
