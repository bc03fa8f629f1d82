"""The shapes of generated rows: what production's rows may hold in the tables of the stack's own apps.

Two full rows are as the models want them. The others use what the columns and the validators allow: NULL, empty and
full-length texts, values at the limits, dates in the past, and values that occur twice. Tables of packages have full
rows only: their code decides what it writes, and the stack cannot fix their migrations.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

from predeploy_values import ModelColumn, candidates, is_stored, is_valid, made, valid_candidates

FULL, SPARSE, LONG, REPEATED, BLANK = "full", "sparse", "long", "repeated", "blank"
OWN = (FULL, FULL, SPARSE, LONG, REPEATED, BLANK)
"""The shapes of the rows of an own table, in the order of their insertion."""
PACKAGED = (FULL,) * len(OWN)
"""The rows of a package's table. There are as many, because own tables may refer to each only once."""
ENDLESS = 1000
"""The length of a long text in a column without a limit."""
LARGE = {"IntegerField": 40_000, "PositiveIntegerField": 40_000}
LARGER = {"BigIntegerField": 3_000_000_000, "PositiveBigIntegerField": 3_000_000_000}
SIGNED = {"IntegerField", "BigIntegerField", "SmallIntegerField"}
TEXT = re.compile(r"(?:text|citext|char\w*(?: varying)?)(?:\((\d+)\))?$")
Taken = Mapping[str, Any]


def shaped(shape: str, field: Any, column: ModelColumn, number: int, connection: Any, taken: Taken) -> list[Any]:
    """Returns the values that the field may hold in row `number` of this shape, the best first.

    `taken` has the values of the first row by column.
    """
    if shape == FULL:
        return candidates(field, column, number, connection)
    plain = valid_candidates(field, column, number, connection)
    repeated = [taken[field.column]] if field.column in taken else []
    nothing = [None] if shape == SPARSE and not column.not_null else []
    if shape == REPEATED:
        return [*repeated, *plain]
    special = [
        value
        for value in made(MAKERS[shape], field, column, number)
        if is_stored(field, value, connection) and is_valid(field, value)
    ]
    if shape == LONG and not column.not_null and field.get_internal_type() == "JSONField":
        special = [column.literal("null")]  # the null of JSON: the field itself would store NULL
    return [*nothing, *special, *repeated, *plain]


def sparse(field: Any, column: ModelColumn, _: int) -> Iterator[Any]:
    """Yields the least that a column may hold: an empty text, zero, a date in the past."""
    kind = field.get_internal_type()
    yield from empty(field, column)
    if not field.flatchoices:
        if "Integer" in kind:
            yield 0
        elif kind == "DecimalField":
            yield Decimal(0)
        elif kind == "FloatField":
            yield 0.0
        elif kind in {"DateField", "DateTimeField"}:
            yield past(kind)


def long(field: Any, column: ModelColumn, number: int) -> Iterator[Any]:
    """Yields the most that a column may hold: a text at full length, a large number."""
    kind = field.get_internal_type()
    if field.flatchoices:
        texts = [value for value, _ in field.flatchoices if isinstance(value, str)]
        yield from sorted(texts, key=len, reverse=True)[:1]
    elif kind in LARGE or kind in LARGER:
        yield LARGE.get(kind) or LARGER[kind]
    elif kind == "DecimalField" and field.max_digits:
        yield Decimal("8" * field.max_digits).scaleb(-(field.decimal_places or 0))
    elif kind in {"DateField", "DateTimeField"}:
        yield past(kind)
    elif kind == "ArrayField":
        element = ModelColumn(type=column.type[:-2], base=column.base[:-2], not_null=True)
        yield from ([value] for value in made(long, field.base_field, element, number))
    elif room := TEXT.match(column.base):
        yield from long_texts(field.max_length or int(room[1] or 0) or ENDLESS, number)


def long_texts(length: int, number: int) -> Iterator[str]:
    """Yields texts of this length: an address, a mail address, a slug. The validators choose."""
    if length >= 40:
        yield f"https://example.com/{number}/".ljust(length, "x")
        host = ".".join(["x" * 40] * (max(length - 60, 0) // 41))
        mail = f"@{host}{'.' if host else ''}example.com"
        yield ("x" * min(length - len(mail), 60)) + mail
    yield "x" * (length - 1) + str(number % 10)  # a text that is no number
    yield str(number % 10) * length


def blank(field: Any, column: ModelColumn, _: int) -> Iterator[Any]:
    """Yields the empty value also where NULL is allowed, and numbers below zero."""
    kind = field.get_internal_type()
    yield from empty(field, column)
    if not field.flatchoices:
        if kind in SIGNED:
            yield -1
        elif kind == "DecimalField":
            yield Decimal(-1).scaleb(-(field.decimal_places or 0))
        elif kind == "FloatField":
            yield -1.0


def empty(field: Any, column: ModelColumn) -> Iterator[Any]:
    """Yields the empty value of a field that may be left blank."""
    if not field.blank:
        return
    if field.get_internal_type() == "ArrayField":
        yield []
    elif TEXT.match(column.base):
        yield ""


def past(kind: str) -> Any:
    """Returns a date or a time in the last century."""
    from django.conf import settings

    zone = timezone.utc if settings.USE_TZ else None  # noqa: UP017 - the stack's Python may not have the other name
    return date(1999, 12, 31) if kind == "DateField" else datetime(1999, 12, 31, 23, 59, tzinfo=zone)


MAKERS: dict[str, Callable[[Any, ModelColumn, int], Iterator[Any]]] = {SPARSE: sparse, LONG: long, BLANK: blank}
