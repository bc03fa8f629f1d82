"""Reading the inbox, and marking messages as handled."""

import pytest
from django.db import IntegrityError
from django.test import Client

from inbox.models import Submission


def test_visitors_are_sent_to_the_login(client: Client, db: None) -> None:
    response = client.get("/inbox/")

    assert response.status_code == 302
    assert response["Location"] == "/admin/login/?next=/inbox/"


def test_staff_read_what_waits(staff_client: Client, submission: Submission) -> None:
    text = staff_client.get("/inbox/").text

    assert "A table for four?" in text
    assert "ada@example.com" in text


def test_messages_are_escaped(staff_client: Client, submission: Submission) -> None:
    submission.message = "<script>alert(1)</script>"
    submission.save()

    assert "<script>" not in staff_client.get("/inbox/").text


def test_handled_messages_leave_the_inbox(staff_client: Client, submission: Submission) -> None:
    response = staff_client.post(f"/inbox/{submission.pk}/handled/", follow=True)

    assert "All answered." in response.text
    assert list(Submission.objects.waiting()) == []


def test_visitors_cannot_mark_as_handled(client: Client, submission: Submission) -> None:
    client.post(f"/inbox/{submission.pk}/handled/")

    assert list(Submission.objects.waiting()) == [submission]


def test_marking_takes_a_post(staff_client: Client, submission: Submission) -> None:
    assert staff_client.get(f"/inbox/{submission.pk}/handled/").status_code == 405


def test_newest_message_comes_first(submission: Submission) -> None:
    newer = Submission.objects.create(
        client="coffee-shop", name="Bob", email="bob@example.com", message="Opening hours?"
    )

    assert list(Submission.objects.all()) == [newer, submission]


def test_admin_lists_messages_and_marks_them(staff_client: Client, submission: Submission) -> None:
    assert "Ada" in staff_client.get("/admin/inbox/submission/").text

    response = staff_client.post(
        "/admin/inbox/submission/",
        {"action": "mark_handled", "_selected_action": [submission.pk]},
        follow=True,
    )

    assert "Marked as handled: 1." in response.text


def test_admin_does_not_invent_messages(staff_client: Client) -> None:
    assert staff_client.get("/admin/inbox/submission/add/").status_code == 403


@pytest.mark.django_db
def test_empty_message_is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError, match="inbox_submission_message_not_empty"):
        Submission.objects.create(client="coffee-shop", name="A", email="a@b.example", message="")
