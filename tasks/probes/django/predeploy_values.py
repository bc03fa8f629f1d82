"""Values for one column of a generated row: the likeliest first, and the same on every run."""

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

INTEGERS = {
    "BigIntegerField",
    "IntegerField",
    "PositiveBigIntegerField",
    "PositiveIntegerField",
    "PositiveSmallIntegerField",
    "SmallIntegerField",
}
LETTERS = "ABCDEFGH"
Values = Iterator[Any]


@dataclass(frozen=True, kw_only=True)
class ModelColumn:
    """A column as the database defines it.

    `base` is the type under a domain, else equal to `type`. `labels` are the values of an enumeration. `is_cast` is
    False for SQLite, which has no syntax for a cast.
    """

    type: str
    base: str
    not_null: bool
    labels: tuple[str, ...] = ()
    is_cast: bool = True

    def literal(self, text: str) -> Any:
        """Returns an expression for a literal of the column's type."""
        from django.db.models.expressions import RawSQL

        return RawSQL(f"%s::{self.type}" if self.is_cast else "%s", [text])  # noqa: S611 - the type is the catalog's


def candidates(field: Any, column: ModelColumn, number: int, connection: Any) -> list[Any]:
    """Returns the values that the field may hold in row `number` (from 1), the best first.

    Valid values come first, then values that the validators refuse, then null. Values by the column's type come
    last: the field would not have written them, and may be unable to read them.
    """
    stored = storable(field, column, number, connection)
    stored.sort(key=lambda value: not is_valid(field, value))
    return [*stored, *[None] * (not column.not_null), *made(by_column, field, column, number)]


def valid_candidates(field: Any, column: ModelColumn, number: int, connection: Any) -> list[Any]:
    """Returns the same without the values that the stack would not have written, unless there are no others."""
    values = storable(field, column, number, connection)
    chosen = made(choices, field, column, number)
    valid = [value for value in values if is_valid(field, value) and (not chosen or value in chosen)]
    nothing = [None] * (not column.not_null)
    return [*valid, *nothing] or candidates(field, column, number, connection)


def storable(field: Any, column: ModelColumn, number: int, connection: Any) -> list[Any]:
    """Returns the values that the field converts for the database, the likeliest first."""
    tried = [value for make in (choices, defaults, by_type) for value in made(make, field, column, number)]
    return [value for value in tried if is_stored(field, value, connection)]


def made(make: Callable[..., Values], field: Any, column: ModelColumn, number: int) -> list[Any]:
    """Returns the values of one maker, or none if code of the stack raises in it."""
    try:
        return list(make(field, column, number))
    except Exception:  # a default is code of the stack and may raise anything
        return []


def is_stored(field: Any, value: Any, connection: Any) -> bool:
    """Whether the field converts the value for the database."""
    try:
        return value is not None and field.get_db_prep_save(value, connection) is not None
    except Exception:
        return False


def is_valid(field: Any, value: Any) -> bool:
    """Whether the validators of the field accept the value. A validator that raises another error counts as yes."""
    from django.core.exceptions import ValidationError

    try:
        field.run_validators(value)
    except ValidationError:
        return False
    except Exception:
        return True
    return True


def choices(field: Any, _: ModelColumn, number: int) -> Values:
    """Yields each of the choices. Each row starts with another one."""
    values = [value for value, _ in field.flatchoices if value not in (None, "")]
    first = (number - 1) % len(values) if values else 0
    yield from [*values[first:], *values[:first]]


def defaults(field: Any, _: ModelColumn, __: int) -> Values:
    """Yields the default, except for a unique field: both rows would have the same value."""
    if field.has_default() and not field.unique:
        yield field.get_default()


def by_type(field: Any, column: ModelColumn, number: int) -> Values:
    """Yields values by the field's internal type."""
    kind = field.get_internal_type()
    if kind in INTEGERS:
        yield from integers(number)
    elif kind == "DecimalField":
        yield from decimals(number, field.max_digits, field.decimal_places)
    elif kind == "ArrayField":
        yield from arrays(field, column, number)
    elif kind in PLAIN:
        yield from PLAIN[kind](number)
    elif room := re.match(r"(?:text|citext|char\w*(?: varying)?)(?:\((\d+)\))?$", column.base):
        yield from texts(field, number, field.max_length or int(room[1] or 0))


def integers(number: int) -> Values:
    yield from (number, 0, 10 * number, 100 * number, 2020 + number, -number)


def decimals(number: int, digits: int | None, places: int | None) -> Values:
    scale = places or 0
    bound = Decimal(10) ** ((digits or 30) - scale)
    wanted = (Decimal(number), Decimal(number).scaleb(-scale), Decimal(0), Decimal(100 * number), Decimal(-number))
    yield from (value for value in wanted if abs(value) < bound)


def arrays(field: Any, column: ModelColumn, number: int) -> Values:
    element = ModelColumn(type=column.type[:-2], base=column.base[:-2], not_null=True)
    yield from ([value] for value in made(by_type, field.base_field, element, number))
    yield []


def moments(number: int) -> Values:
    from django.conf import settings

    zone = timezone.utc if settings.USE_TZ else None  # noqa: UP017 - the stack's Python may not have the other name
    yield from (datetime(year, number, number, 12, tzinfo=zone) for year in (2024, 2025, 2023, 2035, 1990))


def dates(number: int) -> Values:
    yield from (date(year, number, number) for year in (2024, 2025, 2023, 2035, 1990))


def texts(field: Any, number: int, longest: int) -> Values:
    """Yields words and common formats (mail, URL, phone, colour), the short ones last, for narrow columns."""
    words = (
        f"{field.name} {number}",
        f"{field.name}-{number}",
        f"row{number}",
        f"row{number}@example.com",
        f"https://example.com/{number}",
        f"+1202555010{number}",
        f"#00000{number}",
        f"A{number}",
        LETTERS[number - 1] * 3,
        LETTERS[number - 1] * 2,
        f"{number:08}",
        f"{number:05}",
        str(number),
        LETTERS[number - 1],
    )
    yield from (word for word in words if not longest or len(word) <= longest)
    if field.blank:
        yield ""


PLAIN: dict[str, Callable[[int], Values]] = {
    "BinaryField": lambda number: iter((b"row %d" % number,)),
    "BooleanField": lambda _: iter((False, True)),
    "DateField": dates,
    "DateTimeField": moments,
    "DurationField": lambda number: (timedelta(days=days) for days in (number, 0, 10 * number)),
    "FloatField": lambda number: (float(value) for value in (number, 0, number / 4, 10 * number, -number)),
    "GenericIPAddressField": lambda number: iter((f"192.0.2.{number}", f"2001:db8::{number}")),
    "HStoreField": lambda number: iter(({"row": str(number)},)),
    "IPAddressField": lambda number: iter((f"192.0.2.{number}",)),
    "JSONField": lambda _: iter(({}, [])),
    "TimeField": lambda number: (time((hour + number) % 24) for hour in (8, 12, 4, 20)),
    "UUIDField": lambda number: iter((uuid.UUID(int=number, version=4),)),
}
# Literals by the column's type: the first pattern that matches its beginning counts.
LITERALS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r".*\[\]$", ("{}",)),
    (r"(small|big)?int(eger)?$|numeric|decimal|double|real|money|oid$", ("{n}", "0", "{n}0")),
    (r"bool", ("false", "true")),
    (r"uuid", ("00000000-0000-4000-8000-00000000000{n}",)),
    (r"json", ("{}",)),
    (r"(int\d|num)range", ("[{n}0,{n}9)",)),
    (r"daterange", ("[2024-0{n}-01,2024-0{n}-09)",)),
    (r"ts(tz)?range", ("[2024-0{n}-01 12:00,2024-0{n}-09 12:00)",)),
    (r"date|timestamp", ("2024-0{n}-0{n}", "2025-0{n}-0{n}")),
    (r"time", ("0{n}:00",)),
    (r"interval", ("{n} days",)),
    (r"inet|cidr", ("192.0.2.{n}",)),
    (r"macaddr8", ("02:00:00:00:00:00:00:0{n}",)),
    (r"macaddr", ("02:00:00:00:00:0{n}",)),
    (r"bit varying", ("1",)),
    (r"xml", ("<row/>",)),
    (r"hstore", ("row=>{n}",)),
    (r"geo\w+\(polygon", ("POLYGON((0 0,0 {n},{n} {n},0 0))",)),
    (r"geo\w+\(linestring", ("LINESTRING(0 0,{n} {n})",)),
    (r"geo\w+\(multipoint", ("MULTIPOINT(0 {n})",)),
    (r"geo\w+\(multipolygon", ("MULTIPOLYGON(((0 0,0 {n},{n} {n},0 0)))",)),
    (r"geo(metry|graphy)", ("POINT(0 {n})",)),
    (r"point", ("(0,{n})",)),
    (r"", ("row{n}", "a{n}", "{n}", "{}", "()")),
)


def by_column(_: Any, column: ModelColumn, number: int) -> Values:
    """Yields values by the column's type in the database. The field does not convert them."""
    yield from map(column.literal, column.labels or literals(column.base.lower(), number))


def literals(kind: str, number: int) -> list[str]:
    """Returns literals of a type."""
    if bits := re.match(r"bit\((\d+)\)", kind):
        return [str(number % 2) * int(bits[1])]
    bare = re.sub(r"^(?:\"[^\"]*\"|\w+)\.", "", kind)
    if vector := re.match(r"(?:half)?vector\((\d+)\)", bare):
        return [str([number] * int(vector[1]))]
    found = next(texts for pattern, texts in LITERALS if re.match(pattern, bare))
    return [text.replace("{n}", str(number)) for text in found]
