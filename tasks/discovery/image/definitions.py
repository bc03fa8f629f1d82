"""Finds the Dockerfile of a component: its own, one that a compose file names, or one above that copies it."""

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from tasks.discovery.file_view import FileView, is_within, join, lineage, name_in, parent, relative
from tasks.discovery.image.compose import Build, ComposeService, compose_services
from tasks.discovery.image.dockerfile import Dockerfile, parse_dockerfile
from tasks.discovery.image.purpose import has_other_use, is_of_the_stack, is_production

_NAME = re.compile(
    r"^(?:(?:Dockerfile|Containerfile)(?:[.\-_](?P<after>.+))?|(?P<before>.+)[.\-_]?Dockerfile)$", re.IGNORECASE
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
_OTHER_EXTENSIONS = (".dockerignore", ".md", ".sh", ".py", ".txt", ".yml", ".yaml")

Predicate = Callable[[Dockerfile], bool]


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
        self.services = compose_services(tree)
        self._builds = _compose_builds(self.services)
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
            return self._deployed(path, self._builds[path])
        return self._deployed(path, self._guessed(path, directory))

    def _deployed(self, path: str, build: Build) -> Build:
        """Returns the build up to the last stage, or up to the last one that is not for development."""
        stages = self._files[path].stages
        if build.target or not stages or not has_other_use(stages[-1].name):
            return build
        others = [stage.name for stage in stages if not has_other_use(stage.name) and stage.is_named]
        named = [name for name in others if is_production(name)]
        return replace(build, target=(named or others or [""])[-1])

    def _guessed(self, path: str, directory: str) -> Build:
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
        yield [path for path in self._files if parent(path) == directory and not has_other_use(path)]
        composed = ((path, build.context) for path, build in self._builds.items())
        yield [path for path, context in composed if context == directory and path in self._files]
        for above in lineage(directory):
            here = [path for path in self._files if self._serves(path, above) and not has_other_use(path)]
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
    name = name_in(path)
    return bool(_NAME.match(name)) and not name.endswith(_OTHER_EXTENSIONS) and is_of_the_stack(path)


def _preference(path: str) -> tuple[bool, bool, int, str]:
    """Sorts names with `prod` or the like first, then the plain name, then the shortest path."""
    is_plain = posixpath.basename(path).lower() in {"dockerfile", "containerfile"}
    return (not is_production(path), not is_plain, len(path), path)


def _compose_builds(services: tuple[ComposeService, ...]) -> dict[str, Build]:
    """Returns the builds that compose files name, by Dockerfile.

    Of several services, one in a production file wins, then one with ports. A target of development is no target.
    """
    found: dict[str, tuple[tuple[bool, bool], Build]] = {}
    for each in services:
        fitness = (each.is_production, each.is_reached)
        if each.build and (each.dockerfile not in found or fitness > found[each.dockerfile][0]):
            build = replace(each.build, target="", args=()) if each.is_development else each.build
            found[each.dockerfile] = (fitness, build)
    return {path: build for path, (_, build) in found.items()}
