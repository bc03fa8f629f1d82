"""Where a command of production runs: its directory and files, in an image and in the tree."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tasks.discovery.file_view import FileView, is_within, join, relative
from tasks.discovery.image.files import Places


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where a command runs: the tree, and the image's copies of it.

    `workdir` is the working directory in the image, or empty without an image. `directory` is the one in the tree.
    `env` has the known variables.
    """

    tree: FileView
    directory: str
    workdir: str = ""
    places: Places = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def at(self, path: str) -> "Ground":
        """The same, after `cd path`."""
        if self.workdir:
            inside = posixpath.normpath(posixpath.join(self.workdir, path))
            return replace(self, workdir=inside, directory=self.in_tree(path) or self.directory)
        return self if path.startswith("/") else replace(self, directory=join(self.directory, path))

    def in_tree(self, path: str) -> str:
        """Returns the path in the tree of a path in the image, or an empty text."""
        if not self.workdir:
            return "" if path.startswith("/") else self._existing(join(self.directory, path))
        inside = posixpath.normpath(posixpath.join(self.workdir, path))
        found = (join(source, relative(inside, place)) for place, source in self.places if is_within(inside, place))
        return next((path for path in map(self._existing, found) if path), "")

    def _existing(self, path: str) -> str:
        return path if self.tree.has(path) or self.tree.has_directory(path) else ""
