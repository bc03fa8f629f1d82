"""The table as the intake Worker uses it: plain SQL, with only the columns that it knows."""

import datetime as dt

import pytest
from django.db import connection

from inbox.models import Submission

# The statement of workers/intake/src/inbox.ts, in this driver's placeholders.
INSERT = """
    INSERT INTO inbox_submission (client, name, email, message, source_url)
    VALUES (%s, %s, %s, %s, %s)
    RETURNING id
"""
ROW = (
    "coffee-shop",
    "Ada",
    "ada@example.com",
    "A table for four?",
    "https://shop.example/contact/",
)


@pytest.fixture
def inserted(db: None) -> Submission:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, ROW)
        return Submission.objects.get(pk=cursor.fetchone()[0])


def test_row_reads_back_as_a_submission(inserted: Submission) -> None:
    assert (
        inserted.client,
        inserted.name,
        inserted.email,
        inserted.message,
        inserted.source_url,
    ) == ROW


def test_database_fills_in_what_the_worker_leaves_out(inserted: Submission) -> None:
    assert inserted.handled is False
    assert dt.datetime.now(dt.UTC) - inserted.created_at < dt.timedelta(minutes=1)
