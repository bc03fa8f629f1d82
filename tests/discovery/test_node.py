"""How Node dependencies are declared and locked."""

import json

import pytest

from tasks.catalogue.worker.own_wrangler import lacks_wrangler
from tests.discovery.trees import look, node, package

WORKER = {"w/wrangler.jsonc": '{"name": "w", "main": "src/index.ts"}', "w/src/index.ts": ""}
PNPM_LOCK = """
lockfileVersion: '9.0'
importers:
  .:
    devDependencies:
      typescript: {specifier: ^5, version: 5.9.3}
  w:
    dependencies:
      vitest: {specifier: ^4, version: 4.0.1(typescript@5.9.3)}
packages:
  this is: [not, parsed
"""


def test_a_member_of_a_pnpm_workspace() -> None:
    files = WORKER | {
        "package.json": package(
            packageManager="pnpm@10.34.9+sha512.abc", devDependencies={"typescript": "^5", "turbo": "2"}
        ),
        "pnpm-workspace.yaml": "packages: [w, packages/*, '!packages/old']\npatchedDependencies: {a: patches/a.diff}",
        "pnpm-lock.yaml": PNPM_LOCK,
        ".npmrc": "",
        "patches/a.diff": "",
        "patches/b.patch": "",
        "w/package.json": package(
            name="@s/w",
            scripts={"build": "x"},
            dependencies={"@s/a": "workspace:*", "hono": "^4"},
            devDependencies={"vitest": "^4"},
        ),
        "packages/a/package.json": package(name="@s/a", dependencies={"b": "workspace:@s/b@^1"}),
        "packages/a/index.js": "",
        "packages/b/package.json": package(name="@s/b", dependencies={"@s/a": "workspace:*"}),
        "packages/c/package.json": package(name="@s/c"),
        "packages/old/package.json": package(name="@s/old"),
    }

    project = node(files, "w")

    assert (project.root, project.package, project.manager) == (".", "w", "pnpm")
    assert (project.manager_version, project.lock) == ("10.34.9", "pnpm-lock.yaml")
    assert project.paths == ("packages/a", "packages/b")
    assert project.dependencies == {"typescript": "^5", "@s/a": "workspace:*", "hono": "^4", "vitest": "^4"}
    assert project.locked == {"typescript": "5.9.3", "vitest": "4.0.1"}
    assert project.scripts == {"build": "x"}
    assert project.inputs == (
        ".npmrc",
        "package.json",
        "packages/a/package.json",
        "packages/b/package.json",
        "packages/c/package.json",
        "patches/a.diff",
        "patches/b.patch",
        "pnpm-lock.yaml",
        "pnpm-workspace.yaml",
        "w/package.json",
    )


@pytest.mark.parametrize(
    ("patterns", "root"),
    [
        (["w"], "."),
        (["./w/"], "."),
        (["*"], "."),
        (["**"], "."),
        (["{w,x}"], "."),
        (["apps/*"], "w"),
        (["*", "!w"], "w"),
        (["w/*"], "w"),
    ],
)
@pytest.mark.parametrize("kind", ["npm", "yarn", "pnpm"])
def test_members_of_a_workspace(patterns: list[str], root: str, kind: str) -> None:
    files = WORKER | {"w/package.json": package(name="w")}
    match kind:
        case "npm":
            files |= {"package.json": package(workspaces=patterns), "package-lock.json": "{}"}
        case "yarn":
            files |= {"package.json": package(workspaces={"packages": patterns}), "yarn.lock": ""}
        case _:
            files |= {"package.json": "{}", "pnpm-workspace.yaml": json.dumps({"packages": patterns})}

    assert node(files, "w").root == root


def test_a_lock_of_its_own_beats_the_workspace() -> None:
    files = WORKER | {
        "package.json": package(workspaces=["w"]),
        "package-lock.json": "{}",
        "w/package.json": package(name="w"),
        "w/package-lock.json": "{}",
    }

    assert (node(files, "w").root, node(files, "w").lock) == ("w", "w/package-lock.json")


def test_a_lock_above_is_ignored_if_it_does_not_cover_the_package() -> None:
    files = WORKER | {"package.json": "{}", "package-lock.json": "{}", "w/package.json": package(name="w")}

    stack = look(files)

    assert node(files, "w").lock is None
    assert (
        "w/package.json: no lock, so each run resolves the dependencies again; commit the lock of npm" in stack.warnings
    )


def test_a_worker_without_a_package_uses_its_parent_s() -> None:
    lock = {"packages": {"node_modules/wrangler": {"version": "4.1.0"}, "node_modules/left-pad": {"version": "1"}}}
    files = WORKER | {
        "package.json": package(name="all", devDependencies={"wrangler": "^4"}),
        "package-lock.json": json.dumps(lock),
    }

    project = node(files, "w")

    assert (project.root, project.package, project.locked) == (".", ".", {"wrangler": "4.1.0"})


def test_a_worker_without_any_package_installs_nothing_of_the_stack() -> None:
    project = node(WORKER | {".nvmrc": "24"}, "w")

    assert (project.root, project.manager, project.inputs, project.node.wanted) == (".", "npm", (), "24")
    assert lacks_wrangler(look(WORKER).components[0])


def test_the_nearest_locked_version_of_npm_counts() -> None:
    lock = {
        "packages": {
            "node_modules/vitest": {"version": "1.0.0"},
            "w/node_modules/vitest": {"version": "2.0.0"},
            "node_modules/eslint": {"version": "9.0.0"},
        }
    }
    files = WORKER | {
        "package.json": package(workspaces=["w"]),
        "package-lock.json": json.dumps(lock),
        "w/package.json": package(name="w"),
    }

    assert node(files, "w").locked == {"vitest": "2.0.0", "eslint": "9.0.0"}


def test_path_dependencies() -> None:
    files = WORKER | {
        "w/package.json": package(
            dependencies={"lib": "file:../lib", "packed": "file:../p.tgz", "gone": "link:../gone"}
        ),
        "w/pnpm-lock.yaml": "",
        "lib/package.json": package(name="lib"),
        "lib/index.js": "",
        "p.tgz": "",
    }

    stack = look(files)
    project = node(files, "w")

    assert project.paths == ("lib",)
    assert project.inputs == ("lib/index.js", "lib/package.json", "p.tgz", "w/package.json", "w/pnpm-lock.yaml")
    assert "w/package.json: gone is link:../gone, which is not in the tree; installing it will fail" in stack.warnings


@pytest.mark.parametrize(
    ("files", "manager", "version", "lock", "warning"),
    [
        pytest.param({"pnpm-lock.yaml": ""}, "pnpm", "10.34.9", "pnpm-lock.yaml", "", id="pnpm"),
        pytest.param({"package-lock.json": "{}"}, "npm", "", "package-lock.json", "", id="npm"),
        pytest.param({"npm-shrinkwrap.json": "{}"}, "npm", "", "npm-shrinkwrap.json", "", id="shrinkwrap"),
        pytest.param({"yarn.lock": ""}, "yarn", "1.22.22", "yarn.lock", "", id="yarn"),
        pytest.param({"bun.lock": ""}, "bun", "1.4.5", "bun.lock", "", id="bun"),
        pytest.param({"bun.lockb": ""}, "bun", "1.4.5", "bun.lockb", "", id="binary lock of bun"),
        pytest.param({}, "npm", "", None, "no lock, so each run", id="none"),
        pytest.param(
            {"pnpm-lock.yaml": "", "package-lock.json": "{}"},
            "pnpm",
            "10.34.9",
            "pnpm-lock.yaml",
            "two locks",
            id="two",
        ),
        pytest.param(
            {"pnpm-lock.yaml": "", "package-lock.json": "{}", "package.json": package(packageManager="npm@11.2.0")},
            "npm",
            "11.2.0",
            "package-lock.json",
            "w/package-lock.json is used and w/pnpm-lock.yaml is not",
            id="two, and a manager",
        ),
        pytest.param(
            {"yarn.lock": "", "package.json": package(packageManager="pnpm@9.0.0")},
            "pnpm",
            "9.0.0",
            None,
            "packageManager is pnpm, but the lock is w/yarn.lock",
            id="another manager's lock",
        ),
        pytest.param(
            {
                "pnpm-lock.yaml": "",
                "package.json": package(devEngines={"packageManager": {"name": "pnpm", "version": "10.1.0"}}),
            },
            "pnpm",
            "10.1.0",
            "pnpm-lock.yaml",
            "",
            id="devEngines",
        ),
        pytest.param(
            {"package.json": package(packageManager="pnpm@^9")}, "pnpm", "9.15.9", None, "no lock", id="a range"
        ),
    ],
)
def test_package_manager(files: dict[str, str], manager: str, version: str, lock: str | None, warning: str) -> None:
    given = WORKER | {"w/package.json": "{}"} | {f"w/{name}": text for name, text in files.items()}

    project, warnings = node(given, "w"), look(given).warnings

    assert (project.manager, project.manager_version) == (manager, version)
    assert project.lock == (f"w/{lock}" if lock else None)
    assert any(warning in line for line in warnings) if warning else warnings == ()


YARN_1 = """# THIS IS AN AUTOGENERATED FILE.
# yarn lockfile v1


"@astrojs/check@^0.9", "@astrojs/check@^0.9.4":
  version "0.9.4"
  resolved "https://r.example/check.tgz"

vite@^8.3.0, vite@8:
  version "8.3.8"
  dependencies:
    rolldown "1.0.0"
"""
YARN_4 = """# This file is generated by running "yarn install".

__metadata:
  version: 8
  cacheKey: 10c0

"vite@npm:^8.3.0, vite@npm:8":
  version: 8.3.8
  resolution: "vite@npm:8.3.8"
"""
BUN = """{
  "lockfileVersion": 1,
  "packages": {
    "vite": ["vite@8.3.8", "", { "dependencies": { "rolldown": "1" } }, "sha512-x"],
    "@astrojs/check": ["@astrojs/check@0.9.4", "", {}, "sha512-y"],
  },
}
"""


@pytest.mark.parametrize(
    ("lock", "text", "version", "linker", "locked"),
    [
        ("pnpm-lock.yaml", "lockfileVersion: 5.4\n", "7.33.7", "node-modules", {}),
        ("pnpm-lock.yaml", "lockfileVersion: '6.0'\n", "8.15.9", "node-modules", {}),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n", "10.34.9", "node-modules", {}),
        ("pnpm-lock.yaml", "---\nlockfileVersion: '9.0'\n---\nlockfileVersion: '9.0'\n", "10.34.9", "node-modules", {}),
        ("pnpm-lock.yaml", "lockfileVersion: '77.0'\n", "", "node-modules", {}),
        ("yarn.lock", YARN_1, "1.22.22", "node-modules", {"@astrojs/check": "0.9.4", "vite": "8.3.8"}),
        ("yarn.lock", YARN_4, "4.12.0", "pnp", {"vite": "8.3.8"}),
        ("yarn.lock", YARN_4.replace("version: 8\n", "version: 6\n"), "3.8.7", "pnp", {"vite": "8.3.8"}),
        ("yarn.lock", YARN_4.replace("version: 8\n", "version: 10\n"), "4.18.1", "pnp", {"vite": "8.3.8"}),
        ("yarn.lock", YARN_4.replace("version: 8\n", "version: 4\n"), "", "node-modules", {"vite": "8.3.8"}),
        ("yarn.lock", "one: two\n", "", "node-modules", {}),
        ("bun.lock", BUN, "1.4.5", "node-modules", {"@astrojs/check": "0.9.4", "vite": "8.3.8"}),
    ],
)
def test_a_lock_is_installed_by_a_version_that_reads_it(
    lock: str, text: str, version: str, linker: str, locked: dict[str, str]
) -> None:
    asked = {"vite": "^8.3.0", "@astrojs/check": "^0.9.4"}
    manifest = {"w/package.json": package(devDependencies=asked), f"w/{lock}": text}

    project = node(WORKER | manifest, "w")

    assert (project.manager_version, project.linker, project.locked) == (version, linker, locked)


def test_engines_choose_among_the_versions_that_read_a_lock() -> None:
    manifest = {"w/package.json": package(engines={"pnpm": "^9.1"}), "w/pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}

    assert node(WORKER | manifest, "w").manager_version == "9.15.9"


def test_installations_of_yarn_read_its_own_folders_and_settings() -> None:
    given = (
        "yarn.lock",
        ".yarnrc.yml",
        ".yarn/releases/yarn-4.1.0.cjs",
        ".yarn/patches/a.patch",
        ".yarn/versions/1.yml",
    )
    files = WORKER | {f"w/{path}": "" for path in given} | {"w/package.json": package()}

    project = node(files | {"w/.yarnrc.yml": "nodeLinker: node-modules"}, "w")

    assert project.linker == "node-modules"
    assert project.inputs == (
        "w/.yarn/patches/a.patch",
        "w/.yarn/releases/yarn-4.1.0.cjs",
        "w/.yarnrc.yml",
        "w/package.json",
        "w/yarn.lock",
    )


def test_yarn_reads_settings_in_directories_above() -> None:
    above = {
        ".yarnrc.yml": "nodeLinker: node-modules",
        ".yarn/releases/yarn-4.4.1.cjs": "",
        ".yarn/patches/a.patch": "",
    }
    files = WORKER | above | {"w/package.json": package(), "w/yarn.lock": YARN_4}

    project = node(files, "w")

    assert project.linker == "node-modules"
    assert project.inputs == (".yarn/releases/yarn-4.4.1.cjs", ".yarnrc.yml", "w/package.json", "w/yarn.lock")
