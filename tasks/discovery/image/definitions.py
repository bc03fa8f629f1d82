"""Finds the Dockerfile of a component: its own, one that a compose file names, or one above that copies it."""

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tasks.discovery.documents import Table, string, strings, table
from tasks.discovery.file_view import FileView, is_within, join, lineage, parent, relative
from tasks.discovery.image.dockerfile import Dockerfile, parse_dockerfile
from tasks.discovery.rank import Rank, rank

_NAME = re.compile(
    r"^(?:(?:Dockerfile|Containerfile)(?:[.\-_](?P<after>.+))?|(?P<before>.+)[.\-_]?Dockerfile)$", re.IGNORECASE
)
_PRODUCTION = re.compile(r"prod|deploy|release|live", re.IGNORECASE)
_OTHER_USES = re.compile(
    r"(^|[./_\-])(dev|devel|development|local|test|tests|testing|ci|debug|docs|e2e)([./_\-]|$)", re.IGNORECASE
)
_FOLDERS = frozenset(
    [
        "docker",
        ".docker",
        "compose",
        "deploy",
        "deployment",
        "deployments",
        "infra",
        "ops",
        "build",
        "container",
        "containers",
    ]
)
_PYTHON = re.compile(
    r"manage\.py|gunicorn|uvicorn|\bpip3? install|\buv (?:-\S+ )*(?:sync|pip|export)|\bpdm (?:install|sync)|\bpoetry\b"
    r"|\bpipenv\b|\bdjango\b",
    re.IGNORECASE,
)
_COMPOSE = re.compile(r"^(docker-)?compose([.\-][\w.\-]+)?\.ya?ml$")
_OTHER_EXTENSIONS = (".dockerignore", ".md", ".sh", ".py", ".txt", ".yml", ".yaml")

Predicate = Callable[[Dockerfile], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How a Dockerfile is built: the context directory, the stage, and the arguments, sorted by name."""

    context: str
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()


def is_for_python(dockerfile: Dockerfile) -> bool:
    """Whether a Dockerfile installs or runs a Python project. A base image with Python alone is not enough."""
    return bool(_PYTHON.search(dockerfile.text))


def is_for_node(dockerfile: Dockerfile) -> bool:
    """Whether a stage of a Dockerfile has Node."""
    return any(posixpath.basename(image).startswith("node:") for image in dockerfile.images)


class ImageDefinitions:
    """The Dockerfiles of a tree. Assigns them to components."""

    def __init__(self, tree: FileView) -> None:
        self._files = {path: parse_dockerfile(tree.text(path)) for path in tree.files if _is_dockerfile(path)}
        self._builds = _compose_builds(tree)
        self._tree = tree

    def of(
        self, directory: str, accepts: Predicate, *, rivals: tuple[str, ...], marks: tuple[str, ...] = ()
    ) -> tuple[str, Dockerfile] | None:
        """Returns the Dockerfile of the component in `directory`, with its path.

        `rivals` are the directories of the components of the same kind. A Dockerfile further up belongs to the
        component if no rival is below it, if it copies the component's directory, or if it contains one of the
        `marks`, such as the name of the settings package.
        """
        others = tuple(rival for rival in rivals if rival != directory)
        for candidates in self._candidates(directory, others, marks):
            fitting = [path for path in candidates if accepts(self._files[path])]
            if fitting:
                chosen = min(fitting, key=_preference)
                return chosen, self._files[chosen]
        return None

    def build(self, path: str, directory: str) -> Build:
        """Returns how the Dockerfile of the component in `directory` is built. Without a compose file it is a guess."""
        if path in self._builds:
            return self._builds[path]
        own = next((above for above in lineage(directory) if self._serves(path, above)), parent(path))
        # a directory further up is the context if the Dockerfile's sources exist only relative to that directory
        for above in lineage(own):
            inner = relative(directory, above)
            if above != own and any(self._is_source(source, inner, own) for source in self._files[path].copied):
                return Build(context=above)
        return Build(context=own)

    def _is_source(self, source: str, inner: str, own: str) -> bool:
        """Whether a source of the Dockerfile is within `inner` and does not exist relative to `own`."""
        written = source.removeprefix("./").rstrip("/")
        place = join(own, written)
        return is_within(written, inner) and not self._tree.has(place) and not self._tree.has_directory(place)

    def _candidates(self, directory: str, others: tuple[str, ...], marks: tuple[str, ...]) -> Iterator[list[str]]:
        yield [path for path in self._files if parent(path) == directory and not _has_other_use(path)]
        composed = ((path, build.context) for path, build in self._builds.items())
        yield [path for path, context in composed if context == directory and path in self._files]
        for above in lineage(directory):
            here = [path for path in self._files if self._serves(path, above) and not _has_other_use(path)]
            is_alone = not any(is_within(other, above) for other in others)
            yield [path for path in here if is_alone or self._copies(path, relative(directory, above), marks)]
        yield [path for path in self._files if parent(path) == directory]

    def _serves(self, path: str, directory: str) -> bool:
        """Whether the Dockerfile at `path` is in the directory, or in one of its folders for Dockerfiles."""
        if parent(path) == directory:
            return True
        inner = relative(path, directory).split("/")
        return is_within(path, directory) and inner[0].lower() in _FOLDERS

    def _copies(self, path: str, inner: str, marks: tuple[str, ...]) -> bool:
        dockerfile = self._files[path]
        sources = {source.removeprefix("./").rstrip("/") for source in dockerfile.copied} - {"", ".", "*"}
        if inner != "." and any(is_within(inner, source) for source in sources):
            return True
        places = (*marks, f"{inner}/") if inner != "." else marks
        return any(mark in dockerfile.text for mark in places)


def _is_dockerfile(path: str) -> bool:
    name = posixpath.basename(path)
    return bool(_NAME.match(name)) and not name.endswith(_OTHER_EXTENSIONS) and _is_of_the_stack(path)


def _is_of_the_stack(path: str) -> bool:
    """Whether a file is outside of fixtures and vendored folders. Hidden folders are allowed for Dockerfiles."""
    return rank("/".join(part.lstrip(".") or part for part in parent(path).split("/"))) is not Rank.NEVER


def _has_other_use(path: str) -> bool:
    return bool(_OTHER_USES.search(path)) and not _PRODUCTION.search(path)


def _preference(path: str) -> tuple[bool, bool, int, str]:
    """Sorts names with `prod` or the like first, then the plain name, then the shortest path."""
    is_plain = posixpath.basename(path).lower() in {"dockerfile", "containerfile"}
    return (not _PRODUCTION.search(path), not is_plain, len(path), path)


def _compose_builds(tree: FileView) -> dict[str, Build]:
    """Returns the builds that compose files name, by Dockerfile.

    Of several services, one in a production file wins, then one with ports.
    """
    found: dict[str, tuple[tuple[bool, bool], Build]] = {}
    for path in tree.files:
        if not _COMPOSE.match(posixpath.basename(path)) or _has_other_use(path) or not _is_of_the_stack(path):
            continue
        for service in table(tree.table(path), "services").values():
            is_reached = bool(table(service).get("ports") or table(service).get("expose"))
            fitness = (bool(_PRODUCTION.search(path)), is_reached)
            named = _composed(service, parent(path))
            if named and (named[0] not in found or fitness > found[named[0]][0]):
                found[named[0]] = (fitness, named[1])
    return {path: build for path, (_, build) in found.items()}


def _composed(service: object, directory: str) -> tuple[str, Build] | None:
    """Returns the Dockerfile of a service, and its build. The compose file is in `directory`."""
    build = table(service).get("build")
    context = build if isinstance(build, str) else string(build, "context") or "."
    if build is None or "://" in context or "$" in context:
        return None
    place = join(directory, context)
    if place == ".." or place.startswith("../"):
        return None
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
