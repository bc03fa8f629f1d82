"""The system packages of a Dockerfile and of an Aptfile, with their lines."""

import pytest

from tasks.discovery.image.system_packages import aptfile_installs, system_installs

CONTINUED = r"""FROM python:3.13-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
    # for WeasyPrint
    libpango-1.0-0=1.56.* \
    libpangoft2-1.0-0 \
    && rm -rf /var/lib/apt/lists/*
"""
HEREDOC = "FROM python:3.13-slim\nRUN <<EOF\napt-get update\napt-get -y install ffmpeg\nEOF\n"
ALPINE = "FROM python:3.13-alpine\nRUN apk add --no-cache --virtual .deps libmagic $MORE; echo done\n"


@pytest.mark.parametrize(
    ("text", "line", "command", "packages"),
    [
        (CONTINUED, 4, "apt-get install -y", ("libpango-1.0-0", "libpangoft2-1.0-0")),
        (HEREDOC, 4, "apt-get install -y", ("ffmpeg",)),
        (ALPINE, 2, "apk add", ("libmagic",)),
    ],
)
def test_packages_are_found_with_their_line(text: str, line: int, command: str, packages: tuple[str, ...]) -> None:
    (found,) = system_installs("web/Dockerfile", text)

    assert (found.file, found.line, found.command) == ("web/Dockerfile", line, command)
    assert found.packages == packages


def test_other_instructions_install_nothing() -> None:
    assert system_installs("Dockerfile", 'FROM a\nCMD ["apt-get", "install", "x"]\nRUN pip install magic\n') == ()


def test_aptfile_has_a_package_a_line() -> None:
    found = aptfile_installs("Aptfile", "# for PDFs\nlibpango-1.0-0\n\n:repo:deb http://x y\nffmpeg # films\n")

    assert [(each.line, each.packages) for each in found] == [(2, ("libpango-1.0-0",)), (5, ("ffmpeg",))]
