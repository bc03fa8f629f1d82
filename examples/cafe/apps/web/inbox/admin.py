"""The inbox in Django's admin: staff read messages and mark them as handled."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from inbox.models import Submission, SubmissionQuerySet

if TYPE_CHECKING:
    SubmissionModelAdmin = admin.ModelAdmin[Submission]
else:  # generic for the type checker only
    SubmissionModelAdmin = admin.ModelAdmin


@admin.register(Submission)
class SubmissionAdmin(SubmissionModelAdmin):
    list_display = ("name", "email", "client", "created_at", "handled")
    list_filter = ("handled", "client")
    search_fields = ("name", "email", "message")
    readonly_fields = ("client", "name", "email", "message", "source_url", "created_at")
    actions = ("mark_handled",)

    @admin.action(description="Mark as handled")
    def mark_handled(self, request: HttpRequest, queryset: SubmissionQuerySet) -> None:
        self.message_user(request, f"Marked as handled: {queryset.mark_handled()}.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Forbid adding: only the Worker creates submissions."""
        return False
