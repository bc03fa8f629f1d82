"""Public pages of the menu."""

from django.urls import path

from menu import views

app_name = "menu"
urlpatterns = [
    path("", views.product_list, name="list"),
    path("menu/<slug:slug>/", views.product_detail, name="detail"),
]
