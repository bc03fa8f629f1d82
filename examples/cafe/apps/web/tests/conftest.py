"""What every test stands on."""

import pytest
from django.test import Client
from pytest_django import Settings

from inbox.models import Submission
from menu.models import Product


@pytest.fixture(autouse=True)
def _plain_static_files(settings: Settings) -> None:
    """Pages render without collectstatic; test_static.py is about the real storage."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture
def client() -> Client:
    """A visitor, as the proxy hands them on: without its header, every page redirects to HTTPS."""
    return Client(headers={"X-Forwarded-Proto": "https"})


@pytest.fixture
def staff_client(admin_client: Client) -> Client:
    """Somebody who has logged in and may read the inbox."""
    admin_client.defaults["HTTP_X_FORWARDED_PROTO"] = "https"
    return admin_client


@pytest.fixture
def espresso(db: None) -> Product:
    return Product.objects.create(
        name="Espresso", slug="espresso", description="Short and dark.", price="2.40"
    )


@pytest.fixture
def submission(db: None) -> Submission:
    return Submission.objects.create(
        client="coffee-shop", name="Ada", email="ada@example.com", message="A table for four?"
    )
