"""Databases of every kind, as the SQL that makes them, by what is special about each."""

from __future__ import annotations

# What can stand in the catalog as the type of a column; those that are parameters of others among them.
TYPES = (
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE"),
    *("DECIMAL(4,1)", "DECIMAL(18,3)", "DECIMAL(38,10)", "VARCHAR", "BLOB", "BIT", "UUID", "JSON"),
    *("DATE", "TIME", "TIME WITH TIME ZONE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"),
    *("TIMESTAMP WITH TIME ZONE", "INTERVAL"),
    *("INTEGER[]", "VARCHAR[][]", "INTEGER[3]", "DECIMAL(10,2)[]", "MAP(VARCHAR, INTEGER[])"),
    "STRUCT(a INTEGER, b VARCHAR)",
    'STRUCT("odd ""name" INTEGER, "select" STRUCT(x DATE, "Größe" DOUBLE[]))',
    "UNION(num INTEGER, str VARCHAR)",
    "ENUM('a', 'it''s', '', 'null', '${HOME}', 'ä, b')",
    "STRUCT(e ENUM('x', 'y'), m MAP(DATE, ENUM('q')))[]",
)
DEFAULTS = (
    *("0", "-1", "1.5", "true", "'x'", "''", "'it''s: ${x} # no'", "NULL", "current_timestamp", "now()", "random()"),
    *("'t'::BOOLEAN", "1 + 2 * 3", "[1, 2]", "{'a': 1, 'b': 'c'}", "DATE '2020-01-02'", "INTERVAL 3 DAY", "'a' || 'b'"),
    *("gen_random_uuid()", "lower('ABC')", "CASE WHEN true THEN 1 ELSE 2 END", "'line\nbreak'", "'null'", "'010'"),
)
TYPE_OF_DEFAULT = {
    "true": "BOOLEAN", "'t'::BOOLEAN": "BOOLEAN", "1.5": "DOUBLE", "random()": "DOUBLE", "[1, 2]": "INTEGER[]",
    "{'a': 1, 'b': 'c'}": "STRUCT(a INTEGER, b VARCHAR)", "DATE '2020-01-02'": "DATE", "INTERVAL 3 DAY": "INTERVAL",
    "gen_random_uuid()": "UUID", "current_timestamp": "TIMESTAMPTZ", "now()": "TIMESTAMPTZ",
}  # fmt: skip

DATABASES: dict[str, str] = {
    "nothing at all": "",
    "one table": "CREATE TABLE notes (id BIGINT, body VARCHAR)",
    "every type": "CREATE TABLE t (" + ", ".join(f"c{number} {kind}" for number, kind in enumerate(TYPES)) + ")",
    "big numbers and aliases of types": "CREATE TABLE t (a VARINT, b INT8, c TEXT, d NUMERIC, e VARCHAR(20), f LONG)",
    "defaults": "CREATE TABLE t ("
    + ", ".join(f"c{n} {TYPE_OF_DEFAULT.get(text, 'VARCHAR')} DEFAULT ({text})" for n, text in enumerate(DEFAULTS))
    + ")",
    "named types": """CREATE TYPE mood AS ENUM ('sad', 'it''s'); CREATE TYPE money AS DECIMAL(10, 2);
        CREATE TYPE point AS STRUCT(x INTEGER, m mood);
        CREATE TABLE t (m mood, price money, p point, l mood[], d mood DEFAULT 'sad')""",
    "not null": "CREATE TABLE t (a INTEGER NOT NULL, b VARCHAR NOT NULL DEFAULT 'x')",
    "a primary key": "CREATE TABLE t (id BIGINT PRIMARY KEY, body VARCHAR)",
    "a primary key of two columns, not in their order": "CREATE TABLE t (a INTEGER, b INTEGER, PRIMARY KEY (b, a))",
    "unique": "CREATE TABLE t (a INTEGER UNIQUE, b INTEGER, c INTEGER, UNIQUE (c, b), UNIQUE (b))",
    "unique beside a primary key": "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER UNIQUE NOT NULL)",
    "checks": """CREATE TABLE t (a INTEGER CHECK (a > 0), b VARCHAR CHECK (b <> 'it''s, #no: ${x}'),
        CHECK (length(b) < a AND a IN (1, 2, 3)), CHECK (b NOT LIKE '%x%' ESCAPE '$'))""",
    "generated columns": """CREATE TABLE t (a INTEGER, b VARCHAR, c INTEGER AS (a + 1), d VARCHAR GENERATED ALWAYS AS
        (upper(b) || '-' || a) VIRTUAL)""",
    "collations": """CREATE TABLE t (a VARCHAR COLLATE NOCASE, b VARCHAR COLLATE NOCASE.NOACCENT DEFAULT 'x' NOT NULL,
        c VARCHAR COLLATE NOACCENT UNIQUE)""",
    "comments": """CREATE TABLE t (a INTEGER, "b c" VARCHAR NOT NULL); COMMENT ON TABLE t IS 'It''s "ours": # ${HOME}';
        COMMENT ON COLUMN t.a IS 'two
lines'; COMMENT ON COLUMN t."b c" IS '  odd ends, 日本語 😀	'; CREATE VIEW v AS FROM t; COMMENT ON VIEW v IS 'no'""",
    "comments of many lines": """CREATE TABLE t (a INTEGER); COMMENT ON TABLE t IS 'First.

  - indented ${x}
last'; CREATE TABLE u (a INTEGER); COMMENT ON TABLE u IS '
begins and ends with lines
'""",
    "texts that YAML would take for something else": """CREATE TABLE "null" ("no" VARCHAR DEFAULT 'no', "010" INTEGER,
        "12:30" INTEGER, "true" BOOLEAN DEFAULT true, "~" INTEGER, "<<" INTEGER, "=" INTEGER, "- a" INTEGER,
        "a: b" INTEGER, "on" INTEGER, "y" INTEGER, "#x" INTEGER, "*a" INTEGER, "&b" INTEGER,
        "!t" INTEGER, "%d" INTEGER, "@" INTEGER,
        "{a}" INTEGER, "[b]" INTEGER, "?" INTEGER, "1e3" INTEGER, ".inf" INTEGER, "2020-01-01" INTEGER);
        COMMENT ON TABLE "null" IS 'null'; COMMENT ON COLUMN "null"."010" IS '010'""",
    "odd names": """CREATE TABLE "odd ""name" ("a.b" INTEGER, "c""d" INTEGER NOT NULL, "e f" VARCHAR, "" "" INTEGER);
        CREATE TABLE "with.dot" (a INTEGER PRIMARY KEY); CREATE TABLE " lead" ("(a)" INTEGER);
        CREATE INDEX "i.x ""y" ON "odd ""name" ("c""d", "a.b"); CREATE INDEX "(i)" ON " lead" ("(a)")""".replace(
        ', "" "" INTEGER', ', " " INTEGER'
    ),
    "reserved words": """CREATE TABLE "select" ("from" INTEGER PRIMARY KEY, "where" VARCHAR CHECK ("where" <> 'group'),
        "order" INTEGER AS ("from" + 1)); CREATE INDEX "index" ON "select" ("where");
        CREATE TABLE "table" ("column" INTEGER REFERENCES "select" ("from")); CREATE VIEW "view" AS FROM "select" """,
    "names in other alphabets": """CREATE TABLE "Größe" ("naïve" INTEGER, "日本語" VARCHAR NOT NULL, "😀" INTEGER);
        CREATE INDEX "ключ" ON "Größe" ("日本語")""",
    "capital letters": 'CREATE TABLE Orders (Id INT UNIQUE, "Body" VARCHAR); CREATE VIEW V AS SELECT ID FROM ORDERS',
    "schemas": """CREATE SCHEMA raw; CREATE SCHEMA "o.d"; CREATE TABLE raw.t (a INTEGER); CREATE TABLE t (a VARCHAR);
        CREATE TABLE "o.d"."t.u" (a INTEGER PRIMARY KEY, b INTEGER UNIQUE); CREATE INDEX i ON raw.t (a);
        CREATE INDEX i ON t (a); CREATE VIEW raw.v AS SELECT * FROM raw.t; CREATE VIEW "o.d".v AS FROM raw.v""",
    "foreign keys": """CREATE TABLE z (id INTEGER PRIMARY KEY, code TEXT UNIQUE, x INTEGER, y INTEGER, UNIQUE (x, y));
        CREATE TABLE a (z_id INTEGER REFERENCES z (id), code VARCHAR REFERENCES z (code), p INTEGER, q INTEGER,
        FOREIGN KEY (q, p) REFERENCES z (x, y))""",
    "foreign keys in a chain": """CREATE TABLE c (id INTEGER PRIMARY KEY);
        CREATE TABLE b (id INTEGER PRIMARY KEY, c INTEGER REFERENCES c (id));
        CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b (id), c INTEGER REFERENCES c (id))""",
    "a foreign key to itself": "CREATE TABLE t (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES t (id))",
    "foreign keys in a schema": """CREATE SCHEMA s; CREATE TABLE s.p (id INTEGER PRIMARY KEY);
        CREATE TABLE s.c (p INTEGER REFERENCES s.p (id))""",
    "sequences": """CREATE SEQUENCE ids; CREATE SEQUENCE odd START 5 INCREMENT BY 2;
        CREATE SEQUENCE down INCREMENT BY -1; CREATE SEQUENCE zero MINVALUE 0 START 0;
        CREATE SEQUENCE far START 7 INCREMENT BY -2 MAXVALUE 7;
        CREATE SCHEMA s; CREATE SEQUENCE s."q.r"; CREATE TABLE t (id BIGINT PRIMARY KEY DEFAULT nextval('ids'),
        n BIGINT DEFAULT nextval('odd') + 1, m BIGINT DEFAULT nextval('s."q.r"')); INSERT INTO t DEFAULT VALUES""",
    "indexes": """CREATE TABLE t (a INTEGER, b VARCHAR, "c d" INTEGER); CREATE INDEX one ON t (a);
        CREATE INDEX two ON t (b, a); CREATE UNIQUE INDEX three ON t ("c d", a)""",
    "indexes on expressions": """CREATE TABLE t (a INTEGER, b VARCHAR, "c d" INTEGER); CREATE INDEX one ON t (lower(b));
        CREATE INDEX two ON t ((a + "c d"), b); CREATE UNIQUE INDEX three ON t ((coalesce(b, 'it''s ${x}')))""",
    "views over views": """CREATE TABLE t (a INTEGER, b VARCHAR);
        CREATE VIEW z AS SELECT a, count(*) AS n FROM t GROUP BY ALL;
        CREATE VIEW m AS SELECT * FROM z WHERE n > 1; CREATE VIEW a AS SELECT m.a, t.b FROM m JOIN t USING (a)""",
    "views of every kind": """CREATE TABLE t (a INTEGER, b VARCHAR); CREATE VIEW v1 AS FROM t;
        CREATE VIEW v2 AS VALUES (1, 'x'); CREATE VIEW v3 AS WITH r AS (SELECT 1 AS x) SELECT * FROM r;
        CREATE VIEW v4 AS SELECT 'it''s: ${x} # no' AS "o dd";
        CREATE VIEW v5 AS SELECT * EXCLUDE (b) FROM t UNION ALL SELECT 1;
        CREATE VIEW v6 AS SELECT list_transform([a], lambda e: e + 1) AS l FROM t""",
    "views that name their columns": """CREATE TABLE t (a INTEGER); CREATE VIEW v (x, "y z") AS SELECT a, 2 FROM t;
        CREATE VIEW w (q) AS SELECT 1 UNION ALL SELECT 2""",
    "rows": "CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR); INSERT INTO t SELECT i, i FROM range(999) r(i)",
    "many tables": "; ".join(f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, b VARCHAR NOT NULL)" for n in range(42)),
    "a hundred columns": f"CREATE TABLE t ({', '.join(f'c{n} INTEGER' for n in range(100))})",
}
# Of these, those that an apply is tried with too.
ADOPTED = (
    "every type",
    "defaults",
    "checks",
    "schemas",
    "foreign keys in a chain",
    "sequences",
    "views over views",
    "rows",
)
# What cannot be said: the database, what of it is told, and what is imported nevertheless.
LEFT_OUT: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "macros": (
        "CREATE TABLE t (a INTEGER); CREATE MACRO f(x) AS x + 1; CREATE MACRO g() AS TABLE SELECT 1",
        ("macro f", "macro g"),
        ("t",),
    ),
    "comments of the columns of a view": (
        "CREATE TABLE t (a INTEGER); CREATE VIEW v AS FROM t; COMMENT ON COLUMN v.a IS 'x'",
        ("comments of the columns of view v",),
        ("t", "v"),
    ),
    "tables that need a macro": (
        "CREATE MACRO f(x) AS x + 1; CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER DEFAULT f(1));"
        "CREATE TABLE b (a INTEGER CHECK (f(a) > 1)); CREATE TABLE c (a INTEGER, b INTEGER AS (f(a)));"
        "CREATE TABLE d (a INTEGER); CREATE INDEX i ON d ((f(a))); CREATE TABLE e (a INTEGER REFERENCES a (id));"
        "CREATE TABLE t (a INTEGER); CREATE VIEW v AS SELECT f(1) AS one",
        (
            "macro f",
            *(f"table {name}: Catalog Error: Scalar Function with name f" for name in "abcd"),
            "table e: it refers to a",
        ),
        ("t", "v"),
    ),
    "a sequence that begins too late": (
        "CREATE SEQUENCE s START 9223372036854775806; CREATE TABLE t (a INT DEFAULT nextval('s'));"
        "CREATE TABLE u (a INTEGER)",
        ("sequence s: its name or numbers", "table t: Catalog Error: Sequence with name s"),
        ("u",),
    ),
    "what a dead run of dbt left": (
        "CREATE TABLE t (a INTEGER); CREATE TABLE t__dbt_tmp (a INTEGER); CREATE TABLE t__dbt_backup (a INTEGER)",
        ("table t__dbt_backup: a run of dbt that died", "table t__dbt_tmp: a run of dbt that died"),
        ("t",),
    ),
    "types": ("CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (a mood)", ("type mood: the columns",), ("t",)),
    "control characters in names, and what refers to them": (
        'CREATE TABLE "a\nb" (id INTEGER PRIMARY KEY); CREATE TABLE c (a INTEGER REFERENCES "a\nb" (id));'
        "CREATE TABLE t (a INTEGER)",
        (
            "table a\\u000ab: a name in it holds control characters",
            "table c: it refers to a\\u000ab, which is left out",
        ),
        ("t",),
    ),
    "names that nobody sees the whole of": (
        'CREATE TABLE "a\u202eb" (id INTEGER PRIMARY KEY); CREATE TABLE c (a INTEGER REFERENCES "a\u202eb" (id));'
        'CREATE TABLE d ("x\u200b" INTEGER); CREATE SEQUENCE "s\ufeff";'
        'CREATE TABLE t (a INTEGER, "\u0915\u094d\u200d" INTEGER)',
        (
            "sequence s\\ufeff: its name or numbers",
            "table a\\u202eb: a name in it holds characters that nobody sees",
            "table c: it refers to a\\u202eb, which is left out",
            "table d: a name in it holds characters that nobody sees",
        ),
        ("t",),
    ),
    "names and texts of more characters than a manifest's": (
        f"CREATE TABLE {'a' * 1_025} (a INTEGER); CREATE TABLE b (a INTEGER DEFAULT length('{'b' * 200_000}'));"
        f"CREATE TABLE t (a INTEGER, {'c' * 1_024} INTEGER)",
        (
            f"table {'a' * 1_025}: a name in it has more than 1,024 characters",
            "table b: a text in it has more than 200,000 characters",
        ),
        ("t",),
    ),
    "limits and comments of sequences": (
        "CREATE SEQUENCE s MAXVALUE 9 CYCLE; COMMENT ON SEQUENCE s IS 'x'; CREATE TABLE t (a INT DEFAULT nextval('s'))",
        ("limits of sequence s:", "comment of sequence s"),
        ("t",),
    ),
    "comments of indexes": (
        "CREATE TABLE t (a INTEGER); CREATE INDEX i ON t (a); COMMENT ON INDEX i IS 'x'",
        ("comment of index i",),
        ("t",),
    ),
    "an index on the same column twice": (
        "CREATE TABLE t (a INTEGER); CREATE INDEX i ON t (a, a); CREATE TABLE u (a INTEGER)",
        ("table t: index i names something twice",),
        ("u",),
    ),
}
