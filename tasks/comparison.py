"""The data of a comparison: a run with the runs before it, and its files with those of an earlier commit."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakening:
    """One way in which the checks of a stack find less than before. `line` is 0 if it is of no single line.

    `kind` is made for programs: `suppression`, `skipped_test`, `fewer_tests`, `configuration` or `check_gone`.
    """

    kind: str
    text: str
    file: str = ""
    line: int = 0

    @property
    def location(self) -> str:
        """`file:line`, as far as known."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakerGate:
    """What became weaker since a commit or a run. `since` names it; it is empty if nothing could be compared.

    `unknown` is then the reason. `fails`: a setting makes the run red for it.
    """

    found: tuple[Weakening, ...] = ()
    since: str = ""
    unknown: str = ""
    fails: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedFinding:
    """A finding of an earlier run that this run does not have."""

    check: str
    location: str
    message: str


Finding = tuple[str, str]
"""The id of a check, and a fingerprint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A run, compared with earlier runs of the same stack on this machine.

    `previous` is the id of the newest run that is comparable. `seen` says in how many runs in a row a finding came,
    this one included. `base` names the deployed commit, if a run of it is known; `on_base` are the findings and
    `red_on_base` the checks that are red there too. `keys` has the key of each check that has one. `flaky` has checks
    with another result on the same key (or the same files, without a key), and the run with it. `slower` has the usual
    seconds of checks that took much longer. `is_whole`: all checks ran. `is_narrowed`: of one check, only chosen tests
    ran.
    """

    previous: str = ""
    seen: Mapping[Finding, int] = field(default_factory=dict)
    fixed: tuple[FixedFinding, ...] = ()
    base: str = ""
    on_base: frozenset[Finding] = frozenset()
    red_on_base: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    flaky: Mapping[str, str] = field(default_factory=dict)
    slower: Mapping[str, float] = field(default_factory=dict)
    gate: WeakerGate = WeakerGate()
    is_whole: bool = False
    is_narrowed: bool = False


NO_COMPARISON = Comparison()
