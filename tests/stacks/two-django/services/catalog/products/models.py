from django.db import models
from money import in_words


class Product(models.Model):
    name = models.CharField(max_length=100)
    price = models.PositiveIntegerField()

    def __str__(self):
        return f"{self.name}, {in_words(self.price)}"
