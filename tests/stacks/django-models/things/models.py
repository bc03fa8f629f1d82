"""Everything that may be hard to make a row for."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, DateTimeRangeField, IntegerRangeField
from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from things.fields import Broken, Money, Mood, Percent, Place, Sealed


class Member(AbstractUser):
    """The user of this project."""

    badge = models.CharField(max_length=4, unique=True)


def made_up():
    raise LookupError("a default that does not work here")


class Everything(models.Model):
    """A field of every kind."""

    class Size(models.TextChoices):
        SMALL = "S"
        LARGE = "L"

    class Level(models.IntegerChoices):
        LOW = 10
        HIGH = 20

    big = models.BigIntegerField()
    binary = models.BinaryField()
    boolean = models.BooleanField()
    char = models.CharField(max_length=3)
    one = models.CharField(max_length=1, unique=True)
    endless = models.CharField(max_length=None)
    date = models.DateField()
    moment = models.DateTimeField()
    entered = models.DateTimeField(auto_now_add=True)
    decimal = models.DecimalField(max_digits=3, decimal_places=3)
    duration = models.DurationField()
    email = models.EmailField(unique=True)
    file = models.FileField(upload_to="files")
    path = models.FilePathField(path="/")
    float = models.FloatField()
    ip = models.GenericIPAddressField()
    integer = models.IntegerField()
    json = models.JSONField()
    positive_big = models.PositiveBigIntegerField()
    positive = models.PositiveIntegerField()
    positive_small = models.PositiveSmallIntegerField()
    slug = models.SlugField(unique=True)
    small = models.SmallIntegerField(unique=True)
    text = models.TextField()
    time = models.TimeField()
    url = models.URLField()
    uuid = models.UUIDField(unique=True)
    size = models.CharField(max_length=1, choices=Size)
    level = models.IntegerField(choices=Level, unique=True)
    grouped = models.CharField(max_length=9, choices=[("a", [("x", "X")]), ("y", "Y")])
    code = models.CharField(max_length=9, validators=[RegexValidator(r"^\d{5}$")])
    long = models.CharField(max_length=90, validators=[MinLengthValidator(5)])
    numbers = ArrayField(models.IntegerField())
    words = ArrayField(models.CharField(max_length=5), size=2, unique=True)
    grid = ArrayField(ArrayField(models.DecimalField(max_digits=4, decimal_places=1)))
    years = IntegerRangeField()
    days = DateRangeField()
    hours = DateTimeRangeField()
    sealed = Sealed()
    place = Place()
    price = Money()
    mood = Mood()
    percent = Percent()
    broken = Broken(max_length=20, null=True)
    defaulted = models.CharField(max_length=9, default="as usual")
    uncertain = models.IntegerField(default=made_up)
    stored = models.IntegerField(db_default=7)
    since = models.DateTimeField(db_default=Now())
    odd = models.IntegerField(db_column='Odd column')
    total = models.GeneratedField(
        expression=F("integer") + F("small"), output_field=models.IntegerField(), db_persist=True
    )

    class Meta:
        db_table = "Every Thing"

    def save(self, *args, **kwargs):
        raise RuntimeError("save() has effects outside of the database")


class Category(models.Model):
    """A tree, each of whose nodes has to have a parent."""

    code = models.CharField(max_length=12, primary_key=True)
    parent = models.ForeignKey("self", on_delete=models.PROTECT)


class Comment(models.Model):
    """A tree with roots."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    answered = models.ForeignKey("self", null=True, on_delete=models.CASCADE)
    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
    object_id = models.PositiveIntegerField()
    about = GenericForeignKey()


class Tag(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="tag_name_once")]


class Article(models.Model):
    author = models.ForeignKey(Member, on_delete=models.CASCADE)
    category = models.ForeignKey(Category, to_field="code", on_delete=models.CASCADE)
    tags = models.ManyToManyField(Tag)
    readers = models.ManyToManyField(Member, through="Reading", through_fields=("article", "reader"), related_name="read")
    related = models.ManyToManyField("self")
    position = models.IntegerField(default=0)
    is_first = models.BooleanField(default=True)

    class Meta:
        unique_together = [("author", "position")]
        constraints = [
            models.UniqueConstraint(fields=["category"], condition=Q(is_first=True), name="one_first"),
        ]


class Reading(models.Model):
    article = models.ForeignKey(Article, on_delete=models.CASCADE)
    reader = models.ForeignKey(Member, on_delete=models.CASCADE)
    recommended_by = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="+")


class Profile(models.Model):
    """Its key is another table's."""

    member = models.OneToOneField(Member, primary_key=True, on_delete=models.CASCADE)


class Chapter(models.Model):
    article = models.ForeignKey(Article, on_delete=models.CASCADE)

    class Meta:
        order_with_respect_to = "article"


class Seat(models.Model):
    pk = models.CompositePrimaryKey("row", "number")
    row = models.IntegerField()
    number = models.IntegerField()


class Booking(models.Model):
    """What the database checks."""

    starts = models.DateField()
    ends = models.DateField()
    seats = models.IntegerField(default=0)
    paid_by_member = models.ForeignKey(Member, null=True, on_delete=models.CASCADE)
    paid_by_voucher = models.CharField(max_length=9, null=True)
    state = models.CharField(max_length=9)
    during = DateRangeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(starts__lt=F("ends")), name="starts_before_it_ends"),
            models.CheckConstraint(condition=Q(seats__gt=0), name="some_seats"),
            models.CheckConstraint(
                condition=Q(paid_by_member=None, paid_by_voucher__isnull=False)
                | Q(paid_by_member__isnull=False, paid_by_voucher=None),
                name="paid_once",
            ),
            models.CheckConstraint(condition=Q(state__startswith="A"), name="known_state"),
            ExclusionConstraint(name="not_at_once", expressions=[("during", "&&")]),
        ]


class Impossible(models.Model):
    """No row can be made, as far as anybody but its author knows."""

    word = models.CharField(max_length=20)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(word="xyzzy"), name="the_word")]


class OfImpossible(models.Model):
    impossible = models.ForeignKey(Impossible, on_delete=models.CASCADE)


class Egg(models.Model):
    """Each needs the other, but the egg can wait."""

    hen = models.ForeignKey("Hen", null=True, on_delete=models.CASCADE, related_name="+")


class Hen(models.Model):
    egg = models.OneToOneField(Egg, on_delete=models.CASCADE, related_name="+")


class Building(models.Model):
    name = models.CharField(max_length=9)


class Cafe(Building):
    seats = models.IntegerField()


class Terrace(Cafe):
    sunny = models.BooleanField()


class Palace(Building):
    class Meta:
        proxy = True


class Elsewhere(models.Model):
    name = models.CharField(max_length=9)

    class Meta:
        managed = False
        db_table = "of_somebody_else"
