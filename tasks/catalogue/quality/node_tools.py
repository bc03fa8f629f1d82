"""Commands of Node's quality tools: each tool that a package depends on."""

import re
from dataclasses import replace

from tasks.catalogue.django.environment import own_env
from tasks.catalogue.paths import matching
from tasks.catalogue.preparation import parent_of, prepared, script_command
from tasks.catalogue.quality.runners import NOT_COLLECTED
from tasks.catalogue.quality.script_calls import ESLINT, VITEST, CallWords, ScriptCall, called_with
from tasks.catalogue.row import CatalogueContext
from tasks.discovery.file_view import join, lineage
from tasks.discovery.node.node_preparation import BUILD
from tasks.packages.package_script import PackageScript
from tasks.stack import Component, TestSelection
from tasks.steps import Command

ESLINT_FILE = re.compile(r"(?:^|/)(?:eslint\.config\.\w+|\.eslintrc(?:\.\w+)?)$")


def node_absent(package: str, component: Component) -> str:
    """Returns why a component has no such check: its package does not depend on the tool."""
    uses = component.node is not None and package in component.node.dependencies
    return "" if uses else f"{component.label} does not use {package}"


def node_tool(
    component: Component, context: CatalogueContext, label: str, *argv: str, parser: str, reason: str = "findings"
) -> Command:
    """Returns the command of a tool of the component's packages. `reason` is the reason code of exit code 1."""
    return Command(
        argv=argv,
        label=label,
        cwd=component.path,
        environment="node",
        env=tuple(sorted(own_env(component, context).items())),
        verdicts=((1, reason), (2, "tool_config")),
        parser=parser,
        limit=600,
    )


def script_call(component: Component, words: CallWords) -> ScriptCall:
    """Returns the call of a tool in the scripts of a component's own package."""
    node = component.node
    return called_with(words, node.scripts) if node is not None and node.package == component.path else ScriptCall()


def with_env(command: Command, call: ScriptCall) -> Command:
    """Returns the command with the variables of the stack's own call. Configured values win."""
    return replace(command, env=tuple(sorted({**dict(call.env), **dict(command.env)}.items())))


def eslint_absent(component: Component, context: CatalogueContext) -> str:
    """Returns why there is no lint: eslint is not used, or has neither a configuration nor a script."""
    reason, node = node_absent("eslint", component), component.node
    if reason or node is None or any(re.search(r"\beslint\b", text) for text in node.scripts.values()):
        return reason
    folders = set(lineage(component.path))
    if any(parent_of(path) in folders for path in matching(ESLINT_FILE, context.paths)):
        return ""
    manifests = (join(each, "package.json") for each in folders)
    if any('"eslintConfig"' in context.read(path) for path in manifests if path in context.paths):
        return ""
    return f"{component.label} has no configuration of eslint, and no script calls it"


def eslint(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command for lint, of the files that the stack's own script names."""
    call = script_call(component, ESLINT)
    argv = ("eslint", "--format", "json", *call.options, *(call.paths or (".",)))
    row = with_env(node_tool(component, context, "eslint", *argv, parser="eslint"), call)
    return (*prepared(component, context, "eslint"), replace(row, evidence=r"\["))


def vitest(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command for tests."""
    call = script_call(component, VITEST)
    # the JSON alone lacks errors outside of tests, and the reason why a file did not load
    argv = (
        "vitest",
        "run",
        "--reporter=default",
        "--reporter=json",
        "--outputFile.json=/dev/stdout",
        "--passWithNoTests",
        *call.options,
        *call.paths,
    )
    row = with_env(node_tool(component, context, "vitest", *argv, parser="vitest", reason="tests_failed"), call)
    evidence = r"numTotalTests|No test files found"
    row = replace(row, refined=(NOT_COLLECTED,), evidence=evidence, secrets=context.secrets(component))
    row = replace(row, selection=TestSelection(evidence=r'"numPassedTests":[1-9]'))
    return (*prepared(component, context, "vitest"), *build_for_tests(component, context), row)


def build_for_tests(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the build that the stack's own script runs before vitest, or that the tested Worker needs."""
    node = component.node
    assert node is not None
    calling = [name for name, text in node.scripts.items() if re.search(r"\bvitest\b", text)]
    before = [node.scripts.get(f"pre{name}", "") for name in calling]
    before += [node.scripts[name].partition("vitest")[0] for name in calling]
    is_called = any(re.search(r"\bbuild\b", text) for text in before)
    pooled = not {"@cloudflare/vitest-pool-workers", "@cloudflare/vitest-plugin"}.isdisjoint(node.dependencies)
    worker = component.worker
    # a plugin of vitest starts the Worker, which then needs the code and the assets that its build makes
    is_built = pooled and worker is not None and (worker.is_built or worker.deploy.implied)
    if "build" not in node.scripts or not (is_called or is_built):
        return ()
    build = PackageScript(directory=node.package, name=BUILD, text=node.scripts["build"])
    return (script_command(build, component, context),)


def astro_check(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command for types in Astro's components."""
    row = node_tool(component, context, "astro check", "astro", "check", parser="astro_check")
    # without its packages the tool prints a message and ends with 0
    return (replace(row, evidence=r"Result \(\d+ files?\)", secrets=context.secrets(component)),)
