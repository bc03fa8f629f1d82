"""Which settings the `predeploy.toml` of a stack may hold: a stack has no power over the machine that validates it.

A stack may be a stranger's clone. Its file chooses checks and describes its components. What writes, pushes or reads
outside of the stack, or hands a secret of the person to the stack's code, comes from flags and the environment alone.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import BaseModel


@dataclass(frozen=True, slots=True, kw_only=True)
class FromStack:
    """The rule for one setting in a stack's own file. `shown` is its text in docs/configuration.md.

    `accepts` gets a value and the stack's directory. The default value is always accepted, because it has no effect.
    """

    shown: str
    accepts: Callable[[object, Path], bool]
    why: str = ""


def _is_below(value: object, stack: Path) -> bool:
    """Whether a path leads to a place in the stack, also after its symlinks are followed."""
    if not isinstance(value, str) or value.startswith("~") or "\0" in value:
        return False
    path = PurePosixPath(value)
    root = os.path.realpath(stack)
    real = os.path.realpath(os.path.join(root, value))  # noqa: PTH118 - realpath follows each symlink in the text
    return not path.is_absolute() and ".." not in path.parts and real.startswith(f"{root.rstrip('/')}/")


ANY = FromStack(shown="yes", accepts=lambda _value, _stack: True)
BELOW = FromStack(shown="a path below it", accepts=_is_below, why="a stack names only files below itself")
NEVER = FromStack(
    shown="no",
    accepts=lambda _value, _stack: False,
    why="a stack does not decide what this machine runs, reads or writes",
)
NOT_ENVIRONMENT = FromStack(
    shown="not `env`",
    accepts=lambda value, _stack: value != "env",
    why="a stack does not take variables of the person's environment",
)


def rules_of(model: type[BaseModel]) -> Mapping[str, FromStack]:
    """The rule of each setting. Every field declares one."""
    return {
        name: next(each for each in field.metadata if isinstance(each, FromStack))
        for name, field in model.model_fields.items()
    }


def refused_keys(
    values: Mapping[str, object], defaults: BaseModel, stack: Path, rules: Mapping[str, FromStack]
) -> dict[str, str]:
    """The keys of a stack's file that it may not set, with the reason for each."""
    return {
        key: rules[key].why
        for key, value in values.items()
        if key in rules and value != getattr(defaults, key) and not rules[key].accepts(value, stack)
    }
