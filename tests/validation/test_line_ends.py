"""Scripts with the line ends of Windows that an image starts."""

from dataclasses import replace
from pathlib import Path

import pytest

from tasks.models import Diagnostic
from tasks.source.tree import read_tree
from tasks.validation.line_ends import line_end_warnings, without_reported
from tests.support.factories import make_stack, make_web

DOCKERFILE = 'FROM python:3.13-slim\nCOPY docker/entrypoint.sh /\nENTRYPOINT ["/entrypoint.sh"]\n'


STACK = make_stack(make_web(dockerfile="Dockerfile"))


def warnings(root: Path, files: dict[str, bytes]) -> list[str]:
    for name, content in {"Dockerfile": DOCKERFILE.encode(), **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return [text for _, text in line_end_warnings(read_tree(root, None), STACK)]


def test_script_with_crlf_is_named_with_the_line_that_starts_it(tmp_path: Path) -> None:
    (found,) = warnings(tmp_path, {"docker/entrypoint.sh": b"#!/bin/sh\r\nset -e\r\n", "run.sh": b"#!/bin/sh\r\n"})

    assert found.startswith("docker/entrypoint.sh:1: the line ends are CRLF, and Dockerfile:3 starts this script")
    assert "sed -i 's/\\r$//' docker/entrypoint.sh" in found


@pytest.mark.parametrize(
    "files",
    [
        {"docker/entrypoint.sh": b"#!/bin/sh\nset -e\r\n"},
        {"docker/entrypoint.sh": b"text\r\n"},
        {"docker/entrypoint.sh": b"#!/bin/sh\r\n", ".gitattributes": b"*.sh text eol=lf\n"},
        {
            "docker/entrypoint.sh": b"#!/bin/sh\r\n",
            "Dockerfile": DOCKERFILE.encode() + b"RUN dos2unix /entrypoint.sh\n",
        },
    ],
)
def test_script_that_runs_is_not_named(tmp_path: Path, files: dict[str, bytes]) -> None:
    assert warnings(tmp_path, files) == []


@pytest.mark.parametrize(
    ("file", "rule", "is_said"),
    [
        ("docker/entrypoint.sh", "crlf", False),
        ("run.sh", "crlf", True),
        ("docker/entrypoint.sh", "not_executable", True),
    ],
)
def test_line_ends_that_a_check_reports_are_no_warning(tmp_path: Path, file: str, rule: str, *, is_said: bool) -> None:
    found = warnings(tmp_path, {"docker/entrypoint.sh": b"#!/bin/sh\r\n"})
    finding = Diagnostic(tool="docker", file=file, line=1, rule=rule, message="the line ends are CRLF")

    stack = replace(STACK, warnings=("other", *found))
    said = without_reported(read_tree(tmp_path, None), stack, [finding])

    assert said == ("other", *(found if is_said else ()))
