from django.conf import settings
from django.http import HttpResponse

from .models import Book


def shelf(request):
    lines = [settings.LIBRARY_NAME, *map(str, Book.objects.filter(on_loan=False))]
    return HttpResponse("\n".join(lines), content_type="text/plain")
