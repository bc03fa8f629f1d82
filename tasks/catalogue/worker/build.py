"""The row that builds a Worker as the stack deploys it: the steps before wrangler, and the bundle."""

import json
import posixpath
import re

from tasks.catalogue.preparation import prepared
from tasks.catalogue.row import CatalogueContext, Row
from tasks.catalogue.worker.bound import bound_commands, bound_components
from tasks.catalogue.worker.bundling import (
    BUNDLE,
    bundle_command,
    deploy_steps,
    directory_of,
    key_lines,
    step_command,
    worker_of,
)
from tasks.catalogue.worker.deploy_rules import rules_command
from tasks.catalogue.worker.own_wrangler import lacks_wrangler
from tasks.models import Stage
from tasks.stack import Component, Kind
from tasks.steps import PROBES, PYTHON, WORK, Command
from tasks.worker import LostBinding

# Tools of quality with a check of their own.
COVERED = frozenset({"eslint", "vitest"})


def worker_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands for the steps before wrangler, and the bundle that a deploy would upload."""
    steps = tuple(step_command(step, component, context) for step in deploy_steps(component, context))
    directory, plan = directory_of(component), context.settings.cloudflare_plan
    before = rules_command(worker_of(component), directory, plan)
    after = rules_command(worker_of(component), directory, plan, BUNDLE)
    bundled = (before, bundle_command(component, context), after, *lost_commands(component, context))
    return (*prepared(component, context, "build"), *steps, *bundled, *bound_commands(component, context))


def lost_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command that reports what the code reads and the target lacks. A name in predeploy.toml is known."""
    configured = context.configured(component)
    known = {*configured.secrets, *configured.optional_secrets, *configured.env, *context.settings.deploy_secrets}
    findings = [_finding(each, component, context) for each in worker_of(component).lost if each.name not in known]
    command = Command(
        argv=(PYTHON, f"{PROBES}/state_findings.py"),
        label="bindings of the target",
        env=(("PREDEPLOY_FINDINGS", json.dumps(findings, sort_keys=True)),),
        verdicts=((1, "missing_binding"),),
        parser="probe",
        limit=60,
    )
    return (command,) if findings else ()


def _finding(lost: LostBinding, component: Component, context: CatalogueContext) -> dict[str, object]:
    """Returns the finding of a read. It is at the line of the target's section, or else at the read itself."""
    worker = worker_of(component)
    target = f"env.{worker.environment}" if worker.environment else "the top level"
    keys = key_lines(worker, context) if worker.environment else None
    section = [line for key, line in keys.lines if f"{key}.".startswith(f"{target}.")] if keys else []
    kind = "variable" if lost.section == "vars" else "binding"
    return {
        "tool": "wrangler",
        "file": worker.config if section else lost.file,
        "line": min(section) if section else lost.line,
        "rule": "missing_binding",
        "message": f"{lost.file}:{lost.line} reads the {kind} {lost.name}, but {target} of {worker.config} "
        f"lacks it in {lost.section}. Sections do not inherit {kind}s: add it there",
    }


def worker_outputs(component: Component, _: CatalogueContext) -> tuple[tuple[str, str], ...]:
    """Returns what a deploy uploads. Assets are exported next to the bundle, because files in it count as modules."""
    worker = worker_of(component)
    bundle = (("", BUNDLE),) if worker.main else ()
    assets = posixpath.normpath(f"{component.path}/{worker.assets}")
    return (*bundle, (".assets", f"{WORK}/{assets}")) if worker.assets else bundle


def worker_absent(component: Component, _: CatalogueContext) -> str:
    """Returns why a Worker cannot be built."""
    return "" if component.node is not None else f"{component.label} has no package.json to install wrangler from"


def worker_gaps(component: Component, _: CatalogueContext) -> tuple[str, ...]:
    """Returns what the deploy does before wrangler, and predeploy does not."""
    left_out = worker_of(component).deploy.left_out
    own = f"predeploy's own wrangler deploys {component.label}, because no package.json asks for one"
    covered = COVERED.intersection(component.node.dependencies if component.node else ())
    steps = tuple(
        f"`{step.text}` runs before the deploy of {component.label} ({step.found.place}), and did not run here"
        for step in left_out
        if not any(re.search(rf"\b{tool}\b", step.text) for tool in covered)
    )
    python = f"{component.label} is a Worker in Python: predeploy bundles it, and does not start it"
    return (*((own,) if lacks_wrangler(component) else ()), *((python,) if is_python(component) else ()), *steps)


def is_python(component: Component) -> bool:
    """Whether the Worker's code is Python, which needs packages and a runtime of Cloudflare's."""
    return worker_of(component).main.endswith(".py")


BUILD_ROWS = (
    Row(
        name="worker_container",
        title="Worker container",
        stage=Stage.BUILD,
        kinds=(Kind.WORKER,),
        commands=worker_commands,
        absent=worker_absent,
        outputs=worker_outputs,
        gaps=worker_gaps,
        reads=bound_components,
    ),
)
