"""Commands that run before a component's own: install scripts, builds of its packages, and generated code."""

import re
from dataclasses import dataclass

from tasks.catalogue.build_env import example_env
from tasks.catalogue.paths import below, matching
from tasks.catalogue.row import CatalogueContext
from tasks.discovery.file_view import join
from tasks.discovery.node.node_preparation import BUILD
from tasks.packages.package_script import PackageScript
from tasks.stack import Component, NodeProject
from tasks.steps import Command

FAILED = tuple(range(1, 125))
TYPED_LINT = re.compile(r"projectService|TypeChecked|parserOptions\s*:\s*\{[^}]*\bproject\b")
_LINT = re.compile(r"(?:^|/)(?:eslint\.config\.\w+|\.eslintrc[\w.]*)$")
# Files that name generated files which git ignores.
_NAMING = re.compile(r"(?:^|/)(?:tsconfig[\w.]*\.json|jsconfig\.json|eslint\.config\.\w+|env\.d\.ts|\.gitignore)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeGenerator:
    """A tool that generates code which git ignores, for these `rows` of the catalogue.

    `called` is a pattern for scripts that call it, `argv` its own command for a package without such a script. Without
    `argv` only a script calls it. `named` is a pattern for its files in configurations, and `made` is such a file: it
    is not generated if the tree has it. `source` ends the path of a file that it reads. A generator that `downloads`
    a program gives no verdict if it fails.
    """

    package: str
    called: str
    rows: frozenset[str]
    argv: tuple[str, ...] = ()
    named: str = ""
    made: str = ""
    source: str = ""
    downloads: bool = False


TYPES = frozenset({"tsc", "vue_tsc", "svelte_check", "typed eslint"})
CODE = TYPES | {"eslint", "vitest"}
CODE_GENERATORS = (
    CodeGenerator(
        package="prisma",
        called=r"\bprisma generate\b",
        rows=CODE | {"build"},
        argv=("prisma", "generate"),
        source="schema.prisma",
        downloads=True,
    ),
    CodeGenerator(
        package="wrangler",
        called=r"\b(?:wrangler|cf) types\b",
        rows=TYPES,
        argv=("wrangler", "types"),
        named=r"worker-configuration\.d\.ts",
        made="worker-configuration.d.ts",
    ),
    CodeGenerator(
        package="@sveltejs/kit",
        called=r"\bsvelte-kit sync\b",
        rows=CODE,
        argv=("svelte-kit", "sync"),
        named=r"\.svelte-kit/",
    ),
    CodeGenerator(
        package="@react-router/dev",
        called=r"\breact-router typegen\b",
        rows=TYPES,
        argv=("react-router", "typegen"),
        named=r"\.react-router/",
    ),
    CodeGenerator(
        package="nuxt", called=r"\bnuxt(?:i)? prepare\b", rows=CODE, argv=("nuxt", "prepare"), named=r"\.nuxt\b"
    ),
    CodeGenerator(
        package="astro", called=r"\bastro sync\b", rows=TYPES, argv=("astro", "sync"), named=r"\.astro/types"
    ),
    # the migrations of a D1 database, which few stacks leave to the build
    CodeGenerator(
        package="drizzle-kit",
        called=r"\bdrizzle-kit generate\b",
        rows=frozenset({"build"}),
        named=r"(?m)^/?(?:[\w.-]+/)*(?:drizzle|migrations)/?$",
    ),
    CodeGenerator(
        package="@graphql-codegen/cli", called=r"\b(?:graphql-codegen|gql-gen)\b", rows=CODE, source=".graphql"
    ),
)


def prepared(component: Component, context: CatalogueContext, row: str) -> tuple[Command, ...]:
    """Returns the commands that make what a row needs: `build`, or the name of a row of a quality tool."""
    node = component.node
    if node is None:
        return ()
    scripts = tuple(script_command(script, component, context) for script in node.preparation)
    kinds = {row, "typed eslint"} if row == "eslint" and is_lint_typed(node, context) else {row}
    generators = (each for each in CODE_GENERATORS if kinds & each.rows and is_needed(each, component, context))
    return (*scripts, *(generating(each, component, context) for each in generators))


def script_command(script: PackageScript, component: Component, context: CatalogueContext) -> Command:
    """Returns the command of a script of a package in the tree."""
    node = component.node
    assert node is not None
    is_build = script.name == BUILD
    return Command(
        argv=(manager_in(script.directory, node), "run", BUILD) if is_build else ("sh", "-c", script.text),
        label=f"{script.name} of {script.directory}",
        cwd=script.directory,
        environment="node",
        env=example_env(component, context),
        secrets=context.secrets(component),
        verdicts=tuple((code, "build_failed" if is_build else "install_script") for code in FAILED),
        downloads=("install_script",),
        parser="site_build",
        limit=600,
        shared=True,
    )


def manager_in(directory: str, node: NodeProject) -> str:
    """Returns the package manager in a directory: that of the innermost installation around it."""
    around = [each for each in (node, *node.siblings) if is_below(f"{directory}/", each.root)]
    return max(around, key=lambda each: each.root.count("/") + (each.root != "."), default=node).manager


def generating(generator: CodeGenerator, component: Component, context: CatalogueContext) -> Command:
    """Returns the command of a generator: the script that only calls it, else its own command."""
    node = component.node
    assert node is not None
    script = script_of(generator, node)
    argv = (node.manager, "run", script) if script else generator.argv
    codes = tuple((code, "generated_code") for code in FAILED)
    return Command(
        argv=argv,
        label=" ".join(argv),
        cwd=node.package if script else component.path,
        environment="node",
        env=example_env(component, context),
        secrets=context.secrets(component),
        verdicts=() if generator.downloads else codes,
        unfit=codes if generator.downloads else (),
        explained=("generated_code",),
        parser="site_build",
        limit=300,
    )


def script_of(generator: CodeGenerator, node: NodeProject) -> str:
    """Returns the name of a script that does nothing but call the generator, or an empty text."""
    only = (
        name
        for name, text in node.scripts.items()
        if re.search(generator.called, text) and not re.search(r"&&|\|\||;|--watch|--check|\bdev\b", text)
    )
    return next(only, "")


def is_needed(generator: CodeGenerator, component: Component, context: CatalogueContext) -> bool:
    """Whether a component's package uses a generator, and the tree does not have its files."""
    node = component.node
    if node is None or generator.package not in node.dependencies:
        return False
    if any(re.search(generator.called, script.text) for script in node.preparation):
        return False
    if not generator.argv and not script_of(generator, node):
        return False
    directories = {component.path, node.package}
    if generator.made and any(join(each, generator.made) in context.paths for each in directories):
        return False
    if generator.source:
        return any(path.endswith(generator.source) for path in below(node.package, context.paths))
    texts = (context.read(path) for path in naming_files(node, component.path, context))
    return any(re.search(generator.named, text) for text in texts)


def naming_files(node: NodeProject, directory: str, context: CatalogueContext) -> list[str]:
    """Returns configurations of a package, and of its workspace, that may name generated files."""
    folders = {directory, node.package, node.root, join(directory, "src"), join(node.package, "src")}
    return [path for path in matching(_NAMING, context.paths) if parent_of(path) in folders]


def parent_of(path: str) -> str:
    """Returns the directory of a file, `.` for the root."""
    return path.rpartition("/")[0] or "."


def is_below(path: str, directory: str) -> bool:
    """Whether a file is in a directory or below it."""
    return directory == "." or path.startswith(f"{directory}/")


def is_lint_typed(node: NodeProject, context: CatalogueContext) -> bool:
    """Whether eslint's configuration uses types."""
    paths = (path for path in matching(_LINT, context.paths) if parent_of(path) in {node.package, node.root})
    return any(TYPED_LINT.search(context.read(path)) for path in paths)
