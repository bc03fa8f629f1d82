"""Secrets: the declarations of checks, the choice of a provider, and the errors for missing values."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tasks.catalogue import make_catalogue
from tasks.errors import SecretsError
from tasks.secrets import NO_SECRETS, ProviderContext, Secrets, choose_provider, declared, take_secrets
from tasks.settings import Settings
from tasks.steps import Check
from tests.support.factories import make_check, make_command, make_scene, make_stack

ENVIRON = {"KEY": "from the environment", "OTHER": "not asked for"}


def check(name: str, *secrets: str, **over: Any) -> Check:
    return make_check(name, commands=(make_command(name, secrets=secrets),), **over)


def taken(checks: list[Check], root: Path, environ: Mapping[str, str] = ENVIRON, **settings: Any) -> Secrets:
    around = ProviderContext(environ=environ, root=root, tree={"main.py", "tracked.env"})
    chosen = Settings(**settings)
    return take_secrets(checks, choose_provider(chosen, around), optional=chosen.optional_secrets)


def refused(checks: list[Check], root: Path, **settings: Any) -> str:
    with pytest.raises(SecretsError) as caught:
        taken(checks, root, **settings)
    assert (caught.value.exit_code, caught.value.reason_code) == (3, "secrets")
    return str(caught.value)


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_bytes(text.encode())
    path.chmod(mode)


class TestValues:
    def test_values_are_not_printed(self) -> None:
        secrets = Secrets({"KEY": "canary-value", "A": "another-one"})

        assert f"{secrets} {secrets!r} {[secrets]}" == "Secrets(A, KEY) Secrets(A, KEY) [Secrets(A, KEY)]"
        assert "canary" not in str(secrets.redactor)

    def test_values_cannot_be_pickled(self) -> None:
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(Secrets({"KEY": "canary-value"}))

    def test_command_gets_only_its_declared_secrets(self) -> None:
        secrets = Secrets({"KEY": "canary-value", "A": "another-one"})

        assert secrets.only(("KEY",)) == {"KEY": "canary-value"}
        assert secrets.only(()) == {}


class TestDeclared:
    def test_every_name_is_listed_with_its_checks(self) -> None:
        checks = [check("one", "B", "A"), check("two", "A"), check("three")]

        assert declared(checks) == {"A": ("one[apps/web]", "two[apps/web]"), "B": ("one[apps/web]",)}

    def test_secrets_of_services_are_declared(self) -> None:
        serving = make_check("health", commands=(make_command(services=(make_command("server", secrets=("KEY",)),)),))

        assert declared([serving]) == {"KEY": ("health[apps/web]",)}

    def test_commands_that_run_a_components_code_declare_its_secrets(self) -> None:
        settings = Settings.model_validate({"component": {"apps/web": {"secrets": ["B", "A", "B"]}}})
        catalogue = make_catalogue(make_scene(make_stack(), settings=settings))

        found = {
            each.label: each.secrets
            for check in catalogue.checks
            if check.component == "apps/web"
            for each in check.programs
        }

        without = {label for label, secrets in found.items() if not secrets}
        assert {secrets for secrets in found.values() if secrets} == {("A", "B")}
        assert {"pytest", "mypy", "manage.py migrate", "server"} <= found.keys() - without
        assert {"uv lock --check", "uv pip check", "ruff check", "ruff format --check", "GET /admin/login/"} <= without

    def test_variables_that_the_run_sets_are_not_requested(self) -> None:
        named = ["DATABASE_URL", "SECRET_KEY", "PGPASSWORD", "STRIPE_KEY"]
        settings = Settings.model_validate(
            {"component": {"apps/web": {"secrets": named}, "workers/intake": {"secrets": named}}}
        )
        catalogue = make_catalogue(make_scene(make_stack(), settings=settings))

        by_component = {
            path: set(declared(each for each in catalogue.checks if each.component == path))
            for path in ("apps/web", "workers/intake")
        }

        assert by_component == {"apps/web": {"STRIPE_KEY"}, "workers/intake": set(named)}

    def test_optional_secrets_are_declared_too(self) -> None:
        row = {"name": "audit", "stage": "quality", "run": "audit", "optional_secrets": ["A", "TOKEN"]}
        chosen = {"check": [row], "component": {"apps/web": {"secrets": ["A"], "optional_secrets": ["B"]}}}
        settings = Settings.model_validate(chosen)
        catalogue = make_catalogue(make_scene(make_stack(), settings=settings))

        (audit,) = [each for each in catalogue.checks if each.name == "audit"]

        assert audit.commands[0].secrets == ("A", "TOKEN")
        assert {"A", "B", "TOKEN"} == set(declared(catalogue.checks))
        assert settings.optional_secrets == {"B", "TOKEN"}

    def test_other_components_declare_nothing(self) -> None:
        settings = Settings.model_validate({"component": {"apps/web": {"secrets": ["A"]}}})
        catalogue = make_catalogue(make_scene(make_stack(), settings=settings))

        assert not declared(each for each in catalogue.checks if each.component != "apps/web")

    def test_custom_check_adds_secrets_to_those_of_its_component(self) -> None:
        row = {"name": "audit", "stage": "quality", "run": "audit", "component": "apps/web", "secrets": ["TOKEN"]}
        chosen = {"check": [row], "component": {"apps/web": {"secrets": ["A"]}}}
        catalogue = make_catalogue(make_scene(make_stack(), settings=Settings.model_validate(chosen)))

        (audit,) = [each for each in catalogue.checks if each.name == "audit"]

        assert audit.commands[0].secrets == ("A", "TOKEN")


class TestCredentialsOfThePerson:
    @pytest.mark.parametrize(
        "name", ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "NPM_TOKEN", "UV_INDEX_OURS_PASSWORD", "SSH_AUTH_SOCK"]
    )
    def test_a_stack_gets_them_only_if_the_person_says_so(self, tmp_path: Path, name: str) -> None:
        environ = {name: "canary-value", "STRIPE_KEY": "sk_test"}
        checks = [check("one", name, "STRIPE_KEY")]

        with pytest.raises(SecretsError) as caught:
            taken(checks, tmp_path, environ)

        assert f"{name}, declared by one[apps/web]: it is a credential of the person" in str(caught.value)
        assert "PREDEPLOY_SECRETS_PROVIDER=env" in str(caught.value)
        assert "STRIPE_KEY" not in str(caught.value)
        assert dict(taken(checks, tmp_path, environ, secrets_provider="env")) == environ

    @pytest.mark.parametrize("name", ["AWS_STORAGE_BUCKET_NAME", "STRIPE_SECRET_KEY", "EMAIL_HOST_PASSWORD"])
    def test_secrets_of_an_application_are_handed_over(self, tmp_path: Path, name: str) -> None:
        assert dict(taken([check("one", name)], tmp_path, {name: "a-value"})) == {name: "a-value"}


class TestProviders:
    def test_environment_is_the_default_provider(self, tmp_path: Path) -> None:
        assert dict(taken([check("one", "KEY")], tmp_path)) == {"KEY": "from the environment"}

    def test_secrets_file_is_read(self, tmp_path: Path) -> None:
        write(tmp_path / ".secrets", "KEY=from the file\nOTHER=x\n")

        assert dict(taken([check("one", "KEY")], tmp_path, secrets_file=".secrets")) == {"KEY": "from the file"}

    def test_provider_env_takes_precedence_over_a_file(self, tmp_path: Path) -> None:
        found = taken([check("one", "KEY")], tmp_path, secrets_file="gone", secrets_provider="env")

        assert found["KEY"] == "from the environment"

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("KEY=plain", "plain"),
            ("export KEY='it is # $HOME ${OTHER}'  # a comment", "it is # $HOME ${OTHER}"),
            ("\ufeff# first\n\nOTHER=x\nKEY=unquoted ${OTHER}\n", "unquoted ${OTHER}"),
            ('KEY="-----BEGIN-----\nline\n-----END-----"\nOTHER=x', "-----BEGIN-----\nline\n-----END-----"),
            ('KEY="a\\nb"', "a\nb"),
            ("KEY=first\r\nKEY=last\r\n", "last"),
        ],
    )
    def test_syntax_of_a_secrets_file(self, tmp_path: Path, text: str, value: str) -> None:
        write(tmp_path / "s", text)

        assert taken([check("one", "KEY")], tmp_path, secrets_file="s")["KEY"] == value

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622])
    def test_file_that_other_users_can_access_is_refused(self, tmp_path: Path, mode: int) -> None:
        write(tmp_path / "s", "KEY=canary", mode)

        message = refused([check("one", "KEY")], tmp_path, secrets_file="s")

        assert message.startswith(f"secrets_file: other users can read s (mode {mode:04o}). ")
        assert message.endswith("chmod 600 s")

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"KEY=x\n\nOTHER='canary\nx", "s:3 is not NAME=value"),
            (b"KEY=x\xff", "s is not UTF-8"),
        ],
    )
    def test_malformed_file_is_refused_without_its_content(self, tmp_path: Path, content: bytes, says: str) -> None:
        (tmp_path / "s").write_bytes(content)
        (tmp_path / "s").chmod(0o600)

        message = refused([check("one", "KEY")], tmp_path, secrets_file="s")

        assert says in message
        assert "canary" not in message

    @pytest.mark.parametrize(
        ("settings", "says"),
        [
            ({"secrets_file": "gone"}, "gone cannot be read: No such file"),
            ({"secrets_file": "."}, ". cannot be read: Is a directory"),
            ({"secrets_file": "tracked.env"}, "tracked.env is part of the tree"),
            ({"secrets_file": "./a/../tracked.env"}, "is part of the tree"),
            ({"secrets_provider": "file"}, "secrets_file is not set"),
        ],
    )
    def test_unusable_secrets_file_is_refused(self, tmp_path: Path, settings: Any, says: str) -> None:
        write(tmp_path / "tracked.env", "KEY=x")

        assert says in refused([check("one", "KEY")], tmp_path, **settings)

    def test_no_provider_is_used_without_declared_secrets(self, tmp_path: Path) -> None:
        assert taken([check("one")], tmp_path, secrets_file="gone") == NO_SECRETS


class TestMissing:
    def test_all_missing_secrets_are_reported_at_once(self, tmp_path: Path) -> None:
        checks = [check("one", "GONE", "KEY", "EMPTY"), check("two", "GONE")]

        message = refused(checks, tmp_path, environ={"KEY": "canary", "EMPTY": ""})

        assert message.splitlines() == [
            "2 secrets have no value in the environment of this command:",
            "  EMPTY, declared by one[apps/web]",
            "  GONE, declared by one[apps/web], two[apps/web]",
            "Set them there, use another provider (secrets_provider), or remove the names from predeploy.toml.",
        ]

    def test_optional_secrets_may_be_missing(self, tmp_path: Path) -> None:
        optional = {"check": [{"name": "one", "stage": "quality", "run": "x", "optional_secrets": ["GONE"]}]}
        settings = Settings.model_validate(optional)

        found = taken([check("one", "KEY", "GONE")], tmp_path, check=settings.check)

        assert dict(found) == {"KEY": "from the environment"}
        assert found.only(("KEY", "GONE")) == {"KEY": "from the environment"}
        assert "  OTHERS, declared by" in refused([check("one", "OTHERS", "GONE")], tmp_path, check=settings.check)

    def test_error_names_the_secrets_file(self, tmp_path: Path) -> None:
        write(tmp_path / "s", "OTHER=x\nKEY")

        assert "a secret has no value in the file s:" in refused([check("one", "KEY")], tmp_path, secrets_file="s")

    def test_provider_none_has_no_secret(self, tmp_path: Path) -> None:
        message = refused([check("one", "KEY")], tmp_path, secrets_provider="none")

        assert message.startswith('a secret has no value in the empty provider (secrets_provider is "none"):')
