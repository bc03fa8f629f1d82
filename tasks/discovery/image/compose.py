"""Reads the services of compose files: builds, commands and variables, and whether they are production's."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from tasks.discovery.documents import Table, parse_dotenv, string, strings, table, yaml_line
from tasks.discovery.file_view import FileView, join, name_in, parent
from tasks.discovery.image.dockerfile import Shell, expand
from tasks.discovery.image.purpose import has_other_use, is_of_the_stack, is_production
from tasks.production import Sourced

_COMPOSE = re.compile(r"^(docker-)?compose([.\-][\w.\-]+)?\.ya?ml$")
_DEVELOPS = re.compile(r"\brunserver(_plus)?\b|--reload\b|\bdebugpy\b")
_TRUE = frozenset(["1", "true", "on", "yes"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How a Dockerfile is built: the context directory, the stage, and the arguments, sorted by name."""

    context: str
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeService:
    """One service. `dockerfile` is its path in the stack, or empty if the service builds no image.

    `entrypoint` and `command` are None if the image's own apply. `env` has the variables with literal values.
    `is_production`: the name of the file says so. `is_development`: the service mounts or reloads code, or debugs.
    """

    file: str
    name: str
    line: int
    is_production: bool
    is_development: bool
    is_reached: bool
    dockerfile: str = ""
    build: Build | None = None
    entrypoint: Shell | None = None
    command: Shell | None = None
    env: Mapping[str, Sourced] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)


def compose_services(tree: FileView) -> tuple[ComposeService, ...]:
    """Returns the services of all compose files of the stack, without files for development and tests."""
    found = [
        _service(tree, path, str(name), table(content))
        for path in tree.files
        if _COMPOSE.match(name_in(path)) and not has_other_use(path) and is_of_the_stack(path)
        for name, content in table(tree.table(path), "services").items()
    ]
    return tuple(_completed(each, found, tree) for each in found)


def _service(tree: FileView, path: str, name: str, content: Table) -> ComposeService:
    directory, text = parent(path), tree.text(path)
    dockerfile, build = _built(content.get("build"), directory)
    entrypoint, command = _shell(content.get("entrypoint")), _shell(content.get("command"))
    env = _variables(tree, path, name, content)
    lines = {key: yaml_line(text, "services", name, key) for key in ("entrypoint", "command") if key in content}
    words = " ".join([*(entrypoint.argv if entrypoint else ()), *(command.argv if command else ())])
    target = build.target if build else ""
    production = is_production(path)
    is_debugged = any(env[key].value.lower() in _TRUE for key in ("DEBUG", "DJANGO_DEBUG") if key in env)
    develops = bool(_DEVELOPS.search(words)) or has_other_use(words) or has_other_use(target) or is_debugged
    return ComposeService(
        file=path,
        name=name,
        line=yaml_line(text, "services", name),
        is_production=production,
        is_development=not production and (develops or _mounts_code(content, directory, build)),
        is_reached=bool(content.get("ports") or content.get("expose")),
        dockerfile=dockerfile,
        build=build,
        entrypoint=entrypoint,
        command=command,
        env=env,
        lines=lines,
    )


def _completed(service: ComposeService, others: list[ComposeService], tree: FileView) -> ComposeService:
    """Returns a service of a production file with what the file that it extends says of the same service."""
    if not service.is_production or (service.dockerfile and tree.has(service.dockerfile)):
        return service
    same = [each for each in others if each.name == service.name and not each.is_production and each.dockerfile]
    if not same:
        return service
    base = min(same, key=lambda each: each.file.count("/"))
    context = base.build.context if base.build else "."
    build = replace(service.build, context=context) if service.build else base.build
    # production's image is not the one of development
    build = replace(build, target="") if build and has_other_use(build.target) else build
    return replace(
        service, dockerfile=base.dockerfile, build=build, env={**base.env, **service.env}, is_reached=base.is_reached
    )


def _mounts_code(content: Table, directory: str, build: Build | None) -> bool:
    """Whether the service mounts the build context, or a directory above it, over the code of its image."""
    sources = [item.partition(":")[0] for item in strings(content, "volumes") if ":" in item]
    places = {join(directory, source) for source in sources if source.startswith(".")}
    contexts = {build.context, directory} if build else {directory}
    return bool(places & contexts)


def _variables(tree: FileView, path: str, name: str, content: Table) -> dict[str, Sourced]:
    text, found = tree.text(path), dict[str, Sourced]()
    files = content.get("env_file")
    listed = [files] if isinstance(files, str) else [*strings(content, "env_file")]
    listed += [string(item, "path") for item in files if isinstance(item, Mapping)] if isinstance(files, list) else []
    for file in (join(parent(path), each) for each in listed if each):
        for key, value in parse_dotenv(tree.text(file)).items() if tree.has(file) else ():
            found[key] = Sourced(value=value, file=file, line=line_of(tree.text(file), key), why=f"env_file of {path}")
    for key, value in literals(content.get("environment")):
        line = yaml_line(text, "services", name, "environment", key) or line_of(text, key)
        found[key] = Sourced(value=value, file=path, line=line, why=f"environment of the service {name}")
    return found


def line_of(text: str, key: str) -> int:
    """Returns the line of the first assignment of a name in a text, else the first line with the name, or 0."""
    word = rf"^[^\n#]*?\b{re.escape(key)}\b"
    match = re.search(rf"{word}[\"']?\s*[=:]", text, re.MULTILINE) or re.search(word, text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 0


def literals(value: object) -> Iterator[tuple[str, str]]:
    """Yields the entries of a mapping, or of a list of `NAME=value`, with known values. Defaults count as values."""
    pairs = [(str(name), each) for name, each in table(value).items()]
    if isinstance(value, list):
        split = (each.partition("=") for each in value if isinstance(each, str))
        pairs += [(name, each) for name, equals, each in split if equals]
    for name, each in pairs:
        text = str(each).lower() if isinstance(each, bool) else str(each)
        if isinstance(each, str | int | float):
            known = expand(text.replace("$$", "\0"), {})
            if known is not None and "$" not in known:
                yield name.strip(), known.replace("\0", "$")


def _shell(value: object) -> Shell | None:
    """Returns a command or entrypoint. Compose runs no shell: it splits the text into words."""
    if isinstance(value, list):
        return Shell(argv=tuple(_unescaped(str(word)) for word in value))
    if not isinstance(value, str):
        return None
    try:
        return Shell(argv=tuple(map(_unescaped, shlex.split(value))))
    except ValueError:
        return None


def _unescaped(word: str) -> str:
    return word.replace("$$", "$")


def _built(build: object, directory: str) -> tuple[str, Build | None]:
    """Returns the path of the Dockerfile of a `build` key, and the build. The compose file is in `directory`."""
    context = build if isinstance(build, str) else string(build, "context") or "."
    if build is None or "://" in context or "$" in context:
        return "", None
    place = join(directory, context)
    if place == ".." or place.startswith("../"):
        return "", None
    dockerfile, target = string(build, "dockerfile") or "Dockerfile", string(build, "target")
    args = tuple(sorted(_arguments(table(build))))
    return join(place, dockerfile), Build(context=place, target="" if "$" in target else target, args=args)


def _arguments(build: Table) -> Iterator[tuple[str, str]]:
    """Yields build arguments with a literal value. Other values come from the environment of compose."""
    pairs = [(str(name), value) for name, value in table(build, "args").items()]
    pairs += [(name, value) for name, found, value in (each.partition("=") for each in strings(build, "args")) if found]
    for name, value in pairs:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if isinstance(value, str | int | float) and "$" not in text:
            yield name, text
