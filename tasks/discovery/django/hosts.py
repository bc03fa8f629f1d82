"""Reads what hosts start: Procfile, fly.toml, render.yaml, app.json, app.yaml and their like."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tasks.discovery.documents import string, table, tables, yaml_line
from tasks.discovery.file_view import FileView, join, lineage, name_in, parent
from tasks.discovery.image.compose import line_of, literals
from tasks.discovery.image.dockerfile import Shell
from tasks.discovery.image.purpose import has_other_use, is_of_the_stack
from tasks.production import Sourced

_MANIFEST = re.compile(r"manifest([-_.][\w.\-]+)?\.ya?ml$")
_WEB = ("web", "app", "django", "server", "api", "backend")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostProcess:
    """What one file tells a host: the web process, if it names one, and the variables.

    The process starts in `directory`. `in_image`: it is started in the image of the Dockerfile. `release` has the
    command that each deploy runs before, with its line.
    """

    found: Sourced
    directory: str
    command: Shell | None = None
    env: Mapping[str, Sourced] = field(default_factory=dict)
    in_image: bool = False
    release: tuple[str, int] = ("", 0)


def host_processes(tree: FileView, directory: str, rivals: tuple[str, ...]) -> tuple[HostProcess, ...]:
    """Returns what the files for hosts say of the project in `directory`, in the order of their precedence.

    A file in a directory above belongs to the project only if no rival is below that directory.
    """
    is_alone = set(rivals) <= {directory}
    places = [above for above in lineage(directory) if above == directory or is_alone]
    found = [each for read in _READERS for place in places for each in read(tree, place)]
    return (*found, *(_manifests(tree) if is_alone else ()))


def _procfile(tree: FileView, place: str) -> Iterator[HostProcess]:
    for path in filter(tree.has, (join(place, name) for name in ("Procfile.production", "Procfile.prod", "Procfile"))):
        text = tree.text(path)
        if match := re.search(r"^web\s*:\s*(.+)$", text, re.MULTILINE):
            line = text.count("\n", 0, match.start()) + 1
            found = Sourced(file=path, line=line, why="the web process of the Procfile")
            command, release = Shell(line=match.group(1).strip()), ("", 0)
            if before := re.search(r"^release\s*:\s*(.+)$", text, re.MULTILINE):
                release = (before.group(1).strip(), text.count("\n", 0, before.start()) + 1)
            yield HostProcess(found=found, directory=place, command=command, release=release)


def _fly(tree: FileView, place: str) -> Iterator[HostProcess]:
    path = join(place, "fly.toml")
    content, text = tree.table(path), tree.text(path)
    if not content:
        return
    processes = table(content, "processes")
    name = next((name for name in (*_WEB, *processes) if name in processes), "")
    line = string(processes, name) if name else ""
    yield HostProcess(
        found=Sourced(file=path, line=line_of(text, name) if line else 0, why="[processes] of fly.toml"),
        directory=place,
        command=Shell(line=line) if line else None,
        env=_given(path, text, content.get("env"), "[env] of fly.toml"),
        in_image=True,
        release=(string(content, "deploy", "release_command"), line_of(text, "release_command")),
    )


def _render(tree: FileView, place: str) -> Iterator[HostProcess]:
    path = tree.first(place, "render.yaml", "render.yml") or ""
    for index, service in enumerate(tables(tree.table(path), "services")):
        runtime = string(service, "runtime") or string(service, "env")
        if string(service, "type") not in {"web", "pserv"} or runtime not in {"python", "docker", "python3"}:
            continue
        pairs = {string(each, "key"): each.get("value") for each in tables(service, "envVars") if "value" in each}
        key = "startCommand" if string(service, "startCommand") else "dockerCommand"
        command = string(service, key)
        yield HostProcess(
            found=Sourced(
                file=path,
                line=yaml_line(tree.text(path), "services", str(index), key) or line_of(tree.text(path), key),
                why=f"{key} of the service {string(service, 'name')}",
            ),
            directory=join(place, string(service, "rootDir") or "."),
            command=Shell(line=command) if command else None,
            env=_given(path, tree.text(path), pairs, "envVars of render.yaml"),
            in_image=runtime == "docker",
            release=(string(service, "preDeployCommand"), line_of(tree.text(path), "preDeployCommand")),
        )


def _app_json(tree: FileView, place: str) -> Iterator[HostProcess]:
    path = join(place, "app.json")
    env = table(tree.table(path), "env")
    values = {name: each.get("value") if isinstance(each, Mapping) else each for name, each in env.items()}
    if values:
        given = _given(path, tree.text(path), values, "env of app.json")
        yield HostProcess(found=Sourced(file=path, why="app.json"), directory=place, env=given)


def _app_yaml(tree: FileView, place: str) -> Iterator[HostProcess]:
    """Yields Google's app.yaml, and DigitalOcean's `.do/app.yaml`."""
    path = tree.first(place, "app.yaml", "app.yml") or ""
    content, text = tree.table(path), tree.text(path)
    if content.get("runtime") or content.get("entrypoint"):
        command = string(content, "entrypoint")
        found = Sourced(file=path, line=yaml_line(text, "entrypoint"), why="entrypoint of app.yaml")
        env = _given(path, text, content.get("env_variables"), "env_variables of app.yaml")
        yield HostProcess(found=found, directory=place, command=Shell(line=command) if command else None, env=env)
    path = tree.first(join(place, ".do"), "app.yaml", "deploy.template.yaml") or ""
    content, text = tree.table(path), tree.text(path)
    for service in (*tables(content, "services"), *tables(content, "spec", "services")):
        pairs = {string(each, "key"): each.get("value") for each in tables(service, "envs") if "value" in each}
        command = string(service, "run_command")
        yield HostProcess(
            found=Sourced(file=path, line=line_of(text, "run_command"), why="run_command of the app's specification"),
            directory=join(place, string(service, "source_dir").strip("/") or "."),
            command=Shell(line=command) if command else None,
            env=_given(path, text, pairs, "envs of the app's specification"),
            in_image=bool(string(service, "dockerfile_path")),
        )


def _others(tree: FileView, place: str) -> Iterator[HostProcess]:
    """Yields heroku.yml, railway.json and nixpacks.toml, which name only a command."""
    keys = {
        "heroku.yml": ("run", "web"),
        "railway.json": ("deploy", "startCommand"),
        "railway.toml": ("deploy", "startCommand"),
        "nixpacks.toml": ("start", "cmd"),
    }
    for name, path_of_key in keys.items():
        path = join(place, name)
        content = tree.table(path)
        command = string(content, *path_of_key) or string(content, *path_of_key, "command")
        if command:
            found = Sourced(file=path, line=line_of(tree.text(path), path_of_key[-1]), why=f"the command of {name}")
            in_image = name == "heroku.yml" and bool(table(content, "build", "docker"))
            yield HostProcess(found=found, directory=place, command=Shell(line=command), in_image=in_image)


def _manifests(tree: FileView) -> Iterator[HostProcess]:
    """Yields the applications of Cloud Foundry's manifests, production's first. Sandboxes of developers come last."""
    found = [path for path in tree.files if _MANIFEST.match(name_in(path)) and is_of_the_stack(path)]
    for path in sorted(found, key=_stability):
        content, text = tree.table(path), tree.text(path)
        for application in tables(content, "applications"):
            command = string(application, "command")
            yield HostProcess(
                found=Sourced(file=path, line=line_of(text, "command") if command else 0, why="the manifest's command"),
                directory=join(parent(path), string(application, "path") or "."),
                command=Shell(line=command) if command else None,
                env=_given(path, text, table(application, "env"), "env of the manifest"),
            )


def _stability(path: str) -> tuple[bool, bool, bool, str]:
    name = posixpath.basename(path)
    is_stable = re.search(r"(^|[-_.])(prod|production|stable|live)([-_.]|$)", name)
    return (not is_stable, has_other_use(name) or "sandbox" in name, "staging" in name, path)


def _given(path: str, text: str, values: object, why: str) -> dict[str, Sourced]:
    return {
        name: Sourced(value=value, file=path, line=line_of(text, name), why=why) for name, value in literals(values)
    }


_READERS = (_procfile, _fly, _render, _app_json, _app_yaml, _others)
