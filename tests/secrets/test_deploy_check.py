"""The names that a deploy needs, the form of their values, and the check of both."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from tasks.catalogue import make_catalogue
from tasks.catalogue.deploy_names import needed_names
from tasks.errors import SecretsError
from tasks.models import Result, Severity, Status
from tasks.secrets.deploy_check import Held, Needed, look, unasked
from tasks.secrets.shapes import mistake_in
from tasks.settings import Settings
from tasks.stack import Component
from tests.support.factories import make_scene, make_site, make_stack, make_web, make_worker

WORKER = "workers/intake"
DEV_VARS = "# Secrets.\nINTAKE_API_KEY=change-me\n\nREGION=eu\nNEON_DATABASE_URL=postgres://a:b@db.example/c\n"
EXAMPLE = "SECRET_KEY=unsafe\nDEBUG=true\n# SENTRY_DSN=https://x@sentry.example/1\nexport DATABASE_URL='postgres://a'\n"
SETTINGS = """
import os
import environ
env = environ.Env(DEBUG=(bool, False))
KEY = os.environ["SECRET_KEY"]
HOSTS = os.environ.get("ALLOWED_HOSTS", "")
BUCKET = env("BUCKET")
REGION = env("REGION", default="eu")
QUEUE = env.str("QUEUE_URL")
MAIL = env.str("MAIL_URL", "smtp://")
os.environ["WRITTEN"] = "x"
PLAIN = env("lower")
"""


def needed(*components: Component, files: dict[str, str] | None = None, **settings: Any) -> dict[str, Needed]:
    chosen = Settings.model_validate(settings)
    return {each.name: each for each in needed_names(make_scene(make_stack(*components), files, chosen))}


class TestNames:
    def test_worker_needs_its_secrets_and_the_credentials_of_wrangler(self) -> None:
        files = {f"{WORKER}/wrangler.toml": "", f"{WORKER}/.dev.vars.example": DEV_VARS}

        found = needed(make_worker(), files=files)

        assert set(found) == {
            *("CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN", "INTAKE_API_KEY", "NEON_DATABASE_URL", "REGION")
        }
        key = found["INTAKE_API_KEY"]
        assert (key.by, key.file, key.line, key.example) == (WORKER, f"{WORKER}/.dev.vars.example", 2, "change-me")

    def test_variable_of_the_configuration_is_no_secret(self) -> None:
        files = {
            f"{WORKER}/wrangler.toml": 'account_id = "x"\n[vars]\nREGION = "eu"',
            f"{WORKER}/.dev.vars.example": DEV_VARS,
        }

        assert set(needed(make_worker(), files=files)) == {
            *("CLOUDFLARE_API_TOKEN", "INTAKE_API_KEY", "NEON_DATABASE_URL")
        }

    @pytest.mark.parametrize("text", ["[vars", "", 'vars = "no table"'])
    def test_broken_configuration_is_left_to_another_check(self, text: str) -> None:
        assert "CLOUDFLARE_API_TOKEN" in needed(make_worker(), files={f"{WORKER}/wrangler.toml": text})

    def test_django_needs_the_names_of_its_example(self) -> None:
        web = make_web(env_example="apps/web/.env.example")

        found = needed(web, files={"apps/web/.env.example": EXAMPLE})

        assert {name: each.optional for name, each in found.items()} == {
            "SECRET_KEY": False,
            "SENTRY_DSN": True,
            "DATABASE_URL": False,
        }
        assert (found["DATABASE_URL"].line, found["DATABASE_URL"].example) == (4, "postgres://a")

    def test_django_needs_the_variables_that_its_settings_require(self) -> None:
        found = needed(make_web(), files={"apps/web/config/settings.py": SETTINGS})

        assert set(found) == {"SECRET_KEY", "BUCKET", "QUEUE_URL"}
        assert (found["BUCKET"].file, found["BUCKET"].line) == ("apps/web/config/settings.py", 7)

    @pytest.mark.parametrize("text", ["KEY = (", "\0", ""])
    def test_settings_that_are_no_python_need_no_names(self, text: str) -> None:
        assert needed(make_web(), files={"apps/web/config/settings.py": text}) == {}

    @pytest.mark.parametrize(
        ("line", "base"),
        [
            ("from .base import *", "apps/web/config/settings/base.py"),
            ("from . import base", "apps/web/config/settings/base.py"),
            ("from .parts import base", "apps/web/config/settings/parts/base.py"),
            ("from .. import base", "apps/web/config/base.py"),
            ("from ..base import KEY", "apps/web/config/base/__init__.py"),
            ("from config.settings.base import *", "apps/web/config/settings/base.py"),
            ("from shared.base import *", "shared/base.py"),
            ("from .middle import *", "apps/web/config/settings/base.py"),
        ],
    )
    def test_settings_are_read_with_their_imports(self, line: str, base: str) -> None:
        web = make_web(settings="config.settings.production")
        files = {
            "apps/web/config/settings/production.py": f"{line}\nfrom .production import *",
            "apps/web/config/settings/middle.py": "from .broken import *\nfrom .base import *",
            "apps/web/config/settings/broken.py": "KEY = (",
            "apps/web/config/settings/development.py": 'import os\nKEY = os.environ["DEVELOPMENT_KEY"]',
            base: 'import os\nKEY = os.environ["SECRET_KEY"]',
        }

        found = needed(web, files=files)

        assert {each.name: (each.file, each.line) for each in found.values()} == {"SECRET_KEY": (base, 2)}

    def test_variables_in_a_worker_s_code_are_needed_without_an_example(self) -> None:
        files = {
            f"{WORKER}/wrangler.toml": 'account_id = "x"\n[env.production.vars]\nREGION = "eu"',
            f"{WORKER}/.dev.vars.example": "# SENTRY_DSN=https://a@b.example/1\n",
        }
        worker = make_worker(reads=("API_KEY", "PLAUSIBLE_KEY", "REGION", "SENTRY_DSN"))

        found = needed(worker, files=files, component={WORKER: {"optional_secrets": ["PLAUSIBLE_KEY"]}})

        assert {name: (each.by, each.optional) for name, each in found.items()} == {
            "API_KEY": (WORKER, False),
            "CLOUDFLARE_API_TOKEN": (WORKER, False),
            "PLAUSIBLE_KEY": (WORKER, True),
            "SENTRY_DSN": (WORKER, True),
        }

    def test_all_examples_of_a_worker_are_read(self) -> None:
        files = {
            f"{WORKER}/wrangler.toml": 'account_id = "x"',
            f"{WORKER}/.dev.vars.example": "API_KEY=first\n",
            f"{WORKER}/.env.sample": "API_KEY=second\nQUEUE_URL=redis://a\n",
        }

        found = needed(make_worker(), files=files)

        assert {name: each.example for name, each in found.items()} == {
            "API_KEY": "first",
            "CLOUDFLARE_API_TOKEN": "",
            "QUEUE_URL": "redis://a",
        }

    def test_declared_secrets_are_needed_too(self) -> None:
        component = {"secrets": ["STRIPE_KEY"], "optional_secrets": ["SENTRY_DSN"], "image": {"secrets": ["NPM"]}}

        found = needed(make_web(), component={"apps/web": component})

        assert {name: each.optional for name, each in found.items()} == {
            "NPM": False,
            "SENTRY_DSN": True,
            "STRIPE_KEY": False,
        }

    def test_settings_override_the_found_names(self) -> None:
        words = {"SECRET_KEY": "optional", "DATABASE_URL": "unneeded", "SENTRY_DSN": "required", "MORE": "required"}
        web = make_web(env_example=".env.example")

        found = needed(web, files={".env.example": EXAMPLE}, deploy_secrets=words)

        assert {name: each.optional for name, each in found.items()} == {
            "MORE": False,
            "SECRET_KEY": True,
            "SENTRY_DSN": False,
        }

    def test_name_that_one_component_requires_is_required(self) -> None:
        web = make_web(env_example=".env.example")
        files = {".env.example": "# BUCKET=x\n", "apps/web/config/settings.py": 'import os\nos.environ["BUCKET"]'}

        assert not needed(web, files=files)["BUCKET"].optional


def absence(*components: Component, files: tuple[str, ...] = (), has_token: bool = False, **settings: Any) -> str:
    """The reason why the catalogue has no check of deploy secrets; empty if it has one."""
    scene = make_scene(make_stack(*components), dict.fromkeys(files, ""), Settings.model_validate(settings))
    catalogue = make_catalogue(replace(scene, has_token=has_token))
    has_it = "deploy_secrets" in {check.name for check in catalogue.checks}
    reasons = [each.reason for each in catalogue.absent if each.name == "deploy_secrets"]
    assert len(reasons) == (not has_it)
    return "".join(reasons)


class TestMembership:
    def test_plan_has_no_check_without_target_and_source(self) -> None:
        assert absence(make_worker(), make_web()).startswith("no deploy target and no source of secrets is known")

    @pytest.mark.parametrize(
        "known",
        [
            {"environment": "production"},
            {"has_token": True},
            {"files": ("doppler.yaml",)},
            {"files": (f"{WORKER}/doppler.yml",)},
            {"doppler_project": "cafe"},
            {"doppler_configs": {"production": "prd"}},
            {"secrets_provider": "doppler"},
            {"component": {WORKER: {"secrets": ["STRIPE_KEY"]}}},
            {"component": {WORKER: {"optional_secrets": ["SENTRY_DSN"]}}},
            {"component": {WORKER: {"image": {"secrets": ["NPM"]}}}},
            {"check": [{"name": "audit", "stage": "quality", "run": "true", "secrets": ["AUDIT"]}]},
            {"deploy_secrets": {"STRIPE_KEY": "optional"}},
        ],
        ids=str,
    )
    def test_plan_has_the_check_with_a_target_or_a_source(self, known: dict[str, Any]) -> None:
        assert absence(make_worker(), **known) == ""

    @pytest.mark.parametrize(
        "unknown",
        [
            {"files": ("docs/doppler.yaml",)},
            {"secrets_provider": "env"},
            {"deploy_secrets": {"STRIPE_KEY": "unneeded"}},
            {"component": {WORKER: {"skip": ["vitest"]}}},
        ],
        ids=str,
    )
    def test_other_files_and_settings_make_no_check(self, unknown: dict[str, Any]) -> None:
        assert absence(make_worker(), **unknown).startswith("no deploy target")

    def test_a_stack_that_needs_no_variable_lacks_it_even_with_a_source(self) -> None:
        assert absence(make_site(), has_token=True) == "the stack asks for no variable that a deploy needs"

    def test_a_target_is_checked_even_if_no_variable_is_known(self) -> None:
        assert absence(make_site(), environment="production") == ""


NEON = "postgresql://owner:p@ep-cool.neon.tech/db?sslmode=require"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "k3y" * 17),
        ("API_KEY", "changeling-but-real"),
        ("NEON_DATABASE_URL", NEON),
        ("DATABASE_URL", "sqlite:///db.sqlite3"),
        ("DATABASE_URL", "postgres://%2Frun%2Fpostgresql/db"),
        ("SENTRY_DSN", "https://0a1b@o1.ingest.sentry.io/2"),
        ("STATIC_URL", "/static/"),
        ("CLOUDFLARE_ACCOUNT_ID", "0123456789abcdef" * 2),
        ("ALLOWED_HOSTS", "example"),
        ("PRIVATE_KEY", "-----BEGIN KEY-----\nabc\n-----END KEY-----\n"),
    ],
)
def test_valid_value_has_no_mistake(name: str, value: str) -> None:
    assert mistake_in(name, value) == ""


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("API_KEY", "change-me", "is a placeholder"),
        ("API_KEY", "CHANGEME", "is a placeholder"),
        ("API_KEY", "<your key here>", "is a placeholder"),
        ("API_TOKEN", "your_token", "is a placeholder"),
        ("SECRET_KEY", "django-insecure-abcdef", "is a placeholder"),
        ("DB_PASSWORD", "xxxx", "is a placeholder"),
        ("DB_PASSWORD", "${DB_PASSWORD}", "is a placeholder"),
        ("API_KEY", "same as in the example", "is a placeholder"),
        ("API_KEY", "value\n", "has spaces around it"),
        ("DATABASE_URL", "/var/db", "is not a URL"),
        ("DATABASE_URL", "db.example.com:5432/x", "is not a URL"),
        ("SENTRY_DSN", "https://", "is not a URL"),
        ("QUEUE_URL", "redis://[::1", "is not a URL"),
        ("QUEUE_URL", "redis://host:99999/0", "is not a URL"),
        ("QUEUE_URL", "https://a b.example/", "is not a URL"),
        ("NEON_DATABASE_URL", "https://ep-cool.neon.tech/sql", "is not the URL of a Postgres database"),
        ("CLOUDFLARE_ACCOUNT_ID", "cafe", "is not an account id"),
    ],
)
def test_invalid_value_is_reported_without_the_value(name: str, value: str, says: str) -> None:
    message = mistake_in(name, value, example="same as in the example")

    assert message.startswith(says)
    assert len(value) < 5 or value not in message


ALL = (
    Needed(name="API_KEY", by=WORKER, file=f"{WORKER}/.dev.vars.example", line=2, example="change-me"),
    Needed(name="NEON_DATABASE_URL", by=WORKER, file=f"{WORKER}/.dev.vars.example", line=5),
    Needed(name="SENTRY_DSN", by="apps/web", optional=True),
)


def looked(hidden: Collection[str] = (), **values: str) -> Result:
    asked: list[list[str]] = []

    def ask(names: Collection[str]) -> Held:
        asked.append([*names])
        return Held(place="cafe/prd", values=values, hidden=frozenset(hidden))

    result = look(ALL, ask)
    assert asked == [["API_KEY", "NEON_DATABASE_URL", "SENTRY_DSN"]]
    return result


class TestCheck:
    def test_check_passes_if_all_names_have_values(self) -> None:
        result = looked(API_KEY="k3y", NEON_DATABASE_URL=NEON, SENTRY_DSN="https://a@b.c/1")

        assert (result.status, result.summary) == (Status.PASSED, "3 names in cafe/prd")

    def test_optional_name_may_be_missing(self) -> None:
        result = looked(API_KEY="k3y", NEON_DATABASE_URL=NEON)

        assert (result.status, result.summary) == (Status.PASSED, "2 names in cafe/prd, without 1 optional")

    def test_wrong_value_of_an_optional_name_fails(self) -> None:
        result = looked(API_KEY="k3y", NEON_DATABASE_URL=NEON, SENTRY_DSN="todo")

        assert (result.status, result.reason_code) == (Status.FAILED, "secrets_misshapen")

    def test_missing_empty_and_wrong_values_are_reported_together(self) -> None:
        result = looked(API_KEY="", SENTRY_DSN="c4n4ry no url")

        assert (result.status, result.reason_code) == (Status.FAILED, "secrets_missing")
        assert result.reason == (
            "cafe/prd: 2 names are missing (API_KEY, NEON_DATABASE_URL), 1 value is wrong (SENTRY_DSN)"
        )
        assert [(each.location, each.message) for each in result.diagnostics] == [
            (f"{WORKER}/.dev.vars.example:2", f"API_KEY is empty in cafe/prd; used by {WORKER}"),
            (f"{WORKER}/.dev.vars.example:5", f"NEON_DATABASE_URL is missing in cafe/prd; used by {WORKER}"),
            ("", "SENTRY_DSN is not a URL in cafe/prd; used by apps/web"),
        ]
        assert "c4n4ry" not in str(result)

    def test_restricted_secret_passes_with_a_warning(self) -> None:
        result = looked(hidden=["API_KEY"], NEON_DATABASE_URL=NEON)

        assert result.passed
        (warning,) = result.diagnostics
        assert (warning.severity, warning.rule) == (Severity.WARNING, "restricted")

    def test_check_without_names_is_skipped(self) -> None:
        def ask(_: Collection[str]) -> Held:
            raise AssertionError("there is nothing to ask for")

        result = look([], ask)

        assert (result.status, result.reason_code) == (Status.SKIPPED, "no_names")
        assert not result.proof.full

    def test_no_answer_is_no_verdict(self) -> None:
        def ask(_: Collection[str]) -> Held:
            raise SecretsError("Doppler does not answer")

        result = look(ALL, ask)

        assert (result.status, result.reason_code, result.reason) == (
            Status.ERRORED,
            "secrets",
            "Doppler does not answer",
        )


@pytest.mark.parametrize(
    ("environment", "is_configured", "status", "code"),
    [
        ("", False, Status.SKIPPED, "no_doppler"),
        ("", True, Status.SKIPPED, "no_target"),
        ("production", False, Status.ERRORED, "secrets"),
    ],
)
def test_check_without_doppler_is_skipped_unless_a_target_is_set(
    environment: str, is_configured: bool, status: Status, code: str
) -> None:
    result = unasked(environment, is_configured)

    assert result is not None
    assert (result.status, result.reason_code) == (status, code)
    assert result.proof.full is (status is Status.ERRORED)


def test_check_with_doppler_and_target_is_done() -> None:
    assert unasked("production", True) is None
