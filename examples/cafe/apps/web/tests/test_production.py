"""The settings behind the proxy."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client


def test_plain_http_is_redirected(client: Client) -> None:
    response = client.get("/", headers={"X-Forwarded-Proto": "http"})

    assert response.status_code == 301
    assert response["Location"] == "https://testserver/"


def test_login_page_answers(client: Client, db: None) -> None:
    response = client.get("/admin/login/")

    assert response.status_code == 200
    assert response.cookies["csrftoken"]["secure"]
    assert response["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.django_db
def test_models_match_their_migrations() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL"])
def test_missing_variable_stops_the_start_and_is_named(missing: str) -> None:
    environment = {"SECRET_KEY": "x", "DATABASE_URL": "postgres://db/cafe"}
    del environment[missing]

    start = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=Path(__file__).parent.parent,
        env=environment,
        capture_output=True,
        text=True,
    )

    assert start.returncode == 1
    assert f"{missing} is not set" in start.stderr
