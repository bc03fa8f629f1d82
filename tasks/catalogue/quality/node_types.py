"""Commands that check the types of Node packages: tsc, vue-tsc and svelte-check."""

import re
from dataclasses import replace

from tasks.catalogue.preparation import prepared
from tasks.catalogue.quality.node_tools import node_absent, node_tool
from tasks.catalogue.row import CatalogueContext
from tasks.discovery.file_view import join
from tasks.stack import Component
from tasks.steps import CACHE, Command

TSC_CACHE = f"{CACHE}/tsc.json"
_REFERENCES = re.compile(r'"references"\s*:\s*\[\s*\{')
_CALLS_TSC = re.compile(r"(?:^|[\s&|;])tsc(?=$|\s)")


def tsconfig_of(component: Component, context: CatalogueContext) -> str:
    """Returns the configuration of tsc for a component: a Worker's, else the one next to its package.json."""
    if component.worker is not None and component.worker.tsconfig:
        return component.worker.tsconfig
    path = join(component.path, "tsconfig.json")
    return path if path in context.paths else ""


def has_references(component: Component, context: CatalogueContext) -> bool:
    """Whether the configuration of tsc refers to other ones. Without `--build`, tsc would not check these."""
    path = tsconfig_of(component, context)
    return path in context.paths and _REFERENCES.search(context.read(path)) is not None


def tsc_absent(component: Component, context: CatalogueContext) -> str:
    """Returns why no types are checked: tsc is not used, or another check covers the types.

    A site's build makes no use of types. So only a script that calls tsc shows that the stack checks them.
    """
    node = component.node
    reason = node_absent("typescript", component)
    if reason or node is None:
        return reason
    if not tsconfig_of(component, context):
        return f"{component.label} has no tsconfig.json"
    for other in ("@astrojs/check", "vue-tsc", "svelte-check"):
        if other in node.dependencies:
            return f"{other} checks the types of {component.label}"
    is_worker = component.worker is not None and component.site is None
    if is_worker or any(_CALLS_TSC.search(text) for name, text in node.scripts.items() if name != "build"):
        return ""
    return f"no script of {component.label} calls tsc"


def tsc(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands that check the types. A configuration with references needs the mode `--build`."""
    before = prepared(component, context, "tsc")
    argv: tuple[str, ...]
    if has_references(component, context):
        argv = ("tsc", "--build", "--pretty", "false", "--verbose")
        evidence = r"(?m)Building project|is up to date"
        label = "tsc --build"
    else:
        # its cache has the content of files as keys, so an old one is safe
        cached = ("--incremental", "--tsBuildInfoFile", TSC_CACHE)
        argv = ("tsc", "--noEmit", "--pretty", "false", "--listFiles", *cached)
        # with a configuration that includes no file, tsc ends with 0
        evidence = r"(?m)^(?!.*/node_modules/)\S.*\.[cm]?[jt]sx?$"
        label = "tsc --noEmit"
    row = node_tool(component, context, label, *argv, parser="tsc", reason="type_errors")
    return (*before, replace(row, verdicts=((1, "type_errors"), (2, "type_errors")), evidence=evidence))


def vue_tsc(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command for types in Vue's components."""
    argv = ("vue-tsc", "--build" if has_references(component, context) else "--noEmit")
    row = node_tool(component, context, " ".join(argv), *argv, "--pretty", "false", parser="tsc", reason="type_errors")
    row = replace(row, verdicts=((1, "type_errors"), (2, "type_errors")))
    return (*prepared(component, context, "vue_tsc"), row)


def vue_tsc_absent(component: Component, context: CatalogueContext) -> str:
    """Returns why vue-tsc does not run."""
    reason = node_absent("vue-tsc", component)
    return reason or ("" if tsconfig_of(component, context) else f"{component.label} has no tsconfig.json")


def svelte_check(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command for types in Svelte's components."""
    names = ("tsconfig.json", "jsconfig.json")
    found = next((name for name in names if join(component.path, name) in context.paths), "")
    config = ("--tsconfig", f"./{found}") if found else ("--no-tsconfig",)
    argv = ("svelte-check", *config, "--output", "machine", "--threshold", "warning")
    row = node_tool(component, context, "svelte-check", *argv, parser="svelte_check")
    return (*prepared(component, context, "svelte_check"), replace(row, evidence=r"COMPLETED \d+ FILES"))
