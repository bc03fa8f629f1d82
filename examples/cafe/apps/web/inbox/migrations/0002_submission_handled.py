from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inbox", "0001_initial")]

    operations = [
        # The default is in the database, so that a Worker that does not know the column can
        # insert during the rollout.
        migrations.AddField(
            model_name="submission",
            name="handled",
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(
                condition=models.Q(("handled", False)),
                fields=["-created_at"],
                name="inbox_submission_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(("message", ""), _negated=True),
                name="inbox_submission_message_not_empty",
            ),
        ),
    ]
