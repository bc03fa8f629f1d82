"""The errors that end a run.

PredeployError             exit 3: no verdict
├── UsageError             exit 2: wrong usage or configuration
│   ├── SettingsError      every mistake in the settings, with file, line and key
│   └── TreeError          the tree cannot be validated as it is
├── GateError              exit 3: the files differ from those of the commit to deploy
├── SecretsError           exit 3: secrets that the chosen checks declare are not available
└── EngineError            exit 3: the engine, a service or a registry does not work
"""

from collections.abc import Sequence


class PredeployError(Exception):
    """The run cannot continue. The text says what happened, why, and what to do next."""

    exit_code = 3
    reason_code = "internal"


class UsageError(PredeployError):
    """The command line or the configuration is wrong."""

    exit_code = 2
    reason_code = "usage"


class SettingsError(UsageError):
    """One or more settings are wrong. `problems` has one line for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class TreeError(UsageError):
    """The tree has a file that cannot be deployed."""


class GateError(PredeployError):
    """The gate validates a commit, and the stack's files are not those of the commit."""

    reason_code = "dirty"


class SecretsError(PredeployError):
    """Values that checks need are not available. The text has names, never a value."""

    reason_code = "secrets"


class EngineError(PredeployError):
    """No verdict, because something other than the stack's code is broken. `reason_code` names it."""

    def __init__(self, message: str, reason_code: str = "engine") -> None:
        self.reason_code = reason_code
        super().__init__(message)
