from django.http import HttpResponse

from .models import Order


def index(request):
    return HttpResponse(
        "\n".join(map(str, Order.objects.order_by("name"))), content_type="text/plain"
    )
