"""The Python and Node versions that a stack requires."""

import pytest

from tasks.engines.dagger.images import choose_node as choose_node_image
from tasks.engines.versions.node import choose_node
from tests.discovery.trees import BARE, PROJECT, astro, node, package, python

CI = """
jobs:
  build:
    steps:
      - uses: actions/setup-node@v4
        with: {node-version: 24.x}
"""
DOCKER = "RUN pip install django\n"


@pytest.mark.parametrize(
    ("files", "wanted", "source"),
    [
        pytest.param({"api/Dockerfile": "FROM python:3.13-slim"}, "==3.13.*", "api/Dockerfile", id="tag"),
        pytest.param({"api/Dockerfile": "FROM python:3.12.4"}, "==3.12.4", "api/Dockerfile", id="patch"),
        pytest.param({"api/Dockerfile": "ARG V=3.12\nFROM python:${V}-slim"}, "==3.12.*", "api/Dockerfile", id="ARG"),
        pytest.param(
            {"api/Dockerfile": "FROM node:22 AS js\nFROM --platform=linux/amd64 hub.example:5000/python:3.13"},
            "==3.13.*",
            "api/Dockerfile",
            id="registry with a port",
        ),
        pytest.param(
            {"api/Dockerfile": "FROM python:3.11 AS base\nFROM python:3.12 AS x\nFROM base"},
            "==3.11.*",
            "api/Dockerfile",
            id="stage of a stage",
        ),
        pytest.param(
            {"api/Dockerfile": "FROM ghcr.io/astral-sh/uv:0.9-python3.13-trixie AS b\nFROM debian\nCOPY --from=b a ."},
            "==3.13.*",
            "api/Dockerfile",
            id="image of uv",
        ),
        pytest.param(
            {"api/Dockerfile": "FROM python:3.13@sha256:abc", "api/.python-version": "3.11"},
            "==3.13.*",
            "api/Dockerfile",
            id="digest; before .python-version",
        ),
        pytest.param(
            {"api/Dockerfile": "FROM python:latest"}, ">=3.11", "api/pyproject.toml", id="latest says nothing"
        ),
        pytest.param({"api/.python-version": "3.12\n"}, "==3.12.*", "api/.python-version", id=".python-version"),
        pytest.param({".python-version": "# pyenv\n3.12.7\n"}, "==3.12.7", ".python-version", id="further up"),
        pytest.param({"api/.python-version": "cpython-3.12"}, "==3.12.*", "api/.python-version", id="with its kind"),
        pytest.param({"api/.python-version": "pypy3.10"}, ">=3.11", "api/pyproject.toml", id="another Python"),
        pytest.param({"api/runtime.txt": "python-3.12.1"}, "==3.12.1", "api/runtime.txt", id="runtime.txt"),
        pytest.param({}, ">=3.11", "api/pyproject.toml", id="requires-python"),
    ],
)
def test_python_version(files: dict[str, str], wanted: str, source: str) -> None:
    given = {path: text + ("\n" + DOCKER if path.endswith("Dockerfile") else "") for path, text in files.items()}

    version = python(BARE | {"api/pyproject.toml": PROJECT, "api/uv.lock": "version = 1"} | given).python

    assert (version.wanted, version.source, version.accepts) == (wanted, source, ">=3.11")


@pytest.mark.parametrize(
    ("files", "wanted", "source"),
    [
        pytest.param({}, ">=20", "s/package.json", id="engines"),
        pytest.param({"s/.nvmrc": "v22.11.0\n"}, "22.11.0", "s/.nvmrc", id=".nvmrc"),
        pytest.param({".node-version": "22"}, "22", ".node-version", id=".node-version above"),
        pytest.param({"s/.nvmrc": "lts/jod"}, "22", "s/.nvmrc", id="a name"),
        pytest.param({"s/.nvmrc": "lts/*"}, ">=20", "s/package.json", id="whatever is newest says nothing"),
        pytest.param({".tool-versions": "python 3.12\nnodejs 22.11.0\n"}, "22.11.0", ".tool-versions", id="asdf"),
        pytest.param({"mise.toml": '[tools]\nnode = "24"\n'}, "24", "mise.toml", id="mise"),
        pytest.param(
            {"netlify.toml": '[build.environment]\nNODE_VERSION = "22"\n'}, "22", "netlify.toml", id="Netlify"
        ),
        pytest.param({".github/workflows/ci.yml": CI}, "24", ".github/workflows/ci.yml", id="CI"),
        pytest.param(
            {".github/workflows/ci.yml": CI.replace("24.x", "18")}, ">=20", "s/package.json", id="CI for another"
        ),
        pytest.param(
            {".github/workflows/ci.yml": CI.replace("24.x", "${{ matrix.node }}")},
            ">=20",
            "s/package.json",
            id="a matrix of CI",
        ),
        pytest.param({"s/Dockerfile": "FROM node:24-alpine AS b\nFROM nginx"}, "24", "s/Dockerfile", id="Dockerfile"),
        pytest.param({"s/Dockerfile": "FROM node:jod-slim"}, "22", "s/Dockerfile", id="a name in a tag"),
        pytest.param({"s/Dockerfile": "FROM node:18"}, ">=20", "s/package.json", id="an image it refuses"),
    ],
)
def test_node_version(files: dict[str, str], wanted: str, source: str) -> None:
    manifest = package(dependencies={"astro": "7"}, scripts={"build": "astro build"}, engines={"node": ">=20"})

    version = node(astro("s") | {"s/package.json": manifest} | files, "s").node

    assert (version.wanted, version.source, version.accepts) == (wanted, source, ">=20")


@pytest.mark.parametrize(
    ("runtime", "wanted"),
    [
        ({"name": "node", "version": "^24.4.0", "onFail": "download"}, "^24.4.0"),
        ([{"name": "bun", "version": "1"}, {"name": "node", "version": "22.3.0"}], "22.3.0"),
        ({"name": "bun", "version": "1"}, ""),
    ],
)
def test_dev_engines_name_a_runtime(runtime: object, wanted: str) -> None:
    manifest = package(dependencies={"astro": "7"}, scripts={"build": "astro build"}, devEngines={"runtime": runtime})

    assert node({"s/package.json": manifest}, "s").node.wanted == wanted


def test_volta() -> None:
    manifest = package(dependencies={"astro": "7"}, scripts={"build": "astro build"}, volta={"node": "22.3.0"})

    assert node({"s/package.json": manifest}, "s").node.wanted == "22.3.0"


@pytest.mark.parametrize(
    ("text", "accepts"),
    [
        ("", ""),
        ("*", ""),
        (" >=22 ", ">=22"),
        ("22.x", "22.x"),
        ("^22.12.0", "^22.12.0"),
        ("18 - 22", "18 - 22"),
        ("^20.19.0 || >=22.12.0", "^20.19.0 || >=22.12.0"),
        ("lts/*", ""),
        ("whatever", ""),
    ],
)
def test_engines_are_kept_as_written_and_other_words_ignored(text: str, accepts: str) -> None:
    manifest = package(dependencies={"astro": "7"}, scripts={"build": "astro build"}, engines={"node": text})

    version = node(astro("s") | {"s/package.json": manifest}, "s").node

    assert (version.wanted, version.accepts) == (accepts, accepts)


@pytest.mark.parametrize(
    ("files", "engines", "pinned", "image"),
    [
        pytest.param({"s/Dockerfile": "FROM node:20-slim"}, "", 20, "20", id="Dockerfile"),
        pytest.param({"s/.nvmrc": "20"}, ">=18", 20, "20", id=".nvmrc"),
        pytest.param({"s/.nvmrc": "lts/krypton"}, "", 24, "24", id="a name"),
        pytest.param({}, "^20.3 || >=24", 24, "24", id="engines with a gap"),
    ],
)
def test_the_node_that_discovery_finds_is_the_one_that_runs(
    files: dict[str, str], engines: str, pinned: int, image: str
) -> None:
    manifest = package(dependencies={"astro": "7"}, scripts={"build": "astro build"}, engines={"node": engines})

    version = node(astro("s") | {"s/package.json": manifest} | files, "s").node

    assert (choose_node(version).version[0], choose_node(version).gaps) == (pinned, ())
    assert (choose_node_image(version).version, choose_node_image(version).gaps) == (image, ())
