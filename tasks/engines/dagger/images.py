"""Base images: the tag for each version, the one digest per tag that a run uses, and package managers in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from tasks.engines.dagger.paths import MANAGER
from tasks.engines.dagger.session import Container, DaggerSession, Directory, EngineRefusedError
from tasks.engines.dagger.variables import plain_variables
from tasks.engines.memo import AsyncMemo
from tasks.engines.versions.managers import manager_install
from tasks.engines.versions.python import minors_of, specifier
from tasks.errors import EngineError
from tasks.node_range import admits, is_range, lowest_major
from tasks.stack import Version

TABLE = {
    "python": "docker.io/library/python:{version}-slim",
    "node": "docker.io/library/node:{version}-slim",
    "postgres": "docker.io/library/postgres:17-alpine",
    "uv": "ghcr.io/astral-sh/uv:latest",
}
PYTHON, NODE = 13, 22
"""The default minor version of Python, and the default major version of Node, if the stack accepts them."""
NODES = (22, 24, 20, 18, 26)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChoice:
    """The version of a base image, and its differences from the stack's version, as gaps in the proof."""

    version: str
    gaps: tuple[str, ...] = ()


def choose_python(version: Version) -> ImageChoice:
    """The Python image of a stack. Raises EngineError (`toolchain`) for an invalid version."""
    wanted, bound = specifier(version.wanted, version.source), specifier(version.accepts, version.source)
    both = wanted & bound
    for text in (version.wanted, version.accepts):
        exact = re.fullmatch(r"==(3\.\d+\.\d+)", text.strip())
        if exact and both.contains(exact[1]):
            return ImageChoice(version=exact[1])
    fitting = minors_of(both)
    if fitting:
        return ImageChoice(version=f"3.{PYTHON if PYTHON in fitting else max(released(fitting), default=fitting[-1])}")
    return ImageChoice(version=f"3.{nearest(minors_of(bound), wanted)}", gaps=(differs("Python", version),))


def released(minors: list[int]) -> list[int]:
    """The released minor versions: an open range includes versions that do not exist yet."""
    return [minor for minor in minors if minor <= PYTHON + 1]


def nearest(minors: list[int], wanted: SpecifierSet) -> int:
    """The minor version that is nearest to the wanted one."""
    goal = min(minors_of(wanted), default=PYTHON)
    if not minors:
        raise EngineError(f"no Python version fits {wanted}: fix requires-python", "toolchain")
    return min(minors, key=lambda minor: abs(minor - goal))


def choose_node(version: Version) -> ImageChoice:
    """The Node image of a stack."""
    if not is_range(version.wanted) or not is_range(version.accepts):
        return ImageChoice(version=str(NODE), gaps=(differs("Node", version),))
    exact = re.fullmatch(r"=?=?v?(\d+\.\d+\.\d+)", version.wanted.strip())
    if exact:
        return ImageChoice(version=exact[1])
    both = [major for major in NODES if fits(version.wanted, major) and fits(version.accepts, major)]
    if both:
        return ImageChoice(version=str(both[0]))
    usable = [major for major in NODES if fits(version.accepts, major)] or [NODE]
    goal = lowest_major(version.wanted) or NODE
    return ImageChoice(version=str(min(usable, key=lambda major: abs(major - goal))), gaps=(differs("Node", version),))


def fits(text: str, major: int) -> bool:
    """Does a release of the major version fit the range?"""
    return any(admits(text, (major, minor, 0)) for minor in range(40))


def differs(name: str, version: Version) -> str:
    """The gap in the proof."""
    source = f" ({version.source})" if version.source else ""
    return f"another {name} than {version.wanted or version.accepts}{source}"


def with_manager(base: Container, manager: str, empty: Directory) -> Container:
    """The image with the manager's programs first on PATH. `empty` is an empty directory.

    The npm that comes with Node needs no installation. Raises EngineError (`unsupported`).
    """
    wanted = manager_install(manager)
    if wanted is None:
        return base
    files = empty
    for path, text in wanted.files:
        files = files.with_new_file(path, text)
    brought = base.with_directory(MANAGER, files).with_workdir(MANAGER)
    for name, value in plain_variables("acquire", node=True).items():
        brought = brought.with_env_variable(name, value)
    for argv in wanted.commands:
        brought = brought.with_exec(list(argv))
    return base.with_directory(MANAGER, brought.directory(MANAGER)).with_env_variable(
        "PATH", f"{MANAGER}/node_modules/.bin:${{PATH}}", expand=True
    )


class BaseImageResolver:
    """The base images of a session. `overrides` replace entries of the table, and may have a digest. `known` are tags
    and references that are resolved already."""

    def __init__(
        self,
        session: DaggerSession,
        overrides: Mapping[str, str],
        pinned: dict[str, str],
        known: Mapping[str, str] | None = None,
    ) -> None:
        self._session, self._known = session, known or {}
        self._table = {**TABLE, **overrides}
        self.pinned = pinned
        """The reference with digest of each tag, for the whole run."""
        self._resolved = AsyncMemo[str, str]()

    def tag(self, name: str, version: str = "") -> str:
        """The reference in the table, with the version."""
        return self._table[name].replace("{version}", version)

    async def get(self, name: str, version: str = "", *, full: bool = False) -> Container:
        """A base image by its digest. Raises EngineError (`base_image`) if it is not available.

        `full` means the image with compilers and headers instead of the slim one.
        """
        tag = self.tag(name, version).replace("-slim", "" if full else "-slim")
        reference = await self._resolved.get(tag, lambda: self._resolve(tag))
        return self._session.client.container().from_(reference)

    async def _resolve(self, tag: str) -> str:
        if tag not in self.pinned and tag in self._known:
            self.pinned[tag] = self._known[tag]
        if tag not in self.pinned:
            self.pinned[tag] = await self.reference(tag)
        return self.pinned[tag]

    async def reference(self, tag: str) -> str:
        """The reference with digest that a tag has now. Raises EngineError (`base_image`) if it is not available."""
        if "@sha256:" in tag:
            return tag
        asked = self._session.client.container().from_(tag).image_ref()
        try:
            return await self._session.ask(asked)
        except EngineRefusedError as error:
            said = str(error).strip().splitlines()[-1]
            text = f"the base image {tag} is not available: {said}. Name another one in PREDEPLOY_IMAGES"
            raise EngineError(text, "base_image") from None
