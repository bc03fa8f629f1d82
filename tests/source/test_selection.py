"""The selection by places in a sorted list has the answers of a look at each path."""

import os
import random
from collections.abc import Collection

import pytest

from tasks.source.selection import FileSelection
from tasks.source.tree import FILE, digest_of
from tasks.steps import Inputs
from tests.execution.reuse.support import make_file, make_tree

NAMES = ("a", "b", "a.b", "a0", "a-", "é", "b c", "\udcff")


def is_in(path: str, paths: Collection[str]) -> bool:
    normal = [os.path.normpath(each) for each in paths]
    return any(each in {".", path} or path.startswith(f"{each}/") for each in normal)


@pytest.mark.parametrize("seed", range(3))
def test_selection_is_that_of_a_look_at_each_path(seed: int) -> None:
    rng = random.Random(seed)

    def some(number: int) -> tuple[str, ...]:
        return tuple("/".join(rng.choices(NAMES, k=rng.randint(1, 3))) for _ in range(number))

    for _ in range(60):
        paths = {*some(40)}
        tree = make_tree({path: make_file(path, path.encode("utf-8", "replace").decode(), FILE) for path in paths})
        selection = FileSelection(tree)
        for _ in range(15):
            include = rng.choice([(".",), some(rng.randint(0, 4)), ("./a/", *some(2))])
            inputs = Inputs(include=include, exclude=some(rng.randint(0, 3)))
            expected = {
                path: file
                for path, file in tree.files.items()
                if is_in(path, inputs.include) and not is_in(path, inputs.exclude)
            }

            assert dict(selection.files(inputs)) == expected, inputs
            assert selection.digest(inputs) == digest_of(expected), inputs
