"""Finds the commands with which production installs: configured, in the Dockerfile, or in scripts of a platform."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tasks.discovery.calls.recipes import line_of
from tasks.discovery.calls.shell import read_script
from tasks.discovery.documents import string, strings, table, tables
from tasks.discovery.file_view import FileView, join, lineage
from tasks.discovery.image.dockerfile import BuildStage, Dockerfile
from tasks.discovery.python.install_commands import Installation, read_installation
from tasks.production import PythonInstallation

_SCRIPTS = ("build.sh", "bin/build.sh", "scripts/build.sh", "bin/build", "bin/post_compile", "bin/pre_compile")
_PLATFORMS = (
    ("render.yaml", "buildCommand"),
    ("render.yml", "buildCommand"),
    ("railway.json", "buildCommand"),
    ("railway.toml", "buildCommand"),
    ("nixpacks.toml", "cmds"),
    ("vercel.json", "installCommand"),
    ("vercel.json", "buildCommand"),
    (".do/app.yaml", "build_command"),
    (".platform.app.yaml", "build"),
)
_BRANCHES = re.compile(
    r"\bif\s+(?P<condition>[^;]*?[^;]*);\s*then\s+(?P<then>.*?);?\s*(?:else\s+(?P<else>.*?);?\s*)?\bfi\b", re.DOTALL
)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_SUBSTITUTION = re.compile(r"\$\((?=\s*if\b)(?P<inner>[^()]*(?:\([^()]*\)[^()]*)*)\)")
_PRODUCTION = re.compile(r"prod|deploy|release", re.IGNORECASE)
_DEVELOPMENT = re.compile(r"\bdev|debug|test|local", re.IGNORECASE)
_NEGATED = re.compile(r"!=|\s!\s|^!|-z\b|-ne\b|false|[\"']?\b0\b")
_DEBIAN = re.compile(r"[a-z0-9][a-z0-9.+-]+(?:=\S+)?")
_SHELLS = frozenset({"sh", "bash", ".", "source", "dash", "ash"})
CONFIGURED = "predeploy.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBuild:
    """The Dockerfile of a component with its path, the stage that is deployed, and the build arguments."""

    path: str
    dockerfile: Dockerfile
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()


def find_installations(
    tree: FileView, directory: str, image: ImageBuild | None, configured: Sequence[str]
) -> tuple[Installation, ...]:
    """Returns production's commands, from the first of these that has one: settings, Dockerfile, platform scripts."""
    if configured:
        found = read_installation(configured, {})
        if found is None:
            tree.warn(
                f"{CONFIGURED}: `install` of {directory} is no command that installs packages; "
                "use `uv sync`, `pip install`, `poetry install`, `pdm sync` or `pipenv sync` with their flags"
            )
        return (replace(found, source=CONFIGURED, directory=directory),) if found else ()
    in_image = tuple(_in_image(tree, image)) if image else ()
    return in_image or tuple(_in_scripts(tree, directory))


def _in_image(tree: FileView, image: ImageBuild) -> Iterator[Installation]:
    # a compose file for development has arguments for development
    args = {name: value for name, value in image.args if not _DEVELOPMENT.search(value)}
    stage = image.dockerfile.stage(image.target)
    for each in _stages(image.dockerfile, stage) if stage else ():
        known = {**image.dockerfile.arguments, **each.env, **args}
        for run in each.runs:
            yield from _read(tree, run.text, (image.path, run.line), ".", known)


def system_packages(image: ImageBuild | None) -> tuple[str, ...]:
    """Returns the Debian packages that the stages of an image install by name."""
    stage = image.dockerfile.stage(image.target) if image else None
    if image is None or stage is None:
        return ()
    found: list[str] = []
    for each in _stages(image.dockerfile, stage):
        known = {**image.dockerfile.arguments, **each.env, **dict(image.args)}
        for run in each.runs:
            for command in read_script(_expanded(for_production(run.text), known), "."):
                found += _of_apt(command.words)
    return tuple(sorted(set(found)))


def _of_apt(words: tuple[str, ...]) -> list[str]:
    names = [posixpath.basename(word) for word in words]
    program = next((name for name in ("apt-get", "apt") if name in names), "")
    if not program or "install" not in names:
        return []
    rest = words[names.index("install") + 1 :]
    return [word.partition("=")[0] for word in rest if _DEBIAN.fullmatch(word)]


def _stages(dockerfile: Dockerfile, stage: BuildStage) -> list[BuildStage]:
    """Returns a stage after those from which it copies files. A stage has the RUN lines of the stages below it."""
    found: dict[str, BuildStage] = {}

    def add(each: BuildStage) -> None:
        if each.name in found:
            return
        found[each.name] = each
        for copy in each.copies:
            if copy.origin and (origin := dockerfile.stage(copy.origin)):
                add(origin)

    add(stage)
    return list(reversed(found.values()))


def _expanded(text: str, known: Mapping[str, str]) -> str:
    """Replaces the variables that are known, and leaves the others."""
    return _VARIABLE.sub(lambda match: known.get(match[1] or match[2], match[0]), text)


def _read(
    tree: FileView, text: str, place: tuple[str, int], directory: str, env: Mapping[str, str], depth: int = 2
) -> Iterator[Installation]:
    """Yields the installations of a script, and of the tree's scripts that it runs. `place` is its file and line."""
    for command in read_script(_expanded(for_production(text), env), directory):
        words = tuple(word for word in command.words if not word.startswith(("--mount=", "--network=", "--security=")))
        found = read_installation(words, {**env, **dict(command.env)})
        if found:
            source = f"{place[0]}:{place[1] + command.line}"
            yield replace(found, source=source, directory=command.directory)
        elif depth and (script := _script(tree, words)):
            yield from _read(tree, tree.text(script), (script, 1), ".", env, depth - 1)


def _script(tree: FileView, words: tuple[str, ...]) -> str:
    """Returns the script of the tree that a command runs, or an empty text."""
    rest = [word for word in words if not word.startswith("-")]
    word = rest[1] if len(rest) > 1 and posixpath.basename(rest[0]) in _SHELLS else rest[0] if rest else ""
    name = posixpath.basename(word)
    if "/" not in word and not name.endswith(".sh"):
        return ""
    scripts = [path for path in tree.named(name) if not name.endswith((".py", ".js"))] if name else []
    inner = "/".join(part for part in word.split("/") if part not in {"", ".", ".."})
    named = [path for path in scripts if path == inner or path.endswith(f"/{inner}")] or scripts
    return min(named, key=len, default="")


def for_production(text: str) -> str:
    """Returns a script without the branches that are for development only."""
    text = _SUBSTITUTION.sub(lambda match: " ".join(_echoed(for_production(match["inner"]))), text)
    return _BRANCHES.sub(_branch, text)


def _branch(match: re.Match[str]) -> str:
    condition, then, other = match["condition"], match["then"], match["else"] or ""
    is_production, is_development = bool(_PRODUCTION.search(condition)), bool(_DEVELOPMENT.search(condition))
    if is_production == is_development:
        return f"{then}\n{other}\n"
    takes = is_production != bool(_NEGATED.search(condition))
    return f"{then}\n" if takes else f"{other}\n"


def _echoed(text: str) -> list[str]:
    return [match[2] for match in re.finditer(r"echo\s+(['\"]?)([^'\"\n;]*)\1", text)]


def _in_scripts(tree: FileView, directory: str) -> Iterator[Installation]:
    """Yields the installations of the nearest build script or platform file."""
    for above in lineage(directory):
        found = [*_scripts_of(tree, above), *_platforms_of(tree, above), *_procfile(tree, above)]
        if found:
            yield from found
            return


def _scripts_of(tree: FileView, directory: str) -> Iterator[Installation]:
    for name in _SCRIPTS:
        path = join(directory, name)
        if tree.has(path):
            yield from _read(tree, tree.text(path), (path, 1), directory, {})


def _platforms_of(tree: FileView, directory: str) -> Iterator[Installation]:
    for name, key in _PLATFORMS:
        path = join(directory, name)
        for text in _values(tree.table(path), key):
            yield from _read(tree, text, (path, line_of(tree.text(path), key)), directory, {})


def _values(value: object, key: str) -> Iterator[str]:
    """Yields the texts under a key, at any depth."""
    content = table(value)
    for name in content:
        if name == key:
            yield from filter(None, (string(content, name), "\n".join(strings(content, name))))
        else:
            yield from _values(content[name], key)
            for each in tables(content, str(name)):
                yield from _values(each, key)


def _procfile(tree: FileView, directory: str) -> Iterator[Installation]:
    path = join(directory, "Procfile")
    for number, line in enumerate(tree.text(path).splitlines(), 1):
        name, _, command = line.partition(":")
        if name.strip() == "release":
            yield from _read(tree, command, (path, number), directory, {})


def by_commands(installations: tuple[Installation, ...]) -> PythonInstallation:
    """Returns what production's commands install together. The last command of uv or of a manager decides."""
    if not installations:
        return PythonInstallation()
    managed = [each for each in installations if each.tool != "pip"]
    by_pip = [each for each in installations if each.tool == "pip"]
    last = (managed or [each for each in by_pip if each.files or each.project] or by_pip)[-1]
    extras = tuple(dict.fromkeys(extra for each in by_pip if each.project for extra in each.selection.extras))
    groups = tuple(dict.fromkeys(group for each in by_pip for group in each.selection.groups))
    by_uv = next((each for each in reversed(managed) if each.tool == "uv"), None)
    selected = [part for extra in extras for part in ("--extra", extra)]
    selected += [part for group in groups for part in ("--group", group)]
    selected += ["--all-extras"] if any(each.selection.all_extras for each in by_pip) else []
    return PythonInstallation(
        command=last.command,
        source=last.source,
        flags=by_uv.flags if by_uv else ("--no-dev", *selected),
        project=any(each.project for each in by_pip),
        extras=extras,
        groups=groups,
        packages=tuple(dict.fromkeys(package for each in by_pip for package in each.packages)),
        is_strict=last.is_strict,
    )
