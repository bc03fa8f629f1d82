"""Pages of the inbox, for staff."""

from django.urls import path

from inbox import views

app_name = "inbox"
urlpatterns = [
    path("", views.submission_list, name="list"),
    path("<int:pk>/handled/", views.mark_handled, name="mark-handled"),
]
