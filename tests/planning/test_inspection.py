"""What `inspect` says of a component, and the lines that correct its guesses."""

import tomllib
from collections.abc import Mapping

from tasks.catalogue import CatalogueContext
from tasks.planning.inspection import inspect_stack
from tasks.production import InspectedComponent
from tasks.report.inspection import inspection_document, render_inspection
from tasks.settings import ComponentSettings, Settings
from tests.discovery.trees import astro, django, look

IMAGE = "FROM python:3.13\nRUN pip install django\nWORKDIR /app\nCOPY . .\nCMD gunicorn config.wsgi\n"


def inspected(files: Mapping[str, str], own: ComponentSettings | None = None) -> InspectedComponent:
    """The facts about the first component."""
    modules = {".": own.settings} if own and own.settings else {}
    context = CatalogueContext(
        stack=look(files, settings=modules),
        paths=frozenset(files),
        read=lambda path: files[path],
        settings=Settings(jobs=1, component={".": own} if own else {}),
    )
    return inspect_stack(context)[0]


def places(component: InspectedComponent) -> dict[str, str]:
    """The place of each fact by its topic."""
    return {fact.topic: fact.found.place for fact in component.facts}


def test_facts_of_a_stack_that_names_everything() -> None:
    found = inspected(django() | {"Dockerfile": IMAGE})

    assert places(found) == {
        "settings": "config/wsgi.py:4",
        "server": "Dockerfile:5",
        "image": "Dockerfile:1",
        "Python": "Dockerfile",
        "installs": "requirements.txt",
        "health": "",
    }
    assert found.corrections == ()


def test_guesses_come_with_the_lines_that_correct_them() -> None:
    files = django() | {"config/settings/local.py": "", "config/settings/production.py": ""}
    files |= {path: text.replace("config.settings", "config.settings.local") for path, text in django().items()}
    del files["config/settings.py"]

    found = inspected(files)

    lines = "\n".join(found.corrections)
    document = tomllib.loads(f'[component."{found.path}"]\n{lines}')["component"][found.path]
    assert document["settings"] == "config.settings.production"
    assert document["server"].startswith("python manage.py runserver")
    text = render_inspection([found])
    assert '    [component."."]\n    settings = "config.settings.production"\n' in text
    assert ComponentSettings.model_validate(document).settings == "config.settings.production"


def test_configured_values_come_from_predeploy_toml() -> None:
    own = ComponentSettings(settings="config.other", server=("gunicorn", "x"), health=("/up",), env={"A": "1"})

    found = inspected(django() | {"Dockerfile": IMAGE, "predeploy.toml": "\nsettings = 'config.other'\n"}, own)

    assert places(found) | {"Python": "", "installs": "", "image": ""} == {
        "settings": "predeploy.toml:2",
        "server": "predeploy.toml",
        "health": "predeploy.toml",
        "image": "",
        "Python": "",
        "installs": "",
    }
    assert next(each.file for each in found.variables if each.value == "A") == "predeploy.toml"


def test_variables_name_the_file_with_their_value() -> None:
    files = django() | {".env.example": "TOKEN=abc\n"}
    files["config/settings.py"] = 'import os\nTOKEN = os.environ["TOKEN"]\nOTHER = os.environ["OTHER"]\n'

    found = {each.value: each for each in inspected(files).variables}

    assert found["TOKEN"].place == ".env.example"
    assert (found["OTHER"].place, found["OTHER"].guess) == ("config/settings.py:3", True)
    assert "OTHER (config/settings.py:3)\n" in render_inspection([inspected(files)])
    assert '"value": "OTHER"' in inspection_document([inspected(files)])


def test_facts_of_a_site() -> None:
    found = inspected(astro("shop"))

    assert [fact.topic for fact in found.facts] == ["builds", "output", "Node", "installs"]
    assert found.facts[0].found.file == "shop/package.json"
