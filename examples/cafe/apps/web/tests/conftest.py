"""Shared fixtures."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from inbox.models import Submission
from menu.models import Product


@pytest.fixture(autouse=True)
def _plain_static_files(settings: Settings) -> None:
    """Render pages without collectstatic. test_static.py tests the real storage."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture
def client() -> Client:
    """A visitor behind the proxy. Without the proxy's header, every page redirects to HTTPS."""
    return Client(headers={"X-Forwarded-Proto": "https"})


@pytest.fixture
def staff_client(client: Client, db: None) -> Client:
    """A staff user. `force_login` avoids hashing a password in each test."""
    client.force_login(User.objects.create(username="barista", is_staff=True, is_superuser=True))
    return client


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
