"""The words that every part shares: stages, diagnostics, results and the report."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Stage(StrEnum):
    """How checks are grouped in the report and in Prefect."""

    BUILD = "build"
    QUALITY = "quality"
    INTEGRATION = "integration"


class Status(StrEnum):
    """What became of a check. `errored` means: no verdict."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    SKIPPED = "skipped"


class Severity(StrEnum):
    """How bad a diagnostic is. Only errors turn a check red."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding of one tool. `file` is relative to the stack's root, `line` and `column` count from 1."""

    tool: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    severity: Severity = Severity.ERROR
    rule: str | None = None

    @property
    def fingerprint(self) -> str:
        """The same finding keeps it when lines above it move."""
        parts = (self.tool, self.file or "", self.rule or "", self.message)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]

    @property
    def location(self) -> str:
        """`file:line:column`, as far as known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a pass is worth: full where `gaps` is empty, else partial for these reasons."""

    gaps: tuple[str, ...] = ()

    @property
    def full(self) -> bool:
        """Nothing that production does was left out."""
        return not self.gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipReason:
    """Why a check that belongs to the stack cannot run here: it is skipped, and that is a gap in the proof."""

    reason_code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCounts:
    """What a test runner said of its run."""

    __test__ = False
    passed: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one check.

    `reason_code` is stable and made for machines, `reason` is one line for people; both are empty for a plain pass.
    `summary` is what a pass has to say (`24 passed`). `started` is seconds since the run began. `blocked_by` is the id
    of a red check that this one shares its packages with, and was skipped for.
    """

    check: str
    status: Status
    reason_code: str = ""
    reason: str = ""
    proof: Proof = Proof()
    cached: bool = False
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
        """A check that needs this one may run."""
        return self.status is Status.PASSED


class Outcome(StrEnum):
    """What the results add up to."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    INTERRUPTED = "interrupted"
    BUDGET = "budget"
    USAGE = "usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome with its exit code. `ready`: the whole catalogue passed with full proof."""

    outcome: Outcome
    exit_code: int
    ready: bool = False
    gaps: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """A check of the plan with its result: one line of the report. `needs` are the ids of checks that it needs."""

    id: str
    name: str
    title: str
    component: str
    stage: Stage
    result: Result
    rerun: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """Which engine ran the steps, and the `reason` for it, which `summary` says in at most eight words.

    `images` are the base images' tags with what they resolved to.
    """

    name: str
    version: str
    reason: str
    summary: str = ""
    images: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsFacts:
    """Who gave secrets to the run, and their names. `stale` says how old they are, where they are no fresh ones."""

    source: str = ""
    names: tuple[str, ...] = ()
    stale: str = ""


NO_SECRETS_FACTS = SecretsFacts()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredImage:
    """An image that was handed on after the run: as the archive at `path`, in a registry as `reference`, or both."""

    component: str
    digest: str
    path: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFiles:
    """The files of a component that a deploy takes, handed on after the run. The digest is that of a tree."""

    component: str
    path: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """The run as Prefect knows it. `unrecorded` says why it does not, where it does not."""

    id: str
    url: str | None = None
    unrecorded: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything a run has to say. Durations are seconds, `started_at` is ISO 8601 in UTC.

    `directory` is where report and logs lie, relative to the stack. `commit` is the one that has these very files,
    empty where none does; `gate`: nothing less than full proof was taken.
    """

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
    rerun: str = ""
    images: tuple[DeliveredImage, ...] = ()
    secrets: SecretsFacts = NO_SECRETS_FACTS
    built: tuple[BuiltFiles, ...] = ()
    commit: str = ""
    gate: bool = False
    stage_durations: dict[Stage, float] = field(default_factory=dict)

    def of(self, stage: Stage) -> tuple[CheckReport, ...]:
        """The checks of one stage, in the plan's order."""
        return tuple(check for check in self.checks if check.stage is stage)


def worst(results: Iterable[Result]) -> Status:
    """One status for many: failed beats errored beats passed; skipped only where nothing else is."""
    statuses = {result.status for result in results}
    for status in (Status.FAILED, Status.ERRORED, Status.PASSED):
        if status in statuses:
            return status
    return Status.SKIPPED
