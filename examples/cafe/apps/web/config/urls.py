"""The URL prefixes of the apps."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("menu.urls")),
    path("inbox/", include("inbox.urls")),
    path("admin/", admin.site.urls),
]
