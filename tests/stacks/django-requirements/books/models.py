from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=200)
    author = models.CharField(max_length=100)
    on_loan = models.BooleanField(default=False)

    class Meta:
        ordering = ["author", "title"]

    def __str__(self):
        return f"{self.author}: {self.title}"
