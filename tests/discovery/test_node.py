"""How Node dependencies are declared and locked."""

import json

import pytest

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


def test_a_worker_without_any_package() -> None:
    assert look(WORKER).components[0].node is None


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
        pytest.param({"pnpm-lock.yaml": ""}, "pnpm", "", "pnpm-lock.yaml", "", id="pnpm"),
        pytest.param({"package-lock.json": "{}"}, "npm", "", "package-lock.json", "", id="npm"),
        pytest.param({"npm-shrinkwrap.json": "{}"}, "npm", "", "npm-shrinkwrap.json", "", id="shrinkwrap"),
        pytest.param({"yarn.lock": ""}, "yarn", "", "yarn.lock", "locks of yarn are not read", id="yarn"),
        pytest.param({"bun.lock": ""}, "bun", "", "bun.lock", "locks of bun are not read", id="bun"),
        pytest.param({}, "npm", "", None, "no lock, so each run", id="none"),
        pytest.param(
            {"pnpm-lock.yaml": "", "package-lock.json": "{}"}, "pnpm", "", "pnpm-lock.yaml", "two locks", id="two"
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
        pytest.param({"package.json": package(packageManager="pnpm@^9")}, "pnpm", "", None, "no lock", id="a range"),
    ],
)
def test_package_manager(files: dict[str, str], manager: str, version: str, lock: str | None, warning: str) -> None:
    given = WORKER | {"w/package.json": "{}"} | {f"w/{name}": text for name, text in files.items()}

    project, warnings = node(given, "w"), look(given).warnings

    assert (project.manager, project.manager_version) == (manager, version)
    assert project.lock == (f"w/{lock}" if lock else None)
    assert any(warning in line for line in warnings) if warning else warnings == ()
