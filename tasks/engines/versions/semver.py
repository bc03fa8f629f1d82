"""Ranges of versions as package.json and Dockerfiles write them. Pure."""

import re

Semver = tuple[int, int, int]
Interval = tuple[Semver, Semver]
"""From the first, included, to the second, excluded."""

LAST = 10**6
END: Semver = (LAST, 0, 0)
ANY: Interval = ((0, 0, 0), END)
CODENAMES = {"hydrogen": 18, "iron": 20, "jod": 22, "krypton": 24}
WORDS = frozenset({"", "*", "x", "latest", "node", "current", "stable", "lts", "lts/*"})
COMPARATOR = re.compile(r"(\^|~>?|>=|<=|>|<|=)?\s*v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:[-+][\w.+-]+)?")
HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")


def admits(text: str, version: Semver) -> bool:
    """Whether a range admits a version. Raises ValueError for what is no range."""
    return any(all(low <= version < high for low, high in part) for part in parse(text))


def floor(text: str) -> Semver:
    """The lowest version that a range names."""
    return min((max((low for low, _ in part), default=(0, 0, 0)) for part in parse(text)), default=(0, 0, 0))


def parse(text: str) -> list[list[Interval]]:
    """Alternatives of intervals that all have to hold."""
    return [alternative(part.strip()) for part in text.split("||")]


def alternative(text: str) -> list[Interval]:
    """One side of `||`."""
    if text.lower() in WORDS:
        return [ANY]
    if text.lower().startswith("lts/"):
        major = CODENAMES.get(text[4:].lower())
        if major is None:
            raise ValueError(f"unknown release name {text}")
        return [((major, 0, 0), (major + 1, 0, 0))]
    if hyphen := HYPHEN.fullmatch(text):
        return [comparator(f">={hyphen[1]}"), comparator(f"<={hyphen[2]}")]
    joined = re.sub(r"(\^|~>?|>=|<=|>|<|=)\s+", r"\1", text)
    return [comparator(part) for part in joined.replace(",", " ").split()]


def comparator(text: str) -> Interval:
    """One comparator as an interval."""
    match = COMPARATOR.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no version range")
    operator, *parts = match.groups()
    numbers: list[int] = []
    for part in parts:
        if part is None or part in "xX*":
            break
        numbers.append(int(part))
    low, high = span(numbers)
    match operator:
        case "^":
            return low, caret(numbers, high)
        case "~" | "~>":
            return low, span(numbers[:2])[1]
        case ">=":
            return low, END
        case ">":
            return high, END
        case "<":
            return (0, 0, 0), low
        case "<=":
            return (0, 0, 0), high
        case _:
            return low, high


def span(numbers: list[int]) -> Interval:
    """All versions that begin with these numbers."""
    low = (*numbers, 0, 0, 0)[:3]
    if not numbers:
        return ANY
    end = [*numbers[:-1], numbers[-1] + 1, 0, 0]
    return (low[0], low[1], low[2]), (end[0], end[1], end[2])


def caret(numbers: list[int], high: Semver) -> Semver:
    """Up to the next change of the first number that is not zero."""
    for index, number in enumerate(numbers):
        if number:
            return span(numbers[: index + 1])[1]
    return high
