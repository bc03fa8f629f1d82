"""Folders with components: any folder but vendored ones. Examples count only if the stack has nothing else."""

import pytest

from tasks.stack import Kind
from tests.discovery.trees import MANAGE, astro, django, look


def paths(files: dict[str, str], *exclude: str) -> list[str]:
    return [component.path for component in look(files, exclude=exclude).components]


@pytest.mark.parametrize(
    "directory",
    [
        "node_modules/pkg",
        "web/node_modules/pkg",
        "vendor/lib",
        "third_party/x",
        "tests/fixtures/project",
        "app/fixtures/project",
        ".venv/lib/python3.13/site-packages/pkg/template",
        "{{cookiecutter.project_slug}}",
        "{{ cookiecutter.slug }}/backend",
        ".github/site",
        "testdata/web",
    ],
)
def test_vendored_and_hidden_folders_have_no_components(directory: str) -> None:
    assert paths(django(directory)) == []
    assert paths(astro(directory)) == []


@pytest.mark.parametrize("directory", [".", "backend", "apps/web", "a/b/c/d", "services/latest", "sites/demo"])
def test_other_folders_may_have_components(directory: str) -> None:
    assert paths(django(directory)) == [directory]


@pytest.mark.parametrize(
    "directory", ["examples/shop", "example", "tests/project", "templates/starter", "playground/x", "sites/_template"]
)
def test_examples_and_tests_count_only_without_other_components(directory: str) -> None:
    alone = look(django(directory))
    both = look(django(directory) | django("backend"))

    assert [component.path for component in alone.components] == [directory]
    assert alone.warnings == ()
    assert [component.path for component in both.components] == ["backend"]
    assert both.warnings == (f"Not searched, because these folders hold examples or tests of the stack: {directory}",)


def test_a_component_may_be_called_demo() -> None:
    assert paths(django("sites/demo") | django("demo/site") | django("backend")) == ["backend", "sites/demo"]


def test_examples_come_before_tests() -> None:
    assert paths(django("examples/shop") | django("tests/project")) == ["examples/shop"]


def test_a_project_that_only_tests_a_library_is_no_component() -> None:
    library = {"libs/shared/manage.py": MANAGE.replace("config.settings", "shared.settings_test")}

    assert paths(library | django("api")) == ["api"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("legacy", ["apps/web"]),
        ("legacy/**", ["apps/web"]),
        ("legacy/", ["apps/web"]),
        ("**/web", ["legacy/old"]),
        ("apps/*", ["legacy/old"]),
        ("other", ["apps/web", "legacy/old"]),
        ("leg", ["apps/web", "legacy/old"]),
    ],
)
def test_configured_folders_are_left_out(pattern: str, left: list[str]) -> None:
    assert paths(django("apps/web") | django("legacy/old"), pattern) == left


def test_a_manage_py_without_django_is_no_component() -> None:
    assert paths({"manage.py": "from flask_script import Manager", "requirements.txt": "flask==3.0.0"}) == []


def test_components_are_ordered_by_kind_and_path() -> None:
    worker = {"b/wrangler.toml": 'name = "b"\nmain = "index.js"', "b/index.js": ""}

    found = look(astro("a") | worker | django("z") | django("c")).components

    assert [(component.kind, component.path) for component in found] == [
        (Kind.WEB, "c"),
        (Kind.WEB, "z"),
        (Kind.WORKER, "b"),
        (Kind.SITE, "a"),
    ]


def test_an_empty_tree_is_an_empty_stack() -> None:
    assert look({}).components == ()
    assert look({"README.md": "hello"}).components == ()


@pytest.mark.parametrize(
    ("directory", "extra", "name"),
    [
        ("apps/web", {}, "web"),
        (".", {}, "config"),
        (".", {"pyproject.toml": '[project]\nname = "paper"'}, "paper"),
        ("backend/src", {}, "backend"),
        ("src", {"pyproject.toml": '[project]\nname = "paper"', "uv.lock": "version = 1"}, "src"),
    ],
)
def test_component_names(directory: str, extra: dict[str, str], name: str) -> None:
    files = django(directory) | extra
    if directory == "src":
        del files["src/requirements.txt"]
        name = "paper"

    assert look(files).components[0].name == name
