"""The view of a tree finds files by an index, with the answers of a search through all files."""

import posixpath
import random

import pytest

from tasks.discovery.file_view import ROOT, FileView, join, lineage, parent, relative

WORDS = ("a", "b", "c", ".x", "..", ".", "d.py", "", "package.json")
DIRECTORIES = (ROOT, "a", "a/b", "b", "..", "c/.x", "a/", "/a", "a/..")


@pytest.mark.parametrize("seed", range(5))
def test_paths_are_those_of_the_library(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(1000):
        path = "/".join(chance.choices(WORDS, k=chance.randint(1, 5)))
        directory = chance.choice(DIRECTORIES)
        if path:
            assert relative(path, directory) == posixpath.relpath(path, directory), (path, directory)
        assert join(directory, path) == posixpath.normpath(posixpath.join(directory, path)), (directory, path)
        assert parent(path) == (posixpath.dirname(path) or ROOT), path


@pytest.mark.parametrize("seed", range(5))
def test_index_finds_the_files_of_a_search(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(100):
        files = {"/".join(chance.choices("abcd", k=chance.randint(1, 5))) + ".f" for _ in range(30)}
        view = FileView(files, lambda _: "")
        assert view.named("a.f", "b.f", "a.f") == tuple(each for each in view.files if each[-3:] in {"a.f", "b.f"})
        assert view.where(str.islower) == view.where(str.islower) == tuple(filter(str.islower, view.files))
        for directory in (ROOT, "a", "a/b", "a/b/c", "nowhere"):
            near = [each for each in view.files if is_near(each, directory)]
            assert view.around(directory) == tuple(near)


def is_near(path: str, directory: str) -> bool:
    return parent(path) in lineage(directory) or parent(parent(path)) == directory
