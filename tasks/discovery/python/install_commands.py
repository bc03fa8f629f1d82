"""Reads the commands that install Python packages: uv, pip, Poetry, PDM and Pipenv, with their flags."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tasks.discovery.python.other_locks import Selection

Tool = Literal["uv", "pip", "Poetry", "PDM", "Pipenv"]
_UV_FLAGS = frozenset(
    {"--no-dev", "--dev", "--only-dev", "--all-groups", "--no-default-groups", "--all-extras", "--all-packages"}
)
_UV_VALUES = frozenset({"--group", "--no-group", "--only-group", "--extra", "--no-extra", "--package"})
# Options with their value in the next word.
_PIP_VALUES = frozenset(
    re.findall(
        r"\S+",
        """-c --constraint -t --target --prefix -i --index-url --index --default-index --extra-index-url -f --find-links
        --trusted-host -p --python --wheel-dir -w --index-strategy --platform --python-version --python-preference
        --no-binary --only-binary --root --src --cache-dir --progress-bar --log --timeout --retries --link-mode
        --upgrade-strategy --implementation --abi --config-settings -C --global-option --build-constraint --override
        --no-build-isolation-package --keyring-provider --resolution --prerelease --exclude-newer""",
    )
)
_OTHER_VALUES = frozenset(
    re.findall(
        r"\S+",
        """-f --format -o --output -C --directory -P --project -L --lockfile -c --config --python -r --requirements
        --index -i --extra-pip-args""",
    )
)
# Installers and tools of a build, which the code does not use.
_INSTALLERS = re.compile(r"pip|setuptools|wheel|uv|poetry(-.*)?|pipenv|pdm|pip-tools|virtualenv|hatch|build|awscli")
_PYTHON = re.compile(r"python[\d.]*|py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What one command installs. `source` is its file and line.

    `flags` are those of `uv sync`. `files` are requirements files, `packages` requirements without a file. `project`
    means that pip installs the project's own dependencies. `selection` has its groups and extras. `is_strict` means
    that the command refuses a stale lock.
    """

    tool: Tool
    command: str
    source: str = ""
    directory: str = "."
    flags: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    project: bool = False
    selection: Selection = field(default_factory=Selection)
    is_strict: bool = True


def read_installation(words: Sequence[str], env: Mapping[str, str]) -> Installation | None:
    """Returns what a command installs, or None for another command. `env` has the variables of the command."""
    program, rest = _program(words)
    plain = [word for word in rest if not word.startswith("-")]
    verb = plain[0] if plain else ""
    after = rest[rest.index(verb) + 1 :] if verb else []
    command = " ".join(words)
    match program, verb:
        case "uv", "sync" | "export":
            return Installation(tool="uv", command=command, flags=_uv_flags(after, env))
        case "uv", "pip" if after[:1] and after[0] in {"install", "sync"}:
            return _pip(command, after[1:], is_sync=after[0] == "sync")
        case "pip" | "pip3", "install" | "wheel":
            return _pip(command, after)
        case "pip-sync", _:
            return _pip(command, rest or ["requirements.txt"], is_sync=True)
        case "poetry", "install" | "sync" | "export":
            return Installation(tool="Poetry", command=command, selection=_poetry(after))
        case "pdm", "install" | "sync" | "export":
            return Installation(tool="PDM", command=command, selection=_pdm(after))
        case "pipenv", "install" | "sync" | "requirements":
            return _pipenv(command, after)
    return None


def _program(words: Sequence[str]) -> tuple[str, list[str]]:
    """Returns the name of the program and its arguments."""
    names = [posixpath.basename(word) for word in words]
    if names and _PYTHON.fullmatch(names[0]) and "-m" in names:
        start = names.index("-m") + 1
        return (names[start] if start < len(names) else ""), list(words[start + 1 :])
    return (names[0] if names else ""), list(words[1:])


def _options(words: Sequence[str], valued: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yields options with their values; a flag has none, and a positional argument has no option."""
    position = 0
    while position < len(words):
        name, found, value = words[position].partition("=")
        position += 1
        if not name.startswith("-"):
            yield "", words[position - 1]
        elif not found and name in valued and position < len(words):
            yield name, words[position]
            position += 1
        else:
            yield name, value


def _uv_flags(words: Sequence[str], env: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the flags that select what uv installs."""
    found: list[str] = []
    if env.get("UV_NO_DEV", "").lower() in {"1", "true"}:
        found.append("--no-dev")
    for name, value in _options(words, _UV_VALUES):
        if name in _UV_FLAGS:
            found.append(name)
        elif name in _UV_VALUES and value and "$" not in value:
            found += [name, value]
    return tuple(found)


def _pip(command: str, words: Sequence[str], *, is_sync: bool = False) -> Installation:
    files, packages, extras, groups = [], [], [], []
    project = all_extras = False
    valued = _PIP_VALUES | {"-r", "--requirement", "--requirements", "-e", "--editable", "--extra", "--group"}
    for name, value in _options(words, valued):
        if name in {"-r", "--requirement", "--requirements"} or (is_sync and not name):
            files.append(value)
        elif name in {"", "-e", "--editable"}:
            path, inner = _split_extras(value)
            if path.rstrip("/") in {".", "./", "$PWD", "/app", "/code"}:
                project = True
                extras += inner
            elif not name and _is_package(value):
                packages.append(value)
        elif name == "--extra":
            extras.append(value)
        elif name == "--group":
            groups.append(value.rpartition(":")[2])
        all_extras = all_extras or name == "--all-extras"
    own = [file for file in files if posixpath.basename(file) == "pyproject.toml"]
    return Installation(
        tool="pip",
        command=command,
        files=tuple(file for file in files if file not in own),
        packages=tuple(packages),
        project=project or bool(own),
        selection=Selection(groups=tuple(groups), extras=tuple(extras), all_extras=all_extras),
    )


def _split_extras(text: str) -> tuple[str, list[str]]:
    match = re.fullmatch(r"(?P<path>[^\[\]]+)\[(?P<extras>[\w,.\- ]+)\]", text)
    return (match["path"], _listed(match["extras"])) if match else (text, [])


def _is_package(text: str) -> bool:
    try:
        return not _INSTALLERS.fullmatch(canonicalize_name(Requirement(text).name))
    except InvalidRequirement:
        return False


def _listed(text: str) -> list[str]:
    return [part for part in re.split(r"[\s,]+", text) if part]


def _poetry(words: Sequence[str]) -> Selection:
    found: dict[str, list[str]] = {"only": [], "with": [], "without": [], "extras": []}
    flags = set()
    names = {"-E": "extras", "--extras": "extras", "--only": "only", "--with": "with", "--without": "without"}
    for name, value in _options(words, _OTHER_VALUES | names.keys()):
        flags.add(name)
        if name in names:
            found[names[name]] += _listed(value)
    is_export = not flags.isdisjoint({"-f", "--format", "-o", "--output"})
    return Selection(
        only=tuple(found["only"]),
        groups=tuple(found["with"]),
        without=tuple(found["without"]),
        extras=tuple(found["extras"]),
        # `poetry export` has only the main group by default
        defaults=not is_export and flags.isdisjoint({"--no-dev", "--only-root"}),
        every="--all-groups" in flags,
        all_extras="--all-extras" in flags,
    )


def _pdm(words: Sequence[str]) -> Selection:
    groups: list[str] = []
    without: list[str] = []
    flags = set()
    valued = _OTHER_VALUES | {"-G", "--group", "--with", "--without"}
    for name, value in _options(words, valued):
        flags.add(name)
        groups += _listed(value) if name in {"-G", "--group", "--with"} else []
        without += _listed(value) if name == "--without" else []
    is_all = ":all" in groups
    return Selection(
        only=tuple(groups) if not flags.isdisjoint({"--no-default"}) else (),
        groups=tuple(group for group in groups if group != ":all"),
        without=tuple(without),
        extras=tuple(group for group in groups if group != ":all"),
        defaults=flags.isdisjoint({"--prod", "--production", "--no-dev"}),
        every=is_all,
        all_extras=is_all,
    )


def _pipenv(command: str, words: Sequence[str]) -> Installation:
    groups: list[str] = []
    flags = set()
    for name, value in _options(words, _OTHER_VALUES | {"--categories"}):
        flags.add(name)
        groups += _listed(value) if name == "--categories" else []
    groups += ["dev"] if not flags.isdisjoint({"--dev", "-d"}) else []
    names = {"packages": "main", "default": "main", "dev-packages": "dev", "develop": "dev"}
    chosen = tuple(names.get(group, group) for group in groups)
    is_only = "--dev-only" in flags or "--categories" in flags
    selection = Selection(only=chosen if is_only else (), groups=chosen)
    # `pipenv sync` installs a lock that another Pipfile made
    return Installation(tool="Pipenv", command=command, selection=selection, is_strict="--deploy" in flags)
