"""Renders what `inspect` found: as text for people, and as a JSON document. Pure."""

import json
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from tasks.production import InspectedComponent, ProductionFacts, Sourced
from tasks.report.layout import clean_line, encodable, hang

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
WIDTH = 100
INDENT = 12


def render_inspection(components: Sequence[InspectedComponent]) -> str:
    """A paragraph per component: the facts with their origin, the variables, and the lines that correct guesses."""
    return "\n\n".join("\n".join(_component(each)) for each in components)


def _component(component: InspectedComponent) -> Iterator[str]:
    yield clean_line(f"{component.kind} {component.path}" + (f" ({component.name})" if component.path == "." else ""))
    for fact in component.facts:
        text = clean_line(f"{fact.found.value or 'none'}")
        yield from hang(text, f"  {fact.topic:<{INDENT - 2}}", WIDTH)
        yield from hang(clean_line(origin(fact.found)), " " * INDENT, WIDTH)
    if component.variables:
        yield "  variables"
        yield from _by_origin(component.variables)
    if component.corrections:
        yield "  To correct a guess, write into predeploy.toml:"
        yield f'    [component."{component.path}"]'
        yield from (f"    {line}" for line in component.corrections)


def origin(found: Sourced) -> str:
    """The place and the reason of a fact, such as `Dockerfile:12: ENV of the Dockerfile`."""
    text = ": ".join(filter(None, (found.place, found.why)))
    return f"guess: {text}" if found.guess else text


def _by_origin(variables: Sequence[Sourced]) -> Iterator[str]:
    """Lines of names with the same origin, so that a long example file is one entry."""
    groups: dict[str, list[str]] = {}
    for each in variables:
        # the code reads a guessed variable at its own line, so the line stands next to its name
        where = f"guess: {each.why}" if each.guess else origin(each)
        groups.setdefault(where, []).append(f"{each.value} ({each.place})" if each.guess and each.line else each.value)
    for where, names in groups.items():
        yield from hang(clean_line(", ".join(names)), "    ", WIDTH)
        yield from hang(clean_line(where), " " * 6, WIDTH)


def inspection_document(components: Sequence[InspectedComponent]) -> str:
    """The same as JSON: `components`, each with `facts`, `variables` and `corrections`."""
    document = {
        "components": [
            {
                "kind": each.kind,
                "path": each.path,
                "name": each.name,
                "facts": [
                    {"topic": fact.topic, **sourced(fact.found), "correction": fact.correction} for fact in each.facts
                ],
                "variables": [sourced(variable) for variable in each.variables],
                "corrections": list(each.corrections),
            }
            for each in components
        ]
    }
    return json.dumps(document, indent=2)


def sourced(found: Sourced) -> dict[str, str | int | None]:
    """A fact as plain data. `file` and `line` are null if no file states it."""
    return {
        "value": encodable(found.value),
        "file": encodable(found.file) or None,
        "line": found.line or None,
        "why": encodable(found.why),
        "guess": found.guess,
    }


def production_document(facts: ProductionFacts) -> dict[str, Json]:
    """What was taken as production's, for `report.json`."""
    found = {"settings": facts.settings, "server": facts.server, "image": facts.image}
    return {"component": encodable(facts.path), **{name: dict(sourced(each)) for name, each in found.items()}}


def production_lines(facts: Sequence[ProductionFacts]) -> Iterator[str]:
    """A line per fact that a run was based on, for people."""
    for each in facts:
        for topic, found in (("settings", each.settings), ("server", each.server)):
            if found.value:
                yield clean_line(f"{each.path}: {topic} {found.value} ({origin(found)})")
