"""Creates or updates the work pools and the deployments on the Prefect server in PREFECT_API_URL."""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from deployments import ROOT
from deployments.definitions import Document, names_of, on_other_pool, pools_of, read_variables, with_stack
from deployments.server import require_answer, require_server
from tasks.errors import PredeployError, UsageError

HERE = Path(__file__).parent
DOCKER = HERE / "docker.yaml"
IMAGES = ("PREDEPLOY_PYTHON_IMAGE", "PREDEPLOY_POSTGRES_IMAGE", "PREDEPLOY_ENGINE_IMAGE")
"""The variables that name the images of a deployment."""


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Returns the exit code: Prefect's, or 2 for wrong usage."""
    options, flags = make_parser().parse_known_args(arguments)
    variables = {**environ, "PYTHONPATH": str(ROOT)}
    try:
        document = chosen(options)
        if options.docker:
            variables |= read_variables(read(DOCKER), environ)
        url = require_server(environ)
        require_stacks(document)
        require_answer(url)
        # the build of an image takes long, so its progress is shown
        prefect = Prefect(environ=variables, is_shown=options.verbose or options.docker)
        code = deploy(document, "docker" if options.docker else "process", flags, prefect)
    except PredeployError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the operator
        return error.exit_code
    if code == 0:
        print(summary(document, url, variables))  # noqa: T201 - for the operator
    return code


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser for predeploy's own flags. All other flags are passed to `prefect deploy`."""
    parser = argparse.ArgumentParser(
        prog="predeploy deploy",
        description="Create or update the work pools and the deployments on the Prefect server in PREFECT_API_URL.",
        epilog="All other flags are passed to: prefect deploy --all",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--repository", metavar="URL", help="the repository of nightly and on-demand runs: a URL or an absolute path"
    )
    parser.add_argument("--directory", metavar="DIR", help="the directory of the stack in the repository (default: .)")
    parser.add_argument("--docker", action="store_true", help="each run in a container, on the work pool docker")
    parser.add_argument("--verbose", action="store_true", help="print the whole output of Prefect")
    return parser


def chosen(options: argparse.Namespace) -> Document:
    """Returns the deployments that the flags select. Raises UsageError for a conflict of flags."""
    document = read(definitions_file())
    if options.directory and not options.repository:
        raise UsageError("--directory needs the repository that contains it: add --repository URL")
    if options.repository and not Path(options.repository).is_absolute() and Path(options.repository).exists():
        raise UsageError("--repository: give a URL or an absolute path. A worker runs in another directory.")
    if not options.docker:
        stack = {"repository": options.repository, "directory": options.directory or "."}
        return with_stack(document, stack) if options.repository else document
    if options.repository:
        raise UsageError("--repository conflicts with --docker, for which PREDEPLOY_DOCKER_STACK names the repository")
    if not (HERE / "Dockerfile").exists():
        raise UsageError(
            "--docker builds the image from a checkout, and this is an installed package: use a checkout of predeploy"
        )
    return on_other_pool(document, read(DOCKER))


def definitions_file() -> Path:
    """Returns the path of `prefect.yaml` in the checkout, or of its copy in an installed package."""
    in_checkout = ROOT / "prefect.yaml"
    return in_checkout if in_checkout.exists() else HERE / "prefect.yaml"


def read(file: Path) -> Document:
    """Parses a YAML file."""
    document: Document = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefect:
    """Prefect's command line. Its output is shown, or kept for a command that fails."""

    environ: Mapping[str, str]
    is_shown: bool

    def run(self, *arguments: str, is_asked: bool = False) -> int:
        """Runs a command in ROOT, where Prefect finds the entrypoints. Returns its exit code.

        `is_asked`: the exit code is the answer to a question, and the output says nothing more.
        """
        is_kept = is_asked or not self.is_shown
        done = subprocess.run(
            [sys.executable, "-P", "-m", "prefect", *arguments],
            cwd=ROOT,
            env=dict(self.environ),
            stdout=subprocess.PIPE if is_kept else None,
            stderr=subprocess.STDOUT if is_kept else None,
            text=True,
            check=False,
        )
        if done.returncode and is_kept and not is_asked:
            print(done.stdout, file=sys.stderr)  # noqa: T201 - for the operator
        return done.returncode


def deploy(document: Document, kind: str, flags: Sequence[str], prefect: Prefect) -> int:
    """Creates missing work pools of type `kind`, then all deployments. Returns Prefect's exit code."""
    for pool in pools_of(document):
        if prefect.run("work-pool", "inspect", pool, is_asked=True) == 0:
            continue
        if code := prefect.run("work-pool", "create", pool, "--type", kind):
            return code
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "prefect.yaml"
        file.write_text(yaml.safe_dump(dict(document), sort_keys=False), encoding="utf-8")
        return prefect.run("--no-prompt", "deploy", "--all", "--prefect-file", str(file), *flags)


def summary(document: Document, url: str, environ: Mapping[str, str]) -> str:
    """What exists on the server now, and the next command. Prefect's own advice names a worker without our code."""
    called_as = environ.get("PREDEPLOY_CALLED_AS", "predeploy").removesuffix(" pre-deploy")
    first, *others = pools_of(document)
    suffix = {"local": "", "docker": "-docker"}.get(first, f" {first}")
    lines = [
        f"Created or updated on {url}:",
        f"  deployments: {', '.join(names_of(document))}",
        f"  work pools: {', '.join([first, *others])}",
        f"Next, on each machine that validates: {called_as} worker{suffix}",
        *(f"For --distribute, also: {called_as} worker {pool}" for pool in others),
        *(f"{name}={environ[name]} is a tag, which can change. Pin it: NAME@sha256:DIGEST" for name in tags(environ)),
    ]
    return "\n".join(lines)


def tags(environ: Mapping[str, str]) -> list[str]:
    """The variables that name an image without its digest."""
    return [name for name in IMAGES if name in environ and "@sha256:" not in environ[name]]


def require_stacks(document: Document) -> None:
    """Raises UsageError for a stack below ROOT that does not exist: an installed package has no sample."""
    for each in document["deployments"]:
        given = each.get("parameters", {})
        if given.get("repository") == "." and not (ROOT / given["directory"]).exists():
            raise UsageError(f"{each['name']}: an installed package has no sample stack. Name yours: --repository URL")


if __name__ == "__main__":
    raise SystemExit(main())
