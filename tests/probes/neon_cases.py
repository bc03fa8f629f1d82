"""The queries for the driver's tests, as data: the driver runs each case, and libpq runs it on a twin database."""

from dataclasses import dataclass, field
from typing import Any

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'so so', 'happy');
CREATE TYPE pair AS (n int, label text);
CREATE DOMAIN positive AS int CONSTRAINT positive_check CHECK (VALUE > 0);
CREATE TABLE team (id int PRIMARY KEY, name text);
INSERT INTO team VALUES (1, 'red'), (2, 'blue');
CREATE TABLE person (
  id serial PRIMARY KEY, name varchar(12) NOT NULL, email text UNIQUE, age int CONSTRAINT grown CHECK (age >= 0),
  team int REFERENCES team, mood mood DEFAULT 'so so', seen tstzrange, EXCLUDE USING gist (seen WITH &&)
);
CREATE TABLE owner (id int PRIMARY KEY);
CREATE TABLE owned (owner int CONSTRAINT owned_by REFERENCES owner);
INSERT INTO owner VALUES (1);
INSERT INTO owned VALUES (1);
CREATE TABLE later (n int CONSTRAINT later_n UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE VIEW people AS SELECT id, name FROM person;
CREATE FUNCTION fail(what text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'it failed: %', what USING ERRCODE = 'P0042', DETAIL = 'a detail', HINT = 'a hint',
    TABLE = 'a_table', COLUMN = 'a_column', CONSTRAINT = 'a_constraint', DATATYPE = 'a_type', SCHEMA = 'a_schema';
END $$;
CREATE FUNCTION inner_mistake() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT nothing FROM team'; END $$;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One query. `state` is the SQLSTATE that it must fail with; empty: it must succeed."""

    query: str
    params: tuple[str | None, ...] = ()
    state: str = ""


def ok(query: str, *params: str | None) -> Case:
    return Case(query=query, params=params)


def bad(state: str, query: str, *params: str | None) -> Case:
    return Case(query=query, params=params, state=state)


VALUES = (
    ok("SELECT $1::int2, '-32768'::int2, 32767::int2", "7"),
    ok("SELECT $1::int4, -2147483648, 2147483647", "7"),
    ok("SELECT $1::int8, '-9223372036854775808'::int8, 9223372036854775807", "7"),
    ok("SELECT $1::numeric, 1.50::numeric(10,2), 'NaN'::numeric, '-Infinity'::numeric, 1e100::numeric", "0.1000"),
    ok("SELECT $1::float4, 0.1::float4, 1e20::float4, 'NaN'::float4, '-Infinity'::float4, '-0'::float4", "1.5"),
    ok("SELECT $1::float8, 0.1 + 0.2::float8, 1e300::float8, 5e-324::float8, 'NaN'::float8, 'Infinity'::float8", "3"),
    ok("SELECT $1::bool, false, NULL::bool", "true"),
    ok("SELECT $1::money", "12.30"),
    ok("SELECT $1", "of no type"),
    ok("SELECT $1::text, $1::varchar(3), $1::char(9), $1::name", "größe"),
    ok('SELECT $1::text AS "größe ☕"', "☕ 🙂 \u202e ́ \t\r\n \x01\x7f"),
    ok("SELECT $1::text, $2::text, $3::text", 'it\'s "quoted"', "back\\slash \\n \\\\", "$1 %s ? {} \\x41"),
    ok("SELECT $1::text, $2::text, ''", "", None),
    ok("SELECT length($1), md5($1)", "x" * 100_000),
    ok("SELECT 'a\\b', E'a\\\\b\\n', $$dollar 'quoted'$$, U&'\\2615'"),
    ok("SELECT NULL, NULL::int, NULL::text[]"),
    ok("SELECT $1::int[], $2::text[]", "{1,NULL,3}", '{"a b","NULL",NULL,"","q\\"uote","back\\\\slash","{}",","}'),
    ok("SELECT ARRAY[[1,2],[3,NULL]], '{}'::int[], '[0:1]={1,2}'::int[], ARRAY[ARRAY[ARRAY['x']]]"),
    ok("SELECT ARRAY['so so','happy',NULL]::mood[], ARRAY[true,NULL], ARRAY[1.50,NULL]::numeric[]"),
    ok("SELECT ARRAY['{\"a\": [1, \"b\"]}', NULL]::jsonb[], ARRAY['\\x00ff'::bytea], ARRAY[now() - now()]"),
    ok("SELECT ARRAY['(1,1),(0,0)'::box, '(3,3),(2,2)'::box], '1 2'::int2vector, ARRAY[(1,'a,b')::pair]"),
    ok("SELECT $1::json, $1::jsonb", '{"a": 1.50, "b": [null, true, "ü\\"\\\\"], "a": {"c": 1e400}}'),
    ok("SELECT 'null'::json, '\"text\"'::jsonb, '[]'::json, '12345678901234567890.10'::jsonb"),
    ok("SELECT jsonb_build_object('n', $1::int), $2::jsonb -> 'a' ->> 'b'", "5", '{"a": {"b": "deep"}}'),
    ok("SELECT $1::date, 'infinity'::date, '0044-03-15 BC'::date", "2026-02-28"),
    ok(
        "SELECT $1::timestamp, 'infinity'::timestamp, '2026-01-02 03:04:05.678901'::timestamp(3)",
        "2026-02-28 23:59:59.5",
    ),
    ok("SELECT $1::timestamptz, '-infinity'::timestamptz", "2026-02-28T23:59:59.123456+05:30"),
    ok(
        "SELECT $1::timestamptz AT TIME ZONE 'Asia/Kathmandu', extract(epoch FROM $1::timestamptz)", "2026-06-01T12:00Z"
    ),
    ok("SELECT $1::time, '24:00'::time, '16:17:18.5+01:30'::timetz", "01:02:03.456"),
    ok(
        "SELECT $1::interval, '1 year 2 mons -3 days 04:05:06.7'::interval, '-00:00:01'::interval, '0'::interval",
        "1 day",
    ),
    ok("SELECT $1::bytea, ''::bytea, '\\xdeadBEEF'::bytea", "\\x00ff41"),
    ok("SELECT $1::uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
    ok("SELECT $1::inet, '::1'::inet, '10.10.10.0/24'::cidr, '11:22:33:44:55:66'::macaddr", "192.168.0.1/16"),
    ok("SELECT $1::mood, 'sad'::mood < 'happy'::mood, enum_range(NULL::mood)", "so so"),
    ok(
        "SELECT $1::int4range, 'empty'::int4range, '(,5]'::int4range, '[2026-01-01,)'::daterange, $2::int4multirange",
        "[1,4)",
        "{[1,3),[5,7)}",
    ),
    ok("SELECT $1::pair, ROW(1, 'a \"b\"', NULL), (NULL, NULL)::pair, ($1::pair).label", '(1,"a, ""b""")'),
    ok("SELECT $1::positive, $1::positive::text", "3"),
    ok("SELECT '(2,3)'::point, '<(2,3),1>'::circle, '((0,0),(1,1))'::path, '{1,2,3}'::line, '[(0,0),(1,1)]'::lseg"),
    ok("SELECT B'101'::bit(3), B'1'::varbit, 'cat & rat'::tsquery, 'a fat cat'::tsvector, '<a>1</a>'::xml"),
    ok("SELECT 'team'::regclass, 'int4'::regtype, 25::oid, '0/16B3748'::pg_lsn, '$.a[*]'::jsonpath, 'x'::\"char\""),
)
SHAPES = (
    ok("SELECT"),
    ok(""),
    ok("/* nothing */ -- at all"),
    ok("SELECT * FROM team WHERE false"),
    ok("SELECT id, name, id AS id, upper(name) AS name FROM team ORDER BY 1"),
    ok('SELECT 1 AS a, 2 AS a, 3 AS "A", 4'),
    ok("SELECT t.*, t FROM team t ORDER BY id"),
    ok("SELECT generate_series(1, 2000) AS n"),
    ok("TABLE team"),
    ok("VALUES (1, 'a'), ($1::int, $2)", "2", "b"),
    ok("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $1::int) SELECT * FROM c", "5"),
    ok("SELECT name, count(*) OVER () FROM team ORDER BY name DESC LIMIT $1 OFFSET $2", "1", "1"),
    ok("EXPLAIN (COSTS off) SELECT * FROM team WHERE id = $1", "1"),
    ok("SHOW server_encoding"),
    ok("SHOW client_encoding"),
    ok("SELECT current_setting('TimeZone'), current_setting('DateStyle'), current_setting('search_path')"),
)
WRITES = (
    ok("INSERT INTO person (name, email, age) VALUES ($1, $2, $3) RETURNING *", "Ada", "ada@example.invalid", "36"),
    ok("INSERT INTO person (name) VALUES ('Ben'), ('Cleo')"),
    ok("INSERT INTO person (name) SELECT 'none' WHERE false"),
    ok("INSERT INTO person (name, email) VALUES ('Eve', 'ada@example.invalid') ON CONFLICT DO NOTHING RETURNING id"),
    ok(
        "INSERT INTO person (name, email) VALUES ('Ada', $1) ON CONFLICT (email) DO UPDATE SET name = 'A' RETURNING id",
        "ada@example.invalid",
    ),
    ok("UPDATE person SET age = age + $1 WHERE age > 0", "1"),
    ok("UPDATE person SET age = 1 RETURNING name, age"),
    ok("UPDATE person SET age = 1 WHERE false"),
    ok("MERGE INTO person p USING team t ON p.id = t.id WHEN MATCHED THEN UPDATE SET team = t.id"),
    ok("WITH gone AS (DELETE FROM person WHERE name = $1 RETURNING *) SELECT name FROM gone", "Ben"),
    ok("DELETE FROM person"),
    ok("DELETE FROM person RETURNING id"),
    ok("CREATE TABLE made AS SELECT * FROM team"),
    ok("TRUNCATE made"),
    ok("ALTER TABLE made ADD COLUMN more int"),
    ok("CREATE INDEX ON made (id)"),
    ok("DROP TABLE made"),
    ok("DO $$ BEGIN RAISE NOTICE 'only a notice'; END $$"),
    ok("SET application_name = 'mine'"),
    ok("BEGIN"),
    ok("SELECT set_config('a.b', $1, false)", "c"),
    ok("LISTEN channel"),
    ok("VACUUM team"),
)
ERRORS = (
    bad("42601", "SELEC 1"),
    bad("42601", "SELECT 1 FROM"),
    bad("42601", "SELECT 1; SELECT 2"),
    bad("42601", "SELECT 'größe ☕', 1 1 1"),
    bad("42P01", "SELECT * FROM nowhere"),
    bad("42703", "SELECT 'ü', nmae FROM team"),
    bad("42883", "SELECT no_such_function(1)"),
    bad("42804", "SELECT CASE WHEN true THEN 1 ELSE now() END"),
    bad("42P18", "SELECT $1 IS NULL", "x"),
    bad("08P01", "SELECT $1::int"),
    bad("08P01", "SELECT $1::int", "1", "2"),
    bad("22P02", "SELECT $1::int", "ten"),
    bad("22P02", "SELECT $1::mood", "angry"),
    bad("22P02", "SELECT $1::jsonb", '{"a": }'),
    bad("22P02", "SELECT $1::uuid", "no"),
    bad("22P02", "SELECT $1::text[]", "{a"),
    bad("22007", "SELECT $1::date", "tomorrowish"),
    bad("22008", "SELECT $1::date", "2026-02-30"),
    bad("22003", "SELECT $1::int2", "32768"),
    bad("22012", "SELECT 1 / $1::int", "0"),
    bad("22001", "INSERT INTO person (name) VALUES ($1)", "longer than twelve"),
    bad("23502", "INSERT INTO person (email) VALUES ('x')"),
    bad("23505", "INSERT INTO team VALUES (1, 'again')"),
    bad("23503", "INSERT INTO person (name, team) VALUES ('x', 99)"),
    bad("23503", "DELETE FROM owner"),
    bad("23514", "INSERT INTO person (name, age) VALUES ($1, $2)", "x", "-1"),
    bad("23514", "SELECT $1::positive", "0"),
    bad("23P01", "INSERT INTO person (name, seen) VALUES ('a', '[2026-01-01,2026-01-03)'), ('b', '[2026-01-02,)')"),
    bad("23505", "INSERT INTO later VALUES (1), (1)"),
    bad("21000", "SELECT (SELECT id FROM team)"),
    bad("55000", "SELECT currval('person_id_seq')"),
    bad("P0042", "SELECT fail($1)", "because"),
    bad("42703", "SELECT inner_mistake()"),
    bad("42P07", "CREATE TABLE team (n int)"),
    bad("42704", "SELECT $1::nothing", "1"),
    bad("58P01", "SELECT pg_read_file('nowhere')"),
    bad("2BP01", "DROP TABLE team"),
    bad("3F000", "CREATE TABLE nowhere.t (n int)"),
    bad("0A000", "SELECT count(*) FROM team FOR UPDATE"),
)
CASES = (*VALUES, *SHAPES, *WRITES, *ERRORS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Queries in one transaction. `options` are the driver's, `begin` is the BEGIN statement that they lead to."""

    queries: tuple[Case, ...]
    begin: str = "BEGIN"
    options: dict[str, Any] = field(default_factory=dict)
    state: str = ""


SHOW = tuple(ok(f"SHOW transaction_{each}") for each in ("isolation", "read_only", "deferrable"))
INSERT = ok("INSERT INTO person (name) VALUES ($1) RETURNING name", "batch")
LEFT = ok("SELECT count(*) FROM person WHERE name = 'batch'")
BATCHES = (
    Batch(queries=()),
    Batch(queries=(*SHOW, INSERT, ok("SELECT $1::int[]", "{1,NULL}"), ok("DELETE FROM person WHERE name = 'batch'"))),
    *(
        Batch(queries=SHOW, begin=f"BEGIN ISOLATION LEVEL {words}", options={"isolationLevel": level})
        for level, words in {
            "ReadUncommitted": "READ UNCOMMITTED",
            "ReadCommitted": "READ COMMITTED",
            "RepeatableRead": "REPEATABLE READ",
            "Serializable": "SERIALIZABLE",
        }.items()
    ),
    Batch(queries=SHOW, options={"readOnly": False, "deferrable": False}),
    Batch(queries=SHOW, begin="BEGIN READ ONLY", options={"readOnly": True}),
    Batch(
        queries=SHOW,
        begin="BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE",
        options={"isolationLevel": "Serializable", "readOnly": True, "deferrable": True},
    ),
    Batch(queries=(LEFT, INSERT), begin="BEGIN READ ONLY", options={"readOnly": True}, state="25006"),
    Batch(queries=(INSERT, bad("22012", "SELECT 1/0"), INSERT), state="22012"),
    Batch(queries=(LEFT,)),
    Batch(queries=(INSERT, ok("INSERT INTO later VALUES (5), (5)")), state="23505"),
    Batch(queries=(LEFT, ok("SELECT count(*) FROM later"))),
    Batch(queries=(INSERT, ok("ROLLBACK"), LEFT)),
    Batch(queries=(ok("SAVEPOINT s"), INSERT, ok("ROLLBACK TO s"), LEFT)),
    Batch(queries=(ok("CREATE TEMP TABLE temporary (n int) ON COMMIT DROP"), ok("SELECT n + 1 FROM temporary"))),
    Batch(queries=(ok("SET LOCAL statement_timeout = 20"), bad("57014", "SELECT pg_sleep(60)")), state="57014"),
    Batch(queries=(INSERT, bad("25001", "VACUUM team")), state="25001"),
)
