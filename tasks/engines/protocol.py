"""The seam between the executor and what really runs a step."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tasks.exits import Exit, Prepared
from tasks.models import EngineFacts
from tasks.steps import Database, Environment, Image, Step


class Engine(Protocol):
    """Interprets steps. Never raises for a step that failed; raises EngineError where it cannot run any."""

    provides: frozenset[str]
    warnings: Sequence[str]
    """What went wrong with the engine and changes no verdict: for the report, once the engine is closed."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends everything that the engine started, whatever happened."""

    @property
    def facts(self) -> EngineFacts:
        """Name, version and why it was chosen."""

    async def prepare(self, environment: Environment, log: Path) -> Prepared:
        """Makes an environment once per key, whoever asks, and appends what was said to `log`."""

    async def run(self, step: Step, log: Path) -> Exit:
        """Runs a step whose environment is prepared, and appends command, output and exit to `log` as they come."""

    async def answers(self, environment: Environment, log: Path) -> bool:
        """Does the package registry of an environment answer its control command? Asked after a failure only."""

    async def warm_database(self, expected: Iterable[Database]) -> None:
        """Starts Postgres before the first step asks for it; raises EngineError where that fails.

        `expected` are the databases that steps will ask for: where it is cheaper, they are made together.
        """

    async def warm_image(self, step: Step) -> None:
        """Builds the image of a step, which needs nothing that earlier steps make; never raises where that fails."""

    async def export_image(self, image: Image, path: Path) -> str:
        """Writes the image that the run has validated as an OCI archive; its digest. EngineError where that fails."""

    async def publish_image(self, image: Image, reference: str) -> str:
        """Pushes the image that the run has validated; the reference with its digest. EngineError where that fails."""

    async def export_directory(self, step: Step, directory: str, target: Path) -> None:
        """Writes a directory of the workspace that a step ran in, named with tokens. EngineError where that fails."""

    async def trouble(self) -> tuple[str, str] | None:
        """Asks what steps rely on (disk, database) a trivial question: None, or a reason code and one line."""
