# ruff: noqa: E501  (tables: one spelling a line)
"""Every way of writing types, defaults, checks and the rest that we could list, each to be a table of its own.

What one version of DuckDB does not take stands under `NEW` and is left out there.
"""

from __future__ import annotations

import duckdb

TWO = int(duckdb.__version__.split(".")[0]) >= 2

# What 1.5 does not take, or does not keep.
NEW = (
    ("check", "b.upper() = 'X'"),
    ("check", "b.lower().length() > 1"),
)
# What a file in DuckDB's storage format of before 1.5 cannot hold; of GEOMETRY('…') it silently forgets what is in brackets.
OLD_FILES_LACK = (
    ("type", "variant"), ("type", "vArIaNt"), ("type", "VARIANT"), ("type", "VARIANT[]"), ("type", "GEOMETRY('OGC:CRS84')"),
    ("default", "VARIANT: 1::VARIANT"), ("default", "VARIANT: NULL"), ("default", "VARIANT: 42"),
)  # fmt: skip

# What 2.0 understands in another way than 1.5: there the check matched all of the text, x'41' was a text, 5. an INTEGER
# and a number of many digits a DOUBLE.
OTHER_IN_2 = (
    ("check", "b ~ 'x'"), ("check", "b !~ 'x'"), ("check", "c > 5."),
    ("default", "BLOB: x'AB'"), ("default", "BLOB: X'abcd'"), ("default", "VARCHAR: x'41'::BLOB::VARCHAR"),
    ("default", "VARINT: 123456789012345678901234567890123456789012345678901234567890"),
)  # fmt: skip

# All names and aliases that duckdb_types() tells of stand alone, but these, which need something with them.
NEED_MORE = ("array", "enum", "list", "map", "null", "row", "struct", "tuple", "type", "union")

TYPES = (
    *("DECIMAL(10)", "DECIMAL(10, 0)", "decimal( 38 ,38 )", "NUMERIC(4,2)", "Dec(3)", "DEC", "NUMERIC(18, 3)"),
    *("VARCHAR(10)", "CHAR(3)", "bpchar(2)", "TEXT(20)", "STRING(1)", "CHARACTER VARYING", "character varying(7)", "CHARACTER"),
    *("nVarChar(9)", "BIT(8)", "BITSTRING(4)", "BLOB", "DOUBLE PRECISION", "double  precision", "FLOAT(24)", "FLOAT(53)"),
    *("TIMESTAMP WITH TIME ZONE", "timestamp  without time zone", "TIME WITHOUT TIME ZONE", "TIME WITH TIME ZONE"),
    *("TIMESTAMP(0)", "TIMESTAMP(3)", "TIMESTAMP(6)", "TIMESTAMP(9)", "  integer ", '"INTEGER"', '"varchar"', "InTeGeR", "int4"),
    *("INT[]", "INT [ ]", "INT[][]", "INT[3]", "int[ 3 ]", "INT[3][]", "INT[][2]", "VARCHAR(5)[]", "NUMERIC(5,1)[]", "INTEGER ARRAY"),
    *("INTEGER ARRAY[4]", "TIMESTAMPTZ[]", "text[][][]", "DECIMAL(9,3)[2][]"),
    *("STRUCT(a INT)", "struct(a INT, b TEXT)", "ROW(a INT, b DECIMAL(4,1))", 'STRUCT("A b" INT, "c""d" TEXT)', 'STRUCT("select" INT, "From" DATE)'),
    *("STRUCT(a STRUCT(b STRUCT(c INT[])))", "STRUCT(a INT, B INT)", "STRUCT(ä INT)", 'STRUCT("日本" INT)', "STRUCT(a INT)[]", "STRUCT(a INT[3])[2]"),
    *("STRUCT(\"a\" INT)", "STRUCT(int INT)", "STRUCT(date DATE, time TIME)", 'STRUCT("a,b" INT, "c)" INT)', 'STRUCT(" " INT)'),
    *("MAP(TEXT, INT)", "map(varchar,map(int,int))", "MAP(ENUM('a'), STRUCT(x INT))", "MAP(INT[], TEXT)[]"),
    *("UNION(n INT, s TEXT)", 'union("A" INT, "b c" STRUCT(x INT))', "UNION(a INT)[]"),
    *("ENUM('a')", "enum('b', 'a')", "ENUM('it''s', ' ', 'A', 'a')", "ENUM('a,b', ')', '\"q\"')", "ENUM('ä', '日本', '😀')", "ENUM('a', 'b')[]"),
    *("STRUCT(e ENUM('a', 'B'), d DECIMAL(4))", "MAP(VARCHAR(3), NUMERIC)", "STRUCT(j JSON, u UUID)", "JSON[]", "STRUCT(x BIT(3))"),
    *("STRUCT(t TIMESTAMP WITH TIME ZONE)", "UNION(t TIMESTAMPTZ, d TIME WITH TIME ZONE)", "MAP(TIMESTAMP_NS, HUGEINT)", "STRUCT(v VARINT)"),
    *("GEOMETRY", "VARIANT", "VARIANT[]", "GEOMETRY[]", "STRUCT(g GEOMETRY)", "GEOMETRY('OGC:CRS84')"),
)  # fmt: skip

# type: defaults of a column of it
DEFAULTS: dict[str, tuple[str, ...]] = {
    "INT": (
        *("0", "1", "-1", "- 1", "+1", "(1)", "((1))", "1::INT", "CAST(1 AS INT)", "cast('1' as int4)", "'1'", "1.0", "1e3", "1E3", "1_000"),
        *("TRY_CAST('x' AS INT)", "NULL", "null", "NULL::INT", "(NULL)", "1 + 2 * 3", "(1 + 2) * 3", "2 ** 3", "2^3", "7 // 2", "7 % 2", "-(-1)", "- - 1"),
        *("abs(-1)", "ABS( -1 )", "greatest(1,2)", "coalesce(NULL, 1)", "CASE WHEN true THEN 1 ELSE 2 END", "case 1 when 1 then 2 end", "if(true, 1, 2)"),
        *("length('abc')", "1 -- one", "1 /* one */", "/* a */ 1", "2147483647", "-2147483648", "1 << 3", "5 & 3", "~5", "[1,2,3][1]", "{'a': 1}.a", "len([1])"),
        *("nextval('ids')", "NEXTVAL('ids')", "nextval('main.ids')", "nextval('\"Odd\"')", "nextval('other.far')", "nextval('other.\"Far x\"')", "nextval('ids') + 1", "currval('ids')", "1 + nextval('ids')::INT"),
        *("date_part('year', DATE '2020-01-01')", "extract(year FROM DATE '2020-01-01')", "datepart('YEAR', current_date)", "year(today())", "epoch(now())::INT",),
    ),
    "BIGINT": ("9223372036854775807", "-9223372036854775808", "nextval('ids')", "1::BIGINT", "1::HUGEINT", "hash('x') % 2", "epoch_ms(now())"),
    "HUGEINT": ("170141183460469231731687303715884105727", "-1", "1::HUGEINT", "1e20"),
    "UHUGEINT": ("340282366920938463463374607431768211455", "0"),
    "VARINT": ("123456789012345678901234567890123456789012345678901234567890", "'1'", "-5::VARINT"),
    "UTINYINT": ("255", "0::UINT8"),
    "BOOLEAN": ("true", "TRUE", "'t'", "'true'", "1", "0", "false", "NOT true", "1 = 1", "'f'::BOOL", "CAST('t' AS BOOLEAN)", "'yes'::BOOLEAN", "NULL IS NULL", "true AND false", "1 IN (1, 2)", "1 BETWEEN 0 AND 2", "'a' LIKE 'a%'", "1 <> 2", "1 != 2"),
    "DECIMAL(10, 2)": ("0", "1.5", "1.50", "-1.5", "'1.5'", "1.5::DECIMAL(3,1)", "1.005", "1e2", ".5", "5.", "1/3", "0.1 + 0.2", "CAST(1 AS NUMERIC(4,1))"),
    "DOUBLE": ("0", "1.5", "-0.0", "1e10", "1e-7", "1E+300", "1.7976931348623157e308", "'nan'", "'inf'", "'-Infinity'::DOUBLE", "pi()", "random()", "1/3", "sqrt(2)", "0.1", "0.1::FLOAT", "3e0", "1e400"),
    "FLOAT": ("0.1", "1e10", "3.4028235e38", "'nan'::REAL", "1.5::FLOAT4"),
    "VARCHAR": (
        *("''", "'x'", "'it''s'", "'a\"b'", "'ä日本😀'", "'line\nbreak'", "'tab\there'", "'back\\slash'", "E'a\\nb'", "e'\\'q\\''", "$$dollar$$", "$t$a'b$t$", "'--no comment'", "'/*no*/'", "'%_'", "'NULL'", "'null'", "'t'", "'1'", "1", "1.50", "true"),
        *("'a' || 'b'", "concat('a', 'b')", "'a'::VARCHAR", "'a'::VARCHAR(10)", "CAST('a' AS TEXT)", "'a'::CHAR(1)", "lower('ABC')", "UPPER('abc')", "Upper(\"left\"('abc', 1))", "substring('abc', 1, 2)", "substr('abc', 1)", "trim('  a ')", "trim(both ' ' from ' a ')", "replace('a', 'b', 'c')"),
        *("current_user", "CURRENT_USER", "user", "session_user", "current_schema()", "current_database()", "version()", "uuid()", "gen_random_uuid()::VARCHAR", "uuid()::text", "md5('x')", "strftime(now(), '%Y')", "strftime(DATE '2020-01-01', '%Y-%m')", "format('{}', 1)", "printf('%d', 1)", "chr(10)", "'a' COLLATE NOCASE", "repeat('x', 3)", "position('a' IN 'ba')::TEXT", "'a'[1]", "('abc')[1:2]", "nullif('', '')", "coalesce(NULL, 'x')", "CASE WHEN random() < 0.5 THEN 'a' ELSE 'b' END", "list_aggregate(['a', 'b'], 'string_agg', ',')", "array_to_string(['a'], ',')", "'a, b'", "' '", "'$${x}'", "'{}'", "'[]'", "x'41'::BLOB::VARCHAR"),
    ),
    "VARCHAR(10)": ("'x'", "'x'::CHAR(10)"),
    "DATE": ("'2020-01-02'", "DATE '2020-01-02'", "date'2020-01-02'", "'2020-01-02'::DATE", "CAST('2020-01-02' AS DATE)", "CURRENT_DATE", "current_date", "current_date()", "today()", "TODAY( )", "now()::DATE", "CAST(now() AS DATE)", "DATE '2020-01-02' + 1", "DATE '2020-01-02' + INTERVAL 1 DAY", "current_date - 1", "'infinity'", "'-infinity'::DATE", "'epoch'", "make_date(2020, 1, 2)", "date_trunc('month', current_date)", "DATE_TRUNC('MONTH', CURRENT_DATE)", "'0044-03-15 (BC)'", "last_day(today())", "TIMESTAMP '2020-01-02 03:04:05'"),
    "TIMESTAMP": ("'2020-01-02 03:04:05'", "TIMESTAMP '2020-01-02 03:04:05.123456'", "'2020-01-02'::TIMESTAMP", "current_timestamp", "CURRENT_TIMESTAMP", "now()", "NOW()", "get_current_timestamp()", "transaction_timestamp()", "localtimestamp", "LOCALTIMESTAMP", "current_localtimestamp()", "now() + INTERVAL '1 day'", "now() - INTERVAL 1 HOUR", "now()::TIMESTAMP", "now() AT TIME ZONE 'UTC'", "timezone('UTC', now())", "to_timestamp(0)", "'epoch'", "'infinity'", "DATE '2020-01-02'", "make_timestamp(2020, 1, 2, 3, 4, 5)", "strptime('2020', '%Y')", "date_trunc('day', now())", "TIMESTAMP '2020-01-02 03:04:05+02'", "'2020-01-02T03:04:05Z'"),
    "TIMESTAMPTZ": ("now()", "current_timestamp", "'2020-01-02 03:04:05+00'", "TIMESTAMPTZ '2020-01-02 03:04:05+00'", "TIMESTAMP WITH TIME ZONE '2020-01-02'", "'2020-01-02'::TIMESTAMPTZ", "CAST('2020-01-02 00:00:00' AS TIMESTAMP WITH TIME ZONE)", "'epoch'::timestamptz"),
    "TIMESTAMP_S": ("'2020-01-02 03:04:05'", "'2020-01-02'::TIMESTAMP_S", "now()"),
    "TIMESTAMP_MS": ("'2020-01-02 03:04:05.123'", "TIMESTAMP_MS '2020-01-02'"),
    "TIMESTAMP_NS": ("'2020-01-02 03:04:05.123456789'", "'2020-01-02'::TIMESTAMP_NS"),
    "TIME": ("'01:02:03'", "TIME '01:02:03.5'", "current_time", "CURRENT_TIME", "localtime", "get_current_time()", "make_time(1, 2, 3)", "now()::TIME", "'24:00:00'"),
    "TIMETZ": ("'01:02:03+01'", "TIMETZ '01:02:03'", "'01:02:03'::TIME WITH TIME ZONE"),
    "INTERVAL": ("INTERVAL 1 DAY", "INTERVAL '1 day'", "INTERVAL '1' DAY", "interval (1) day", "'1 day'", "'1 day'::INTERVAL", "INTERVAL 1 MONTH + INTERVAL 2 DAY", "INTERVAL '1 year 2 months 3 days 04:05:06'", "to_days(1)", "-INTERVAL 1 HOUR", "INTERVAL 3 WEEKS", "INTERVAL 1 QUARTER", "3 * INTERVAL 1 DAY", "INTERVAL '-1' MINUTE", "DATE '2020-01-02' - TIMESTAMP '2020-01-01'", "INTERVAL 1 MILLISECOND"),
    "BLOB": ("''", "'x'", "'\\x78'", "'\\xAB\\xCD'::BLOB", "x'AB'", "X'abcd'", "encode('x')", "'\\x00\\xFF'::BYTEA", "unhex('AB')", "BLOB '\\x01'"),
    "BIT": ("'101'", "'101'::BIT", "BIT '0'", "bitstring('1', 8)", "'1'::BITSTRING | '0'::BIT"),
    "UUID": ("uuid()", "UUID()", "gen_random_uuid()", "uuidv4()", "uuidv7()", "'00000000-0000-0000-0000-000000000000'", "'00000000-0000-0000-0000-00000000000A'::UUID", "UUID '00000000000000000000000000000001'", "'{00000000-0000-0000-0000-000000000001}'::GUID"),
    "JSON": ("'{}'", "'[1, 2]'::JSON", "JSON '{\"a\": 1}'", "json_object('a', 1)", "to_json(1)", "'null'", "json('{ }')", "json_array(1, 2)"),
    "INT[]": ("[]", "[1, 2]", "list_value(1, 2)", "LIST_VALUE(1,2)", "ARRAY[1, 2]", "[1, NULL]", "'[1, 2]'", "[1, 2]::INT[]", "CAST([] AS INT[])", "range(3)", "generate_series(1, 3)", "[1] || [2]", "list_sort([2, 1])", "[-1, 1 + 1]"),
    "INT[2]": ("[1, 2]", "array_value(1, 2)", "[1, 2]::INT[2]", "'[1, 2]'"),
    "VARCHAR[]": ("['a', 'it''s']", "['a']::TEXT[]", "string_split('a,b', ',')", "[]::VARCHAR[]", "['NULL', NULL, '']"),
    "STRUCT(a INT, b VARCHAR)": ("{'a': 1, 'b': 'x'}", "{a: 1, b: 'x'}", "struct_pack(a := 1, b := 'x')", "row(1, 'x')", "ROW(1, 'x')", "(1, 'x')", "{'a': NULL, 'b': ''}", "{'b': 'x', 'a': 1}", "'{\"a\": 1, \"b\": \"x\"}'", "{'a': 1, 'b': 'x'}::STRUCT(a INT, b TEXT)", "{\"a\": 1, 'b': 'it''s'}"),
    'STRUCT("A b" INT, "c""d" VARCHAR)': ("{'A b': 1, 'c\"d': 'x'}", "struct_pack(\"A b\" := 1, \"c\"\"d\" := 'y')", "{'A b': 1, 'c\"d': 'x'}::STRUCT(\"A b\" INT, \"c\"\"d\" VARCHAR)"),
    "STRUCT(s STRUCT(l INT[]))": ("{'s': {'l': [1]}}", "{s: {l: []}}"),
    "MAP(VARCHAR, INT)": ("MAP {'a': 1}", "map {}", "MAP(['a'], [1])", "map_from_entries([('a', 1)])", "MAP {'it''s': 1, '': 2}", "map()", "'{a=1}'"),
    "UNION(n INT, s VARCHAR)": ("union_value(n := 1)", "1", "'x'", "union_value(s := 'y')::UNION(n INT, s VARCHAR)"),
    "ENUM('a', 'b c', 'it''s')": ("'a'", "'b c'", "'it''s'", "'a'::ENUM('a', 'b c', 'it''s')", "CAST('a' AS enum('a', 'b c', 'it''s'))", "'a'::VARCHAR", "NULL"),
    "ENUM('a', 'b')[]": ("['a']", "[]", "['a', 'b']::ENUM('a', 'b')[]"),
    "GEOMETRY": ("NULL",),
    "VARIANT": ("1::VARIANT", "NULL", "42"),
}  # fmt: skip

CHECKED = 'a INT, b VARCHAR, c DOUBLE, d DATE, e TIMESTAMP, f BOOLEAN, "G h" INT, "select" VARCHAR, l INT[], m MAP(VARCHAR, INT), s STRUCT(x INT, "Y z" VARCHAR), n DECIMAL(10,2), k ENUM(\'p\', \'q\'), j JSON'
CHECKS = (
    *("a > 0", "a>0", "( a > 0 )", "((a) > (0))", "A > 0", '"a" > 0', '"A" > 0', "0 < a", "a >= 0 AND a < 10", "a >= 0 and a < 10 AND a<>5", "a > 0 OR a < -10", "NOT a > 0", "NOT (a > 0)", "not(a = 1 or a = 2)", "a != 1", "a <> 1", "a = 1", "a == 1"),
    *("a IN (1, 2, 3)", "a in (1)", "a NOT IN (1,2)", "NOT a IN (1, 2)", "b IN ('x', 'it''s', '')", "(a) IN ((1), (2))", "a BETWEEN 1 AND 10", "a NOT BETWEEN 1 AND 10", "NOT a BETWEEN 1 AND 2", "a between 1 and 2"),
    *("b LIKE 'x%'", "b NOT LIKE '%y'", "b ILIKE 'X_'", "b NOT ILIKE 'x'", "b LIKE '10$%' ESCAPE '$'", "b SIMILAR TO '[a-z]+'", "b NOT SIMILAR TO 'x.*'", "b ~ 'x'", "b !~ 'x'", "b ~~ 'x%'", "b !~~ 'x%'", "b ~~* 'X'", "b GLOB 'x*'", "regexp_matches(b, '^[a-z]+$')", "regexp_full_match(b, '\\d+')", "starts_with(b, 'x')", "b ^@ 'x'", "prefix(b, 'x')", "contains(b, 'x')"),
    *("a IS NULL", "a IS NOT NULL", "a ISNULL", "a NOTNULL", "a NOT NULL", "a IS DISTINCT FROM 1", "a IS NOT DISTINCT FROM 1", "f IS TRUE", "f IS NOT TRUE", "f IS FALSE", "f", "NOT f", "f = true", "f = 't'", "f = 't'::BOOLEAN", "f IS NULL"),
    *("CASE WHEN a > 0 THEN b IS NOT NULL ELSE true END", "CASE a WHEN 1 THEN true WHEN 2 THEN false END", "case when a is null then 't'::bool else false end", "coalesce(a, 0) > 0", "COALESCE(b,'') <> ''", "nullif(a, 0) IS NOT NULL", "ifnull(a, 0) > 0", "if(a > 0, true, false)", "greatest(a, 1) > 0"),
    *("len(l) > 0", "l[1] > 0", "l[1:2] = [1, 2]", "l[-1] = 3", "l[:2] = [1]", "l = [1, 2]", "[a] = l", "list_contains(l, a)", "1 IN l", "a IN [1, 2]", "l IS NOT NULL", "array_length(l) = 1"),
    *("m['a'] = 1", "map_contains(m, 'a')", "cardinality(m) > 0", "element_at(m, 'a') = 1", "struct_extract(s, 'x') = 1", "s['x'] = 1", "s['Y z'] = 'a'", "(s).x = 1", "s = {'x': 1, 'Y z': 'a'}", "s IS NOT NULL", "j->>'a' = 'x'", "(j->>'a') = 'x'", "(j->'$.a') IS NOT NULL", "json_extract_string(j, '$.a') = 'x'", "json_valid(j)"),
    *("a + c > 1", "a - 1 > 0", "a * 2 >= 4 / 2", "a // 2 = 1", "a % 2 = 0", "a / 2 > 1", "-a < 0", "- a < - 1", "+a > 0", "a ** 2 > 1", "a ^ 2 > 1", "a & 1 = 1", "a | 1 = 1", "a << 1 > 0", "~a < 0", "@(a) > 0", "factorial(a) > 0", "xor(a, 1) > 0", "a + (1 + 2) = 3", "(a + 1) * 2 = 4", "a + 1 * 2 = 4"),
    *("c > 0.1", "c > 1e3", "c > 1E-3", "c < 1e300", "c <> 'nan'", "c = 'inf'::DOUBLE", "isnan(c)", "c BETWEEN -1.5 AND 1.5", "c > .5", "c > 5.", "n > 0", "n > 0.00", "n >= 1.50", "n = 1.5::DECIMAL(10,2)", "n::INT = 1", "CAST(n AS INTEGER) = 1", "TRY_CAST(b AS INT) IS NOT NULL", "try_cast(b as integer) > 0", "a::TEXT = '1'", "a::VARCHAR(3) = '1'", "a::int8 > 1", "b::DATE > '2020-01-01'", "a = '1'", "b = 1", "a::NUMERIC(10, 2) > 1", "a::DEC > 1", "b::CHAR(3) = 'x'", "b::ENUM('x', 'Y') = 'x'", "b::INT[] = [1]", "b::STRUCT(\"A\" INT) IS NULL", "b::UUID IS NULL", "b::BLOB = 'x'", "b::BYTEA = '\\x00'", "b::TIMESTAMP WITH TIME ZONE IS NULL", "b::TIMETZ IS NULL", "b::TIMESTAMP_S IS NULL", "b::VARINT > 1", "b::HUGEINT > 1", "b::BIT = '1'", "b::double precision > 1", "b::REAL > 1", "b::DATETIME > '2020-01-01'", "b::JSON IS NULL"),
    *("d > '2020-01-01'", "d > DATE '2020-01-01'", "d > '2020-01-01'::DATE", "d >= CAST('2020-01-01' AS DATE)", "e > '2020-01-01 00:00:00'", "e > TIMESTAMP '2020-01-01'", "e < d + INTERVAL 1 DAY", "e < d + INTERVAL '1 day'", "e - d < INTERVAL 3 HOURS", "d - DATE '2020-01-01' > 3", "year(d) = 2020", "extract(year FROM d) = 2020", "EXTRACT(YEAR FROM d) = 2020", "extract('dow' from d) < 6", "date_part('Year', d) = 2020", "date_trunc('month', d) = d", "date_trunc('MONTH', d) = d", "datediff('day', d, e) > 0", "strftime(d, '%Y') = '2020'", "d = make_date(2020, 1, 1)", "dayofweek(d) < 6", "d < e::DATE", "(d, e) IS NOT NULL"),
    *("length(b) > 0", "LENGTH(b)>0", "Length( b ) > 0", "lower(b) = b", "b = lower(b) AND length(b) < 10", "b || 'x' = 'yx'", "concat(b, 'x') = 'x'", "substring(b, 1, 1) = 'x'", "substring(b FROM 1 FOR 1) = 'x'", "b[1] = 'x'", "b[1:2] = 'xy'", "trim(b) = b", "trim(leading 'x' from b) = b", "position('x' IN b) > 0", "b COLLATE NOCASE = 'x'", "left(b, 1) = 'x'", "\"left\"(b, 1) = 'x'", "right(b, 1) = 'x'", "replace(b, 'a', 'b') = b", "b = 'ä日本😀'", "b <> 'line\nbreak'", "b <> 'it''s \"q\"'", "b <> '--'", "b <> '/* */'", "b = $$x$$", "b = E'\\t'", "b <> ''", "b > 'a'", "main.lower(b) = b", "b = chr(65)", "b.upper() = 'X'", "b.lower().length() > 1"),
    *('"G h" > 0', '"g H" > 0', "\"select\" <> ''", "\"SELECT\" <> ''", 'a > "G h"', "a > 0 -- positive", "a > 0 /* positive */", "/* first */ a > 0", "a\n  >\n  0", "a\t>\t0", "k = 'p'", "k IN ('p', 'q')", "k <> 'p'::ENUM('p', 'q')", "k::VARCHAR = 'p'", "(a, b) = (1, 'x')", "(a, b) IN ((1, 'x'), (2, 'y'))", "row(a, b) = row(1, 'x')", "(a > 0) = (c > 0)", "a > 0 AND (b IS NULL OR c > 0)", "(a > 0 AND b IS NULL) OR c > 0", "a > 0 AND b IS NULL OR c > 0", "a > 0 AND (c > 0 AND f)", "(a > 0 AND c > 0) AND f", "true", "1 = 1", "a = a", "hash(a) > 0", "md5(b) = 'x'", "bit_count(a) = 1", "typeof(a) = 'INTEGER'", "a IS NOT NULL AND b IS NOT NULL AND c IS NOT NULL", "a < 100000000000", "a < 1_000"),
)  # fmt: skip

GENERATED = (
    *("a + 1", "A+1", '"a" * 2', "(a + 1)", "a::VARCHAR", "CAST(a AS VARCHAR)", "a::BIGINT", "upper(b)", "b || '-' || a", "concat(b, a)", "coalesce(b, '')", "CASE WHEN a > 0 THEN 'x' ELSE b END", "a > 0", "a IN (1, 2)", "[a, a + 1]", "{'x': a, 'y': b}", "{x: a}", "l[1]",  "s['x']", "struct_extract(s, 'x')", "m['a']", "date_trunc('month', d)", "year(d)", "extract(year from d)", "d + INTERVAL 1 DAY", "d + 1", "a / 2", "a // 2", "round(c, 2)", "c::DECIMAL(10, 2)", "n * a", "len(l)", "j->>'a'", "json_extract(j, '$.a')", '"G h" + 1', '"g H"', "\"select\" || 'x'", "a -- why", "a /* why */ + 1", "1", "'x'", "NULL::INT", "a IS NULL", "NOT f", "-a", "b COLLATE NOCASE", "b LIKE 'x%'", "k::VARCHAR", "k = 'p'", "(a + 1) * 2", "if(a > 0, 1, 2)", "strftime(d, '%Y')", "md5(b)", "b[1]", "b[1:2]", "a BETWEEN 1 AND 2", "TRY_CAST(b AS INT)", "hash(b)", "map(['a'], [a])", "MAP {'a': a}", "e::DATE", "epoch(e)"),
)  # fmt: skip

# Without a declared type's cast that the expression has by itself.
COLLATIONS = (
    "NOCASE",
    "nocase",
    "NoCase",
    "NOACCENT",
    "NFC",
    "NOCASE.NOACCENT",
    "noaccent.nocase",
    "C",
    "POSIX",
)

COMMENTS = (
    "",
    " ",
    "x",
    "it's",
    '"q"',
    "two\nlines",
    "\n",
    "tab\t",
    "  ends  ",
    "ä日本😀",
    "$${x}",
    "# no",
    "NULL",
    "null",
    "0",
    "--",
    "/* */",
    "back\\slash",
    "%s {} {0}",
    "$$",
    "'",
    "''",
    "x" * 5000,
)

INDEXES: dict[str, list[str]] = {
    "a column": ["a"], "in capitals": ["A"], "two": ["a", "b"], "the other way round": ["b", "a"], "quoted": ["G h"], "quoted, other case": ["g H"],
    "reserved": ["select"], "a function": ["(lower(b))"], "a function in odd case": ["( LOWER( B ) )"], "arithmetic": ["(a + 1)"],
    "in more brackets": ["((a + 1))"], "and a column": ["(lower(b))", "a"], "a column in brackets": ["(a)"], "a cast": ["(a::TEXT)"],
    "a coalesce": ["(coalesce(b, 'it''s'))"], "a case": ["(CASE WHEN a > 0 THEN 1 END)"], "a date": ["(d)"], "a part": ["(date_trunc('MONTH', e))"],
    "concatenated": ["(b || '-' || a)"], "two of functions": ["(a + 1)", "(lower(b))"], "not equal": ["(a != 1)"], "a substring": ["(substring(b, 1, 2))"],
    "a comment": ["(a /* why */ + 1)"], "an in": ["(a IN (1, 2))"], "a between": ["(a BETWEEN 1 AND 2)"], "a like": ["(b LIKE 'x%')"], "extract": ["(extract(year from d))"],
}  # fmt: skip

VIEWS = (
    *("SELECT 1 AS one", "select 1 one", "SELECT 1", "VALUES (1, 'x')", "FROM t", "FROM t SELECT a", "SELECT * FROM t", "select a, b from t;", "SELECT t.a FROM t AS t", "SELECT x.a FROM t x", "SELECT \"a\" FROM \"t\"", "SELECT A FROM T", "SELECT a FROM main.t", "TABLE t"),
    *("SELECT a -- why\nFROM t", "SELECT /* why */ a FROM t", "SELECT a FROM t WHERE a > 0 AND b <> 'x' OR c != 1", "SELECT a FROM t WHERE (a > 0)", "SELECT a FROM t WHERE a IN (SELECT a FROM t)", "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM t u WHERE u.a = t.a)", "SELECT a FROM t WHERE a NOT IN (1, 2)", "SELECT a FROM t WHERE b ILIKE 'x%'"),
    *("SELECT a, count(*) FROM t GROUP BY a", "SELECT a, count(*) AS n FROM t GROUP BY ALL HAVING n > 1 ORDER BY ALL", "SELECT a, sum(c) FILTER (WHERE f) FROM t GROUP BY 1", "SELECT DISTINCT a FROM t", "SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, b DESC NULLS LAST", "SELECT a FROM t ORDER BY a LIMIT 10 OFFSET 5", "SELECT a FROM t LIMIT 10%", "SELECT a, row_number() OVER (PARTITION BY b ORDER BY c) FROM t", "SELECT a, sum(c) OVER w FROM t WINDOW w AS (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)", "SELECT a FROM t QUALIFY row_number() OVER (ORDER BY a) = 1", "SELECT a FROM t USING SAMPLE 10%", "SELECT a FROM t GROUP BY GROUPING SETS ((a), ())", "SELECT a, b FROM t GROUP BY CUBE (a, b)", "SELECT a, b FROM t GROUP BY ROLLUP (a, b)"),
    *("SELECT * FROM t JOIN t u ON t.a = u.a", "SELECT * FROM t JOIN t u USING (a)", "SELECT t.a FROM t LEFT JOIN t u ON t.a = u.a", "SELECT t.a FROM t NATURAL JOIN t u", "SELECT t.a FROM t, t u WHERE t.a = u.a", "SELECT t.a FROM t CROSS JOIN t u", "SELECT t.a FROM t SEMI JOIN t u ON t.a = u.a", "SELECT t.a FROM t ANTI JOIN t u USING (a)", "SELECT t.a FROM t ASOF JOIN t u ON t.a = u.a AND t.e >= u.e", "SELECT t.a FROM t POSITIONAL JOIN t u", "SELECT t.a, x FROM t, LATERAL (SELECT t.a + 1 AS x)", "SELECT t.a FROM t FULL OUTER JOIN t u ON (t.a = u.a)"),
    *("WITH x AS (SELECT a FROM t) SELECT * FROM x", "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r", "WITH x AS MATERIALIZED (SELECT 1 AS y) FROM x", "WITH x(y) AS (SELECT 1) FROM x", "SELECT a FROM t UNION SELECT 1", "SELECT a FROM t UNION ALL BY NAME SELECT b FROM t", "SELECT a FROM t EXCEPT SELECT 1", "SELECT a FROM t INTERSECT ALL SELECT 1", "(SELECT a FROM t)", "(SELECT a FROM t) UNION ALL (SELECT 2)", "SELECT * FROM (SELECT a FROM t) AS x", "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v(n, s)", "SELECT (SELECT max(a) FROM t)"),
    *("SELECT * EXCLUDE (b) FROM t", "SELECT * REPLACE (a + 1 AS a) FROM t", "SELECT * RENAME (a AS z) FROM t", "SELECT COLUMNS('a|b') FROM t", "SELECT t.* FROM t", "SELECT COLUMNS(lambda c: c IN ('a', 'b')) FROM t", "SELECT #1 FROM t", "SELECT a::VARCHAR, CAST(a AS TEXT), TRY_CAST(b AS INT) FROM t", "SELECT a::NUMERIC(10, 2), b::CHAR(3) FROM t", "SELECT 't'::BOOLEAN, true, 1e3, -1, .5, 'it''s', DATE '2020-01-01', INTERVAL 1 DAY, x'AB', NULL", "SELECT [1, 2], {'a': 1}, MAP {'a': 1}, l[1], s.x, s['x'], l[1:2] FROM t", "SELECT list_transform(l, lambda x: x + 1) FROM t", "SELECT [x FOR x IN l] FROM t", "SELECT CASE WHEN a > 0 THEN 1 ELSE 2 END, CASE a WHEN 1 THEN 2 END FROM t", "SELECT current_date, now(), current_timestamp, today(), CURRENT_USER", "SELECT extract(YEAR FROM d), date_part('year', d), date_trunc('month', d) FROM t", "SELECT a IS NOT NULL, b NOT LIKE 'x', a BETWEEN 1 AND 2, a IS DISTINCT FROM 1 FROM t", "SELECT unnest(l) FROM t", "SELECT * FROM range(3)", "SELECT * FROM generate_series(1, 3) g(i)", "FROM t PIVOT (sum(c) FOR b IN ('x', 'y') GROUP BY a)", "UNPIVOT (SELECT a, c FROM t) ON a, c INTO NAME n VALUE v", "FROM t UNPIVOT (v FOR n IN (a, \"G h\"))", "SELECT b COLLATE NOCASE FROM t", "SELECT string_agg(b, ',' ORDER BY a DESC) FROM t", "SELECT count(DISTINCT a) FROM t", "SELECT a AS \"Odd \"\"name\" FROM t", "SELECT a AS ä FROM t", "SELECT j->>'a', j->'$.b' FROM t", "SELECT b.upper() FROM t", "SELECT a AS x, x + 1 AS y FROM t", "SELECT quantile_cont(c, 0.5) FROM t", "SELECT max(a, 2) FROM t", "SELECT arg_max(a, c) FROM t", "SELECT 'line\nbreak'", "SELECT 'ä日本😀'", "SELECT $$x$$"),
)  # fmt: skip
