"""The check `deploy_secrets`: Doppler has every value that a deploy needs, in the right shape.

It is no step of an engine, because it needs the token, and no engine gets the token.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.errors import SecretsError
from tasks.hardening import TOKEN_VARIABLE
from tasks.models import Diagnostic, Proof, Result, Severity, Stage, Status
from tasks.secrets.shapes import mistake_in
from tasks.steps import Check

NAME = "deploy_secrets"
CHECK = Check(id=NAME, name=NAME, title="deploy secrets", stage=Stage.BUILD, component=".", commands=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """A variable that a deploy needs, or can use. `by` is the component or file that asks for it, at `file` and `line`.

    `example` is the value in the example file. Production must have another one.
    """

    name: str
    by: str
    file: str = ""
    line: int | None = None
    optional: bool = False
    example: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What Doppler holds of the names that a deploy needs. `place` is the config, `hidden` are restricted names."""

    place: str
    values: Mapping[str, str] = field(repr=False)
    hidden: frozenset[str] = frozenset()


Ask = Callable[[Collection[str]], Held]
"""Asks Doppler for these names. Raises SecretsError if Doppler does not answer."""


def unasked(environment: str, is_configured: bool) -> Result | None:
    """The result if Doppler is not asked; None if it is. Only with a deploy target is that no verdict."""
    if is_configured and environment:
        return None
    if environment:
        reason = (
            f"{environment}: Doppler cannot be asked; set {TOKEN_VARIABLE}, and secrets_provider to doppler or auto"
        )
        return Result(check=NAME, status=Status.ERRORED, reason_code="secrets", reason=reason)
    if is_configured:
        return unchecked("no_target", "no deploy target is named; --environment NAME names one")
    return unchecked("no_doppler", f"Doppler cannot be asked without {TOKEN_VARIABLE}")


def unchecked(reason_code: str, reason: str) -> Result:
    """Skipped, with a gap in the proof."""
    proof = Proof(gaps=(f"deploy secrets were not checked: {reason}",))
    return Result(check=NAME, status=Status.SKIPPED, reason_code=reason_code, reason=reason, proof=proof)


def look(needed: Sequence[Needed], ask: Ask) -> Result:
    """Asks Doppler, and reports names that are missing or have a wrong value. Never shows a value."""
    if not needed:
        reason = "the stack names no variable that a deploy needs; list them under deploy_secrets in predeploy.toml"
        return unchecked("no_names", reason)
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
            reason=f"{held.place}: {counted(errors)}",
            diagnostics=tuple(found),
        )
    there = sum(bool(held.values.get(each.name)) or each.name in held.hidden for each in needed)
    absent = len(needed) - there
    spare = f", without {absent} optional" if absent else ""
    summary = f"{there} names in {held.place}{spare}"
    return Result(check=NAME, status=Status.PASSED, summary=summary, diagnostics=tuple(found))


def counted(errors: Sequence[Diagnostic]) -> str:
    """`2 names are missing (A, B), 1 value is wrong (C)`."""
    parts = []
    for rule, one, many in (
        ("missing", "name is missing", "names are missing"),
        ("misshapen", "value is wrong", "values are wrong"),
    ):
        names = [each.message.partition(" ")[0] for each in errors if each.rule == rule]
        if names:
            parts.append(f"{len(names)} {one if len(names) == 1 else many} ({', '.join(names)})")
    return ", ".join(parts)


def finding(needed: Needed, held: Held) -> Diagnostic | None:
    """The error or warning about one name, at the place that asks for it; None if all is well."""
    value = held.values.get(needed.name, "")
    if needed.name in held.hidden:
        text, rule, severity = "is restricted and could not be checked", "restricted", Severity.WARNING
    elif not value:
        if needed.optional:
            return None
        state = "is empty" if needed.name in held.values else "is missing"
        text, rule, severity = state, "missing", Severity.ERROR
    elif mistake := mistake_in(needed.name, value, needed.example):
        text, rule, severity = mistake, "misshapen", Severity.ERROR
    else:
        return None
    return Diagnostic(
        tool=NAME,
        message=f"{needed.name} {text} in {held.place}; used by {needed.by}",
        file=needed.file or None,
        line=needed.line,
        rule=rule,
        severity=severity,
    )
