"""Creates or renews the work pools and the deployments on the Prefect server in PREFECT_API_URL."""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from deployments import ROOT
from deployments.definitions import Document, on_other_pool, pools_of, read_variables, with_stack
from tasks.errors import PredeployError, UsageError

HERE = Path(__file__).parent
DOCKER = HERE / "docker.yaml"


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Returns the exit code: Prefect's, or 2 for wrong usage."""
    options, flags = make_parser().parse_known_args(arguments)
    variables = {**environ, "PYTHONPATH": str(ROOT)}
    try:
        document = chosen(options)
        if options.docker:
            variables |= read_variables(read(DOCKER), environ)
        return deploy(document, "docker" if options.docker else "process", flags, variables)
    except PredeployError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the operator
        return error.exit_code


def make_parser() -> argparse.ArgumentParser:
    """Our flags; all others are for `prefect deploy`."""
    parser = argparse.ArgumentParser(
        prog="predeploy deploy",
        description="Create or renew the work pools and the deployments on the Prefect server in PREFECT_API_URL.",
        epilog="Other flags go to: prefect deploy --all",
        allow_abbrev=False,
    )
    parser.add_argument("--repository", metavar="URL", help="the repository that nightly runs validate")
    parser.add_argument("--directory", metavar="DIR", help="the directory of the stack in the repository (default: .)")
    parser.add_argument("--docker", action="store_true", help="each run in a container, on the work pool docker")
    return parser


def chosen(options: argparse.Namespace) -> Document:
    """The deployments that the flags ask for. Raises UsageError for flags that do not fit."""
    document = read(definitions_file())
    if options.directory and not options.repository:
        raise UsageError("--directory: name its repository as well: --repository URL")
    if not options.docker:
        stack = {"repository": options.repository, "directory": options.directory or "."}
        return with_stack(document, stack) if options.repository else document
    if options.repository:
        raise UsageError("--repository: with --docker, PREDEPLOY_DOCKER_STACK names the repository")
    if not (HERE / "Dockerfile").exists():
        raise UsageError("--docker: the image is built from a checkout of predeploy, and this is an installed package")
    return on_other_pool(document, read(DOCKER))


def definitions_file() -> Path:
    """`prefect.yaml` of the checkout, or the copy of it in an installed package."""
    ours = ROOT / "prefect.yaml"
    return ours if ours.exists() else HERE / "prefect.yaml"


def read(file: Path) -> Document:
    """A YAML file as data."""
    found: Document = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def deploy(document: Document, kind: str, flags: Sequence[str], environ: Mapping[str, str]) -> int:
    """Creates the pools that are missing, of that kind, and all deployments. Returns Prefect's exit code."""
    for pool in pools_of(document):
        if ask_prefect("work-pool", "inspect", pool, environ=environ, quiet=True) == 0:
            continue
        if code := ask_prefect("work-pool", "create", pool, "--type", kind, environ=environ):
            return code
    warn_of_missing_stack(document)
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "prefect.yaml"
        file.write_text(yaml.safe_dump(dict(document), sort_keys=False), encoding="utf-8")
        return ask_prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(file), *flags, environ=environ)


def warn_of_missing_stack(document: Document) -> None:
    """A stack below our own directory is there in a checkout alone."""
    for each in document["deployments"]:
        given = each.get("parameters", {})
        if given.get("repository") == "." and not (ROOT / given["directory"]).exists():
            text = f"{each['name']}: there is no {given['directory']} in {ROOT}. Name your own: --repository URL"
            print(text, file=sys.stderr)  # noqa: T201 - for the operator


def ask_prefect(*arguments: str, environ: Mapping[str, str], quiet: bool = False) -> int:
    """Runs Prefect's command line where entrypoints are found. Returns its exit code."""
    out = subprocess.DEVNULL if quiet else None
    argv = [sys.executable, "-P", "-m", "prefect", *arguments]
    return subprocess.run(argv, cwd=ROOT, env=dict(environ), stdout=out, stderr=out, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
