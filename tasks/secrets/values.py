"""Values of secrets, in a mapping that never shows them."""

from collections.abc import Iterator, Mapping


class Secrets(Mapping[str, str]):
    """Names and values, frozen. Where it is printed, in a traceback too, there are names only."""

    __slots__ = ("__values",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.__values = dict(values or {})

    def __getitem__(self, name: str) -> str:
        return self.__values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.__values)

    def __len__(self) -> int:
        return len(self.__values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self.__values))})"

    def __reduce__(self) -> str:
        """Nobody gets to store them by accident."""
        raise TypeError("secrets are not pickled")

    def only(self, names: tuple[str, ...]) -> dict[str, str]:
        """The variables of one command that declares these names."""
        return {name: self.__values[name] for name in names}


NO_SECRETS = Secrets()
