"""The public pages of the menu."""

import pytest
from django.db import IntegrityError
from django.test import Client

from menu.models import Product


def test_menu_names_products_with_their_prices(client: Client, espresso: Product) -> None:
    response = client.get("/")

    assert response.status_code == 200
    assert "Espresso" in response.text
    assert "€2.40" in response.text


def test_menu_leaves_out_what_is_sold_out(client: Client, espresso: Product) -> None:
    espresso.available = False
    espresso.save()

    assert "Espresso" not in client.get("/").text


@pytest.mark.django_db
def test_empty_menu_says_so(client: Client) -> None:
    assert "Nothing today" in client.get("/").text


def test_menu_is_in_its_order_then_by_name(espresso: Product) -> None:
    Product.objects.create(name="Cortado", slug="cortado", price="3.10")
    Product.objects.create(name="Water", slug="water", price="0", position=9)

    assert [product.name for product in Product.objects.all()] == ["Cortado", "Espresso", "Water"]


def test_product_page_shows_its_description(client: Client, espresso: Product) -> None:
    assert "Short and dark." in client.get(espresso.get_absolute_url()).text


def test_sold_out_product_keeps_its_page(client: Client, espresso: Product) -> None:
    espresso.available = False
    espresso.save()

    response = client.get("/menu/espresso/")

    assert response.status_code == 200
    assert "Sold out" in response.text


@pytest.mark.django_db
def test_unknown_product_is_not_found(client: Client) -> None:
    assert client.get("/menu/tea/").status_code == 404


@pytest.mark.django_db
def test_price_below_zero_is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError, match="menu_product_price_not_negative"):
        Product.objects.create(name="Refund", slug="refund", price="-1")
