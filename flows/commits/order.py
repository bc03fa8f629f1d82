"""The order of a validation: the commit, its stack, and how far its code is trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from prefect.runtime import flow_run

from tasks.errors import UsageError
from tasks.settings import Settings
from tasks.trust import Trust, trust_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The parameters of a validation. `choices` are settings of the run; an empty one was not chosen."""

    repository: str
    ref: str
    directory: str
    choices: Mapping[str, object]
    is_trusted: bool
    policy: str

    def __post_init__(self) -> None:
        if not self.is_trusted and not self.policy:
            raise UsageError(
                "policy: untrusted code does not choose its own policy. Name the commit whose policy applies."
            )

    @property
    def trust(self) -> Trust:
        """The policy for the code of the commit."""
        return trust_of(self.is_trusted)

    @property
    def flags(self) -> dict[str, object]:
        """The settings that override all others. Raises UsageError for a setting that does not exist."""
        chosen = {name: value for name, value in self.choices.items() if value}
        if unknown := chosen.keys() - Settings.model_fields.keys():
            raise UsageError(
                f"{', '.join(sorted(unknown))}: this version of predeploy has no such setting. Leave it empty."
            )
        return {**chosen, **self.trust.settings}


def run_name() -> str:
    """Returns the name of the current run in Prefect, from its parameters."""
    given = flow_run.get_parameters()
    return name_of(*(str(given.get(name, "")) for name in ("repository", "directory", "ref")))


def name_of(repository: str, directory: str, ref: str) -> str:
    """Returns a stack and its ref, as in `cafe main`. The stack has the name of its directory, or of its repository."""
    whole = PurePosixPath(repository.rstrip("/").removesuffix(".git")).name
    return f"{PurePosixPath(directory).name or whole or 'stack'} {ref[:12] if len(ref) >= 40 else ref}"
