"""Messages from the contact forms.

The intake Worker inserts them in plain SQL, without Django. Table and column names are a contract
with workers/intake/src/inbox.ts. Columns that the Worker leaves out need a default in the database
(`db_default`), not only in Python.
"""

from django.db import models
from django.db.models.functions import Now


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def waiting(self) -> "SubmissionQuerySet":
        return self.filter(handled=False)

    def mark_handled(self) -> int:
        """Return how many were still waiting."""
        return self.waiting().update(handled=True)


class Submission(models.Model):
    client = models.SlugField(max_length=64, help_text="The site it came from.")
    name = models.CharField(max_length=120)
    email = models.EmailField()
    message = models.TextField()
    source_url = models.URLField(blank=True, db_default="", help_text="The page with the form.")
    handled = models.BooleanField(db_default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        db_table = "inbox_submission"
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(message=""), name="inbox_submission_message_not_empty"
            ),
        )
        indexes = (
            # For the query of the inbox page.
            models.Index(
                fields=["-created_at"],
                condition=models.Q(handled=False),
                name="inbox_submission_waiting",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} via {self.client}"
