"""Settings: the order of sources, and the texts for mistakes."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from tasks.errors import SettingsError
from tasks.models import Stage
from tasks.settings import Settings, load_settings, settings_schema, unknown_variables
from tasks.settings.toml_lines import toml_lines

STAGES = "must be 'build', 'quality' or 'integration'"
VARIABLE = "must be the name of an environment variable: letters, digits and _"
IMAGES = "must be 'python', 'node', 'postgres' or 'uv'"
REFERENCE = "must be an image with a tag or a digest, as in 'docker.io/library/python:3.13-slim'"
VERSIONLESS = "postgres must not contain {version}: only python and node can"
BELOW = "must be a path below the stack's root, relative to it"
UNSPLIT = "cannot be split into words: no closing quotation"
SERVER = "gunicorn 'a"


def loaded(
    tmp_path: Path, toml: str = "", environ: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None
) -> Settings:
    (tmp_path / "predeploy.toml").write_text(toml)
    return load_settings(tmp_path, flags or {}, environ or {})


def mistakes(tmp_path: Path, toml: str = "", environ: Mapping[str, str] | None = None, **rest: Any) -> list[str]:
    (tmp_path / "predeploy.toml").write_text(toml)
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, rest.pop("flags", {}), environ or {}, **rest)
    assert str(caught.value) == "\n".join(caught.value.problems)
    assert caught.value.exit_code == 2
    return list(caught.value.problems)


class TestPrecedence:
    def test_defaults(self, tmp_path: Path) -> None:
        settings = load_settings(tmp_path, {}, {})

        assert settings == Settings()
        assert (settings.engine, settings.output, settings.budget, settings.stages) == ("auto", "auto", None, ())
        assert settings.jobs is None

    def test_file_overrides_the_defaults(self, tmp_path: Path) -> None:
        assert loaded(tmp_path, "jobs = 7").jobs == 7

    def test_environment_overrides_the_file(self, tmp_path: Path) -> None:
        assert loaded(tmp_path, "jobs = 7", {"PREDEPLOY_JOBS": "5"}).jobs == 5

    def test_flag_overrides_the_environment(self, tmp_path: Path) -> None:
        assert loaded(tmp_path, "jobs = 7", {"PREDEPLOY_JOBS": "5"}, {"jobs": 3}).jobs == 3

    @pytest.mark.parametrize(("flag", "value"), [("fail_fast", False), ("only", []), ("budget", None)])
    def test_false_flag_overrides_the_environment(self, tmp_path: Path, flag: str, value: object) -> None:
        settings = loaded(tmp_path, 'fail_fast = true\nonly = ["mypy"]\nbudget = 9', flags={flag: value})

        assert not getattr(settings, flag)

    def test_a_source_replaces_the_whole_value_of_another(self, tmp_path: Path) -> None:
        settings = loaded(tmp_path, '[env]\nA = "file"\nB = "file"', {"PREDEPLOY_ENV": '{"A": "variable"}'})

        assert settings.env == {"A": "variable"}

    def test_a_base_may_be_set_in_each_place(self, tmp_path: Path) -> None:
        assert loaded(tmp_path).base == ""
        assert loaded(tmp_path, 'base = "origin/live"').base == "origin/live"
        assert loaded(tmp_path, 'base = "origin/live"', {"PREDEPLOY_BASE": "v2"}).base == "v2"
        assert loaded(tmp_path, 'base = "origin/live"', {"PREDEPLOY_BASE": "v2"}, {"base": "v3"}).base == "v3"

    def test_an_empty_variable_sets_nothing(self, tmp_path: Path) -> None:
        assert loaded(tmp_path, "jobs = 7", {"PREDEPLOY_JOBS": ""}).jobs == 7

    def test_only_the_variables_given_are_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PREDEPLOY_JOBS", "11")

        assert loaded(tmp_path, "jobs = 7").jobs == 7
        assert Settings().jobs != 11


class TestValues:
    def test_lists_in_variables(self, tmp_path: Path) -> None:
        environ = {"PREDEPLOY_STAGES": "build, quality", "PREDEPLOY_ONLY": '["mypy[apps/web]", "pytest"]'}
        settings = loaded(tmp_path, environ=environ)

        assert settings.stages == (Stage.BUILD, Stage.QUALITY)
        assert settings.only == ("mypy[apps/web]", "pytest")

    def test_a_component(self, tmp_path: Path) -> None:
        toml = """
            [component."./apps/web/"]
            settings = "config.settings.production"
            health = "/up"
            server = "gunicorn 'config.wsgi:application' --bind 0.0.0.0:8000"
            env.DEBUG = "0"
            skip = ["mypy"]
        """
        component = loaded(tmp_path, toml).component["apps/web"]

        assert component.server == ("gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000")
        assert (component.settings, component.health, component.env) == (
            "config.settings.production",
            ("/up",),
            {"DEBUG": "0"},
        )
        assert (component.skip, component.build, component.output) == (("mypy",), None, None)

    def test_a_check(self, tmp_path: Path) -> None:
        toml = """
            [[check]]
            name = "licences"
            stage = "quality"
            component = "apps/web"
            run = ["python", "tools/licences.py", "a b"]
            environment = "development"
            needs = ["mypy"]
            verdicts = [1, 3]
            limit = 30
        """
        (check,) = loaded(tmp_path, toml).check

        assert (check.name, check.stage, check.component) == ("licences", Stage.QUALITY, "apps/web")
        assert check.run == ("python", "tools/licences.py", "a b")
        assert (check.needs, check.verdicts, check.limit, check.database) == (("mypy",), (1, 3), 30.0, "")

    def test_images(self, tmp_path: Path) -> None:
        digest = "sha256:" + "0a" * 32
        given = {
            "python": "docker.io/library/python:{version}-slim",
            "node": f"registry.example:5000/team/node_{{version}}@{digest}",
            "postgres": f"localhost:5000/postgres:17@{digest}",
            "uv": "ghcr.io/astral-sh/uv:0.9.2",
        }
        images = loaded(tmp_path, environ={"PREDEPLOY_IMAGES": json.dumps(given)}).images

        assert images["python"].format(version="3.13") == "docker.io/library/python:3.13-slim"
        assert images == given

    def test_settings_are_frozen(self) -> None:
        with pytest.raises(ValidationError, match="frozen"):
            Settings().jobs = 3  # type: ignore[misc]


class TestMistakes:
    @pytest.mark.parametrize(
        ("toml", "problem"),
        [
            ("\njbos = 2", "predeploy.toml:2: jbos: no such key; did you mean 'jobs'?"),
            (
                'stages = [\n  "build",\n  "qualty",\n]',
                f"predeploy.toml:3: stages[1]: {STAGES} (got 'qualty'; did you mean 'quality'?)",
            ),
            ('engine = "docker"', "predeploy.toml:1: engine: must be 'auto', 'dagger' or 'local' (got 'docker')"),
            ("jobs = 0", "predeploy.toml:1: jobs: must be at least 1 (got 0)"),
            ("jobs = 1.5", "predeploy.toml:1: jobs: must be a whole number (got 1.5)"),
            ('budget = "long"', "predeploy.toml:1: budget: must be a number (got 'long')"),
            ("budget = 0", "predeploy.toml:1: budget: must be more than 0 (got 0)"),
            ("budget = inf", "predeploy.toml:1: budget: must be a number (got inf)"),
            ('fail_fast = "later"', "predeploy.toml:1: fail_fast: must be true or false (got 'later')"),
            ("only = 3", "predeploy.toml:1: only: must be a list (got 3)"),
            ('env = "A=1"', "predeploy.toml:1: env: must be a table (got a string)"),
            ("[env]\nSECRET = 12", "predeploy.toml:2: env.SECRET: must be a string (got a number)"),
            (
                '[env]\n"MY-VAR" = "x"',
                f"predeploy.toml:2: env.MY-VAR: {VARIABLE}",
            ),
            (
                '[component.web.image]\ntarge = "prod"',
                "predeploy.toml:2: component.web.image.targe: no such key; did you mean 'target'?",
            ),
            (
                '[component.web]\nimage = "Dockerfile"',
                "predeploy.toml:2: component.web.image: must be a table (got 'Dockerfile')",
            ),
            (
                "[component.web]\nimage.args.VERSION = 3",
                "predeploy.toml:2: component.web.image.args.VERSION: must be a string (got 3)",
            ),
            (
                '[component.web]\nimage = { secrets = ["PIP-TOKEN"] }',
                f"predeploy.toml:2: component.web.image.secrets[0]: {VARIABLE} (got 'PIP-TOKEN')",
            ),
            (
                '[component.web]\nimage.dockerfile = "/Dockerfile"',
                f"predeploy.toml:2: component.web.image.dockerfile: {BELOW} (got '/Dockerfile')",
            ),
            ('images.pyton = "a:1"', f"predeploy.toml:1: images.pyton: {IMAGES} (got 'pyton'; did you mean 'python'?)"),
            ('[images]\nuv = "a/uv"', f"predeploy.toml:2: images.uv: {REFERENCE} (got 'a/uv')"),
            ('[images]\nnode = "Node:22"', f"predeploy.toml:2: images.node: {REFERENCE} (got 'Node:22')"),
            ('[images]\nnode = "node: 22"', f"predeploy.toml:2: images.node: {REFERENCE} (got 'node: 22')"),
            (
                '[images]\npostgres = "postgres:{version}"',
                f"predeploy.toml:1: images: {VERSIONLESS} (got a table)",
            ),
            ("limits.mypy = -1", "predeploy.toml:1: limits.mypy: must be more than 0 (got -1)"),
            (
                'exclude = ["../other"]',
                f"predeploy.toml:1: exclude[0]: {BELOW} (got '../other')",
            ),
            (
                '[worker.intake.e2e]\ntabel = "x"',
                "predeploy.toml:2: worker.intake.e2e.tabel: no such key; did you mean 'table'?",
            ),
            (
                "[worker.intake]\ne2 = {}",
                "predeploy.toml:2: worker.intake.e2: no such key; did you mean 'e2e'?",
            ),
            (
                "[worker.intake.e2e]\nstatus = [201, 99]",
                "predeploy.toml:2: worker.intake.e2e.status[1]: must be at least 200 (got 99)",
            ),
            (
                '[worker.intake.e2e]\npath = "form"',
                "predeploy.toml:2: worker.intake.e2e.path: must be the path of a URL, as in '/health' (got 'form')",
            ),
            (
                '[worker.intake.e2e]\nkey_header = "X Key"',
                (
                    "predeploy.toml:2: worker.intake.e2e.key_header: must be the name of a header, as in 'X-API-Key' "
                    "(got 'X Key')"
                ),
            ),
            (
                '[worker.intake.e2e]\ntable = "a..b"',
                (
                    "predeploy.toml:2: worker.intake.e2e.table: must be the name of a table, as in 'inbox_submission' "
                    "(got 'a..b')"
                ),
            ),
            (
                "[worker.intake.e2e]\npayload = { when = 2026-01-01 }",
                (
                    "predeploy.toml:2: worker.intake.e2e.payload.when: must be text, a number, true or false, "
                    "a list or a table (got a date)"
                ),
            ),
            (
                '[component."apps/web"]\nhealt = "/"',
                "predeploy.toml:2: component.\"apps/web\".healt: no such key; did you mean 'health'?",
            ),
            (
                '[component.web]\nhealth = "up"',
                "predeploy.toml:2: component.web.health: must be the path of a URL, as in '/health' (got 'up')",
            ),
            (
                f'[component.web]\nserver = "{SERVER}"',
                f"predeploy.toml:2: component.web.server: {UNSPLIT} (got {SERVER!r})",
            ),
            (
                '[component.web]\n[component."./web"]',
                'predeploy.toml:2: component."./web": names web a second time. Put both into one table',
            ),
            ('[[check]]\nname = "a"\nrun = "b"', "predeploy.toml:1: check[0].stage: is missing"),
            (
                '[[check]]\nname = "a"\nstage = "build"\nrun = []',
                "predeploy.toml:4: check[0].run: must name a program (got a list)",
            ),
            (
                '[[check]]\nname = "a b"\nstage = "build"\nrun = "b"',
                "predeploy.toml:2: check[0].name: must be a letter followed by letters, digits, - or _ (got 'a b')",
            ),
            (
                '[[check]]\nname = "a"\nstage = "build"\nrun = "b"\nverdicts = []',
                "predeploy.toml:5: check[0].verdicts: must not be empty (got a list)",
            ),
            (
                'check = [\n{name = "a", stage = "build", run = "b"},\n{name = "a", stage = "build", run = "c"},\n]',
                "predeploy.toml:3: check[1].name: is the name of a check above (got 'a'). Rename it",
            ),
            ("jobs = 2\nbudget = ,\n", "predeploy.toml:2:10: is not TOML: invalid value"),
            ("a = 1\na = 2\nb = 3", "predeploy.toml:2:6: is not TOML: cannot overwrite a value"),
            ('a = 1\n\nb = """', "predeploy.toml:3: is not TOML: unterminated string"),
        ],
    )
    def test_mistake_in_the_file_is_reported(self, tmp_path: Path, toml: str, problem: str) -> None:
        assert mistakes(tmp_path, toml) == [problem]

    def test_unknown_key_without_a_near_one_lists_all_keys(self, tmp_path: Path) -> None:
        (problem,) = mistakes(tmp_path, "[component.web]\nxyz = 1")

        keys = "build, env, health, image, install, optional_secrets, output, secrets, server, settings, skip"
        assert problem == f"predeploy.toml:2: component.web.xyz: no such key; the keys are {keys}"

    @pytest.mark.parametrize(
        ("name", "value", "problem"),
        [
            ("STAGES", "build,tests", "PREDEPLOY_STAGES: must be 'build', 'quality' or 'integration' (got 'tests')"),
            ("JOBS", "many", "PREDEPLOY_JOBS: must be a whole number (got 'many')"),
            ("JSON_OUTPUT", "maybe", "PREDEPLOY_JSON_OUTPUT: must be true or false (got 'maybe')"),
            ("ENV", "A=secret", "PREDEPLOY_ENV: must be a table, written as a JSON object (got a string)"),
            ("ENV", '{"A": "secret"', "PREDEPLOY_ENV: must be a table, written as a JSON object (got a string)"),
            ("LIMITS", '{"mypy": "x"}', "PREDEPLOY_LIMITS: limits.mypy: must be a number (got 'x')"),
        ],
    )
    def test_mistake_in_the_environment_is_reported(self, tmp_path: Path, name: str, value: str, problem: str) -> None:
        assert mistakes(tmp_path, environ={f"PREDEPLOY_{name}": value}) == [problem]

    def test_mistake_on_the_command_line_is_reported(self, tmp_path: Path) -> None:
        problems = mistakes(tmp_path, flags={"stages": ["build", "integraton"], "jobs": "0", "fail_fast": True})

        assert problems == [
            "--stage: must be 'build', 'quality' or 'integration' (got 'integraton'; did you mean 'integration'?)",
            "--jobs: must be at least 1 (got '0')",
        ]

    def test_all_mistakes_are_reported_at_once(self, tmp_path: Path) -> None:
        toml = '[[check]]\nname = "mypy"\nstage = "quality"\nrun = "b"\nparser = "rufff"\n[limits]\nmypy = 0'
        problems = mistakes(
            tmp_path,
            toml,
            {"PREDEPLOY_JOBS": "x"},
            flags={"budget": -1},
            reserved={"mypy"},
            parsers={"ruff", "plain"},
        )

        assert problems == [
            "predeploy.toml:2: check[0].name: is the name of a check of the catalogue (got 'mypy'). Rename it",
            "predeploy.toml:5: check[0].parser: no such parser (got 'rufff'; did you mean 'ruff'?)",
            "predeploy.toml:7: limits.mypy: must be more than 0 (got 0)",
            "PREDEPLOY_JOBS: must be a whole number (got 'x')",
            "--budget: must be more than 0 (got -1)",
        ]

    def test_mistake_that_another_source_overrides_is_reported(self, tmp_path: Path) -> None:
        assert mistakes(tmp_path, "jobs = 0", flags={"jobs": 2}) == [
            "predeploy.toml:1: jobs: must be at least 1 (got 0)"
        ]

    def test_settings_file_that_is_a_directory_is_reported(self, tmp_path: Path) -> None:
        (tmp_path / "predeploy.toml").mkdir()

        with pytest.raises(SettingsError) as caught:
            load_settings(tmp_path, {}, {})
        assert str(caught.value) == (
            "predeploy.toml: cannot be read: Is a directory. Make it a readable file, or remove it"
        )

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_unreadable_settings_file_is_reported(self, tmp_path: Path) -> None:
        (tmp_path / "predeploy.toml").touch(mode=0)

        with pytest.raises(SettingsError, match="cannot be read: Permission denied"):
            load_settings(tmp_path, {}, {})

    def test_settings_file_in_another_encoding_is_reported(self, tmp_path: Path) -> None:
        (tmp_path / "predeploy.toml").write_bytes(b"jobs = 2\n# caf\xe9\n")

        with pytest.raises(SettingsError) as caught:
            load_settings(tmp_path, {}, {})
        assert str(caught.value) == "predeploy.toml:2: is not UTF-8. Save it as UTF-8"

    def test_unknown_variables_are_warnings(self) -> None:
        environ = {"PREDEPLOY_JSON_OUTPUT": "1", "PREDEPLOY_PYTHON": "python3", "PREDEPLOY_STAGE": "build", "HOME": "/"}

        assert unknown_variables(environ) == (
            "PREDEPLOY_STAGE is set, but no setting has this name; did you mean PREDEPLOY_STAGES?",
        )


DOCUMENT = r'''# comment = 1
title = "a # b" # comment
"quoted \u00e9" . 'part' = 1

list = [ # comment ]
  "x, y", # [
  ['in', "ner"],
  { a = 1, b.c = [ 2,
    3 ] },
]
text = """
fake = 1
[fake]
\""""
raw = \'\'\'
fake = '' \'\'\'
when = 1979-05-27 07:32:00
[ a . b ]
x = -1_0.5e3
[[row]]
name = ""
[row.sub]
deep = true
[[row.inner]]
[[row]]
[row.sub]
deep = false
'''.replace("\\'\\'\\'", "'''")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_part_of_a_document_has_its_line(newline: str) -> None:
    assert toml_lines(DOCUMENT.replace("\n", newline)) == {
        ("title",): 2,
        ("quoted é",): 3,
        ("quoted é", "part"): 3,
        ("list",): 5,
        ("list", 0): 6,
        ("list", 1): 7,
        ("list", 1, 0): 7,
        ("list", 1, 1): 7,
        ("list", 2): 8,
        ("list", 2, "a"): 8,
        ("list", 2, "b"): 8,
        ("list", 2, "b", "c"): 8,
        ("list", 2, "b", "c", 0): 8,
        ("list", 2, "b", "c", 1): 9,
        ("text",): 11,
        ("raw",): 15,
        ("when",): 17,
        ("a",): 18,
        ("a", "b"): 18,
        ("a", "b", "x"): 19,
        ("row",): 20,
        ("row", 0): 20,
        ("row", 0, "name"): 21,
        ("row", 0, "sub"): 22,
        ("row", 0, "sub", "deep"): 23,
        ("row", 0, "inner"): 24,
        ("row", 0, "inner", 0): 24,
        ("row", 1): 25,
        ("row", 1, "sub"): 26,
        ("row", 1, "sub", "deep"): 27,
    }


class TestSchema:
    def test_schema_describes_every_key(self) -> None:
        schema = settings_schema()
        objects = [schema, *schema["$defs"].values()]
        undescribed = [
            key for part in objects for key, value in part.get("properties", {}).items() if "description" not in value
        ]

        assert undescribed == []

    def test_schema_accepts_valid_settings(self) -> None:
        jsonschema.validate(
            {"stages": ["build"], "check": [{"name": "a", "stage": "build", "run": "make a"}]}, settings_schema()
        )

    def test_schema_refuses_an_unknown_key(self) -> None:
        with pytest.raises(jsonschema.ValidationError, match="jbos"):
            jsonschema.validate({"jbos": 2}, settings_schema())
