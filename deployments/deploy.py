"""Creates or updates the work pools and the deployments on the Prefect server in PREFECT_API_URL."""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml  # type: ignore[import-untyped]
from prefect.settings import PREFECT_API_URL

from deployments import ROOT
from deployments.definitions import Document, on_other_pool, pools_of, read_variables, with_stack
from tasks.errors import PredeployError, UsageError
from tasks.files import page

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
        require_server(environ)
        require_stacks(document)
        return deploy(document, "docker" if options.docker else "process", flags, variables)
    except PredeployError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the operator
        return error.exit_code


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


def deploy(document: Document, kind: str, flags: Sequence[str], environ: Mapping[str, str]) -> int:
    """Creates missing work pools of type `kind`, then all deployments. Returns Prefect's exit code."""
    for pool in pools_of(document):
        if ask_prefect("work-pool", "inspect", pool, environ=environ, quiet=True) == 0:
            continue
        if code := ask_prefect("work-pool", "create", pool, "--type", kind, environ=environ):
            return code
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "prefect.yaml"
        file.write_text(yaml.safe_dump(dict(document), sort_keys=False), encoding="utf-8")
        return ask_prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(file), *flags, environ=environ)


def require_server(environ: Mapping[str, str]) -> None:
    """Raises UsageError without a server: Prefect would start a temporary one, and lose the deployments with it."""
    if not environ.get("PREFECT_API_URL") and not PREFECT_API_URL.value():
        raise UsageError(f"PREFECT_API_URL is not set. Set it to your Prefect server, as in {page('operating.md')}.")


def require_stacks(document: Document) -> None:
    """Raises UsageError for a stack below ROOT that does not exist: an installed package has no sample."""
    for each in document["deployments"]:
        given = each.get("parameters", {})
        if given.get("repository") == "." and not (ROOT / given["directory"]).exists():
            raise UsageError(f"{each['name']}: an installed package has no sample stack. Name yours: --repository URL")


def ask_prefect(*arguments: str, environ: Mapping[str, str], quiet: bool = False) -> int:
    """Runs Prefect's command line in ROOT, where it finds the entrypoints. Returns its exit code."""
    out = subprocess.DEVNULL if quiet else None
    argv = [sys.executable, "-P", "-m", "prefect", *arguments]
    return subprocess.run(argv, cwd=ROOT, env=dict(environ), stdout=out, stderr=out, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
