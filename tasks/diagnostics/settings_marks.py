"""Reads the lines that predeploy's loader of Django's settings prints on stderr, and removes them from an output."""

import json
import re
from dataclasses import dataclass

from tasks.diagnostics.reading import mapping, text_of

MARK = "predeploy-settings: "
"""The loader in `tasks/probes/startup` has the same text."""
_LINE = re.compile(rf"\n?^{MARK}(?P<document>\{{.*\}})$\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentSetting:
    """A variable without an acceptable value, or configuration without a known variable if `name` is empty."""

    name: str
    message: str


def without_marks(text: str) -> str:
    """Returns an output without the lines of the loader."""
    return _LINE.sub("\n", text) if MARK in text else text


def documents(text: str) -> list[dict[str, object]]:
    """Returns the documents in the loader's lines."""
    found = []
    for match in _LINE.finditer(text) if MARK in text else ():
        try:
            found.append(mapping(json.loads(match["document"])))
        except ValueError:  # the end of the line is cut off
            continue
    return found


def gaps_of(text: str) -> tuple[str, ...]:
    """Returns the gaps in the proof that the loader reports."""
    gaps = []
    for each in documents(text):
        if each.get("kind") == "gap":
            gaps.append(text_of(each.get("text")))
        names = each.get("names")
        if each.get("kind") == "filled" and isinstance(names, list):
            gaps.append(f"production needs {', '.join(map(str, names))}: this run set throwaway values")
    return tuple(dict.fromkeys(gaps))


def absent_in(text: str) -> AbsentSetting | None:
    """Returns what the settings need and this run does not have, or None."""
    for each in documents(text):
        if each.get("kind") == "absent":
            return AbsentSetting(name=text_of(each.get("name")), message=text_of(each.get("message")))
    return None
