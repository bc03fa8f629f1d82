from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("menu", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="product",
            name="position",
            field=models.PositiveSmallIntegerField(default=0, help_text="Low comes first."),
        ),
        migrations.AlterModelOptions(
            name="product",
            options={"ordering": ("position", "name")},
        ),
    ]
