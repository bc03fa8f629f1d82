"""The data that all packages share: stages, diagnostics, results and the report."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from tasks.comparison import NO_COMPARISON, Comparison
from tasks.production import ProductionFacts


class Stage(StrEnum):
    """The groups of checks in the report and in Prefect."""

    BUILD = "build"
    QUALITY = "quality"
    INTEGRATION = "integration"


class Status(StrEnum):
    """The status of a check's result. `errored` means no verdict."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    SKIPPED = "skipped"


class Severity(StrEnum):
    """The severity of a diagnostic. Only errors turn a check red."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding of one tool. `file` is relative to the stack's root, `line` and `column` count from 1.

    `fix` is what the tool itself offers, in one line: a description, a command or both.
    """

    tool: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    severity: Severity = Severity.ERROR
    rule: str | None = None
    fix: str = ""

    @property
    def location(self) -> str:
        """`file:line:column`, as far as known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How complete the proof of a pass is: full if `gaps` is empty, else partial for these reasons."""

    gaps: tuple[str, ...] = ()

    @property
    def full(self) -> bool:
        """Whether the check covered everything that production does."""
        return not self.gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipReason:
    """Why a check of the stack cannot run here. The check is skipped, which is a gap in the proof."""

    reason_code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCounts:
    """The counts that a test runner reported."""

    __test__ = False
    passed: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of one check.

    `reason_code` is stable and made for programs, `reason` is one line for people. Both are empty for a plain pass.
    `summary` describes a pass, such as `24 passed`. `started` is in seconds since the run began, `duration` in seconds.
    `blocked_by` is the id of a red check with the same packages. `cached`: no command ran. If predeploy kept the
    result, it is from `cached_run`, which ended at `cached_at` (ISO 8601)."""

    check: str
    status: Status
    reason_code: str = ""
    reason: str = ""
    proof: Proof = Proof()
    cached: bool = False
    cached_run: str = ""
    cached_at: str = ""
    started: float = 0.0
    duration: float = 0.0
    summary: str = ""
    tests: TestCounts | None = None
    exit_code: int | None = None
    log: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    attempts: int = 1
    blocked_by: str = ""

    @property
    def passed(self) -> bool:
        """Whether the checks that need this one may run."""
        return self.status is Status.PASSED


class Outcome(StrEnum):
    """The outcome of a run."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    INTERRUPTED = "interrupted"
    BUDGET = "budget"
    USAGE = "usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome with its exit code. `ready` means that the whole catalogue passed with full proof."""

    outcome: Outcome
    exit_code: int
    ready: bool = False
    gaps: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """A check of the plan with its result. `needs` are ids. `has_tests`: single tests of it can be chosen."""

    id: str
    name: str
    title: str
    component: str
    stage: Stage
    result: Result
    rerun: str = ""
    needs: tuple[str, ...] = ()
    has_tests: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """The engine that ran the steps, and the `reason` for its choice, in at most eight words as `summary`.

    `images` maps base image tags to their digests.
    """

    name: str
    version: str
    reason: str
    summary: str = ""
    images: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsFacts:
    """The provider of the run's secrets, and their names. `stale` states the age of cached values, else it is empty."""

    source: str = ""
    names: tuple[str, ...] = ()
    stale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredImage:
    """An image that was exported after the run: as the archive at `path`, in a registry as `reference`, or both."""

    component: str
    digest: str
    path: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFiles:
    """The built files of a component, exported after the run. `digest` is the digest of their tree."""

    component: str
    path: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """The run in Prefect. `unrecorded` is the reason why Prefect does not record it."""

    id: str
    url: str | None = None
    unrecorded: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report of a run. Durations are in seconds, `started_at` is ISO 8601 in UTC.

    `directory`, relative to the stack, has report and logs; `place` is the same for a reader. `commit` has exactly
    these files, or is empty. `gate`: only full proof passes. Until `certain_until` (epoch) a new run passes too."""

    verdict: Verdict
    checks: tuple[CheckReport, ...]
    engine: EngineFacts
    run: RunFacts
    stack: str
    tree: str
    directory: str
    started_at: str
    duration: float
    untracked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    production: tuple[ProductionFacts, ...] = ()
    rerun: str = ""
    images: tuple[DeliveredImage, ...] = ()
    secrets: SecretsFacts = SecretsFacts()
    built: tuple[BuiltFiles, ...] = ()
    commit: str = ""
    gate: bool = False
    stage_durations: dict[Stage, float] = field(default_factory=dict)
    place: str = ""
    certain_until: float = 0.0
    compared: Comparison = NO_COMPARISON

    def of(self, stage: Stage) -> tuple[CheckReport, ...]:
        """Returns the checks of one stage, in the plan's order."""
        return tuple(check for check in self.checks if check.stage is stage)


def worst(results: Iterable[Result]) -> Status:
    """Returns one status for many: failed, else errored, else passed, else skipped."""
    statuses = {result.status for result in results}
    for status in (Status.FAILED, Status.ERRORED, Status.PASSED):
        if status in statuses:
            return status
    return Status.SKIPPED
