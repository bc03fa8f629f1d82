"""Finds the system packages that a Dockerfile or an Aptfile installs, with their lines."""

import re
from collections.abc import Iterator

from tasks.discovery.file_view import FileView
from tasks.discovery.image.instructions import read_instructions
from tasks.production import SystemInstall

_INSTALL = re.compile(
    r"\b(?P<tool>apt-get|apt|aptitude|apk|dnf|microdnf|yum)\s+(?:-\S+\s+)*(?P<verb>install|add)\s+(?P<rest>[^&|;\n]*)"
)
_PACKAGE = re.compile(r"[a-z0-9][\w.+-]*")
_COMMANDS = {"apt": "apt-get install -y", "apt-get": "apt-get install -y", "aptitude": "apt-get install -y"}


def system_installs(path: str, text: str) -> tuple[SystemInstall, ...]:
    """Returns the system packages of a Dockerfile, an entry for each command that installs some."""
    return tuple(_installs(path, text))


def _installs(path: str, text: str) -> Iterator[SystemInstall]:
    lines = text.splitlines()
    for instruction in read_instructions(text):
        if instruction.word != "RUN":
            continue
        for match in _INSTALL.finditer(f"{instruction.bare}\n{instruction.body}"):
            words = (word.partition("=")[0] for word in match["rest"].split())
            packages = tuple(word for word in words if _PACKAGE.fullmatch(word))
            if packages:
                default = f"{match['tool']} {match['verb']}"
                command = _COMMANDS.get(match["tool"], default)
                line = _line_of(packages[0], lines, instruction.line)
                yield SystemInstall(file=path, line=line, command=command, packages=packages)


def _line_of(package: str, lines: list[str], begin: int) -> int:
    """The line with the first package, at or below the line where the instruction begins."""
    word = re.compile(rf"(?<!\S){re.escape(package)}(?![^\s=;])")
    numbered = enumerate(lines[begin - 1 :], begin)
    return next((number for number, line in numbered if word.search(line)), begin)


def aptfile_installs(path: str, text: str) -> tuple[SystemInstall, ...]:
    """Returns the packages of Heroku's Aptfile, a line for each."""
    named = ((number, line.split("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1))
    return tuple(
        SystemInstall(file=path, line=number, command="apt-get install -y", packages=(name,))
        for number, name in named
        if _PACKAGE.fullmatch(name)
    )


def system_installs_of(tree: FileView, dockerfile: str | None, directory: str) -> tuple[SystemInstall, ...]:
    """Returns the system packages that production installs: those of the Dockerfile and of an Aptfile."""
    aptfile = tree.nearest(directory, "Aptfile")
    return (
        *(system_installs(dockerfile, tree.text(dockerfile)) if dockerfile else ()),
        *(aptfile_installs(aptfile, tree.text(aptfile)) if aptfile else ()),
    )
