"""The interface between the executor and the engines."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tasks.exits import Exit, Prepared
from tasks.models import EngineFacts
from tasks.steps import Database, Environment, Image, Step


class Engine(Protocol):
    """Runs steps. A step that fails is an Exit, not an error. EngineError: the engine can run no step at all."""

    provides: frozenset[str]
    warnings: Sequence[str]
    """Problems of the engine that change no verdict. They are complete once the engine is closed."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends every process that the engine started."""

    @property
    def facts(self) -> EngineFacts:
        """Name, version and the reason for the choice."""

    async def prepare(self, environment: Environment, log: Path) -> Prepared:
        """Installs an environment once per key, and appends the output to `log`."""

    async def run(self, step: Step, log: Path) -> Exit:
        """Runs a step with a prepared environment, and appends command, output and exit to `log`."""

    async def answers(self, environment: Environment, log: Path) -> bool:
        """Does the environment's control command succeed? It asks the package registry, after a failed installation."""

    async def identify(
        self, environments: Iterable[Environment], images: Iterable[str], *, has_database: bool
    ) -> Mapping[str, str]:
        """What results depend on besides their steps: the digests of base images by tag, and the engine's platform.

        `images` are the base images that the stack's Dockerfiles name. Raises EngineError if one is not available. An
        engine without images returns nothing.
        """

    async def warm_database(self, expected: Iterable[Database]) -> None:
        """Starts Postgres before the first step needs it. Raises EngineError if that fails.

        `expected` are the databases of later steps. An engine may create them together.
        """

    async def warm_image(self, step: Step) -> None:
        """Builds the image of a step before its turn. It raises no error: the step itself reports a failed build."""

    async def export_image(self, image: Image, path: Path) -> str:
        """Writes the validated image as an OCI archive; returns its digest. Raises EngineError if that fails."""

    async def publish_image(self, image: Image, reference: str) -> str:
        """Pushes the validated image; returns the reference with its digest. Raises EngineError if that fails."""

    async def export_directory(self, step: Step, directory: str, target: Path) -> None:
        """Copies a directory of a step's workspace; `directory` may have tokens. Raises EngineError if that fails."""

    async def leave(self, slots: Iterable[str]) -> None:
        """No later step is in these slots, so an engine may use their workspaces for other slots."""

    async def trouble(self) -> tuple[str, str] | None:
        """Checks the means of all steps (disk, database): None, or a reason code and a line of text."""
