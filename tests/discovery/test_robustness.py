"""Discovery continues for any file content, and warns about files that it cannot read."""

import pytest

from tasks.discovery import discover
from tasks.stack import Kind
from tests.discovery.trees import astro, django, look, package

WHOLE = (
    django("api")
    | astro("site")
    | {
        "api/pyproject.toml": '[project]\nname = "api"\n[tool.ruff]\n[tool.uv.workspace]\nmembers = ["a"]\n',
        "api/uv.lock": 'version = 1\n[[package]]\nname = "api"\nsource = { virtual = "." }\n',
        "api/Dockerfile": 'FROM python:3.13\nRUN pip install -r requirements.txt\nCMD ["gunicorn", "config.wsgi"]\n',
        "api/Procfile": "web: gunicorn config.wsgi",
        "compose.yaml": "services:\n  api:\n    build: ./api\n",
        "package.json": package(packageManager="pnpm@10.0.0", workspaces=["site"]),
        "pnpm-workspace.yaml": "packages:\n  - site\n",
        "pnpm-lock.yaml": "lockfileVersion: '9.0'\nimporters:\n  site:\n    dependencies: {}\n",
        "w/wrangler.jsonc": '{"name": "w", "main": "i.ts", "assets": {"directory": "x"}, "env": {"a": {}}}',
        "w/package.json": package(dependencies={"hono": "4"}),
        "w/package-lock.json": '{"packages": {"node_modules/wrangler": {"version": "4.0.0"}}}',
    }
)
ODD = [
    "",
    "\0",
    "[",
    "{",
    '{"a"',
    "]]",
    "- 1",
    "null",
    "true",
    "[[package]]",
    "a = 1",
    '"',
    "FROM",
    "\ufeff",
    "web:",
    "*",
]


@pytest.mark.parametrize("path", sorted(WHOLE))
def test_odd_files_raise_no_error(path: str) -> None:
    for text in ODD:
        found = look(WHOLE | {path: text})

        assert found.of(Kind.WEB) or path == "api/manage.py"


@pytest.mark.parametrize("parts", [11, pytest.param(40, marks=pytest.mark.slow)])
@pytest.mark.parametrize("path", sorted(WHOLE))
def test_truncated_files_raise_no_error(path: str, parts: int) -> None:
    text = WHOLE[path]
    for end in range(0, len(text), max(1, len(text) // parts)):
        look(WHOLE | {path: text[:end]})


VALUES = ["1", "null", "[]", "{}", "[1, null, {}]", '{"a": 1, "b": [], "c": null}', '"text"', "true"]
KEYS = {
    "w/wrangler.jsonc": ["name", "main", "assets", "env", "site", "pages_build_output_dir"],
    "site/package.json": [
        "name",
        "scripts",
        "dependencies",
        "devDependencies",
        "workspaces",
        "engines",
        "volta",
        "pnpm",
    ],
    "package.json": ["packageManager", "devEngines", "workspaces", "pnpm"],
    "w/package-lock.json": ["packages", "name"],
}


@pytest.mark.parametrize(("path", "key"), [(path, key) for path, keys in KEYS.items() for key in keys])
def test_values_of_another_type_raise_no_error(path: str, key: str) -> None:
    for value in VALUES:
        assert look(WHOLE | {path: f'{{"{key}": {value}}}'}).of(Kind.WEB)


@pytest.mark.parametrize(
    "text",
    [
        "package = 1",
        "[[package]]\nname = 1\nsource = 2\ndependencies = 3",
        "[package]\nx = 1",
        '[[package]]\nname = "a"\n[package.dev-dependencies]\ndev = [1, "x"]',
    ],
)
def test_locks_of_another_shape_raise_no_error(text: str) -> None:
    assert look(WHOLE | {"api/uv.lock": text}).of(Kind.WEB)


@pytest.mark.parametrize(
    "text",
    [
        "project = 1",
        "[project]\ndependencies = 1\nreadme = 3\nrequires-python = 3",
        "[project]\nname = 1\nreadme = {file = 1}\nlicense = 'MIT'",
        "[tool]\nuv = 1\nruff = 2\npytest = 3\npoetry = 4",
        "[dependency-groups]\ndev = 1",
        "[project.optional-dependencies]\na = [1, '!!!']",
        "[tool.uv.sources]\na = 1\nb = [{path = 'x'}]",
    ],
)
def test_manifests_of_another_shape_raise_no_error(text: str) -> None:
    assert look(WHOLE | {"api/pyproject.toml": text}).of(Kind.WEB)


def test_a_broken_file_gets_a_warning() -> None:
    warnings = "\n".join(look(WHOLE | {"api/pyproject.toml": "[project", "site/package.json": "{"}).warnings)

    assert "api/pyproject.toml: broken (" in warnings
    assert "site/package.json: broken (" in warnings


def test_a_broken_manifest_does_not_lose_the_project() -> None:
    component = look(WHOLE | {"api/pyproject.toml": '[project]\nname = "api\n[tool.ruff]\n'}).of(Kind.WEB)[0]

    assert component.python
    assert (component.python.root, "ruff" in component.python.tools) == ("api", True)


def test_binary_files_get_a_warning() -> None:
    def read(path: str) -> str:
        if path == "api/pyproject.toml":
            return b"\xff\xfe".decode()
        if path == "site/package.json":
            raise PermissionError(13, "Permission denied")
        return WHOLE[path]

    stack = discover(WHOLE.keys(), read)

    assert [component.path for component in stack.components] == ["api", "w"]
    assert any(line.startswith("api/pyproject.toml: cannot be read as text") for line in stack.warnings)
    assert any("Permission denied" in line for line in stack.warnings)


def test_each_file_is_read_once() -> None:
    seen: list[str] = []

    def read(path: str) -> str:
        seen.append(path)
        return WHOLE[path]

    discover(WHOLE.keys(), read)

    assert len(seen) == len(set(seen))


def test_the_order_of_the_paths_does_not_matter() -> None:
    assert discover(sorted(WHOLE, reverse=True), WHOLE.__getitem__) == look(WHOLE)


@pytest.mark.parametrize("depth", [10_000, pytest.param(50_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("before", "level", "after"),
    [("", "[", ""), ("", "- ", "1"), ("", "(", ""), ("", '{"a":', ""), ("x = ", "-", "1"), ("", "9", "")],
)
def test_files_that_nest_too_deep_raise_no_error(before: str, level: str, after: str, depth: int) -> None:
    for path in (*sorted(WHOLE), "api/noxfile.py"):
        look(WHOLE | {path: before + level * depth + after})
