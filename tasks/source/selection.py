"""Which files of a tree a step sees, and one digest of them. A tree may have many files and many such selections."""

import hashlib
import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

from tasks.discovery.file_view import span_below
from tasks.source.tree import Tree, TreeFile, entry_of
from tasks.steps import Inputs

Span = tuple[int, int]
"""The number of the first path, and that after the last one."""


class FileSelection:
    """Selects files of a tree by their place in the sorted list of its paths."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._paths = sorted(tree.files)
        self._entries: list[bytes] = []
        self._digests: dict[tuple[Span, ...], str] = {}

    def files(self, inputs: Inputs) -> dict[str, TreeFile]:
        """The files for a step with these inputs, by path."""
        files = self._tree.files
        return {path: files[path] for first, end in self._spans(inputs) for path in self._paths[first:end]}

    def digest(self, inputs: Inputs) -> str:
        """The digest of names, modes and contents of these files, as `digest_of` returns it."""
        if not self._entries:
            self._entries = [entry_of(self._tree.files[path]) for path in self._paths]
        spans = tuple(self._spans(inputs))
        if spans not in self._digests:
            digest = hashlib.sha256()
            for first, end in spans:
                digest.update(b"".join(self._entries[first:end]))
            self._digests[spans] = digest.hexdigest()
        return self._digests[spans]

    def _spans(self, inputs: Inputs) -> Iterator[Span]:
        """Spans without overlap, in order: those of `include` without those of `exclude`."""
        without = joined(self._each(inputs.exclude))
        for first, end in joined(self._each(inputs.include)):
            begin = first
            for start, stop in without:
                if stop <= begin or start >= end:
                    continue
                if start > begin:
                    yield begin, start
                begin = stop
            if begin < end:
                yield begin, end

    def _each(self, paths: Iterable[str]) -> Iterator[Span]:
        """The spans of files and directories; a path that the tree does not have has none."""
        for path in map(os.path.normpath, paths):
            if path == ".":
                yield 0, len(self._paths)
                continue
            if path in self._tree.files:
                place = bisect_left(self._paths, path)
                yield place, place + 1
            inner = span_below(path, self._paths)
            yield inner.start, inner.stop


def joined(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that touch or overlap as one."""
    found: list[Span] = []
    for first, end in sorted(span for span in spans if span[0] < span[1]):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((first, end))
    return found


def select(tree: Tree, inputs: Inputs) -> Mapping[str, TreeFile]:
    """The files for a step with these inputs."""
    return FileSelection(tree).files(inputs)
