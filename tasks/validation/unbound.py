"""Adds to an error of a Worker which name of its environment has no value: no variable, secret or binding. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from tasks.discovery.worker.worker_env import bound_names
from tasks.execution.findings import explained
from tasks.models import Diagnostic, Result, Status
from tasks.stack import Component
from tasks.worker import Worker

Read = Callable[[str], str]
"""Returns the text of a file of the stack; empty if there is none."""
_READ = re.compile(r"\b(?:\w*[eE]nv|Bindings)\??\.(?P<name>[A-Za-z_]\w*)")


def with_unbound_names(result: Result, component: Component | None, read: Read) -> Result:
    """Returns a failed result that names, at each error of a Worker, what its line reads and no file sets."""
    worker = component.worker if component else None
    if worker is None or result.status is not Status.FAILED:
        return result
    return explained(result, (_explained(each, worker, read) for each in result.diagnostics))


def _explained(finding: Diagnostic, worker: Worker, read: Read) -> Diagnostic:
    if finding.tool != "worker" or finding.rule != "TypeError" or finding.file not in worker.sources:
        return finding
    known = _known(worker)
    names = [name for name in _names(read(finding.file), finding.line) if name not in known]
    if not names:
        return finding
    cause = f"{worker.config} has no variable or binding {' or '.join(names)}"
    return replace(finding, message=f"{finding.message}. {cause}")


def _names(text: str, line: int | None) -> Iterator[str]:
    """The names that a line reads from the environment, each once."""
    lines = text.split("\n")
    if line and line <= len(lines):
        yield from dict.fromkeys(match["name"] for match in _READ.finditer(lines[line - 1]))


def _known(worker: Worker) -> set[str]:
    bound = {name for section in worker.bindings.values() for name in bound_names(section)}
    return {*worker.vars, *worker.reads, *worker.containers, *bound}
