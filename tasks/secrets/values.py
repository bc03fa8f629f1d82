"""Values of secrets, in a mapping that never shows them."""

from collections.abc import Iterator, Mapping

from tasks.models import SecretsFacts
from tasks.redaction.redactor import Redactor


class Secrets(Mapping[str, str]):
    """Names and values, frozen. Where it is printed, in a traceback too, there are names only.

    `source` says who gave them, and `stale`, where it is not empty, how old they are and why; `notes` is what else
    there is to tell. `redactor` masks them, and what is `masked` besides: every text that may hold one passes it before
    anybody sees it.
    """

    __slots__ = ("__values", "notes", "redactor", "source", "stale")

    def __init__(
        self,
        values: Mapping[str, str] | None = None,
        *,
        source: str = "",
        stale: str = "",
        notes: tuple[str, ...] = (),
        masked: Mapping[str, str] | None = None,
    ) -> None:
        self.__values = dict(values or {})
        self.source, self.stale, self.notes = source, stale, notes
        self.redactor = Redactor({**(masked or {}), **self.__values})

    def __getitem__(self, name: str) -> str:
        return self.__values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.__values)

    def __len__(self) -> int:
        return len(self.__values)

    def __hash__(self) -> int:
        return hash(frozenset(self.__values))

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self.__values))})"

    def __reduce__(self) -> str:
        """Nobody gets to store them by accident."""
        raise TypeError("secrets are not pickled")

    @property
    def facts(self) -> SecretsFacts:
        """What the report says of them."""
        return SecretsFacts(source=self.source, names=tuple(sorted(self)), stale=self.stale)

    def only(self, names: tuple[str, ...]) -> dict[str, str]:
        """The variables of one command that declares these names. Optional ones may be missing."""
        return {name: self.__values[name] for name in names if name in self.__values}


NO_SECRETS = Secrets()
