"""Migrations on generated rows: those that do not fit what the deployed schema allows, and those that handle it."""

import itertools
from pathlib import Path

import psycopg
import pytest

from tests.probes.conftest import ProbeResult
from tests.probes.neon_bench import make_database
from tests.probes.upgrade_bench import Shop, copy_of, field

pytestmark = [pytest.mark.real, pytest.mark.network]
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def base(django_python: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The deployed shop, and a database `shop_base` that its schema and the generated rows fill."""
    shop = Shop(root=tmp_path_factory.mktemp("base") / "tree", python=django_python, url=postgres, name="shop_base")
    shop.write()
    make_database(postgres, "shop_base")
    filled = shop.probe("upgrade_from", "--within", str(shop.root), "--base", "base", database="shop_base")
    assert filled.code == 0, filled.stderr
    assert filled.document["gaps"] == []
    return shop


@pytest.fixture
def shop(base: Shop, tmp_path: Path) -> Shop:
    return copy_of(base, tmp_path / "tree", f"shop_{next(NUMBERS)}")


def rows(base: Shop, columns: str, table: str) -> list[tuple[object, ...]]:
    with psycopg.connect(f"{base.url.rpartition('/')[0]}/shop_base") as connection:
        return connection.execute(f"SELECT {columns} FROM {table} ORDER BY id".encode()).fetchall()


def test_rows_hold_what_the_columns_allow(base: Shop) -> None:
    notes = [note for (note,) in rows(base, "note", "shop_order")]
    parents = [parent for (parent,) in rows(base, "customer_id", "shop_order")]
    customers = [customer for (customer,) in rows(base, "id", "shop_customer")]

    assert None in notes
    assert "" in notes
    assert 200 in {len(str(note)) for note in notes}
    assert len([note for note in notes if note == notes[0]]) == 2
    assert {*parents} < {*customers}
    assert len({*parents}) < len(parents)
    assert min(quantity for (quantity,) in rows(base, "quantity", "shop_order")) == -1  # type: ignore[type-var]
    assert ("null",) in rows(base, "extra::text", "shop_order")
    assert min(str(moment) for (moment,) in rows(base, "placed", "shop_order")).startswith("1999")
    assert {grade for (grade,) in rows(base, "grade", "shop_customer")} == {"basic", "gold"}
    assert len({nick for (nick,) in rows(base, "nick", "shop_profile")}) == len(rows(base, "nick", "shop_profile"))


UNIQUE = "CharField(max_length=80, unique=True)"
REDS = {
    "a column that becomes NOT NULL": (
        [field("order", "note", "CharField(max_length=200)")],
        "23502",
        "shop_order.note is NULL in the row id=3",
    ),
    "a date that becomes NOT NULL": (
        [field("order", "paid", "DateField()")],
        "23502",
        "shop_order.paid is NULL in the row id=3",
    ),
    "a key that becomes NOT NULL": (
        ['migrations.AddField("order", "by", models.ForeignKey("shop.Customer", models.CASCADE))'],
        "23502",
        'column "by_id"',
    ),
    "a new unique column": (
        [field("customer", "name", UNIQUE)],
        "23505",
        "shop_customer.name has the same value in the rows id=",
    ),
    "unique together": (
        ['migrations.AlterUniqueTogether("order", {("customer", "quantity")})'],
        "23505",
        "shop_order.customer_id, quantity has the same value in the rows",
    ),
    "a unique default": (
        ['migrations.AddField("customer", "key", models.UUIDField(default=uuid.uuid4, unique=True))'],
        "23505",
        "Key (key)=",
    ),
    "a shorter text": (
        [field("order", "note", "CharField(max_length=20, null=True, blank=True)")],
        "22001",
        "(200 characters) in the row id=4",
    ),
    "a constraint against the empty text": (
        ['migrations.AddConstraint("order", models.CheckConstraint(condition=~Q(note=""), name="said"))'],
        "23514",
        "shop_order: note is '' in the row id=6",
    ),
    "a constraint against zero": (
        ['migrations.AddConstraint("order", models.CheckConstraint(condition=Q(quantity__gt=0), name="some"))'],
        "23514",
        "shop_order: quantity is 0 in the row id=3",
    ),
    "a number from a text": (
        [field("customer", "phone", "IntegerField()")],
        "22P02",
        "shop_customer.phone is ",
    ),
    "a smaller number": (
        [field("order", "quantity", "SmallIntegerField()")],
        "22003",
        "shop_order.quantity is '40000' in the row id=4",
    ),
    "fewer digits": (
        [field("order", "price", "DecimalField(max_digits=6, decimal_places=2)")],
        "22003",
        "shop_order.price is '88888888.88' in the row id=4",
    ),
}


@pytest.mark.parametrize("name", REDS)
def test_migration_that_rows_do_not_fit_is_found_with_row_and_column(shop: Shop, name: str) -> None:
    operations, rule, says = REDS[name]
    shop.migration("0002_more", "migrations.RunSQL('SELECT 1')", *operations)

    done = shop.upgrade("shop_base")

    assert done.code == 11, done.stderr
    (found,) = done.document["diagnostics"]
    text = (shop.root / "shop/migrations/0002_more.py").read_text().splitlines()
    assert (found["file"], found["rule"]) == ("shop/migrations/0002_more.py", rule)
    assert operations[0] in text[found["line"] - 1]
    assert says in found["message"]


FILL = """def fill(apps, schema_editor):
    {body}


"""
RUN = "migrations.RunPython(fill, migrations.RunPython.noop)"
ORDERS = 'apps.get_model("shop", "Order").objects'
CUSTOMERS = 'apps.get_model("shop", "Customer").objects'
DEDUP = (
    f'for each in {CUSTOMERS}.values("name").annotate(n=Count("id")).filter(n__gt=1):\n'
    f'        for number, one in enumerate({CUSTOMERS}.filter(name=each["name"]).order_by("id")):\n'
    '            one.name = f"{one.name[:70]} {number}"; one.save()'
)
PAYER = 'ForeignKey("shop.Customer", models.CASCADE, {}related_name="+")'
KEYS = f"for each in {CUSTOMERS}.all():\n        each.key = uuid.uuid4(); each.save()"
GREENS: dict[str, list[tuple[str, list[str]]]] = {
    "NULL is filled in the same migration": [
        (f'{ORDERS}.filter(note=None).update(note="")', [RUN, field("order", "note", "CharField(max_length=200)")])
    ],
    "NULL is filled in an earlier migration": [
        (f'{ORDERS}.filter(note=None).update(note="")', [RUN]),
        ("", [field("order", "note", "CharField(max_length=200)")]),
    ],
    "NULL is replaced by the default": [
        ("", [field("order", "note", 'CharField(max_length=200, default="", blank=True)')])
    ],
    "NULL is filled by a statement": [
        (
            "",
            [
                "migrations.RunSQL(\"UPDATE shop_order SET note = '-' WHERE note IS NULL\")",
                field("order", "note", "CharField(max_length=200)"),
            ],
        )
    ],
    "rows with NULL are deleted": [
        (f"{ORDERS}.filter(paid=None).delete()", [RUN]),
        ("", [field("order", "paid", "DateField()")]),
    ],
    "unique after the duplicates are renamed": [(DEDUP, [RUN]), ("", [field("customer", "name", UNIQUE)])],
    "unique after the duplicates are deleted": [
        (
            "",
            [
                (
                    'migrations.RunSQL("DELETE FROM shop_order o WHERE EXISTS (SELECT FROM shop_order p '
                    'WHERE p.id < o.id AND p.customer_id = o.customer_id)")'
                ),
            ],
        ),
        ("", ['migrations.AlterUniqueTogether("order", {("customer", "quantity")})']),
    ],
    "unique only where a condition holds": [
        (
            "",
            [
                (
                    'migrations.AddConstraint("customer", models.UniqueConstraint(fields=["name"], '
                    'condition=Q(grade="platinum"), name="one_platinum"))'
                )
            ],
        )
    ],
    "a unique key in three steps": [
        ("", ['migrations.AddField("customer", "key", models.UUIDField(null=True))']),
        (KEYS, [RUN]),
        ("", [field("customer", "key", "UUIDField(default=uuid.uuid4, unique=True)")]),
    ],
    "a shorter text after it is cut": [
        (f'{ORDERS}.update(note=Left("note", 20))', [RUN]),
        ("", [field("order", "note", "CharField(max_length=20, null=True, blank=True)")]),
    ],
    "a constraint after its rows are repaired": [
        (f"{ORDERS}.filter(quantity__lt=1).update(quantity=1)", [RUN]),
        ("", ['migrations.AddConstraint("order", models.CheckConstraint(condition=Q(quantity__gt=0), name="some"))']),
    ],
    "a constraint that is not validated": [
        (
            "",
            [
                (
                    'migrations.RunSQL("ALTER TABLE shop_order ADD CONSTRAINT some_of CHECK (quantity > 0) NOT VALID", '
                    'state_operations=[migrations.AddConstraint("order", '
                    'models.CheckConstraint(condition=Q(quantity__gt=0), name="some_of"))])'
                )
            ],
        )
    ],
    "a number from a text after it is cleaned": [
        (f'{CUSTOMERS}.update(phone="7")', [RUN]),
        ("", [field("customer", "phone", "IntegerField()")]),
    ],
    "wider columns": [
        (
            "",
            [
                field("order", "note", "TextField(null=True, blank=True)"),
                field("order", "quantity", "BigIntegerField(default=1)"),
                field("order", "price", "DecimalField(max_digits=12, decimal_places=2)"),
            ],
        )
    ],
    "new columns with defaults, and other names": [
        (
            "",
            [
                'migrations.AddField("order", "state", models.CharField(max_length=9, default="new"))',
                'migrations.RenameField("order", "note", "remark")',
                'migrations.RenameModel("Profile", "Account")',
                'migrations.AddIndex("order", models.Index(fields=["placed"], name="by_time"))',
            ],
        )
    ],
    "a reference that is filled from another one": [
        (
            "",
            [
                field("order", "payer", PAYER.format("null=True, ")).replace("AlterField", "AddField"),
            ],
        ),
        (f'{ORDERS}.update(payer=F("customer"))', [RUN]),
        ("", [field("order", "payer", PAYER.format(""))]),
    ],
}


@pytest.mark.parametrize("name", GREENS)
def test_migration_that_takes_care_of_rows_passes(shop: Shop, name: str) -> None:
    after = "0001_initial"
    for number, (body, operations) in enumerate(GREENS[name], 2):
        shop.migration(f"000{number}_more", *operations, code=FILL.format(body=body) if body else "", after=after)
        after = f"000{number}_more"

    done = shop.upgrade("shop_base", with_fresh=True)

    assert (done.code, done.messages) in [(0, []), (0, [*lost(done.messages)])], done.stderr


def lost(messages: list[str]) -> list[str]:
    """Returns the notes about deleted rows."""
    return [each for each in messages if "rows before the upgrade" in each]


OBJECTS = {
    "view": ("CREATE VIEW shop_report AS SELECT id, {} AS what FROM shop_order", "note", "quantity"),
    "function": (
        "CREATE FUNCTION shop_one(a integer, b text) RETURNS integer LANGUAGE sql AS 'SELECT {}'",
        "1",
        "2",
    ),
    "sequence": ("CREATE SEQUENCE shop_number START {}", "1", "1000"),
    "trigger": (
        (
            "CREATE TRIGGER shop_twice BEFORE {} ON shop_order FOR EACH ROW "
            "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        ),
        "UPDATE",
        "INSERT OR UPDATE",
    ),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_object_of_an_edited_migration_differs_from_a_fresh_database(shop: Shop, kind: str) -> None:
    statement, before, after = OBJECTS[kind]
    shop.migration("0002_more", f'migrations.RunSQL("{statement.format(before)}")')
    shop.migration("0003_other", after="0002_more")
    deployed = shop.deployed("shop_base")
    filled = shop.probe("upgrade_from", "--within", str(shop.root), "--base", "base", database=deployed)
    assert filled.code == 0, filled.stderr
    shop.migration("0003_other", after="0002_more", code="# edited, but the same\n")
    shop.migration("0002_more", f'migrations.RunSQL("{statement.format(after)}")')

    done = shop.upgrade(deployed, with_fresh=True)

    assert done.code == 13, done.stderr
    (found,) = done.document["diagnostics"]
    assert (found["file"], found["rule"]) == ("shop/migrations/0002_more.py", "schema_differs")
    assert ("shop_order" if kind == "trigger" else f"{kind} shop_") in found["message"]


NEW = "# Generated by Django 5.2 on {} 10:00\n"


def guess(shop: Shop) -> ProbeResult:
    make_database(shop.url, shop.name)
    return shop.probe("upgrade_guess", "--within", str(shop.root), "--reason", "a shallow clone", database=shop.name)


def test_newest_migration_that_rows_do_not_fit_is_no_verdict_without_a_base(shop: Shop) -> None:
    shop.migration("0002_more", field("order", "note", "CharField(max_length=200)"))

    done = guess(shop)

    assert done.code == 15, done.stderr
    (found,) = done.document["diagnostics"]
    assert found["file"] == "shop/migrations/0002_more.py"
    assert "shop_order.note is NULL" in found["message"]
    assert "a shallow clone. If it has, give --base HEAD" in found["message"]


def test_newest_migration_that_takes_care_of_rows_passes_without_a_base(shop: Shop) -> None:
    shop.migration("0002_more", field("order", "note", 'CharField(max_length=200, default="")'))

    done = guess(shop)

    assert done.code == 0, done.stderr
    assert done.document["summary"].startswith("1 of the newest migrations on ")
    assert "a shallow clone" in done.document["gaps"][0]
    assert "shop.0002_more" in done.document["gaps"][0]


def test_migration_from_long_ago_is_not_tried_without_a_base(shop: Shop) -> None:
    shop.migration("0002_more", field("order", "note", "CharField(max_length=200)"))
    old = shop.root / "shop/migrations/0002_more.py"
    old.write_text(NEW.format("2024-01-01") + old.read_text())
    shop.file("news/__init__.py", "")
    shop.file("news/migrations/__init__.py", "")
    for name, after in (("0001_initial", ""), ("0002_more", '("news", "0001_initial")')):
        shop.file(
            f"news/migrations/{name}.py",
            NEW.format("2026-01-01") + "from django.db import migrations\n\n\n"
            f"class Migration(migrations.Migration):\n    dependencies = [{after}]\n    operations = []\n",
        )
    settings = shop.root / "config/settings.py"
    settings.write_text(settings.read_text().replace('"shop"]', '"shop", "news"]'))

    done = guess(shop)

    assert done.code == 0, done.stderr
    assert "(news.0002_more)" in done.document["gaps"][0]
