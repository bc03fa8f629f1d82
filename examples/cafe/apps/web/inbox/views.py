"""The open messages, and marking them as handled."""

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from inbox.models import Submission


@require_safe
@staff_member_required
def submission_list(request: HttpRequest) -> HttpResponse:
    return render(
        request, "inbox/submission_list.html", {"submissions": Submission.objects.waiting()}
    )


@require_POST
@staff_member_required
def mark_handled(request: HttpRequest, pk: int) -> HttpResponse:
    submission = get_object_or_404(Submission, pk=pk)
    submission.handled = True
    submission.save(update_fields=["handled"])
    return redirect("inbox:list")
