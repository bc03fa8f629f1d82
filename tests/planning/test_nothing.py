"""What is said of a tree without components."""

from tasks.planning.nothing import seen_instead
from tasks.settings import Settings
from tests.support.factories import make_scene, make_stack


def seen_of(files: dict[str, str]) -> list[str]:
    return seen_instead(make_scene(make_stack(), files, Settings(jobs=1))).splitlines()


def test_empty_tree_is_named() -> None:
    assert seen_of({}) == ["The tree has no files that git does not ignore."]


def test_each_manifest_has_its_reason() -> None:
    files = {
        "package.json": '{"scripts": {"build": "tsc"}}',
        "lib/package.json": "{}",
        "bad/package.json": "[]",
        "api/pyproject.toml": "",
        "node_modules/x/package.json": "{}",
    }

    assert seen_of(files) == [
        "Seen: package.json builds with `tsc`, which is no site generator that predeploy knows",
        "Seen: api/pyproject.toml is a Python project without manage.py",
        "Seen: bad/package.json cannot be read (its top level is a list, not an object)",
        "Seen: lib/package.json has no `build` script and no site generator, and no wrangler file is next to it",
    ]


def test_many_manifests_are_counted_and_files_without_any_are_listed() -> None:
    assert seen_of({f"p{n}/go.mod": "" for n in range(7)})[-1] == "Seen: 2 more files like these"
    assert seen_of({"README.md": "", "a.txt": ""}) == ["Seen: README.md, a.txt, and no manifest among them."]
