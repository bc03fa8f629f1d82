"""Fields that a project may have written itself."""

import base64

from django.db import models


class Sealed(models.TextField):
    """Its text is another one in the database, and reading anything else fails."""

    def get_prep_value(self, value):
        value = super().get_prep_value(value)
        return None if value is None else "sealed:" + base64.b64encode(value.encode()).decode()

    def from_db_value(self, value, expression, connection):
        if value is None:
            return None
        prefix, _, rest = value.partition(":")
        assert prefix == "sealed"
        return base64.b64decode(rest).decode()


class Place(models.Field):
    """A point, which no field of Django's is."""

    def db_type(self, connection):
        return "point"


class Money(models.DecimalField):
    def __init__(self, *args, **kwargs):
        kwargs.setdefault("max_digits", 9)
        kwargs.setdefault("decimal_places", 2)
        super().__init__(*args, **kwargs)


class Mood(models.Field):
    """An enumeration of the database's own."""

    def db_type(self, connection):
        return "mood"


class Percent(models.Field):
    """A domain of the database's own."""

    def db_type(self, connection):
        return "percent"


class Broken(models.CharField):
    """It takes no text at all but its own."""

    def get_prep_value(self, value):
        if value is not None and not str(value).startswith("broken-"):
            raise ValueError("only what begins with broken-")
        return value
