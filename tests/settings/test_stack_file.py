"""The `predeploy.toml` of a stranger: it has no power over the machine, and nothing in it exhausts its reader."""

import os
import time
from pathlib import Path

import pytest

from tasks.errors import SettingsError
from tasks.settings import Settings, load_settings, usable_settings
from tasks.settings.models import STACK_RULES
from tasks.settings.stack_file import LIMIT

MACHINE = "a stack does not decide what this machine runs, reads or writes. Remove the key, and set it with"


def mistakes(stack: Path, toml: str | bytes | None = None) -> tuple[str, ...]:
    if toml is not None:
        (stack / "predeploy.toml").write_bytes(toml.encode() if isinstance(toml, str) else toml)
    with pytest.raises(SettingsError) as caught:
        load_settings(stack, {}, {})
    assert caught.value.exit_code == 2
    return caught.value.problems


class TestPower:
    def test_every_setting_says_whether_a_stack_may_set_it(self) -> None:
        assert STACK_RULES.keys() == Settings.model_fields.keys()

    @pytest.mark.parametrize(
        ("toml", "way_out"),
        [
            ('export_image = "~/.ssh/id_rsa"', f"{MACHINE} --export-image or PREDEPLOY_EXPORT_IMAGE"),
            ('export_built = "../out"', f"{MACHINE} --export-built or PREDEPLOY_EXPORT_BUILT"),
            ('publish = "registry.example/cafe:1"', f"{MACHINE} --publish or PREDEPLOY_PUBLISH"),
            ('engine = "local"', f"{MACHINE} --engine or PREDEPLOY_ENGINE"),
            ('images = { uv = "evil.example/uv:1" }', f"{MACHINE} PREDEPLOY_IMAGES"),
            ('secrets_provider = "env"', "a stack does not take variables of the person's environment. Remove the key"),
            ('secrets_file = "/etc/shadow"', "a stack names only files below itself. Remove the key"),
            ('secrets_file = "~/.netrc"', "a stack names only files below itself. Remove the key"),
            ('secrets_file = "a/../../other/.env"', "a stack names only files below itself. Remove the key"),
        ],
    )
    def test_key_with_power_over_the_machine_is_refused(self, tmp_path: Path, toml: str, way_out: str) -> None:
        (problem,) = mistakes(tmp_path, f"jobs = 2\n{toml}\n")

        assert problem.startswith(f"predeploy.toml:2: {toml.partition(' ')[0]}: {way_out}")

    def test_link_out_of_the_stack_is_no_file_below_it(self, tmp_path: Path) -> None:
        stack = tmp_path / "stack"
        stack.mkdir()
        (stack / "home").symlink_to(tmp_path)

        assert "a stack names only files below itself" in mistakes(stack, 'secrets_file = "home/.netrc"')[0]

    def test_values_without_effect_and_files_below_the_stack_are_accepted(self, tmp_path: Path) -> None:
        text = 'engine = "auto"\npublish = ""\nsecrets_file = "conf/.secrets"\nsecrets_provider = "doppler"\n'
        (tmp_path / "predeploy.toml").write_text(text)

        assert load_settings(tmp_path, {}, {}).secrets_file == "conf/.secrets"

    def test_flags_and_environment_keep_all_power(self, tmp_path: Path) -> None:
        environ = {"PREDEPLOY_SECRETS_FILE": "/run/secrets", "PREDEPLOY_SECRETS_PROVIDER": "env"}
        settings = load_settings(tmp_path, {"export_image": "/out.tar", "engine": "dagger"}, environ)

        assert (settings.export_image, settings.engine) == ("/out.tar", "dagger")
        assert (settings.secrets_file, settings.secrets_provider) == ("/run/secrets", "env")

    def test_key_in_the_file_of_the_deployed_commit_has_no_effect(self, tmp_path: Path) -> None:
        (tmp_path / "predeploy.toml").write_text('engine = "dagger"\njobs = 7\n')

        settings = load_settings(tmp_path, {}, {}, is_deployed=True)

        assert (settings.engine, settings.jobs) == ("auto", 7)


class TestFile:
    def test_a_link_in_the_stack_is_followed(self, tmp_path: Path) -> None:
        (tmp_path / "conf").mkdir()
        (tmp_path / "conf/p.toml").write_text("jobs = 7")
        (tmp_path / "predeploy.toml").symlink_to("conf/p.toml")

        assert load_settings(tmp_path, {}, {}).jobs == 7

    @pytest.mark.parametrize("target", ["/dev/zero", "/dev/stdin", "../other.toml"])
    def test_a_link_out_of_the_stack_is_not_read(self, tmp_path: Path, target: str) -> None:
        (tmp_path / "other.toml").write_text("jobs = 7")
        (tmp_path / "stack").mkdir()
        (tmp_path / "stack/predeploy.toml").symlink_to(target)

        (problem,) = mistakes(tmp_path / "stack")
        assert problem.startswith("predeploy.toml: is a symlink out of the stack")
        assert usable_settings(tmp_path / "stack") is None

    def test_a_circle_of_links_is_a_mistake(self, tmp_path: Path) -> None:
        (tmp_path / "predeploy.toml").symlink_to("predeploy.toml")

        assert mistakes(tmp_path)[0].startswith("predeploy.toml: cannot be read: Too many levels of symbolic links")

    def test_a_fifo_does_not_stop_the_run(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "predeploy.toml")

        assert mistakes(tmp_path)[0].startswith("predeploy.toml: is neither a file nor a link to one")

    def test_a_large_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "predeploy.toml").touch()
        os.truncate(tmp_path / "predeploy.toml", 1 << 40)  # sparse: it takes no space

        assert mistakes(tmp_path)[0] == "predeploy.toml: is larger than 1 MiB. Remove what is no setting"


LEVELS = 100_000
EXPLOSIONS: dict[str, str | bytes] = {
    "lists": f"only = {'[' * LEVELS}",
    "closed lists": f"only = {'[' * LEVELS}{']' * LEVELS}",
    "tables": f"env = {'{a=' * LEVELS}1{'}' * LEVELS}",
    "a long key": f"{'a.' * LEVELS}b = 1",
    "a long header": f"[{'a.' * LEVELS}b]",
    "lists over lines": "only = " + "[\n" * LEVELS,
    "unclosed text": 'only = "' + "[" * LEVELS,
    "a number with many digits": f"jobs = {'9' * LEVELS}",
    "a hexadecimal number": f"jobs = 0x{'f' * LEVELS}",
    "unknown keys": "\n".join(f"a{number} = 1" for number in range(80_000)),
    "wrong rows": "[[check]]\n" * 100_000,
    "wrong items": f"only = [{'1,' * 400_000}]",
    "wrong variables": "[env]\n" + "\n".join(f'"-{number}" = 1' for number in range(60_000)),
    "a few thousand unknown keys": "\n".join(f"a{number} = 1" for number in range(15_000)),
    "a few thousand wrong items": f"only = [{'1,' * 15_000}]",
    "a NUL": 'base = "a\\u0000b"',
    "a NUL in a key": '[component."a\\u0000b"]',
    "a NUL deep inside": '[[check]]\nname = "a"\nstage = "build"\nrun = ["a", "b\\u0000"]',
    "binary": b"\x00\x01\x02",
    "surrogates": b"\xed\xa0\x80",
}


@pytest.mark.parametrize("name", EXPLOSIONS)
def test_text_that_exhausts_a_parser_is_a_mistake(tmp_path: Path, name: str) -> None:
    toml = EXPLOSIONS[name]
    assert len(toml) < LIMIT

    begun = time.process_time()
    problems = mistakes(tmp_path, toml)

    assert len(problems) <= 201
    assert all(len(problem) < 1000 for problem in problems)
    assert time.process_time() - begun < 20  # without limits: hours, or all memory
