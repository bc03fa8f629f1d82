"""The image of a Django project: what it is built from, and the program that imports what the server imports."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.catalogue import make_catalogue
from tasks.catalogue.django.image import NO_PYTHON, PYTHONS, image_commands, image_of
from tasks.errors import UsageError
from tasks.settings import ComponentSettings, Settings
from tasks.settings.tables import ImageSettings
from tasks.stack import Component
from tasks.steps import Check, Command, Image, Inputs
from tests.support.factories import make_lowering, make_scene, make_stack, make_uv_project, make_web, make_worker

TEXT = "FROM python:3.13 AS prod\nWORKDIR /srv\nCOPY . app\n"
FILES = {"apps/web/Dockerfile": TEXT, "apps/web/manage.py": "", "ops/web.Dockerfile": TEXT}
FOUND: dict[str, Any] = {"dockerfile": "apps/web/Dockerfile", "context": "apps/web", "target": "prod"}


def context_of(web: Component, **image: Any) -> Any:
    configured = {"apps/web": ComponentSettings(image=ImageSettings(**image))}
    return make_scene(make_stack(web, make_worker()), FILES, Settings(jobs=1, component=configured))


def image(web: Component, **image: Any) -> Image:
    return image_of(web, context_of(web, **image))


def checks_of(web: Component, **image: Any) -> dict[str, Check]:
    return {check.name: check for check in make_catalogue(context_of(web, **image)).checks}


def test_found_dockerfile_is_built_as_it_was_found() -> None:
    web = make_web(**FOUND, args=(("A", "1"), ("B", "2")))

    assert image(web) == Image(
        title="image of apps/web",
        dockerfile="Dockerfile",
        context="apps/web",
        target="prod",
        args=(("A", "1"), ("B", "2")),
        copies=(("/srv/app", "apps/web"),),
        cwd="apps/web",
    )


def test_settings_override_the_discovered_image() -> None:
    web = make_web(**FOUND, args=(("A", "1"), ("B", "2")))

    found = image(web, context=".", target="other", args={"B": "3", "C": "4"}, secrets=("TOKEN",))

    assert (found.dockerfile, found.context, found.target) == ("apps/web/Dockerfile", ".", "other")
    assert found.args == (("A", "1"), ("B", "3"), ("C", "4"))
    assert found.secrets == ("TOKEN",)


@pytest.mark.parametrize(
    ("configured", "dockerfile", "context"),
    [
        ({"dockerfile": "ops/web.Dockerfile"}, "web.Dockerfile", "ops"),
        ({"dockerfile": "ops/web.Dockerfile", "context": "apps/web"}, "../../ops/web.Dockerfile", "apps/web"),
        ({"dockerfile": "ops/web.Dockerfile", "context": "."}, "ops/web.Dockerfile", "."),
        ({"dockerfile": "apps/web/Dockerfile"}, "Dockerfile", "apps/web"),
    ],
)
def test_build_context_of_another_dockerfile(configured: dict[str, str], dockerfile: str, context: str) -> None:
    found = image(make_web(**FOUND), **configured)

    assert (found.dockerfile, found.context) == (dockerfile, context)


def test_another_dockerfile_does_not_get_the_discovered_one_s_target_and_arguments() -> None:
    found = image(make_web(**FOUND, args=(("A", "1"),)), dockerfile="ops/web.Dockerfile")

    assert (found.target, found.args) == ("", ())


def test_image_without_a_dockerfile_has_production_s_packages_and_the_check_s_inputs() -> None:
    check = checks_of(make_web())["django_container"]
    built = make_lowering(make_stack(make_web())).step(check, check.commands[-2]).image

    assert built is not None
    assert built.environment is not None
    assert (built.dockerfile, built.cwd, built.inputs) == ("", "apps/web", Inputs(exclude=("workers/intake",)))


def test_missing_file_in_the_image_s_settings_is_a_usage_error() -> None:
    with pytest.raises(UsageError) as caught:
        checks_of(make_web(), dockerfile="apps/web/Dockerfle", context="nowhere")

    assert str(caught.value).splitlines() == [
        'predeploy.toml: component."apps/web".image.dockerfile: apps/web/Dockerfle is not in the tree',
        'predeploy.toml: component."apps/web".image.context: the directory nowhere is not in the tree',
    ]


def test_container_is_built_last_and_the_server_s_module_imported_in_it() -> None:
    check = checks_of(make_web(**FOUND), secrets=("TOKEN",))["django_container"]
    build, imported = check.commands[-2:]

    assert [command.environment for command in check.commands].count("image") == 2
    assert (build.label, build.argv, build.secrets) == ("docker build", (), ("TOKEN",))
    assert dict(build.verdicts) == {1: "image_build", 2: "dockerfile", 3: "base_image"}
    assert imported.label == "import config.wsgi in the image"
    assert imported.argv[-2:] == ("config.wsgi", "/srv/app")
    assert checks_of(make_web())["django_container"].commands[-2].label == "image"


def test_no_path_of_the_workspace_reaches_an_image() -> None:
    (_, imported) = image_commands(make_web(**FOUND), context_of(make_web(**FOUND)))
    step = make_lowering(make_stack(make_web(**FOUND))).step(checks_of(make_web(**FOUND))["django_container"], imported)

    env = dict(step.env)
    assert "DJANGO_SETTINGS_MODULE" in env
    assert env.pop("PYTHONPATH") == "@probes@/startup"  # the engine gives an image this directory
    assert not re.findall(r"@[\w.]+@", " ".join((*step.argv, *env.values())))


def test_server_has_the_image_that_was_built() -> None:
    checks = checks_of(make_web(**FOUND))

    assert checks["django_health"].image == checks["django_container"].image == image(make_web(**FOUND))
    assert checks["migrate"].image is None


def test_places_of_the_stack_s_files_in_the_image() -> None:
    web = make_web(**FOUND | {"target": ""})

    assert image(web).copies == (("/srv/app", "apps/web"),)
    assert image(web, context=".").copies == (("/srv/app", "."),)
    assert image(make_web()).copies == ()


class Box:
    """A directory that stands for an image's file system, with Pythons that have a Django or have none."""

    def __init__(self, root: Path) -> None:
        self.root, self.bin, self.work = root, root / "bin", root / "work"
        for directory in (self.bin, self.work):
            directory.mkdir()
        (root / "site/django").mkdir(parents=True)
        (root / "site/django/__init__.py").write_text("def setup():\n    print('set up')\n")

    @property
    def pythons(self) -> str:
        """Where a shell of the image looks: absolute places are below this directory, not on this machine."""
        below = (place.replace("~root", "/root") for place in PYTHONS)
        return " ".join(f"{self.root}{place}" if place.startswith("/") else place for place in below)

    def add_python(self, path: Path, *, django: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        packages = f"PYTHONPATH={self.root / 'site'} " if django else ""
        path.write_text(f'#!/bin/sh\n{packages}exec {sys.executable} -S "$@"\n')
        path.chmod(0o755)

    def add(self, path: str, text: str) -> None:
        (self.work / path).parent.mkdir(parents=True, exist_ok=True)
        (self.work / path).write_text(text)

    def run(self, command: Command, **env: str) -> subprocess.CompletedProcess[str]:
        shell = "/bin/sh" if command.argv[0] == "sh" else ""
        variables = {"PATH": str(self.bin), "PYTHONDONTWRITEBYTECODE": "1", **env}
        argv = [shell, *(word.replace(" ".join(PYTHONS), self.pythons) for word in command.argv[1:])]
        return subprocess.run(argv, cwd=self.work, env=variables, capture_output=True, text=True, check=False)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def imports(web: Component | None = None) -> Command:
    component = web or make_web()
    return image_commands(component, context_of(component))[-1]


def shows(command: Command, done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode == 0 and re.search(command.evidence, done.stdout) is not None


@pytest.mark.skipif(not os.access("/bin/sh", os.X_OK), reason="no shell")
class TestImport:
    def test_server_s_module_is_imported_by_the_python_that_has_django(self, box: Box) -> None:
        box.add_python(box.bin / "python", django=False)
        box.add_python(box.work / ".venv/bin/python", django=True)
        box.add("config/__init__.py", "")
        box.add("config/wsgi.py", "import django")

        done = box.run(imports())

        assert done.stdout == "imported config.wsgi\n", done.stderr
        assert shows(imports(), done)

    def test_first_python_stands_where_none_has_django(self, box: Box) -> None:
        box.add_python(box.bin / "python3", django=False)
        box.add("config/wsgi.py", "import django")

        done = box.run(imports())

        assert dict(imports().verdicts)[done.returncode] == "image_broken"
        assert done.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'django'"

    def test_module_that_is_not_in_the_image(self, box: Box) -> None:
        box.add_python(box.bin / "python", django=True)

        done = box.run(imports())

        assert dict(imports().verdicts)[done.returncode] == "image_broken"
        assert done.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'config'"

    def test_project_below_the_working_directory_is_found(self, box: Box) -> None:
        box.add_python(box.bin / "python", django=True)
        box.add("apps/web/src/config/wsgi.py", "import django")
        web = make_web(project=make_uv_project(paths=("apps/web", "apps/web/src")))
        files = {"Dockerfile": f"FROM a\nWORKDIR {box.work}\nCOPY . .\n"}
        context = make_scene(make_stack(web), files, Settings(jobs=1))
        root = make_web(project=web.python, dockerfile="Dockerfile", context=".")

        command = image_commands(root, context)[-1]

        assert shows(command, box.run(command))

    def test_settings_are_set_up_where_there_is_neither_wsgi_nor_asgi(self, box: Box) -> None:
        box.add_python(box.bin / "python", django=True)
        command = imports(make_web(wsgi="", asgi=""))

        done = box.run(command, DJANGO_SETTINGS_MODULE="config.settings")

        assert done.stdout == "set up\nimported config.settings\n", done.stderr

    def test_module_that_ends_the_program_is_no_pass(self, box: Box) -> None:
        box.add_python(box.bin / "python", django=True)
        box.add("config/wsgi.py", "raise SystemExit(0)")

        done = box.run(imports())

        assert dict(imports().verdicts)[done.returncode] == "image_broken"
        assert done.stderr.splitlines()[-1] == "ImportError: config.wsgi ended the program: 0"

    def test_module_that_leaves_without_a_word_is_no_pass(self, box: Box) -> None:
        box.add_python(box.bin / "python", django=True)
        box.add("config/wsgi.py", "import os\nos._exit(0)")

        done = box.run(imports())

        assert done.returncode == 0
        assert not shows(imports(), done)

    def test_python_of_a_users_environment_is_found(self, box: Box) -> None:
        box.add_python(box.root / "home/somebody/.venv/bin/python", django=True)
        box.add("config/wsgi.py", "import django")

        assert shows(imports(), box.run(imports()))

    def test_image_without_python_is_no_verdict(self, box: Box) -> None:
        done = box.run(imports())

        assert done.returncode == NO_PYTHON
        assert "no Python" in done.stderr
        assert NO_PYTHON in dict(imports().unfit)
