"""Variables that only production has, in tracebacks of processes without the loader of the settings."""

import pytest

from tasks.diagnostics.absent_variables import absent_variable

CONF = "/usr/local/lib/python3.9/site-packages/django/conf/__init__.py"
SETTINGS = "/app/config/settings.py"
PACKAGES = "/usr/local/lib/python3.9/site-packages"
INVALID = "pydantic_core._pydantic_core.ValidationError: 2 validation errors for"


def traceback(error: str, *paths: str) -> str:
    frames = "".join(f'  File "{path}", line 7, in load\n    value\n' for path in (CONF, SETTINGS, *paths))
    return f"Traceback (most recent call last):\n{frames}{error}\n"


@pytest.mark.parametrize(
    ("error", "last", "name"),
    [
        ("KeyError: 'SHOP_KEY'", "/usr/local/lib/python3.9/os.py", "SHOP_KEY"),
        ("KeyError: 'shop_key'", "<frozen os>", "shop_key"),
        ("KeyError: 'SHOP_KEY'", SETTINGS, "SHOP_KEY"),
        (
            "django.core.exceptions.ImproperlyConfigured: Set the SHOP_KEY environment variable",
            f"{PACKAGES}/environ/environ.py",
            "SHOP_KEY",
        ),
        (
            "decouple.UndefinedValueError: SHOP_KEY not found. Declare it as envvar or define a default value.",
            f"{PACKAGES}/decouple.py",
            "SHOP_KEY",
        ),
        ('environs.EnvError: Environment variable "SHOP_KEY" not set', f"{PACKAGES}/environs/__init__.py", "SHOP_KEY"),
        (
            f"{INVALID} Shop\nshop_key\n  Field required [type=missing]\nport\n  Field required [type=missing]",
            f"{PACKAGES}/pydantic_settings/main.py",
            "SHOP_KEY, PORT",
        ),
        ("django.core.exceptions.ImproperlyConfigured: Write local.py", SETTINGS, ""),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/run/secrets/key'", SETTINGS, ""),
    ],
)
def test_absent_variable_is_named(error: str, last: str, name: str) -> None:
    found = absent_variable(f"[INFO] Booting worker\n{traceback(error, last)}")

    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("error", "last"),
    [
        ("KeyError: 'latte'", SETTINGS),
        ("KeyError: 'SHOP_KEY'", "/usr/local/lib/python3.9/site-packages/predeploy_settings.py"),
        ("ModuleNotFoundError: No module named 'shop'", SETTINGS),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'config/shop.toml'", SETTINGS),
        # Django's own, for a wrong setting
        ("django.core.exceptions.ImproperlyConfigured: 'x' isn't an available backend", f"{PACKAGES}/django/db/u.py"),
        (
            f"{INVALID} Dish\nname\n  Field required [type=missing]",
            "/app/menu.py",
        ),
    ],
)
def test_other_errors_name_no_variable(error: str, last: str) -> None:
    assert absent_variable(traceback(error, last)) is None


def test_end_of_gunicorn_does_not_hide_the_error_of_its_worker() -> None:
    text = traceback("KeyError: 'SHOP_KEY'", "<frozen os>")
    text += "During handling of the above exception, another exception occurred:\n\n"
    text += traceback("gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>", "/x/gunicorn/arbiter.py")

    found = absent_variable(text)

    assert found is not None
    assert found.name == "SHOP_KEY"


def test_an_error_that_was_handled_does_not_count() -> None:
    text = traceback("KeyError: 'SHOP_KEY'", "<frozen os>") + "\n" + traceback("ValueError: no")

    assert absent_variable(text) is None
