"""The menu in Django's admin."""

from typing import TYPE_CHECKING

from django.contrib import admin

from menu.models import Product

if TYPE_CHECKING:
    ProductModelAdmin = admin.ModelAdmin[Product]
else:  # generic for the type checker only
    ProductModelAdmin = admin.ModelAdmin


@admin.register(Product)
class ProductAdmin(ProductModelAdmin):
    list_display = ("name", "price", "available", "position")
    list_editable = ("available", "position")
    prepopulated_fields = {"slug": ("name",)}
