"""The check `deploy_secrets`: is everything that a deploy needs in Doppler, and does it look like what it should be?

It is no step of an engine: whoever asks has the token, which no engine gets.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.errors import SecretsError
from tasks.hardening import TOKEN_VARIABLE
from tasks.models import Diagnostic, Proof, Result, Severity, Stage, Status
from tasks.needed import Needed
from tasks.secrets.shapes import mistake_in
from tasks.steps import Check

NAME = "deploy_secrets"


CHECK = Check(id=NAME, name=NAME, title="deploy secrets", stage=Stage.BUILD, component=".", commands=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What Doppler holds of the names that a deploy needs: `place` is the config, `hidden` what it gives to nobody."""

    place: str
    values: Mapping[str, str] = field(repr=False)
    hidden: frozenset[str] = frozenset()


Ask = Callable[[Collection[str]], Held]
"""Asks for these names, and raises SecretsError where there is no answer."""


def not_asked(environment: str, is_configured: bool) -> Result | None:
    """The result where nobody is asked: skipped, unless a deploy insists on it."""
    if is_configured and environment:
        return None
    if environment:
        reason = (
            f"--environment {environment} was given, and nobody can look: set {TOKEN_VARIABLE}, or secrets_provider"
        )
        return Result(check=NAME, status=Status.ERRORED, reason_code="secrets", reason=reason)
    code, reason = (
        ("no_target", "no deploy target is named; --environment names one")
        if is_configured
        else ("no_doppler", f"Doppler is not configured: there is no {TOKEN_VARIABLE}")
    )
    gap = f"nobody looked whether a deploy's secrets are there: {reason}"
    return Result(check=NAME, status=Status.SKIPPED, reason_code=code, reason=reason, proof=Proof(gaps=(gap,)))


def look(needed: Sequence[Needed], ask: Ask) -> Result:
    """Asks, and says what is missing or misshapen. Never shows a value. Where no name is known, that is a gap."""
    if not needed:
        reason = "no name of a deploy's secrets was found; list them under deploy_secrets in predeploy.toml"
        gap = f"nobody looked whether a deploy's secrets are there: {reason}"
        return Result(
            check=NAME, status=Status.SKIPPED, reason_code="no_names", reason=reason, proof=Proof(gaps=(gap,))
        )
    try:
        held = ask([each.name for each in needed])
    except SecretsError as error:
        return Result(check=NAME, status=Status.ERRORED, reason_code="secrets", reason=str(error))
    found = [diagnostic for each in needed if (diagnostic := finding(each, held)) is not None]
    errors = [each for each in found if each.severity is Severity.ERROR]
    if errors:
        missing = any(each.rule == "missing" for each in errors)
        return Result(
            check=NAME,
            status=Status.FAILED,
            reason_code="secrets_missing" if missing else "secrets_misshapen",
            reason=f"{counted(errors)} in {held.place}",
            diagnostics=tuple(found),
        )
    there = sum(bool(held.values.get(each.name)) or each.name in held.hidden for each in needed)
    absent = len(needed) - there
    spare = f", without {absent} optional" if absent else ""
    summary = f"{there} names in {held.place}{spare}"
    return Result(check=NAME, status=Status.PASSED, summary=summary, diagnostics=tuple(found))


def counted(errors: Sequence[Diagnostic]) -> str:
    """`2 names are missing: A, B; 1 is not what it should be: C`."""
    parts = []
    for rule, one, many in (
        ("missing", "is missing", "are missing"),
        ("misshapen", "is not what it should be", "are not what they should be"),
    ):
        names = [each.message.partition(" ")[0] for each in errors if each.rule == rule]
        if names:
            parts.append(f"{len(names)} {one if len(names) == 1 else many}: {', '.join(names)}")
    return "; ".join(parts)


def finding(needed: Needed, held: Held) -> Diagnostic | None:
    """What is wrong with one name, at the place that asks for it."""
    value = held.values.get(needed.name, "")
    if needed.name in held.hidden:
        text, rule, severity = "is restricted, so nobody could look at it", "restricted", Severity.WARNING
    elif not value:
        if needed.optional:
            return None
        state = "is empty" if needed.name in held.values else "is not there"
        text, rule, severity = state, "missing", Severity.ERROR
    elif mistake := mistake_in(needed.name, value, needed.example):
        text, rule, severity = mistake, "misshapen", Severity.ERROR
    else:
        return None
    return Diagnostic(
        tool=NAME,
        message=f"{needed.name} {text} in {held.place}; asked for by {needed.by}",
        file=needed.file or None,
        line=needed.line,
        rule=rule,
        severity=severity,
    )
