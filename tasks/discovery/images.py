"""Which Dockerfile builds a component: its own, one that a compose file names, or one above that copies it."""

import posixpath
import re
from collections.abc import Callable, Iterator

from tasks.discovery.dockerfile import Dockerfile, parse_dockerfile
from tasks.discovery.documents import string, table
from tasks.discovery.places import Rank, rank
from tasks.discovery.tree import Tree, is_within, join, lineage, parent, relative

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
    r"manage\.py|gunicorn|uvicorn|\bpip3? install|\buv (sync|pip)|\bpoetry\b|\bpipenv\b|\bdjango\b", re.IGNORECASE
)
_COMPOSE = re.compile(r"^(docker-)?compose([.\-][\w.\-]+)?\.ya?ml$")
_OF_NO_TOOL = (".dockerignore", ".md", ".sh", ".py", ".txt", ".yml", ".yaml")

Predicate = Callable[[Dockerfile], bool]


def is_for_python(dockerfile: Dockerfile) -> bool:
    """Whether it installs or runs a Python project; a base image with Python alone may be for anything."""
    return bool(_PYTHON.search(dockerfile.text))


def is_for_node(dockerfile: Dockerfile) -> bool:
    """Whether a stage of it has Node."""
    return any(posixpath.basename(image).startswith("node:") for image in dockerfile.images)


class Images:
    """The Dockerfiles of a tree, and which of them is whose."""

    def __init__(self, tree: Tree) -> None:
        self._files = {path: parse_dockerfile(tree.text(path)) for path in tree.files if _is_dockerfile(path)}
        self._contexts = dict(_compose_builds(tree))

    def of(
        self, directory: str, accepts: Predicate, *, rivals: tuple[str, ...], marks: tuple[str, ...] = ()
    ) -> tuple[str, Dockerfile] | None:
        """The Dockerfile of the component in `directory`.

        A Dockerfile further up that copies everything is this component's if none of its `rivals` (the directories of
        its kind) is there too, or if it holds one of the `marks`, such as the name of its settings package.
        """
        others = tuple(rival for rival in rivals if rival != directory)
        for candidates in self._candidates(directory, others, marks):
            fitting = [path for path in candidates if accepts(self._files[path])]
            if fitting:
                chosen = min(fitting, key=_preference)
                return chosen, self._files[chosen]
        return None

    def _candidates(self, directory: str, others: tuple[str, ...], marks: tuple[str, ...]) -> Iterator[list[str]]:
        yield [path for path in self._files if parent(path) == directory and not _has_other_use(path)]
        yield [path for path, context in self._contexts.items() if context == directory and path in self._files]
        for above in lineage(directory):
            here = [path for path in self._files if self._serves(path, above) and not _has_other_use(path)]
            is_alone = not any(is_within(other, above) for other in others)
            yield [path for path in here if is_alone or self._copies(path, relative(directory, above), marks)]
        yield [path for path in self._files if parent(path) == directory]

    def _serves(self, path: str, directory: str) -> bool:
        """Whether it lies in the directory, or in a folder of it that is there for Dockerfiles."""
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
    return bool(_NAME.match(name)) and not name.endswith(_OF_NO_TOOL) and _counts(path)


def _counts(path: str) -> bool:
    """Whether a file is in no fixture or vendored folder; folders for operators may be hidden ones."""
    return rank("/".join(part.lstrip(".") or part for part in parent(path).split("/"))) is not Rank.NEVER


def _has_other_use(path: str) -> bool:
    return bool(_OTHER_USES.search(path)) and not _PRODUCTION.search(path)


def _preference(path: str) -> tuple[bool, bool, int, str]:
    """Production's by name first, then the plain name, then the shortest path."""
    is_plain = posixpath.basename(path).lower() in {"dockerfile", "containerfile"}
    return (not _PRODUCTION.search(path), not is_plain, len(path), path)


def _compose_builds(tree: Tree) -> Iterator[tuple[str, str]]:
    """Dockerfiles that compose files name, with the context that they are built in."""
    for path in tree.files:
        if not _COMPOSE.match(posixpath.basename(path)) or _has_other_use(path) or not _counts(path):
            continue
        for service in table(tree.table(path), "services").values():
            build = table(service).get("build")
            context = build if isinstance(build, str) else string(build, "context") or "."
            if build is not None and "://" not in context and "$" not in context:
                directory = join(parent(path), context)
                yield join(directory, string(build, "dockerfile") or "Dockerfile"), directory
