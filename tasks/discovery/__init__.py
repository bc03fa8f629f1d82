"""Discovery: what a tree of files deploys, found without any configuration and without running anything."""

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
) -> Stack:
    """The stack that a tree is.

    `paths` are all its files relative to its root, `read` gives a file's text. `exclude` are globs of folders that
    hold no components; `settings` maps paths of Django components to the settings module that is configured for them.
    Nothing found is an empty stack. Never raises for what the files say: what is broken there is a check's to find,
    and a warning here.
    """
    tree = FileView(paths, read)
    components = find_components(tree, exclude, settings)
    return Stack(components=components, warnings=tuple(tree.warnings))
