"""The generated tables of the documents: flags, subcommands, settings and reason codes as they are declared."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from deployments import deploy
from flows.cli.declarations import PROGRAMS, RUN_FLAGS, STACK, STACK_TEXT, SUBCOMMANDS
from tasks.catalogue.explanations import Explanation, check_codes, shared_codes
from tasks.settings import Settings
from tasks.settings.flags import Group
from tasks.settings.models import STACK_RULES
from tasks.settings.tables import ComponentSettings, CustomCheck, FormSettings, ImageSettings, WorkerSettings
from tests.validation.comparison.edits import EDITS

Rows = Iterable[str]


def flag_rows() -> Iterator[str]:
    """The flags of a run, by group."""
    yield f"| `{STACK}` | {STACK_TEXT} |"
    for group in Group:
        yield f"| **{group}** | |"
        yield from (f"| `{flag.usage}` | {flag.description} |" for flag in RUN_FLAGS.values() if flag.group is group)


def subcommand_rows() -> Iterator[str]:
    """The subcommands."""
    for name, each in SUBCOMMANDS.items():
        operands = f" {each.operands}" if each.operands else ""
        yield f"| `predeploy {name}{operands}` | {each.text} |"
    yield from (f"| `predeploy {name}` | {text} |" for name, text in PROGRAMS.items())


def subcommand_flag_rows() -> Iterator[str]:
    """The flags that a run does not have."""
    for name, each in SUBCOMMANDS.items():
        own = (flag for option, flag in each.flags.items() if option not in RUN_FLAGS)
        yield from (f"| `{flag.usage}` | `{name}`: {flag.description} |" for flag in own)
    for action in deploy.make_parser()._actions:
        usage = action.option_strings[-1] + (f" {action.metavar}" if action.nargs is None else "")
        if action.dest != "help":
            yield f"| `{usage}` | `deploy`: {action.help} |"


def key_rows(model: type[BaseModel]) -> Iterator[str]:
    """The keys of a table of `predeploy.toml`."""
    for key, field in model.model_fields.items():
        yield f"| `{key}` | {default_of(field)} | {field.description} |"


def setting_rows() -> Iterator[str]:
    """The keys at the top of `predeploy.toml`, and whether the file of a stack may set them."""
    for key, field in Settings.model_fields.items():
        yield f"| `{key}` | {default_of(field)} | {STACK_RULES[key].shown} | {field.description} |"


def reason_rows(codes: Iterable[Explanation]) -> Iterator[str]:
    """Reason codes in the order of their groups."""
    yield from (f"| `{each.code}` | {each.meaning} | {each.advice} |" for each in codes)


def edit_rows() -> Iterator[str]:
    """Edits, and what is said of the gate, after the place."""
    for each in EDITS:
        lines = (line.replace("`", "").partition(" ") for line in each.said)
        said = "; ".join(f"{place} `{text}`" for place, _, text in lines) or "nothing"
        yield f"| {each.what} | {said.replace('|', chr(92) + '|')} |"


def default_of(field: FieldInfo) -> str:
    """The default in TOML. Empty if there is none, or if it is no fixed value."""
    if field.is_required():
        return "required"
    if field.default_factory is dict:
        return "`{}`"
    return f"`{toml(field.default)}`" if field.default is not None and field.default_factory is None else ""


def toml(value: Any) -> str:
    """A value in TOML."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {toml(each)}' for key, each in value.items())} }}"
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


TABLES: dict[tuple[str, str], Rows] = {
    ("docs/cli.md", "| flag | meaning |"): [*flag_rows()],
    ("docs/cli.md", "| command | effect |"): [*subcommand_rows()],
    ("docs/cli.md", "| flag of a subcommand | meaning |"): [*subcommand_flag_rows()],
    ("docs/checks.md", "| reason code | meaning | what usually fixes it |"): [*reason_rows(shared_codes())],
    ("docs/checks.md", "| reason code of a check | meaning | what usually fixes it |"): [*reason_rows(check_codes())],
    ("docs/checks.md", "| edit | what is said |"): [*edit_rows()],
    ("docs/configuration.md", "| key | default | in the stack's file | meaning |"): [*setting_rows()],
    ("docs/configuration.md", "| key of a component | default | meaning |"): [*key_rows(ComponentSettings)],
    ("docs/configuration.md", "| key of an image | default | meaning |"): [*key_rows(ImageSettings)],
    ("docs/configuration.md", "| key of a Worker | default | meaning |"): [*key_rows(WorkerSettings)],
    ("docs/configuration.md", "| key of a form | default | meaning |"): [*key_rows(FormSettings)],
    ("docs/configuration.md", "| key of a check | default | meaning |"): [*key_rows(CustomCheck)],
}
"""The rows of each table, by document and header."""


def rows_in(document: Path, header: str) -> list[str]:
    """The rows of the table with this header."""
    return _parts(document, header)[1].splitlines()


def write_rows(document: Path, header: str, rows: Rows) -> None:
    """Replaces the rows of the table with this header."""
    before, _, after = _parts(document, header)
    document.write_text("\n".join([before, *rows, after]), encoding="utf-8")


def _parts(document: Path, header: str) -> tuple[str, str, str]:
    text = document.read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(header)}\n[| -]+$\n((?:^\|.*\n)*)", text, re.MULTILINE)
    assert found, f"{document.name} has no table {header}"
    return text[: found.start(1)].removesuffix("\n"), found[1], text[found.end(1) :]
