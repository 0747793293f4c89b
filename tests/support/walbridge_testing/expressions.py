"""Random SQL expressions over a table with a column of every type that the server brings along.

Functions, operators and casts are read from the catalogs of the server under test, arguments are made by type: columns,
literals, nulls and, in later rounds, expressions that were found to work."""
import random

TABLE = "public.every_type"

# Values by type, as literals that mean the same under all settings.
VALUES = {
    "bool": ["t", "f"],
    "bytea": ["\\x00ff10", "\\x", "\\x616263", "\\x0123456789abcdef"],
    "char": ["a", "", "z"],
    "name": ["name", "Übung", "a_b"],
    "int8": ["1", "0", "-5", "9223372036854775807", "4294967296", "42"],
    "int2": ["1", "0", "-5", "32767", "7"],
    "int4": ["1", "2", "0", "-5", "2147483647", "3", "100"],
    "text": ["abc", "", "Ä ß €", "12", "a,b;c", "{\"a\": [1, 2]}", "a%b_c", "(x|y)+", "utf8", "hex", "day", "UTC", "2020-01-02"],
    "oid": ["1", "0", "16385", "4294967295"],
    "tid": ["(0,1)", "(4294967295,65535)"],
    "xid": ["3", "4294967295"],
    "cid": ["0", "1"],
    "oidvector": ["1 2 3", ""],
    "int2vector": ["1 2 3", "-1"],
    "json": ["{\"a\": {\"b\": [1, null, \"x\"]}}", "[1, 2]", "null", "\"s\""],
    "jsonb": ["{\"a\": {\"b\": [1, null, \"x\"]}, \"n\": 1.50}", "[1, 2, {\"a\": 3}]", "null", "\"s\"", "[\"a\", \"b\"]"],
    "xml": ["<a b=\"c\">d</a>"],
    "pg_lsn": ["0/0", "16/B374D848"],
    "point": ["(1,2)", "(-0.5,1e10)", "(0,0)"],
    "lseg": ["[(0,0),(1,1)]", "[(1,1),(1,1)]"],
    "path": ["((0,0),(1,1),(2,0))", "[(0,0),(1,1)]"],
    "box": ["(2,2),(0,0)", "(1,1),(1,1)"],
    "polygon": ["((0,0),(1,1),(2,0))", "((0,0),(0,1),(1,1),(1,0))"],
    "line": ["{1,2,3}", "{0,1,0}"],
    "circle": ["<(0,0),1>", "<(1,2),3.5>"],
    "float4": ["1.5", "0", "-3.25e10", "NaN", "Infinity"],
    "float8": ["1.5", "0", "-3.25e100", "NaN", "-Infinity", "0.1", "0.5"],
    "numeric": ["1.50", "0", "-123456789012345678901234567890.5", "NaN", "0.0001", "3"],
    "cidr": ["10.0.0.0/8", "::1/128"],
    "inet": ["10.1.2.3/24", "fe80::1", "127.0.0.1"],
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "money": ["12.34", "-1000000"],
    "bpchar": ["abc  ", "", "Ü"],
    "varchar": ["abc", "", "Ä ß €", "long enough"],
    "date": ["2026-12-31", "0001-01-01 BC", "infinity", "2000-02-29"],
    "time": ["12:34:56.789", "00:00", "24:00"],
    "timestamp": ["2026-12-31 12:34:56.789", "0001-01-01 00:00 BC", "-infinity", "2000-02-29 00:00"],
    "timestamptz": ["2026-12-31 12:34:56.789+00", "infinity", "2000-02-29 00:00+02"],
    "interval": ["1 year 2 mons 3 days 04:05:06.7", "00:00", "10 days", "36 hours"],
    "timetz": ["12:34:56.789+02", "00:00+00"],
    "bit": ["1", "0"],
    "varbit": ["10110", "", "1"],
    "refcursor": ["c"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "tsvector": ["a:1 b:2,3A cat:4B", ""],
    "tsquery": ["a & b | !c", "cat <-> dog", "a:*"],
    "jsonpath": ["$.a.b[*]", "lax $[*] ? (@ > 1)", "$"],
    "txid_snapshot": ["10:20:10,14,15"],
    "pg_snapshot": ["10:20:10,14,15"],
    "xid8": ["3", "18446744073709551615"],
    "int4range": ["[1,10)", "empty", "(,5)", "[3,)"],
    "int8range": ["[1,10)", "empty", "[-5,100000000000)"],
    "numrange": ["[1.5,10)", "empty", "(,0]"],
    "tsrange": ["[2026-01-01 00:00,2026-02-01 00:00)", "empty"],
    "tstzrange": ["[2026-01-01 00:00+00,2026-02-01 00:00+00)", "empty"],
    "daterange": ["[2026-01-01,2026-02-01)", "empty", "[2026-01-15,)"],
    "int4multirange": ["{[1,3),[5,9)}", "{}"],
    "int8multirange": ["{[1,3),[5,9)}", "{}"],
    "nummultirange": ["{[1.5,3)}", "{}"],
    "tsmultirange": ["{[2026-01-01 00:00,2026-02-01 00:00)}", "{}"],
    "tstzmultirange": ["{[2026-01-01 00:00+00,2026-02-01 00:00+00)}", "{}"],
    "datemultirange": ["{[2026-01-01,2026-02-01)}", "{}"],
    "regproc": ["pg_catalog.now"], "regprocedure": ["pg_catalog.abs(integer)"], "regoper": ["pg_catalog.||/"],
    "regoperator": ["+(integer,integer)"], "regclass": ["pg_class"], "regtype": ["integer"], "regconfig": ["simple"],
    "regdictionary": ["simple"], "regrole": ["postgres"], "regnamespace": ["pg_catalog"], "regcollation": ["\"C\""],
    "aclitem": ["postgres=r/postgres"],
}
ARRAYS = {
    "int4": ["{1,2,3}", "{}", "{NULL,5}", "{{1,2},{3,4}}", "[0:1]={7,8}"], "text": ["{a,b,NULL}", "{}", "{abc,\"x y\"}", "{a}"],
    "int2": ["{1,2}"], "int8": ["{1,2}", "{}"], "numeric": ["{1.5,2}", "{NaN}"], "float8": ["{1.5,0.1}", "{}", "{0.5}"], "float4": ["{1.5}"],
    "bool": ["{t,f}"], "date": ["{2026-12-31,2000-01-01}"], "timestamp": ["{2026-12-31 12:00}"], "timestamptz": ["{2026-12-31 12:00+00}"],
    "uuid": ["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"], "json": ["{\"1\"}"], "jsonb": ["{\"1\",null}"], "point": ["{\"(1,2)\"}"],
    "bytea": ["{\"\\\\x00\"}"], "varchar": ["{a,b}"], "bpchar": ["{a,b}"], "oid": ["{1,2}"], "inet": ["{10.0.0.1}"], "interval": ["{1 day}"],
    "char": ["{a,b,c}"], "name": ["{a}"], "int4range": ["{\"[1,2)\"}"], "bit": ["{1}"], "varbit": ["{101}"], "money": ["{1.5}"], "time": ["{10:00}"],
    "timetz": ["{10:00+00}"], "pg_lsn": ["{0/1}"], "xid": ["{3}"], "box": ["{(1,1),(0,0)}"], "tsvector": ["{a}"], "cidr": ["{10.0.0.0/8}"],
    "tid": ["{\"(0,1)\"}"], "aclitem": ["{postgres=r/postgres}"], "int8range": ["{\"[1,2)\"}"], "numrange": ["{\"[1.5,2)\"}", "{}"],
    "daterange": ["{\"[2026-01-01,2026-02-01)\"}"], "tsrange": ["{\"[2026-01-01 00:00,2026-02-01 00:00)\"}"],
    "tstzrange": ["{\"[2026-01-01 00:00+00,2026-02-01 00:00+00)\"}"],
}
ROWS = 8

# What a polymorphic argument becomes, consistently within a call.
POLYMORPHIC = [
    {"anyelement": "int4", "anyarray": "_int4", "anynonarray": "int4", "anyrange": "int4range", "anymultirange": "int4multirange",
     "anycompatible": "int4", "anycompatiblearray": "_int4", "anycompatiblenonarray": "int4", "anycompatiblerange": "int4range",
     "anycompatiblemultirange": "int4multirange", "anyenum": "mood", "any": "int4"},
    {"anyelement": "text", "anyarray": "_text", "anynonarray": "text", "anyrange": "numrange", "anymultirange": "nummultirange",
     "anycompatible": "text", "anycompatiblearray": "_text", "anycompatiblenonarray": "text", "anycompatiblerange": "numrange",
     "anycompatiblemultirange": "nummultirange", "anyenum": "mood", "any": "text"},
    {"anyelement": "numeric", "anyarray": "_numeric", "anynonarray": "numeric", "anyrange": "numrange", "anymultirange": "nummultirange",
     "anycompatible": "numeric", "anycompatiblearray": "_numeric", "anycompatiblenonarray": "numeric", "anycompatiblerange": "numrange",
     "anycompatiblemultirange": "nummultirange", "anyenum": "mood", "any": "jsonb"},
    {"anyelement": "mood", "anyarray": "_mood", "anynonarray": "mood", "anyrange": "tstzrange", "anymultirange": "tstzmultirange",
     "anycompatible": "float8", "anycompatiblearray": "_float8", "anycompatiblenonarray": "float8", "anycompatiblerange": "daterange",
     "anycompatiblemultirange": "datemultirange", "anyenum": "mood", "any": "date"},
]
# Not for rules: nothing of these types can be written, or it depends on catalogs and settings.
OUTSIDE = {"internal", "cstring", "record", "void", "trigger", "event_trigger", "language_handler", "fdw_handler", "index_am_handler",
           "table_am_handler", "tsm_handler", "unknown", "xml", "pg_ddl_command", "regproc", "regprocedure", "regoper", "regoperator",
           "regclass", "regtype", "regconfig", "regdictionary", "regrole", "regnamespace", "regcollation", "_record", "_cstring",
           "_regtype", "_xml", "_regclass"}
# Of these nothing can be written but null.
NULLS_ONLY = {"pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary",
              "gtsvector"}

ELIGIBLE = """
    SELECT oid::int, proname, array(SELECT typname::text FROM unnest(proargtypes) WITH ORDINALITY a (o, n) JOIN pg_type t ON t.oid = o ORDER BY n),
           (SELECT typname::text FROM pg_type t WHERE t.oid = prorettype), provariadic <> 0
    FROM pg_proc p WHERE prokind = 'f' AND NOT proretset AND provolatile = 'i' AND oid < 16384 AND prolang = 12 AND NOT prosecdef
    ORDER BY oid"""
OPERATORS = """
    SELECT o.oprname, oprcode::oid::int, l.typname::text, r.typname::text FROM pg_operator o JOIN pg_proc p ON p.oid = oprcode
        LEFT JOIN pg_type l ON l.oid = oprleft JOIN pg_type r ON r.oid = oprright
    WHERE o.oid < 16384 AND provolatile = 'i' ORDER BY o.oid"""
CASTS = """
    SELECT s.typname::text, t.typname::text, castfunc::int FROM pg_cast JOIN pg_type s ON s.oid = castsource JOIN pg_type t ON t.oid = casttarget
    WHERE pg_cast.oid < 16384 ORDER BY pg_cast.oid"""


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def sql_type(name):
    if name.startswith("_"):
        return sql_type(name[1:]) + "[]"
    if name == "mood":
        return "public.mood"
    return 'pg_catalog."char"' if name == "char" else f"pg_catalog.{name}"


class Expression:
    def __init__(self, text, functions=(), type_name=None):
        self.text = text
        self.functions = frozenset(functions)
        self.type = type_name           # as examine_rules names it
        self.fails = None               # what SELECT says, if it fails for some row


class Generator:
    def __init__(self, database, seed):
        self.random = random.Random(seed)
        self.functions = database.sql(ELIGIBLE)
        self.operators = database.sql(OPERATORS)
        self.casts = database.sql(CASTS)
        existing = {name for (name,) in database.sql("SELECT typname::text FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace")}
        base = {name for (name,) in database.sql("SELECT typname::text FROM pg_type WHERE oid < 16384 AND typtype IN ('b', 'r', 'm') AND "
                                                 "typnamespace = 'pg_catalog'::regnamespace AND (typelem = 0 OR typsubscript::text <> "
                                                 "'array_subscript_handler')" if database.cluster.version() >= 14 else
                                                 "SELECT typname::text FROM pg_type WHERE oid < 16384 AND typtype IN ('b', 'r') AND "
                                                 "typnamespace = 'pg_catalog'::regnamespace AND (typelem = 0 OR typlen > 0)")}
        self.types = {name: VALUES[name] for name in VALUES if name in existing}
        self.unknown_types = base - set(VALUES) - NULLS_ONLY - OUTSIDE
        self.nulls_only = [name for name in sorted(NULLS_ONLY) if name in existing]
        self.types["mood"] = ["sad", "ok", "happy"]
        for name, values in ARRAYS.items():
            self.types["_" + name] = values
        self.types["_mood"] = ["{sad,ok}", "{}"]
        self.columns = {name: f"c{number}" for number, name in enumerate(self.types)}
        self.known = {}                 # type -> expressions that work

    def setup(self):
        """The script of the table and its rows; the rows are one transaction of their own."""
        definition = ", ".join(f"{column} {sql_type(name)}" for name, column in self.columns.items())
        more = "".join(f", n{number} {sql_type(name)}" for number, name in enumerate(self.nulls_only))
        return (f"CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'happy'); CREATE TABLE {TABLE} (id int PRIMARY KEY, {definition}{more});")

    def rows(self):
        lines = []
        for number in range(ROWS):
            values = [f"{quoted(values[number % len(values)])}::{sql_type(name)}" if number < ROWS - 1 else "NULL"
                      for name, values in self.types.items()]
            lines.append(f"({number}, {', '.join(values)})")
        return f"INSERT INTO {TABLE} (id, {', '.join(self.columns.values())}) VALUES {', '.join(lines)};"

    # -- arguments ----------------------------------------------------------------------------------------------
    def argument(self, name, depth):
        """(text, functions) of the type, or None."""
        choice = self.random.random()
        known = self.known.get(name)
        if depth > 0 and known and choice < 0.6:
            found = self.random.choice(known)
            if len(found.text) < 1500:
                return f"({found.text})", found.functions
        if name not in self.columns:
            return (f"NULL::{sql_type(name)}", ()) if name in self.nulls_only else None
        if choice < 0.75:
            return self.columns[name], ()
        if choice < 0.95:
            return f"{quoted(self.random.choice(self.types[name]))}::{sql_type(name)}", ()
        return f"NULL::{sql_type(name)}", ()

    def arguments(self, names, depth):
        meaning = self.random.choice(POLYMORPHIC)
        found = [self.argument(meaning.get(name, name), depth) for name in names]
        return None if None in found else found

    @staticmethod
    def _functions(arguments, *own):
        return {function for _, functions in arguments for function in functions} | set(own)

    # -- expressions --------------------------------------------------------------------------------------------
    def call(self, function, depth=0):
        oid, name, types, result, variadic = function
        arguments = self.arguments(types, depth)
        if arguments is None:
            return None
        texts = [text for text, _ in arguments]
        if variadic:
            if types[-1] == "any":
                texts[-1:] = [texts[-1]] * self.random.choice([1, 2, 3])
            else:
                texts[-1] = "VARIADIC " + texts[-1]
        text = f'pg_catalog."{name}"({", ".join(texts)})'
        if result == "int4" and name.endswith("cmp"):   # how far two byte strings differ is up to where they lie in memory
            text = f"pg_catalog.sign({text}::float8)::int4"
        return Expression(text, self._functions(arguments, oid))

    def operate(self, operator, depth=0):
        name, code, left, right = operator
        arguments = self.arguments([t for t in (left, right) if t], depth)
        if arguments is None:
            return None
        texts = [text for text, _ in arguments]
        return Expression(f"{texts[0] if left else ''} OPERATOR(pg_catalog.{name}) {texts[-1]}", self._functions(arguments, code))

    def cast(self, cast, depth=0):
        source, target, function = cast
        arguments = self.arguments([source], depth)
        if arguments is None or target in OUTSIDE:
            return None
        return Expression(f"({arguments[0][0]})::{sql_type(target)}", self._functions(arguments, *([function] if function else [])))

    def construct(self, depth):
        """What is neither function nor operator."""
        kind = self.random.choice(["case", "case of", "coalesce", "nullif", "greatest", "array", "in", "any", "distinct", "null test",
                                   "truth test", "row", "between", "subscript", "io cast", "collate", "boolean", "array cast"])
        name = self.random.choice([t for t in self.types if t not in OUTSIDE])

        def take(*names):
            found = self.arguments(names, depth)
            if found is None:
                return None, ()
            return [text for text, _ in found], self._functions(found)

        forms = {
            "case": (("bool", name, name), "CASE WHEN {0} THEN {1} ELSE {2} END"),
            "case of": ((name, name, "text", "text"), "CASE {0} WHEN {1} THEN {2} ELSE {3} END"),
            "coalesce": ((name, name, name), "COALESCE({0}, {1}, {2})"), "nullif": ((name, name), "NULLIF({0}, {1})"),
            "greatest": ((name, name), self.random.choice(["GREATEST", "LEAST"]) + "({0}, {1})"),
            "in": ((name, name, name), "{0} IN ({1}, {2})"), "distinct": ((name, name), "{0} IS DISTINCT FROM {1}"),
            "null test": ((name,), "{0} IS NOT NULL"), "truth test": (("bool",), "{0} IS " + self.random.choice(["NOT TRUE", "UNKNOWN", "FALSE"])),
            "row": ((name, "int4", name, "int4"), "ROW({0}, {1}) " + self.random.choice("=<>") + " ROW({2}, {3})"),
            "between": ((name, name, name), "{0} BETWEEN {1} AND {2}"), "array": ((name, name), "ARRAY[{0}, {1}]"),
            "collate": (("text", "text"), "({0} COLLATE \"C\") || {1}"), "boolean": (("bool", "bool", "bool"), "NOT {0} AND ({1} OR {2})"),
            "io cast": ((self.random.choice(["int4", "float8", "numeric", "uuid", "bytea", "jsonb", "inet", "bool", "point"]),), "({0})::text"),
        }
        if kind == "any":
            element = self.random.choice(list(ARRAYS))
            forms[kind] = ((element, "_" + element), "{0} = " + self.random.choice(["ANY", "ALL"]) + " ({1})")
        elif kind == "subscript":
            forms[kind] = (("_" + self.random.choice(list(ARRAYS)), "int4"), self.random.choice(["({0})[{1}]", "({0})[{1}:2]", "({0})[:{1}]"]))
        elif kind == "array cast":
            forms[kind] = (("_" + self.random.choice(["int4", "int8", "numeric", "text", "float8", "varchar"]),),
                           "({0})::" + self.random.choice(["int8[]", "numeric[]", "float8[]", "text[]", "varchar(2)[]", "int2[]"]))
        types, form = forms[kind]
        texts, functions = take(*types)
        return Expression(form.format(*texts), functions) if texts else None

    def any_of_all(self, depth):
        choice = self.random.random()
        if choice < 0.35:
            return self.call(self.random.choice(self.functions), depth)
        if choice < 0.65:
            return self.operate(self.random.choice(self.operators), depth)
        if choice < 0.75:
            return self.cast(self.random.choice(self.casts), depth)
        return self.construct(depth)

    def learn(self, expressions, names):
        """Those that work become arguments of the next round. names: type as examine_rules shows it -> name here."""
        for expression in expressions:
            name = names.get(expression.type)
            if name is not None:
                self.known.setdefault(name, []).append(expression)

    def out_of_reach(self):
        """Functions that no rule can call, whatever it says: there is no value for an argument, or the result is none."""
        possible = set(self.types) | set(self.nulls_only) | set(POLYMORPHIC[0])
        return {oid for oid, _, types, result, _ in self.functions
                if result in OUTSIDE or any(t in OUTSIDE or t not in possible for t in types)}
