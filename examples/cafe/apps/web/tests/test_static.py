"""Static files as production serves them: collected, hashed, and named in the manifest."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.templatetags.static import static
from pytest_django import Settings

from config import settings as production


@pytest.fixture
def collected(settings: Settings, tmp_path: Path) -> Path:
    settings.STORAGES = production.STORAGES
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", verbosity=0, interactive=False)
    return tmp_path


def test_names_carry_a_hash(collected: Path) -> None:
    url = static("menu/style.css")

    assert url.startswith("/static/menu/style.")
    assert url != "/static/menu/style.css"
    assert (collected / url.removeprefix("/static/")).is_file()


def test_stylesheet_names_the_hashed_image(collected: Path) -> None:
    stylesheet = collected / static("menu/style.css").removeprefix("/static/")

    assert Path(static("menu/cup.svg")).name in stylesheet.read_text()
