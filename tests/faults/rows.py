"""The fault matrix: what is done to a copy of the sample, and what a validation must then say. Data only."""

from tests.faults.database_rows import DATABASE, UPGRADE
from tests.faults.fault import (
    SITE,
    WEB,
    WORKER,
    Fault,
    append,
    cut,
    delete,
    limit,
    open_,
    red,
    replace,
    unnoticed,
    write,
)
from tests.faults.install_rows import INSTALLS
from tests.faults.settings_rows import PRODUCTION_ONLY
from tests.faults.tool_rows import TOOLS

STALE_LOCK = red("django_container", "lock_stale", f"{WEB}/pyproject.toml:11", "the lock does not hold whitenoise>=6.9")

PACKAGES = (
    Fault(
        name="the lock lacks what the manifest asks for",
        edits=(cut(f"{WEB}/requirements.lock", r"^whitenoise==(.*\\\n)+.*\n"),),
        red=(STALE_LOCK,),
    ),
    Fault(
        name="the lock lacks what a locked package needs",
        edits=(cut(f"{WEB}/requirements.lock", r"^sqlparse==(.*\\\n)+.*\n"),),
        red=(red("django_container", "lock_stale", "", "sqlparse"),),
    ),
    Fault(
        name="the code imports what is nowhere declared",
        edits=(
            replace(
                f"{WEB}/menu/models.py",
                "from django.db import models\n",
                "import requests\nfrom django.db import models\n",
            ),
            append(f"{WEB}/menu/models.py", "\n\nSESSION = requests.Session()\n"),
        ),
        red=(
            red("django_container", "import_error", f"{WEB}/menu/models.py:3", "No module named 'requests'"),
            red("mypy", "findings", f"{WEB}/menu/models.py:3", "No module named 'requests'"),
            red("pytest", "collection_error", f"{WEB}/menu/models.py:3", "No module named 'requests'"),
        ),
    ),
    Fault(
        name="a hash of the lock is not the package's",
        edits=(
            cut(
                f"{WEB}/requirements.lock", r"(?<=^asgiref==3\.13\.0 \\\n    --hash=sha256:).{64}( \\\n.*)?$", "0" * 64
            ),
        ),
        red=(red("django_container", "hash_mismatch", "", "Hash mismatch for `asgiref==3.13.0`"),),
    ),
    Fault(
        name="the lock holds a package that does not exist",
        edits=(
            append(f"{WEB}/requirements.lock", f"cafe-no-such-package-at-all==1.0 \\\n    --hash=sha256:{'0' * 64}\n"),
        ),
        red=(red("django_container", "not_found", "", "cafe-no-such-package-at-all was not found"),),
    ),
    Fault(
        name="the pnpm lock no longer fits its manifest",
        edits=(
            replace(
                f"{WORKER}/package.json",
                '"@neondatabase/serverless": "^1.2.0"',
                '"@neondatabase/serverless": "^1.2.0",\n    "zod": "^4"',
            ),
        ),
        red=(red("worker_container", "lock_stale", "pnpm-lock.yaml", "zod"),),
    ),
    Fault(
        name="the pnpm lock is no YAML",
        edits=(replace("pnpm-lock.yaml", "settings:\n", "settings: [\n"),),
        red=(red("worker_container", "manifest_broken", "pnpm-lock.yaml", ""),),
    ),
    Fault(
        name="package.json is no JSON",
        edits=(replace(f"{WORKER}/package.json", '"type": "module",', '"type": "module"'),),
        red=(red("worker_container", "manifest_broken", f"{WORKER}/package.json", ""),),
    ),
    Fault(
        name="pyproject.toml is no TOML",
        edits=(replace(f"{WEB}/pyproject.toml", 'requires-python = ">=3.11"', 'requires-python = ">=3.11'),),
        red=(
            red("django_container", "manifest_broken", f"{WEB}/pyproject.toml:5", "Illegal character"),
            # each of these reads its configuration there
            red("ruff_check", "tool_config", f"{WEB}/pyproject.toml:5", "invalid basic string"),
            red("ruff_format", "tool_config", f"{WEB}/pyproject.toml:5", "invalid basic string"),
            red("mypy", "findings", f"{WEB}/pyproject.toml:5", "Illegal character"),
            red("pytest", "tool_config", f"{WEB}/pyproject.toml:5", "Illegal character"),
        ),
    ),
)

SETTINGS = (
    Fault(
        name="a syntax error in the settings",
        edits=(
            replace(
                f"{WEB}/config/settings.py", 'SECRET_KEY = required("SECRET_KEY")', 'SECRET_KEY = required("SECRET_KEY"'
            ),
        ),
        red=(
            red("django_container", "import_error", f"{WEB}/config/settings.py:26", "'(' was never closed"),
            red("ruff_check", "findings", f"{WEB}/config/settings.py:27", ""),
            red("ruff_format", "findings", f"{WEB}/config/settings.py:27", ""),
            red("mypy", "findings", f"{WEB}/config/settings.py:26", "'(' was never closed"),
            red("pytest", "collection_error", f"{WEB}/config/settings.py:26", "'(' was never closed"),
        ),
    ),
    Fault(
        name="a settings error only under the production environment",
        edits=(
            write(
                f"{WEB}/config/production.py",
                'from config.settings import *  # noqa: F403\n\nMAX_AGE = int("one hour")\n',
            ),
            replace(f"{WEB}/config/wsgi.py", '"config.settings"', '"config.production"'),
        ),
        red=(red("django_container", "import_error", f"{WEB}/config/production.py:3", "one hour"),),
        fast="builds",
    ),
    Fault(
        name="an import cycle",
        edits=(
            replace(f"{WEB}/inbox/models.py", "import Now\n", "import Now\n\nfrom menu.models import Product\n"),
            append(f"{WEB}/inbox/models.py", "\n\nASKED_ABOUT = Product\n"),
            replace(
                f"{WEB}/menu/models.py", "import reverse\n", "import reverse\n\nfrom inbox.models import Submission\n"
            ),
            append(f"{WEB}/menu/models.py", "\n\nASKED_IN = Submission\n"),
        ),
        red=(
            red("django_container", "import_error", f"{WEB}/menu/models.py:6", "cannot import name 'Submission'"),
            red("mypy", "findings", f"{WEB}/menu/models.py:6", "cannot import name 'Submission'"),
            red("pytest", "collection_error", f"{WEB}/menu/models.py:6", "cannot import name 'Submission'"),
        ),
    ),
    Fault(
        name="an import that never ends",
        edits=(append(f"{WEB}/config/wsgi.py", "\nwhile True:\n    pass\n"), limit("django_container", 20)),
        red=(red("django_container", "timeout", "", "still running after 20 s"),),
    ),
    Fault(
        name="a stylesheet names an image that is not there",
        edits=(replace(f"{WEB}/menu/static/menu/style.css", "cup.svg", "mug.svg"),),
        red=(
            red("django_container", "static_files", f"{WEB}/menu/static/menu/style.css:15", "mug.svg"),
            red("pytest", "tests_failed", f"{WEB}/tests/test_static.py", "mug.svg"),
        ),
    ),
    Fault(
        name="the settings talk to SQLite",
        edits=(
            replace(
                f"{WEB}/config/settings.py",
                'required("DATABASE_URL"), conn_max_age=60, conn_health_checks=True',
                'required("DATABASE_URL") and "sqlite:///cafe.sqlite3", conn_max_age=60',
            ),
        ),
        red=(
            open_("migrate", "other_database", "", "sqlite database"),
            open_("migrations_missing", "other_database", "", "sqlite database"),
        ),
        exit=3,
    ),
)

QUALITY = (
    Fault(
        name="an unused import",
        edits=(replace(f"{WEB}/menu/views.py", "from django.http", "import json\n\nfrom django.http"),),
        red=(red("ruff_check", "findings", f"{WEB}/menu/views.py:3", "`json` imported but unused"),),
        fast="builds",
    ),
    Fault(
        name="bad formatting",
        edits=(replace(f"{WEB}/menu/views.py", "def product_list(request:", "def product_list( request:"),),
        red=(red("ruff_format", "findings", f"{WEB}/menu/views.py", ""),),
    ),
    Fault(
        name="ruff's configuration is wrong",
        edits=(replace(f"{WEB}/pyproject.toml", "line-length = 100", 'line-length = "wide"'),),
        red=(
            red("ruff_check", "tool_config", f"{WEB}/pyproject.toml:46", ""),
            red("ruff_format", "tool_config", f"{WEB}/pyproject.toml:46", ""),
        ),
    ),
    Fault(
        name="a type error",
        edits=(
            append(f"{WEB}/menu/views.py", "\n\ndef price_of(product: Product) -> str:\n    return product.price\n"),
        ),
        # not among the fast rows: mypy takes longer than the other checks of the sample together
        red=(red("mypy", "findings", f"{WEB}/menu/views.py:24", "Incompatible return value type"),),
    ),
    Fault(
        name="mypy's configuration names no plugin",
        edits=(replace(f"{WEB}/pyproject.toml", "mypy_django_plugin.main", "mypy_django_plugin.mian"),),
        red=(red("mypy", "tool_config", f"{WEB}/pyproject.toml", "mypy_django_plugin.mian"),),
    ),
    Fault(
        name="a failing test",
        edits=(replace(f"{WEB}/tests/test_menu.py", '"€2.40" in', '"€2.50" in'),),
        red=(red("pytest", "tests_failed", f"{WEB}/tests/test_menu.py:15", "€2.50"),),
        fast="builds",
    ),
    Fault(
        name="a test without its fixture",
        edits=(
            append(f"{WEB}/tests/test_menu.py", "\n\ndef test_tea(tea: Product) -> None:\n    assert tea.available\n"),
        ),
        red=(red("pytest", "tests_failed", f"{WEB}/tests/test_menu.py:62", "fixture 'tea' not found"),),
    ),
    Fault(
        name="an error while collecting tests",
        edits=(append(f"{WEB}/tests/test_menu.py", '\n\nSHOTS = int("two")\n'),),
        red=(red("pytest", "collection_error", f"{WEB}/tests/test_menu.py:62", "invalid literal"),),
    ),
    Fault(
        name="pytest's INTERNALERROR",
        edits=(
            append(
                f"{WEB}/tests/conftest.py",
                '\n\ndef pytest_collection_modifyitems() -> None:\n    raise RuntimeError("a broken hook")\n',
            ),
        ),
        red=(red("pytest", "internal_error", f"{WEB}/tests/conftest.py:49", "a broken hook"),),
    ),
    Fault(
        name="no tests at all",
        edits=(delete(f"{WEB}/tests/test_*.py"),),
        exit=0,
        says=("pytest", "no tests"),
    ),
    Fault(
        name="a test that never ends",
        edits=(
            append(f"{WEB}/tests/test_menu.py", "\n\ndef test_forever() -> None:\n    while True:\n        pass\n"),
            limit("pytest", 15),
        ),
        red=(red("pytest", "timeout", "", "still running after 15 s"),),
    ),
    Fault(
        name="a finding of eslint",
        edits=(append(f"{WORKER}/src/http.ts", "\nexport const anything = (value: any): unknown => value;\n"),),
        red=(red("eslint", "findings", f"{WORKER}/src/http.ts:22", "Unexpected any"),),
    ),
    Fault(
        name="a failing test of the Worker",
        edits=(
            replace(f"{WORKER}/src/http.ts", '"no-store"', '"no-cache"'),
            replace(f"{WORKER}/src/key.ts", "=== 0;", "!== 0;"),
        ),
        red=(
            red("vitest", "tests_failed", f"{WORKER}/test/app.test.ts:58", "expected 401 to be 201"),
            red("intake_e2e", "unexpected_answer", "", "answered 401"),
        ),
    ),
    Fault(
        name="a type error in an Astro page",
        edits=(replace(f"{SITE}/src/pages/contact.astro", 'title="Contact"', 'titel="Contact"'),),
        red=(red("astro_check", "findings", f"{SITE}/src/pages/contact.astro:6", "titel"),),
    ),
    Fault(
        name="a check of the stack's own",
        edits=(
            write("predeploy.toml", '[[check]]\nname = "tidy"\nstage = "quality"\nrun = ["sh", "tidy.sh"]\n'),
            write("tidy.sh", 'echo "README.md:3: too tidy"\nexit 1\n'),
        ),
        red=(red("tidy", "findings", "README.md:3", "too tidy"),),
    ),
)

CACHES = (
    Fault(
        name="an edit of the same size and time, in what tests import",
        first=(),
        edits=(unnoticed(f"{WEB}/menu/urls.py", '"menu/<slug:slug>/"', '"card/<slug:slug>/"'),),
        red=(red("pytest", "tests_failed", f"{WEB}/tests/test_menu.py:47", "404"),),
    ),
    Fault(
        name="an edit of the same size and time, in a test and in a Worker",
        first=(),
        edits=(
            unnoticed(f"{WEB}/tests/test_menu.py", '"€2.40" in', '"€2.50" in'),
            unnoticed(f"{WORKER}/src/key.ts", "Promise<boolean>", "Promise<bigints>"),
        ),
        red=(
            red("pytest", "tests_failed", f"{WEB}/tests/test_menu.py:15", "€2.50"),
            red("tsc", "type_errors", f"{WORKER}/src/key.ts:7", "bigints"),
        ),
    ),
    Fault(
        name="a file deleted that caches remember",
        first=(
            write(f"{WEB}/tests/prices.py", 'ESPRESSO = "€2.40"\n'),
            replace(f"{WEB}/tests/test_menu.py", '"€2.40" in', "ESPRESSO in"),
            replace(
                f"{WEB}/tests/test_menu.py", "import Product\n", "import Product\nfrom tests.prices import ESPRESSO\n"
            ),
        ),
        edits=(delete(f"{WEB}/tests/prices.py"),),
        red=(
            red("mypy", "findings", f"{WEB}/tests/test_menu.py:8", "tests.prices"),
            red("pytest", "collection_error", f"{WEB}/tests/test_menu.py:8", "No module named 'tests.prices'"),
        ),
    ),
    Fault(
        name="a page deleted that others link to",
        first=(),
        edits=(delete(f"{SITE}/src/pages/contact.astro"),),
        red=(red("site_coffee_shop", "broken_links", f"{SITE}/dist/404.html", "/contact/"),),
    ),
    Fault(
        name="configuration above the stack",
        edits=(
            write("../ruff.toml", 'line-length = "wide"\n'),
            write("../pyproject.toml", "[tool.ruff\n"),
            write("../mypy.ini", "[mypy]\nplugins = no_such_plugin\n"),
            write("../pytest.ini", "[pytest]\naddopts = --no-such-flag\n"),
            write("../conftest.py", 'raise RuntimeError("a conftest above the stack")\n'),
            write("../uv.toml", "no-such-key = 1\n"),
            write("../eslint.config.js", 'throw new Error("a configuration above the stack");\n'),
            write("../vitest.config.ts", 'throw new Error("a configuration above the stack");\n'),
            write("../tsconfig.json", "{\n"),
            write("../package.json", "{\n"),
            write("../pnpm-workspace.yaml", "packages: [\n"),
            write("../.npmrc", "registry=http://127.0.0.1:9/\n"),
            write("../.env", "DATABASE_URL=nonsense\n"),
        ),
        exit=0,
    ),
)

NODE = (
    Fault(
        name="a type error in the Worker",
        edits=(replace(f"{WORKER}/src/app.ts", "json({ id }, 201, cors)", 'json({ id }, "201", cors)'),),
        red=(
            red(
                "tsc",
                "type_errors",
                f"{WORKER}/src/app.ts:31",
                "not assignable to parameter of type 'number'",
            ),
        ),
        fast="builds",
    ),
    Fault(
        name="the Worker's entry point does not exist",
        edits=(replace(f"{WORKER}/wrangler.jsonc", "src/index.ts", "src/worker.ts"),),
        red=(red("worker_container", "bundle_failed", f"{WORKER}/src/worker.ts", "was not found"),),
    ),
    Fault(
        name="wrangler.jsonc is no JSON",
        edits=(replace(f"{WORKER}/wrangler.jsonc", '"name": "intake",', '"name": "intake"'),),
        red=(red("worker_container", "bundle_failed", f"{WORKER}/wrangler.jsonc:3", ""),),
    ),
    Fault(
        name="the Worker imports a file that is not there",
        edits=(
            replace(
                f"{WORKER}/src/index.ts",
                'import { neonInbox } from "./inbox";\n',
                'import { neonInbox } from "./inbox";\n// @ts-expect-error: types come later\nimport "./metrics";\n',
            ),
        ),
        red=(red("worker_container", "bundle_failed", f"{WORKER}/src/index.ts:6", "./metrics"),),
    ),
    Fault(
        name="an Astro page imports a component that is not there",
        edits=(
            replace(
                f"{SITE}/src/pages/about.astro",
                "---\nimport Page",
                '---\nimport Team from "../components/Team.astro";\nimport Page',
            ),
            replace(f"{SITE}/src/pages/about.astro", "  <p>Questions", "  <Team />\n  <p>Questions"),
        ),
        red=(
            red("site_coffee_shop", "build_failed", f"{SITE}/src/pages/about.astro:2", "../components/Team.astro"),
            red("astro_check", "findings", f"{SITE}/src/pages/about.astro:2", "../components/Team.astro"),
        ),
    ),
    Fault(
        name="an error in an Astro page's frontmatter",
        edits=(replace(f"{SITE}/src/pages/about.astro", '/Page.astro";\n', '/Page.astro";\nconst dog = ;\n'),),
        red=(
            red("site_coffee_shop", "build_failed", f"{SITE}/src/pages/about.astro:3", ""),
            red("astro_check", "findings", f"{SITE}/src/pages/about.astro:3", "Expression expected"),
        ),
    ),
    Fault(
        name="a broken internal link",
        edits=(replace(f"{SITE}/src/pages/about.astro", 'href="/contact/"', 'href="/contacts/"'),),
        red=(red("site_coffee_shop", "broken_links", f"{SITE}/src/pages/about.astro:10", "/contacts/"),),
        fast="builds",
    ),
)

APPLICATION = """
from wsgiref.types import StartResponse, WSGIEnvironment


def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    raise RuntimeError("no coffee left")
"""

BRANDING = """{% extends "admin/base.html" %}{% load static %}
{% block branding %}<img src="{% static 'menu/mug.svg' %}" alt="">{% endblock %}
"""

SERVER = (
    Fault(
        name="the server starts and answers 500",
        edits=(write(f"{WEB}/config/wsgi.py", APPLICATION.lstrip()),),
        red=(red("django_health", "unhealthy", f"{WEB}/config/wsgi.py:5", "no coffee left"),),
        fast="servers and rows",
    ),
    Fault(
        name="a page names a static file that is not there",
        edits=(write(f"{WEB}/templates/admin/base_site.html", BRANDING),),
        red=(red("django_health", "unhealthy", "", "menu/mug.svg"),),
    ),
    Fault(
        name="the server never listens",
        edits=(
            # it waits without work: on a machine that the server itself keeps busy there is no verdict
            replace(f"{WEB}/gunicorn.conf.py", "\nworkers", "\nimport time\n\nworkers"),
            append(
                f"{WEB}/gunicorn.conf.py",
                "\n\ndef on_starting(server: object) -> None:\n    time.sleep(3600)\n",
            ),
        ),
        red=(red("django_health", "not_ready", "", "nothing listened within"),),
    ),
    Fault(
        name="the server listens late",
        edits=(
            replace(f"{WEB}/gunicorn.conf.py", "workers = 2", "import time\n\nworkers = 2"),
            append(f"{WEB}/gunicorn.conf.py", "\n\ndef on_starting(server: object) -> None:\n    time.sleep(4)\n"),
        ),
        exit=0,
    ),
    Fault(
        name="the server ends as soon as it starts",
        edits=(append(f"{WEB}/gunicorn.conf.py", "\nbind = [][0]  # type: ignore[var-annotated]\n"),),
        red=(red("django_health", "not_ready", f"{WEB}/gunicorn.conf.py", "list index out of range"),),
    ),
)

FAULTS: tuple[Fault, ...] = (
    Fault(name="nothing", edits=(), exit=0),
    *PACKAGES,
    *INSTALLS,
    *SETTINGS,
    *PRODUCTION_ONLY,
    *QUALITY,
    *CACHES,
    *NODE,
    *DATABASE,
    *UPGRADE,
    *SERVER,
    *TOOLS,
)

# In a stack of its own: the sample's Django project, locked by uv.
UV_FAULTS: tuple[Fault, ...] = (
    Fault(name="nothing", edits=(), exit=0),
    Fault(
        name="the uv lock no longer fits its manifest",
        edits=(replace("pyproject.toml", '"whitenoise>=6.9",', '"whitenoise>=6.9",\n    "requests>=2",'),),
        red=(red("django_container", "lock_stale", "uv.lock", "needs to be updated"),),
    ),
    Fault(
        name="the uv lock is no TOML",
        edits=(append("uv.lock", "[[package\n"),),
        red=(red("django_container", "manifest_broken", "uv.lock", ""),),
    ),
)
