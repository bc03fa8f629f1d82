from django.http import HttpResponse

from .models import Product


def index(request):
    return HttpResponse("\n".join(map(str, Product.objects.order_by("name"))), content_type="text/plain")
