import pytest

from purchases.models import Order


@pytest.mark.django_db
def test_an_order_reads_like_a_receipt():
    Order.objects.create(name="A. Reader", total=1250)

    assert str(Order.objects.get()) == "A. Reader, 12.50"
