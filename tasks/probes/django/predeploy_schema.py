"""Reads the schema of a database as lines that can be compared with another database.

There are lines for each table, with its triggers, and for each view, function and free sequence. What an extension
made is left out: its version decides on it.
"""

# ruff: noqa: S608
# (the statements have no values)

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

Schema = dict[str, Counter[str]]
COLUMNS = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
       a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid), o.collname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation o ON o.oid = a.attcollation AND a.attcollation <> t.typcollation
WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^(pg_|information_schema$)'
"""
CONSTRAINTS = """
SELECT n.nspname, c.relname, o.conname, pg_get_constraintdef(o.oid)
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE o.contype IN ('c', 'f', 'p', 'u', 'x') AND n.nspname !~ '^(pg_|information_schema$)'
"""
INDEXES = """
SELECT n.nspname, c.relname, x.relname, pg_get_indexdef(i.indexrelid), i.indisvalid
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x'))
AND n.nspname !~ '^(pg_|information_schema$)'
"""
OWN = """n.nspname !~ '^(pg_|information_schema$)'
AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = {}.oid AND e.deptype = 'e')"""
VIEWS = f"""
SELECT n.nspname, c.relname, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, pg_get_viewdef(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm') AND {OWN.format("c")}
"""
TRIGGERS = f"""
SELECT n.nspname, c.relname, pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'D' THEN ' (disabled)' ELSE '' END
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND {OWN.format("t")}
"""
FUNCTIONS = f"""
SELECT n.nspname, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', pg_get_functiondef(p.oid)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind IN ('f', 'p') AND {OWN.format("p")}
"""
# Sequences that no column owns: those of columns belong to their tables.
SEQUENCES = f"""
SELECT n.nspname, c.relname, concat_ws(' ', format_type(s.seqtypid, NULL), 'from', s.seqstart, 'by', s.seqincrement,
       'between', s.seqmin, s.seqmax, CASE WHEN s.seqcycle THEN 'cycle' END)
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0)
AND {OWN.format("c")}
"""
NAME = re.compile(r'INDEX (?:"(?:[^"]|"")*"|\S+) ON (?:ONLY )?')


def read_schema(connection: Any, named: Iterable[str]) -> Schema:
    """Returns tables with a line for each column, constraint, index and trigger; other objects with their definition.

    A line has the name of a constraint or index only if it is in `named`. Generated names depend on the migrations.
    """
    explicit, schema = frozenset(named), defaultdict[str, Counter[str]](Counter)
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        for space, table, name, *facts in cursor.fetchall():
            schema[whole(space, table)][f"column {name} {column(*facts)}"] += 1
        cursor.execute(CONSTRAINTS)
        for space, table, name, text in cursor.fetchall():
            schema[whole(space, table)][f"constraint{called(name, explicit)} {text}"] += 1
        cursor.execute(INDEXES)
        for space, table, name, text, is_valid in cursor.fetchall():
            what = NAME.sub(f"INDEX{called(name, explicit)} ON ", text).removeprefix("CREATE ")
            schema[whole(space, table)][what + ("" if is_valid else " (invalid)")] += 1
        cursor.execute(TRIGGERS)
        for space, table, text in cursor.fetchall():
            schema[whole(space, table)][f"trigger {text.removeprefix('CREATE ')}"] += 1
        for name, text in objects(cursor):
            schema[name][" ".join(text.split())] += 1
    return schema


def objects(cursor: Any) -> Iterator[tuple[str, str]]:
    """Yields the kind and name of each view, function and free sequence, with its definition."""
    cursor.execute(VIEWS)
    for space, name, kind, text in cursor.fetchall():
        yield f"{kind} {whole(space, name)}", text
    cursor.execute(FUNCTIONS)
    for space, name, text in cursor.fetchall():
        yield f"function {whole(space, name)}", text
    cursor.execute(SEQUENCES)
    for space, name, text in cursor.fetchall():
        yield f"sequence {whole(space, name)}", text


def called(name: str, explicit: frozenset[str]) -> str:
    """Returns the name with a space in front of it, or an empty text for a generated name."""
    return f" {name}" if name in explicit else ""


def whole(space: str, table: str) -> str:
    """Returns the name of a table, with its schema unless that is `public`."""
    return table if space == "public" else f"{space}.{table}"


def column(kind: str, not_null: bool, identity: str, generated: str, default: str | None, collation: str | None) -> str:
    """Returns the definition of a column. Identity and sequence count as equal: older Django made sequences."""
    is_numbered = identity == "d" or (default or "").startswith("nextval(")
    parts = [kind, f"COLLATE {collation}" if collation else "", "NOT NULL" if not_null else ""]
    if is_numbered:
        parts.append("numbered")
    elif default:
        parts.append(f"GENERATED {generated} ({default})" if generated else f"DEFAULT {default}")
    elif identity:
        parts.append("always numbered")
    return " ".join(filter(None, parts))
