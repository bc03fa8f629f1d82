"""An engine that runs nothing: it answers from a script, and remembers what it was asked."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tasks.errors import EngineError
from tasks.exits import Exit, Prepared
from tasks.models import EngineFacts, Result
from tasks.steps import Database, Environment, Image, Step

WELL = Exit(code=0)
DIGEST = "sha256:" + "1f" * 32
T = TypeVar("T")


class FakeEngine:
    """Steps are known by words of their argv (or by their slot), environments by a part of their title.

    Several answers are given one after the other, the last one again and again; an exception is raised. A step with a
    gate ends only when its gate is set. `troubles` are what `trouble` answers, in the same way.
    """

    def __init__(
        self,
        exits: Mapping[str, Exit | BaseException | Sequence[Exit | BaseException]] | None = None,
        *,
        delays: Mapping[str, float] | None = None,
        prepares: Mapping[str, Prepared | Sequence[Prepared]] | None = None,
        troubles: Sequence[tuple[str, str] | None] = (None,),
        registry: bool = True,
        image_registry: bool = True,
        no_database: bool = False,
        provides: frozenset[str] = frozenset(),
    ) -> None:
        self.provides = provides
        self.warnings: Sequence[str] = ()
        self.identity: dict[str, str] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.ran: list[Step] = []
        self.prepared: list[Environment] = []
        self.warmed: list[str] = []
        self.cancelled: list[str] = []
        self.left: list[str] = []
        self.peak = 0
        self.controls = 0
        self.closed = False
        self._begun: dict[str, asyncio.Event] = {}
        self._running = 0
        self._exits: dict[str, list[Exit | BaseException]] = {}
        for key, answer in (exits or {}).items():
            self._exits[key] = [answer] if isinstance(answer, Exit | BaseException) else list(answer)
        self._delays = dict(delays or {})
        self._prepares = {
            key: [answer] if isinstance(answer, Prepared) else list(answer) for key, answer in (prepares or {}).items()
        }
        self._troubles = list(troubles)
        self._registry = registry
        self._image_registry = image_registry
        self._no_database = no_database

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closed = True

    @property
    def facts(self) -> EngineFacts:
        return EngineFacts(name="fake", version="1", reason="a test asked for it")

    @property
    def programs(self) -> list[str]:
        """What ran, in order."""
        return [" ".join(step.argv) for step in self.ran]

    def gate(self, name: str) -> asyncio.Event:
        """Holds a step until the event is set."""
        return self.gates.setdefault(name, asyncio.Event())

    def begun(self, name: str) -> asyncio.Event:
        """Is set when a step has begun."""
        return self._begun.setdefault(name, asyncio.Event())

    async def prepare(self, environment: Environment, log: Path) -> Prepared:
        self.prepared.append(environment)
        answers = next((each for key, each in self._prepares.items() if key in environment.title), None)
        return taken(answers) if answers else Prepared(exit=WELL)

    async def run(self, step: Step, log: Path) -> Exit:
        self.ran.append(step)
        self.begun(" ".join(step.argv)).set()
        self._running += 1
        self.peak = max(self.peak, self._running)
        try:
            return await self._end(step)
        except asyncio.CancelledError:
            self.cancelled.append(" ".join(step.argv))
            raise
        finally:
            self._running -= 1

    async def answers(self, environment: Environment, log: Path) -> bool:
        self.controls += 1
        return self._registry

    async def export_image(self, image: Image, path: Path) -> str:
        path.write_text(image.title)  # noqa: ASYNC240 - a test has nobody to hold up
        return DIGEST

    async def export_directory(self, step: Step, directory: str, target: Path) -> None:
        target.mkdir()  # noqa: ASYNC240 - a test has nobody to hold up
        (target / "index.html").write_text(directory)

    async def publish_image(self, image: Image, reference: str) -> str:
        if not self._image_registry:
            raise EngineError(f"the image could not be published as {reference}: denied", "delivery")
        return f"{reference}@{DIGEST}"

    async def identify(
        self, environments: Iterable[Environment], images: Iterable[str], *, has_database: bool
    ) -> Mapping[str, str]:
        """Digests that are made of the references: `identity` replaces some."""
        return {image: f"{image}@{DIGEST}" for image in images} | self.identity

    async def warm_database(self, expected: Iterable[Database] = ()) -> None:
        self.warmed += ["database", *(each.name for each in expected)]
        if self._no_database:
            raise EngineError("Postgres did not start", "postgres")

    async def warm_image(self, step: Step) -> None:
        self.warmed.append(step.image.title if step.image else "no image")

    async def leave(self, slots: Iterable[str]) -> None:
        self.left += slots

    async def trouble(self) -> tuple[str, str] | None:
        return taken(self._troubles)

    async def _end(self, step: Step) -> Exit:
        for key, gate in self.gates.items():
            if names(key, step):
                await gate.wait()
        for key, delay in self._delays.items():
            if names(key, step):
                await asyncio.sleep(delay)
        answers = next((each for key, each in self._exits.items() if names(key, step)), None)
        answer = taken(answers) if answers else WELL
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Witness:
    """A progress that remembers. `broken` makes it raise instead, like a terminal that went away."""

    def __init__(self, broken: Exception | None = None) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self._broken = broken

    def started(self, check: str) -> None:
        self.begun.append(check)
        if self._broken:
            raise self._broken

    def finished(self, check: str, result: Result) -> None:
        self.ended.append(check)
        if self._broken:
            raise self._broken


def names(key: str, step: Step) -> bool:
    """Does a key of the script mean this step?"""
    return key == step.slot or key in step.argv or key == " ".join(step.argv)


def taken(answers: list[T]) -> T:
    """The next answer; the last one stays."""
    return answers.pop(0) if len(answers) > 1 else answers[0]
