"""Assigns the calls of quality tools to the Python projects of components."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from tasks.discovery.calls.arguments import DJANGO_TEST
from tasks.discovery.file_view import FileView, is_nested, is_within, join, relative
from tasks.stack import ToolCall


def calls_of(
    tree: FileView, calls: Collection[ToolCall], *, directory: str, root: str, rivals: tuple[str, ...]
) -> tuple[ToolCall, ...]:
    """Returns the calls for the component in `directory`, with their paths and directories as this tree has them.

    `root` is the directory of its Python project, `rivals` are the directories of all Django projects.
    """
    found: list[ToolCall] = []
    for call in calls:
        placed = (
            _test(tree, call, directory, rivals)
            if call.tool == DJANGO_TEST
            else _placed(tree, call, directory, root, rivals)
        )
        found += [placed] if placed else []
    return tuple(found)


def _test(tree: FileView, call: ToolCall, directory: str, rivals: tuple[str, ...]) -> ToolCall | None:
    """Returns a call of Django's test runner, if its manage.py is the component's."""
    manage = join(directory, "manage.py")
    if join(call.directory, call.script) == manage:
        return call
    is_alone = len(rivals) == 1 or (
        directory != "." and is_within(directory, call.directory) and _only(directory, rivals, call)
    )
    # In a container the working directory is that of the image.
    lost = call.contained or not tree.has(join(call.directory, call.script))
    return replace(call, directory=directory, script="manage.py") if lost and is_alone else None


def _only(directory: str, rivals: tuple[str, ...], call: ToolCall) -> bool:
    return [each for each in rivals if is_within(each, call.directory)] == [directory]


def _placed(tree: FileView, call: ToolCall, directory: str, root: str, rivals: tuple[str, ...]) -> ToolCall | None:
    """Returns a call whose paths are in the project; None if it is about other directories."""
    base = next(_bases(tree, call, directory, root), None)
    if base is None:
        return None
    owner = max((each for each in rivals if is_within(base, each)), key=len, default=directory)
    if owner != directory and is_within(base, root) and is_within(owner, root):
        return None
    existing = tuple(path for path in call.paths if _exists(tree, join(base, path.partition("::")[0])))
    if is_within(base, root):
        return replace(call, directory=base, paths=existing)
    # A call from above also covers other directories of the stack.
    mine = [path for path in existing if is_nested(join(base, path), root)]
    if existing and not mine:
        return None
    inner = tuple(
        path for path in mine if is_within(join(base, path.partition("::")[0]), root) and join(base, path) != root
    )
    if not inner:
        return replace(call, directory=root, paths=())
    return replace(call, directory=root, paths=tuple(relative(join(base, path), root) for path in inner))


def _bases(tree: FileView, call: ToolCall, directory: str, root: str) -> Iterator[str]:
    """Yields the directories in which the call may run, the likeliest first. In a container it may be any of these."""
    places = (call.directory, directory, root) if call.contained else (call.directory,)
    related = [place for place in places if is_within(place, root) or is_within(root, place)]
    yield from (each for each in related if all(_exists(tree, join(each, path)) for path in call.paths))
    yield from related[-1:]


def _exists(tree: FileView, path: str) -> bool:
    return path == "." or tree.has(path) or tree.has_directory(path)
