"""The answers to `--help` and `--version`. They come before the imports that a run needs."""

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from tasks.version import VERSION

PACKAGES = ("dagger-io", "prefect")
"""The client of the engine, and Prefect."""
OWN_HELP = frozenset({"deploy", "webhook", "worker"})
"""The names of PROGRAMS in flows/cli/declarations.py, which imports settings. They print their own help."""


def inform(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """The text that the arguments ask for; empty if they ask for a run or a subcommand, or are wrong."""
    if arguments and arguments[0] in OWN_HELP:
        return ""
    if "--" in arguments:  # the words after it are those of a test runner
        arguments = arguments[: arguments.index("--")]
    if "--version" in arguments:
        return render_versions()
    if not {"--help", "-h"}.intersection(arguments):
        return ""
    from flows.cli.arguments import parse_arguments  # the settings: --version does without
    from flows.cli.declarations import DEFAULT_PROGRAM
    from flows.cli.help import render_help, render_subcommand_help
    from tasks.errors import UsageError

    called_as = environ.get("PREDEPLOY_CALLED_AS", DEFAULT_PROGRAM)
    try:
        given = parse_arguments(arguments, called_as)
    except UsageError:  # the command line reports it
        return ""
    if "help" not in given.options:
        return ""
    return render_subcommand_help(given.subcommand, called_as) if given.subcommand else render_help(called_as)


def render_versions() -> str:
    """A package and its version per line, predeploy first."""
    return "\n".join([f"predeploy {VERSION}", *(f"{name} {version_of(name)}" for name in PACKAGES)])


def version_of(package: str) -> str:
    """The version of an installed package, found without an import of it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "is not installed"
