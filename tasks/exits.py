"""The facts that engines return: how steps, their services and installations ended."""

from dataclasses import dataclass

from tasks.steps import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceExit:
    """How a service of a step ended while the step needed it, and the end of its output.

    `code` and `signal` are None if the service did not end. `cpu` is then its processor time in seconds, if the engine
    knows it.
    """

    name: str
    code: int | None
    signal: int | None
    output: str
    cpu: float | None = None

    @property
    def ended(self) -> bool:
        """Whether the service ended."""
        return self.code is not None or self.signal is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a step ended: facts only, no verdict.

    `code` is None if the program did not exit by itself; then `signal`, `timed_out` or `trouble` has the cause. An
    output that is too long for the engine loses its beginning; the log file has all of it. `trouble` is a reason code
    for an exit without meaning (`disk_full`, `service_lost`, `out_of_memory`, `engine_lost`, …), `detail` one line
    about it. `root` is the stack's root as the program saw it, with which paths in its output begin. `reused` means
    that the exit is from an earlier run on the same inputs, `age` seconds ago. `services` is set if the step failed or
    a service ended. `cpu` is the processor time of the program and its servers in seconds, if the engine knows it. Of
    a program over its limit it is that of the program alone.
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
    cpu: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The end of an installation. `gaps` are the differences between the environment and production's."""

    exit: Exit
    command: Command | None = None
    gaps: tuple[str, ...] = ()
    version: str = ""
    reused: bool = False
