"""What can go wrong around a run.

PredeployError             exit 3: no verdict
├── UsageError             exit 2: wrong usage or configuration
│   ├── SettingsError      every mistake in the settings, with file, line and key
│   └── TreeError          the tree cannot be validated as it is
├── GateError              exit 3: a deploy of the commit would not be a deploy of these files
├── SecretsError           exit 3: secrets that the chosen checks declare cannot be had
└── EngineError            exit 3: the engine, a service or a registry is not what it should be
    └── AcquireError       an environment could not be made
"""

from collections.abc import Sequence


class PredeployError(Exception):
    """The run cannot go on. The text says what happened, why, and what to do next."""

    exit_code = 3
    reason_code = "internal"


class UsageError(PredeployError):
    """The command line or the configuration asks for something that cannot be."""

    exit_code = 2
    reason_code = "usage"


class SettingsError(UsageError):
    """One or more settings are wrong; `problems` has a line for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class TreeError(UsageError):
    """The tree has something in it that no deploy could be made from."""


class GateError(PredeployError):
    """The gate speaks of a commit, and the stack is another one."""

    reason_code = "dirty"


class SecretsError(PredeployError):
    """Values that checks need are not there. The text holds names, never a value."""

    reason_code = "secrets"


class EngineError(PredeployError):
    """No verdict: something around the stack's code is broken. `reason_code` says what."""

    def __init__(self, message: str, reason_code: str = "engine") -> None:
        self.reason_code = reason_code
        super().__init__(message)
