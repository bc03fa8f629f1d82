"""The Node that locked packages accept, by the `engines` in the lock."""

import json

import pytest

from tasks.engines.versions.node import choose_node
from tasks.stack import Version
from tests.discovery.trees import look, package

PNPM = """lockfileVersion: '9.0'
importers:
  .:
    devDependencies:
      vite: {specifier: 8.3.8, version: 8.3.8}
packages:
  '@types/node@24.0.0':
    resolution: {integrity: x}
  vite@8.3.8:
    resolution: {integrity: x}
    engines: {node: ^20.19.0 || >=22.12.0}
    hasBin: true
  zod@4.0.0:
    resolution: {integrity: x}
    engines: {node: '>=99'}
snapshots: {}
"""


def npm(**ranges: str) -> str:
    packages = {
        f"node_modules/{name}": {"version": "8.3.8", "engines": {"node": text}} for name, text in ranges.items()
    }
    return json.dumps({"lockfileVersion": 3, "packages": {"": {}, **packages}})


def node_of(files: dict[str, str], **manifest: object) -> tuple[Version, str]:
    given = {"name": "s", "devDependencies": {"vite": "8.3.8", "astro": "8"}, "scripts": {"build": "vite build"}}
    stack = look({"package.json": package(**{**given, **manifest}), "index.html": "", **files})
    (component,) = stack.components
    assert component.node
    return component.node.node, "\n".join(stack.warnings)


@pytest.mark.parametrize(
    ("files", "wanted", "source"),
    [
        ({"pnpm-lock.yaml": PNPM}, "^20.19.0 || >=22.12.0", "pnpm-lock.yaml"),
        (
            {"package-lock.json": npm(vite="^20.19.0 || >=22.12.0", astro=">=24", other=">=99")},
            ">=24",
            "package-lock.json",
        ),
        ({"package-lock.json": npm(vite="no range")}, "", ""),
    ],
)
def test_without_a_statement_the_strictest_of_the_asked_packages_counts(
    files: dict[str, str], wanted: str, source: str
) -> None:
    version, _ = node_of(files)

    assert (version.wanted, version.source) == (wanted, source)


def test_of_the_fitting_nodes_one_is_taken_that_locked_packages_accept() -> None:
    lock = {".nvmrc": "20", "package-lock.json": npm(vite="^20.19.0 || >=22.12.0")}

    version, _ = node_of(lock)

    assert choose_node(version).version == (20, 20, 2)
    assert choose_node(Version(wanted="20")).version == (20, 18, 0)
    assert choose_node(Version(wanted="20", packages=(">=99",))).version == (20, 18, 0)


@pytest.mark.parametrize(
    ("files", "peer", "release"),
    [
        ({}, "^7.0.0", (24, 19, 0)),
        ({}, "^8.0.0", (22, 20, 0)),
        ({}, "no range", (22, 20, 0)),
        ({".nvmrc": "22"}, "^7.0.0", (22, 20, 0)),
    ],
)
def test_an_optional_peer_that_does_not_fit_asks_for_npm_11(
    files: dict[str, str], peer: str, release: tuple[int, int, int]
) -> None:
    lock = json.loads(npm(vite="*", astro="*"))
    optional = {"peerDependencies": {"vite": peer}, "peerDependenciesMeta": {"vite": {"optional": True}}}
    lock["packages"]["node_modules/astro"] |= optional

    version, _ = node_of({"package-lock.json": json.dumps(lock), **files})

    assert choose_node(version).version == release


@pytest.mark.parametrize(
    ("entry", "release"),
    [
        ({"extraneous": True, "os": ["darwin"]}, (24, 19, 0)),
        ({"extraneous": True, "os": ["darwin", "linux"]}, (22, 20, 0)),
        ({"extraneous": True, "os": ["!win32"]}, (22, 20, 0)),
        ({"optional": True, "os": ["darwin"]}, (22, 20, 0)),
        ({"os": ["darwin"]}, (22, 20, 0)),
    ],
)
def test_package_of_another_system_that_npm_11_marks_as_extraneous_asks_for_it(
    entry: dict[str, object], release: tuple[int, int, int]
) -> None:
    lock = json.loads(npm(vite="*"))
    lock["packages"]["node_modules/fsevents"] = {"version": "2.3.3", **entry}

    version, _ = node_of({"package-lock.json": json.dumps(lock)})

    assert choose_node(version).version == release


@pytest.mark.parametrize(
    ("files", "engines", "says"),
    [
        ({".nvmrc": "v18"}, "", ".nvmrc: Node 18 is refused by vite 8.3.8 of package-lock.json, which wants ^20"),
        ({".nvmrc": "22.3.0"}, "", "Node 22.3.0 is refused"),
        ({}, "18.x", "package.json: Node 18.x is refused"),
        ({}, "^20.1.0", ""),
        ({".nvmrc": "22"}, "", ""),
        ({}, ">=18", ""),
    ],
)
def test_a_stated_node_stays_with_a_warning_about_packages_that_refuse_it(
    files: dict[str, str], engines: str, says: str
) -> None:
    lock = {"package-lock.json": npm(vite="^20.19.0 || >=22.12.0")}

    version, warnings = node_of(lock | files, engines={"node": engines})

    assert version.source in {".nvmrc", "package.json"}
    assert says in warnings
    assert ("refused" in warnings) is bool(says)


WORKSPACE = """lockfileVersion: '9.0'
importers:
  .: {}
  site:
    devDependencies:
      astro: {specifier: 8.0.0, version: 8.0.0}
  worker:
    devDependencies:
      wrangler: {specifier: 4.0.0, version: 4.0.0}
packages:
  astro@8.0.0:
    engines: {node: '%s'}
  wrangler@4.0.0:
    engines: {node: '%s'}
snapshots: {}
"""


def nodes_of_workspace(astro: str, wrangler: str) -> list[Version]:
    stack = look(
        {
            "package.json": package(name="all", engines={"node": ">=18"}),
            "pnpm-workspace.yaml": "packages: [site, worker]\n",
            "pnpm-lock.yaml": WORKSPACE % (astro, wrangler),
            "site/package.json": package(
                name="site", devDependencies={"astro": "8.0.0"}, scripts={"build": "astro build"}
            ),
            "site/astro.config.mjs": "",
            "worker/package.json": package(name="worker", devDependencies={"wrangler": "4.0.0"}),
            "worker/wrangler.toml": 'name = "worker"\nmain = "index.js"\n',
            "worker/index.js": "export default {};\n",
        }
    )
    return [each.node.node for each in stack.components if each.node]


def test_components_of_one_installation_have_one_node_that_the_packages_of_all_accept() -> None:
    worker, site = nodes_of_workspace(">=24", ">=22")

    assert worker == site
    assert choose_node(worker).version[0] == 24


def test_components_keep_their_own_nodes_if_no_node_serves_all() -> None:
    worker, site = nodes_of_workspace(">=24", "<24")

    assert (choose_node(worker).version[0], choose_node(site).version[0]) == (22, 24)
