"""How steps, their services and installations ended: what engines return. Facts only."""

from dataclasses import dataclass

from tasks.steps import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceExit:
    """A service beside a step: how it ended, if it did while the step needed it, and the end of what it said."""

    name: str
    code: int | None
    signal: int | None
    output: str

    @property
    def ended(self) -> bool:
        """It was not there any more."""
        return self.code is not None or self.signal is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a step ended: facts only, no verdict.

    `code` is None where it did not exit by itself; then `signal`, `timed_out` or `trouble` tell why. Outputs longer
    than an engine keeps lose their beginning; the log file has everything. `trouble` is an engine's own knowledge of
    why the outcome means nothing (`disk_full`, `service_lost`, `out_of_memory`, `engine_lost`, …), `detail` one line
    about it. `root` is what the program took for the root of the stack: where paths in its output begin. `reused`: the
    engine remembered this exit of an earlier run on the same inputs, `age` seconds ago. `services` are those beside
    it, where it failed or one of them ended.
    """

    code: int | None
    stdout: str = ""
    stderr: str = ""
    duration: float = 0.0
    signal: int | None = None
    timed_out: bool = False
    trouble: str = ""
    detail: str = ""
    root: str = ""
    reused: bool = False
    age: float = 0.0
    services: tuple[ServiceExit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An environment that is there, or how making it ended. `gaps` tell in what it differs from production's."""

    exit: Exit
    command: Command | None = None
    gaps: tuple[str, ...] = ()
    version: str = ""
    reused: bool = False
