"""Judges an error of a Worker that comes of what only production has: hosts, data in its stores, and secrets. Pure."""

import re
from collections.abc import Iterable, Sequence

from tasks.execution.judgement import Judgement, errored
from tasks.exits import Exit
from tasks.models import Diagnostic, Severity
from tasks.reason_codes import ReasonCode
from tasks.settings.mistakes import spelled
from tasks.stack import Component
from tasks.steps import Command
from tasks.worker import Worker

UNHEALTHY = "unhealthy"
_REFUSED = re.compile(r"sent a request to (?P<host>\S+), which was refused")
# A Worker on a route passes requests on to the server behind it.
_OWN = frozenset({"localhost", "127.0.0.1"})
_NO_TABLE = re.compile(r"no such table: (?P<table>[\w.\"]+)")
_NULL = re.compile(
    r"(?:properties|property '\w+') of null|'null' as it is null|null \(reading|\bnull is not (?:an object|iterable)"
)
_STORES = {"kv_namespaces": "KV", "r2_buckets": "R2", "d1_databases": "D1"}
# A value of a wrong shape: throwaway values are plain words.
_SHAPE = re.compile(
    r"[\"']predeploy-|predeploy\.invalid|is not valid JSON|InvalidCharacterError|\bDataError\b|\batob\b|\bPEM\b"
    r"|PKCS ?8|SPKI|Invalid (?:URL|key|base64|JWT|JWK|token)|key length|importKey",
    re.IGNORECASE,
)
_THROWAWAY = re.compile(r"predeploy-|\.predeploy\.invalid")


def judge_worker(
    component: Component | None, command: Command, exit: Exit, diagnostics: Sequence[Diagnostic]
) -> Judgement | None:
    """Returns an errored judgement if an unhealthy Worker may lack what only production has; otherwise None."""
    worker = component.worker if component else None
    if component is None or worker is None or dict(command.verdicts).get(exit.code or 0) != UNHEALTHY:
        return None
    text = "\n".join(each.message for each in diagnostics if each.severity is Severity.ERROR)
    first = text.partition("\n")[0]
    found = {match["host"] for match in _REFUSED.finditer(text)}
    if hosts := sorted("its origin" if host in _OWN else host for host in found):
        why = f"the Worker asked {', '.join(hosts)}, which only production reaches"
        return errored(ReasonCode.SERVICE_ABSENT, f"{why}, and then failed: {first}. {advice(component)}")
    if data := absent_data(worker, text):
        return errored(ReasonCode.SERVICE_ABSENT, f"{data}: {first}. {advice(component)}")
    names = throwaways(command)
    named = [name for name in names if re.search(rf"(?<![\w.]){re.escape(name)}\b", text)]
    if named or (names and _SHAPE.search(text)):
        names = named or names
        table = spelled(("component", component.path, "env"))
        lines = ", ".join(f'{name} = "…"' for name in names)
        reason = f"the Worker may need real values of {', '.join(names)}, which only production has: {first}"
        return errored(ReasonCode.VARIABLE_ABSENT, f"{reason}. Set in predeploy.toml: [{table}] {lines}")
    return None


def absent_data(worker: Worker, text: str) -> str:
    """Returns which data an error misses: a table that no migration of the tree makes, or a value in a store."""
    missing = _NO_TABLE.search(text)
    if missing and worker.unmigrated:
        return (
            f"{', '.join(worker.unmigrated)} has no table {missing['table']}, because the tree has no migrations for it"
        )
    stores = [label for key, label in _STORES.items() if worker.bindings.get(key)]
    if stores and _NULL.search(text):
        return f"{' and '.join(stores)} of the Worker {'is' if len(stores) == 1 else 'are'} empty in this run"
    return ""


def throwaways(command: Command) -> list[str]:
    """Returns the names of the Worker's variables with throwaway values."""
    pairs: Iterable[tuple[str, str]] = (pair for service in command.services for pair in service.env)
    return sorted({name for name, value in pairs if not name.startswith("PREDEPLOY_") and _THROWAWAY.search(value)})


def advice(component: Component) -> str:
    """Returns what gives a verdict: a path that works without them."""
    table = spelled(("component", component.path))
    return f'Name a path that works without it: health = "/…" in [{table}] of predeploy.toml'
