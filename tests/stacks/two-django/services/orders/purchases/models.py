from django.db import models
from money import in_words


class Order(models.Model):
    name = models.CharField(max_length=100)
    total = models.PositiveIntegerField()

    def __str__(self):
        return f"{self.name}, {in_words(self.total)}"
