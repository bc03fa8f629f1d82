from django.test import TestCase

from .models import Book


class ShelfTest(TestCase):
    def test_books_on_loan_are_not_on_the_shelf(self):
        Book.objects.create(title="Emma", author="Austen")
        Book.objects.create(title="Persuasion", author="Austen", on_loan=True)

        response = self.client.get("/", headers={"host": "localhost"})

        self.assertContains(response, "Emma")
        self.assertNotContains(response, "Persuasion")
