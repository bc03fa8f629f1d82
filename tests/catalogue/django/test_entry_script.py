"""A script that the image starts and no container can run."""

import json
from dataclasses import replace

import pytest

from tasks.catalogue import make_catalogue
from tasks.catalogue.row import ProgramFile
from tests.support.factories import make_scene, make_stack, make_web

DOCKERFILE = 'FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nENTRYPOINT ["%s"]\nCMD ["gunicorn", "config.wsgi"]\n'
WINDOWS = ProgramFile(is_script=True, has_crlf=True)
PLAIN = ProgramFile(is_script=True, is_executable=False)


def found(
    program: ProgramFile, *, entry: str = "/app/entry.sh", more: str = "", attributes: str = ""
) -> list[dict[str, object]]:
    """The findings about `entry.sh` in the root of the stack."""
    files = {"Dockerfile": DOCKERFILE % entry + more, "entry.sh": "", "manage.py": ""}
    files |= {".gitattributes": attributes} if attributes else {}
    web = make_web(dockerfile="Dockerfile", context=".")
    context = replace(make_scene(make_stack(web), files), program=lambda _: program)
    (check,) = (each for each in make_catalogue(context).checks if each.name == "django_container")
    commands = [each for each in check.commands if each.label == "the script that the image starts"]
    assert all(each.verdicts == ((1, "image_broken"),) for each in commands)
    return [finding for each in commands for finding in json.loads(dict(each.env)["PREDEPLOY_FINDINGS"])]


@pytest.mark.parametrize(
    ("program", "entry", "says"),
    [
        (WINDOWS, "/app/entry.sh", "the line ends are CRLF, and Dockerfile:4 starts this script"),
        (WINDOWS, "./entry.sh", "no such file or directory"),
        (PLAIN, "/app/entry.sh", "the file is not executable, and Dockerfile:4 starts this script"),
        (PLAIN, "./entry.sh", "git update-index --chmod=+x entry.sh"),
    ],
)
def test_script_that_no_container_can_run(program: ProgramFile, entry: str, says: str) -> None:
    (finding,) = found(program, entry=entry)

    assert (finding["file"], finding["line"]) == ("entry.sh", 1)
    assert says in str(finding["message"])


@pytest.mark.parametrize(
    ("program", "over"),
    [
        (ProgramFile(is_script=True), {}),
        (ProgramFile(), {}),
        (WINDOWS, {"more": "RUN dos2unix entry.sh\n"}),
        (WINDOWS, {"more": "RUN sed -i 's/\\r$//' entry.sh\n"}),
        (WINDOWS, {"attributes": "*.sh text eol=lf\n"}),
        (PLAIN, {"more": "RUN chmod +x entry.sh\n"}),
        (PLAIN, {"more": "COPY --chmod=755 entry.sh /app/\n"}),
        (WINDOWS, {"entry": "entry.sh"}),  # the image may have another one on its PATH
        (WINDOWS, {"entry": "/usr/local/bin/entry.sh"}),
        (PLAIN, {"entry": '/bin/sh", "/app/entry.sh'}),
    ],
)
def test_script_that_may_run_has_no_finding(program: ProgramFile, over: dict[str, str]) -> None:
    assert found(program, **over) == []
