"""Projects of uv: their locks, workspaces and path dependencies."""

from tests.discovery.trees import BARE, MANAGE, PINNED, PROJECT, SHARED, python

LOCK = """
version = 1
[[package]]
name = "api"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "django" }, { name = "shared-lib" }]
[package.dev-dependencies]
dev = [{ name = "pytest-django" }]
[[package]]
name = "django"
version = "5.2.1"
source = { registry = "https://packages.example/simple" }
dependencies = [{ name = "sqlparse" }]
[[package]]
name = "sqlparse"
version = "0.5.3"
[[package]]
name = "pytest-django"
version = "4.11.1"
dependencies = [{ name = "pytest" }]
[[package]]
name = "pytest"
version = "8.4.0"
[[package]]
name = "shared-lib"
source = { editable = "../libs/shared" }
[package.dev-dependencies]
dev = [{ name = "mypy" }]
[[package]]
name = "mypy"
version = "1.16.0"
"""


def test_a_uv_lock() -> None:
    project = python(BARE | SHARED | {"api/pyproject.toml": PROJECT, "api/uv.lock": LOCK, "api/README.md": ""})

    assert (project.kind, project.root, project.lock, project.manifest) == (
        "uv",
        "api",
        "api/uv.lock",
        "api/pyproject.toml",
    )
    assert project.packages == {"django", "sqlparse", "pytest-django", "pytest", "shared-lib"}
    assert project.versions == {"django": "5.2.1", "sqlparse": "0.5.3", "pytest-django": "4.11.1", "pytest": "8.4.0"}
    assert project.paths == ("api", "libs/shared/src")
    assert project.inputs == (
        "api/pyproject.toml",
        "api/uv.lock",
        "libs/shared/pyproject.toml",
        "libs/shared/src/shared/__init__.py",
    )
    assert project.pinned


def test_a_broken_uv_lock_removes_no_check() -> None:
    project = python(BARE | SHARED | {"api/pyproject.toml": PROJECT, "api/uv.lock": LOCK + "[[package"})

    assert (project.kind, project.lock) == ("uv", "api/uv.lock")
    assert project.packages == {"django", "shared-lib", "pytest-django", "ruff"}


def test_a_member_of_a_uv_workspace() -> None:
    root = '[project]\nname = "all"\n[tool.uv.workspace]\nmembers = ["api", "libs/*"]\nexclude = ["libs/old"]\n'
    lock = LOCK.replace('virtual = "."', 'virtual = "api"').replace("../libs", "libs")
    old = {"libs/old/pyproject.toml": '[project]\nname = "old"'}

    project = python(BARE | SHARED | old | {"pyproject.toml": root, "uv.lock": lock, "api/pyproject.toml": PROJECT})

    assert (project.kind, project.root, project.lock) == ("uv", "api", "uv.lock")
    assert project.paths == ("api", "libs/shared/src")
    assert project.inputs == ("api/pyproject.toml", "libs/shared/pyproject.toml", "pyproject.toml", "uv.lock")
    assert "mypy" not in project.packages


def test_a_lock_above_of_another_project_is_ignored() -> None:
    files = BARE | {
        "pyproject.toml": '[project]\nname = "tools"',
        "uv.lock": "version = 1",
        "api/requirements.txt": PINNED,
    }

    project = python(files)

    assert (project.kind, project.production) == ("requirements", ("api/requirements.txt",))


def test_a_lock_above_of_the_project_itself() -> None:
    project = python(
        {"src/manage.py": MANAGE, "src/config/settings.py": "", "pyproject.toml": PROJECT, "uv.lock": LOCK}
    )

    assert (project.root, project.lock, project.paths) == (".", "uv.lock", ("src",))


def test_a_pyproject_with_tool_settings_alone_declares_nothing() -> None:
    files = BARE | {"api/pyproject.toml": "[tool.ruff]\n", "requirements.txt": PINNED}

    project = python(files)

    assert (project.root, project.kind, project.configurations) == (".", "requirements", {"ruff": "api/pyproject.toml"})
