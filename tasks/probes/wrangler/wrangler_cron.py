"""The cron expressions that Cloudflare accepts. Standard library only.

The grammar is that of saffron (github.com/cloudflare/saffron, read 2026-11-30), the parser of the Workers API: five
fields, weekdays from 1 (Sunday) to 7, steps below the width of the field, and `L`, `W` and `#` as in Quartz.
"""

import re

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("weekday", 1, 7, DAYS),
)
PART = re.compile(r"(?P<start>\*|\w+)(?:-(?P<end>\w+))?(?:/(?P<step>\d+))?")
LAST_DAY = re.compile(r"L(?:W|-(?P<offset>\d+)W?)?")
NEAREST = re.compile(r"(?P<day>\d+)W")
SPECIAL_WEEKDAY = re.compile(r"(?P<day>[A-Za-z]+|\d+)(?:L|#(?P<nth>\d+))", re.IGNORECASE)


def cron_problem(expression: str) -> str:
    """Returns what is wrong with a cron expression, or an empty text."""
    fields = re.split(r"[ \t]+", expression)
    if len(fields) != len(FIELDS):
        return f"it has {len(fields)} fields instead of 5"
    problems = (field_problem(field, *known) for field, known in zip(fields, FIELDS, strict=True))
    return next((problem for problem in problems if problem), "")


def field_problem(field: str, title: str, low: int, high: int, names: tuple[str, ...]) -> str:
    """Returns what is wrong with one field, or an empty text."""
    if field == "*" or is_special(field, title, low, high, names):
        return ""
    for part in field.split(","):
        match = PART.fullmatch(part)
        if match is None or (match["start"] == "*" and (match["end"] or not match["step"])):
            return f"{part or field!r} is no {title}"
        ends = [each for each in (match["start"], match["end"]) if each not in {"*", None}]
        wrong = next((each for each in ends if not is_within(each, low, high, names)), "")
        if wrong:
            sunday = "; Sunday is 1" if title == "weekday" and wrong == "0" else ""
            return f"{wrong!r} is no {title} from {low} to {high}{sunday}"
        if match["step"] and not 1 <= int(match["step"]) <= high - low:
            return f"the step of the {title} is {match['step']}, and {high - low} is the most"
    return ""


def is_within(word: str, low: int, high: int, names: tuple[str, ...]) -> bool:
    """Whether a word is a number of the field, or one of its names."""
    return word.upper() in names or (word.isdecimal() and low <= int(word) <= high)


def is_special(field: str, title: str, low: int, high: int, names: tuple[str, ...]) -> bool:
    """Whether a field is one of the extensions for days: `L`, `LW`, `L-3`, `15W`, `6L`, `MON#2`."""
    if title == "day of month":
        last, nearest = LAST_DAY.fullmatch(field), NEAREST.fullmatch(field)
        if last:
            return last["offset"] is None or 1 <= int(last["offset"]) <= high - low
        return nearest is not None and is_within(nearest["day"], low, high, names)
    if title != "weekday":
        return False
    special = SPECIAL_WEEKDAY.fullmatch(field)
    if special is None:
        return field == "L"
    return is_within(special["day"], low, high, names) and 1 <= int(special["nth"] or 1) <= 5
