"""The paths of files that errors say are absent."""

import pytest

from tasks.diagnostics.absent_files import absent_paths
from tasks.models import Diagnostic


@pytest.mark.parametrize(
    ("message", "file", "rule", "path"),
    [
        ("could not resolve ./lib/api.js", "sites/a/src/main.js", None, "sites/a/src/lib/api.js"),
        ("Could not resolve '../lib/card'", "src/pages/index.astro", None, "src/lib/card.tsx"),
        ("Module not found: Can't resolve '../lib/nowhere'", "app/page.js", None, "lib/nowhere/index.js"),
        (
            "Cannot find module '@/lib/api'",
            "a/src/x/y.ts",
            None,
            "a/src/lib/api.ts",
        ),
        ('Failed to resolve import "$lib/api" from "src/app.ts"', "src/app.ts", None, "src/lib/api.ts"),
        ("could not resolve /src/main.ts", "sites/vt/index.html", None, "sites/vt/src/main.ts"),
        ("No module named 'shop.lib'", "apps/web/shop/urls.py", "ModuleNotFoundError", "apps/web/shop/lib.py"),
        ("ModuleNotFoundError: No module named 'Shop'", "apps/web/tests/a.py", "collection", "apps/web/Shop"),
        (
            "[Errno 2] No such file or directory: 'rates.json'",
            None,
            "FileNotFoundError",
            "apps/web/rates.json",
        ),
        ('The entry-point file at "src/indx.ts" was not found.', "a/src/indx.ts", "entry_point", "a/src/indx.ts"),
        ("shop has models", "apps/web/shop/models.py", "no_migrations", "apps/web/shop/migrations/*.py"),
        ("shop/index.html", "apps/web/shop/views.py", "TemplateDoesNotExist", "apps/web/*/templates/shop/index.html"),
    ],
)
def test_absent_file_has_its_path(message: str, file: str | None, rule: str | None, path: str) -> None:
    found = Diagnostic(tool="tool", message=message, file=file, rule=rule)

    assert path in absent_paths(found, "apps/web")
    assert not any(each.startswith(("/", "..")) for each in absent_paths(found, "apps/web"))


@pytest.mark.parametrize("message", ['could not resolve "nope"', "Cannot find module 'left-pad'", "assert 1 == 2"])
def test_packages_and_other_errors_have_none(message: str) -> None:
    assert absent_paths(Diagnostic(tool="build", message=message, file="src/main.ts"), ".") == ()
