"""The values of secrets, in a mapping that never prints them."""

from collections.abc import Iterator, Mapping

from tasks.models import SecretsFacts
from tasks.redaction.redactor import Redactor


class Secrets(Mapping[str, str]):
    """Names and values, immutable. Its text has only the names, also in a traceback.

    `source` is the provider. `stale` is not empty if the values are old, and says why. `notes` are further texts for
    the report. `redactor` masks the values, and those of `masked`, in every text that may contain one.
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
        """Prevents that secrets are stored by accident."""
        raise TypeError("secrets are not pickled")

    @property
    def facts(self) -> SecretsFacts:
        """The facts for the report."""
        return SecretsFacts(source=self.source, names=tuple(sorted(self)), stale=self.stale)

    def only(self, names: tuple[str, ...]) -> dict[str, str]:
        """The variables of a command that declares these names. Names without a value are left out."""
        return {name: self.__values[name] for name in names if name in self.__values}


NO_SECRETS = Secrets()
