"""Finds the deployable components of a tree of files, without configuration and without running anything."""

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType

from tasks.discovery.components import find_components
from tasks.discovery.file_view import FileView
from tasks.stack import Stack

_NOTHING: Mapping[str, str] = MappingProxyType({})


def discover(
    paths: Collection[str],
    read: Callable[[str], str],
    *,
    exclude: Sequence[str] = (),
    settings: Mapping[str, str] = _NOTHING,
    installs: Mapping[str, Sequence[str]] = MappingProxyType({}),
    environment: str = "",
) -> Stack:
    """Returns the stack of a tree, without components if none is found.

    `paths` are all files, relative to the tree's root. `read` returns a file's text. `exclude` has globs of folders
    that hold no components. `settings` maps the path of a Django component to its configured settings module,
    `installs` to the configured command with which production installs. `environment` is the deploy target.
    Broken files raise no error: they become warnings here, and the checks report them.
    """
    tree = FileView(paths, read)
    components = find_components(tree, exclude, settings, installs, environment)
    return Stack(components=components, warnings=tuple(tree.warnings), gaps=tuple(tree.gaps))
