"""The variables of the stack's Django processes."""

from dataclasses import replace

from tasks.catalogue.django.environment import django_env
from tests.support.factories import make_scene, make_web


def test_hosts_are_a_list_for_dynaconf() -> None:
    web = make_web()
    assert web.python
    packages = web.python.packages | {"dynaconf"}

    env = dict(django_env(replace(web, python=replace(web.python, packages=packages)), make_scene()))

    assert env["DJANGO_ALLOWED_HOSTS"] == '["localhost", "127.0.0.1", "testserver"]'
    assert dict(django_env(web, make_scene()))["DJANGO_ALLOWED_HOSTS"] == "localhost,127.0.0.1,testserver"


def test_directories_of_the_image_are_named() -> None:
    env = dict(django_env(make_web(directories=("logs", "media/files")), make_scene()))

    assert env["PREDEPLOY_DIRECTORIES"] == "logs:media/files"
    assert "PREDEPLOY_DIRECTORIES" not in dict(django_env(make_web(), make_scene()))
