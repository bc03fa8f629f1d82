"""Finds a script that the image starts and no container can run: its line ends are CRLF, or it is not executable."""

import json
import posixpath
import re
from collections.abc import Iterator

from tasks.catalogue.django.image import dockerfile_of, image_of
from tasks.catalogue.row import CatalogueContext
from tasks.discovery.file_view import is_within, join, relative
from tasks.discovery.image.dockerfile import parse_dockerfile
from tasks.discovery.image.files import Places
from tasks.stack import Component
from tasks.steps import PROBES, PYTHON, Command

CONVERTED = re.compile(r"dos2unix|sed\b[^\n]*\\r|tr\b[^\n]*\\r")
"""A Dockerfile converts its scripts itself."""
RULE = "crlf"
"""The rule of a finding about line ends."""
MADE_EXECUTABLE = re.compile(r"\bchmod\b|\binstall\s+-\w*m")
NORMALIZED = re.compile(r"^[^#\n]*\b(?:eol=lf|text=auto)\b", re.MULTILINE)
"""Git converts the files of a commit."""


def entry_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the command that prints the findings; none without findings."""
    findings = [*_findings(component, context)]
    command = Command(
        argv=(PYTHON, f"{PROBES}/state_findings.py"),
        label="the script that the image starts",
        env=(("PREDEPLOY_FINDINGS", json.dumps(findings, sort_keys=True)),),
        verdicts=((1, "image_broken"),),
        parser="probe",
        limit=60,
    )
    return (command,) if findings else ()


def _findings(component: Component, context: CatalogueContext) -> Iterator[dict[str, object]]:
    dockerfile, launch = dockerfile_of(component, context), component.web.launch if component.web else None
    if dockerfile not in context.paths or (launch is not None and launch.entry is not None):
        return  # without an image, or with another entrypoint than the image's own
    image = image_of(component, context)
    parsed = parse_dockerfile(context.read(dockerfile))
    stage = parsed.stage(image.target)
    word, shell = ("", None) if stage is None else ("ENTRYPOINT", stage.entrypoint)
    if stage is not None and shell is None and launch and launch.found.file.startswith(posixpath.dirname(dockerfile)):
        word, shell = "CMD", stage.cmd
    if stage is None or shell is None or not shell.argv or "/" not in shell.argv[0]:
        return
    path = _in_tree(posixpath.join("/", stage.workdir, shell.argv[0]), image.copies)
    if path not in context.paths:
        return
    place = f"{dockerfile}:{stage.lines.get(word, 1)} starts this script"
    text, attributes = parsed.text, ".gitattributes"
    is_converted = CONVERTED.search(text) or (
        attributes in context.paths and NORMALIZED.search(context.read(attributes))
    )
    program = context.program(path)
    if program.is_script and program.has_crlf and not is_converted:
        advice = f"Convert it to LF: `sed -i 's/\\r$//' {path}`, and add `*.sh text eol=lf` to .gitattributes"
        why = "a container cannot run it (`no such file or directory`)"
        yield _finding(path, RULE, f"the line ends are CRLF, and {place}: {why}. {advice}")
    elif not program.is_executable and not MADE_EXECUTABLE.search(text):
        advice = f"Make it executable: `git update-index --chmod=+x {path}`, or run it with `sh` in {dockerfile}"
        yield _finding(
            path,
            "mode",
            f"the file is not executable, and {place}: a container refuses (`permission denied`). {advice}",
        )


def _in_tree(place: str, copies: Places) -> str:
    """Returns the file of the tree at a place of the image, or an empty text."""
    normal = posixpath.normpath(place)
    found = (join(source, relative(normal, there)) for there, source in copies if is_within(normal, there))
    return next(found, "")


def _finding(path: str, rule: str, message: str) -> dict[str, object]:
    return {"tool": "docker", "file": path, "line": 1, "rule": rule, "message": message}
