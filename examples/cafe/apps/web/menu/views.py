"""The menu as pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from menu.models import Product


@require_safe
def product_list(request: HttpRequest) -> HttpResponse:
    return render(request, "menu/product_list.html", {"products": Product.objects.on_the_menu()})


@require_safe
def product_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Include sold-out products: other sites may link to their pages."""
    return render(
        request, "menu/product_detail.html", {"product": get_object_or_404(Product, slug=slug)}
    )
