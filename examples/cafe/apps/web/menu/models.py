"""What the café sells."""

from django.db import models
from django.urls import reverse


class ProductQuerySet(models.QuerySet["Product"]):
    def on_the_menu(self) -> "ProductQuerySet":
        return self.filter(available=True)


class Product(models.Model):
    name = models.CharField(max_length=80)
    slug = models.SlugField(unique=True)
    description = models.TextField(blank=True)
    price = models.DecimalField(max_digits=6, decimal_places=2)
    available = models.BooleanField(default=True, help_text="Untick what is sold out.")
    position = models.PositiveSmallIntegerField(default=0, help_text="Low comes first.")

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ("position", "name")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(price__gte=0), name="menu_product_price_not_negative"
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("menu:detail", args=[self.slug])
