"""Chooses the settings module of production from the files that name one."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from tasks.discovery.image.purpose import is_production
from tasks.production import Sourced

_MODULE = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
_DEVELOPMENT = re.compile(r"(?:^|_)(local|dev|devel|develop|development|debug|tests?|testing|base|common|ci)(?=_|$)")
_PRODUCTION = ("production", "prod", "live", "deploy", "deployment")


def is_module(value: str) -> bool:
    """Whether a value can be the name of a module."""
    return bool(_MODULE.fullmatch(value))


def choose_settings(
    candidates: Iterable[Sourced], has: Callable[[str], bool], is_open: Callable[[str], bool]
) -> Sourced:
    """Returns the settings module of production. `candidates` are in the order of their precedence.

    A module of development is replaced by production's next to it, or by a later candidate that is not of development.
    `has`: a module is in the tree. `is_open`: a module is a package that chooses nothing, so production is below it.
    """
    named = [each for each in candidates if is_module(each.value)]
    if not named:
        return Sourced()
    first = named[0]
    if not (is_for_development(first.value) or is_open(first.value)):
        return first
    for module in _production_of(first.value, is_package=is_open(first.value)):
        if has(module):
            said = "a package without settings" if is_open(first.value) else "a module of development"
            why = f"{first.why} names {first.value}, {said}; {module} is next to it"
            return replace(first, value=module, why=why, guess=True)
    deployed = (each for each in named if is_production(each.value.rpartition(".")[2]))
    others = (each for each in named if not is_for_development(each.value))
    return next(deployed, next(others, first))


def is_for_development(module: str) -> bool:
    """Whether a module's name says that it has settings for development, for tests, or to be extended."""
    parts = module.lower().split(".")
    return any(_DEVELOPMENT.search(part) for part in parts[1:] or parts)


def _production_of(module: str, *, is_package: bool) -> Iterator[str]:
    """Yields the names that production's settings next to a module usually have."""
    before, _, last = module.rpartition(".")
    place = _DEVELOPMENT.search(last)
    for name in _PRODUCTION:
        if is_package:
            yield f"{module}.{name}"
        if place:
            yield f"{before}.{last[: place.start(1)]}{name}{last[place.end(1) :]}".lstrip(".")
        if before and not is_package:
            yield f"{before}.{name}"
