"""How a stack itself calls its quality tools: CI, recipes, hooks and documents."""

import pytest

from tasks.discovery.calls.file_steps import shell_line
from tasks.discovery.calls.reader import read_calls
from tasks.discovery.file_view import FileView
from tasks.stack import CallSource, ToolCall
from tests.discovery.trees import django, python

Shown = tuple[str, str]


def calls(files: dict[str, str]) -> tuple[ToolCall, ...]:
    return read_calls(FileView(files, lambda path: files[path]))


def shown(call: ToolCall) -> Shown:
    """The source, and the call as one line."""
    return call.source.name, " ".join((call.tool, *call.options, *call.paths))


def workflow(*steps: str, job: str = "", on: str = "push", top: str = "") -> dict[str, str]:
    """A workflow whose one job has these steps, each as YAML in braces."""
    listed = "".join(f"      - {step}\n" for step in steps)
    text = f"on: {on}\n{top}jobs:\n  test:\n    runs-on: ubuntu-latest\n{job}    steps:\n{listed}"
    return {".github/workflows/ci.yml": text}


def ran(script: str) -> list[Shown]:
    """The calls in a script of CI."""
    lines = "".join(f"          {line}\n" for line in script.splitlines())
    return [shown(call) for call in calls(workflow(f"run: |\n{lines}") | {"x.py": ""})]


@pytest.mark.parametrize(
    ("script", "call"),
    [
        ("pytest tests/unit", "pytest tests/unit"),
        ("uv run pytest -m 'not e2e' -n logical", "pytest -m not e2e -n logical"),
        ("uv run --no-sync flake8 . --count --select=E9,F63 --show-source", "flake8 --select=E9,F63 ."),
        ("poetry run black --check --diff src", "black src"),
        ("python -Wd -m coverage run manage.py test -v2", "manage.py test"),
        ("coverage run --source=. --module manage test --verbosity 2 a b", "manage.py test a b"),
        ("./manage.py test --parallel --keepdb", "manage.py test --parallel"),
        ("python netbox/manage.py test netbox/ --parallel 4", "manage.py test --parallel 4 netbox/"),
        ("docker compose run --rm web python manage.py test --parallel", "manage.py test --parallel"),
        ('docker compose run --rm app sh -lc "flake8 . --count"', "flake8 ."),
        ("ruff check --fix --output-format=github .", "ruff check ."),
        ("ruff src", "ruff check src"),
        ("uvx ruff@0.9.1 format --check", "ruff format"),
        ("mypy --strict --show-traceback hc", "mypy --strict hc"),
        ("isort --check-only --profile black .", "isort --profile black ."),
        ("DB=sqlite python -m pytest $ARGS --junitxml out.xml", "pytest"),
        ("pytest -m $MARKS tests", "pytest tests"),
        ("set -e; cd api && pytest 2>&1 | tee out", "pytest"),
        ("if command -v ruff; then ruff check .; fi", "ruff check ."),
        ("pytest \\\n  -m slow \\\n  tests", "pytest -m slow tests"),
    ],
)
def test_call_in_a_script(script: str, call: str) -> None:
    assert ran(script) == [("CI", call)]


@pytest.mark.parametrize(
    "script",
    [
        "pip install ruff pytest",
        "uv add --dev pytest",
        "uv pip install mypy",
        "ruff --version",
        "flake8 . --exit-zero",
        "mypy . || true",
        "echo pytest tests",
        "python manage.py migrate",
        "pytest --collect-only",
        "cat <<EOF > run.sh\npytest\nEOF",
        "ruff 'unclosed",
    ],
)
def test_command_that_checks_nothing_is_no_call(script: str) -> None:
    assert ran(script) == []


def test_call_has_the_place_directory_variables_and_services_of_its_job() -> None:
    job = "    env: {A: 1, OPEN: '${{ secrets.X }}'}\n    services:\n      cache: {image: 'redis:7'}\n"
    step = "{run: 'python manage.py test', working-directory: api, env: {B: two, C: true}}"

    (call,) = calls(workflow(step, job=job) | {"api/manage.py": ""})

    assert (call.directory, call.script, call.services) == ("api", "manage.py", ("redis",))
    assert call.env == (("A", "1"), ("B", "two"), ("C", "true"))
    assert (call.file, call.line) == (".github/workflows/ci.yml", 9)


def test_directory_that_ci_generates_is_found_by_its_end() -> None:
    (call,) = calls(workflow("{run: pytest, working-directory: generated/api}") | {"api/manage.py": ""})

    assert call.directory == "api"


@pytest.mark.parametrize(
    ("on", "count"),
    [
        ("[push, pull_request]", 1),
        ("{pull_request: {paths: ['**.py']}}", 1),
        ("{pull_request: {paths: ['**/migrations/**']}}", 0),
        ("{schedule: [{cron: '0 0 * * *'}]}", 0),
        ("workflow_dispatch", 0),
    ],
)
def test_only_workflows_for_commits_count(on: str, count: int) -> None:
    files = workflow("run: pytest", on=on) | {"a/models.py": "", "a/migrations/0001.py": ""}

    assert len(calls(files)) == count


MAKEFILE = """APPS ?= shop blog
.PHONY: test
test: lint
\t@python -m coverage run --module manage test $(APPS)
lint:
\truff check . --fix
format:
\truff format .
"""


def test_recipes_that_ci_runs_count_as_ci() -> None:
    found = [shown(call) for call in calls(workflow("run: uv run make test") | {"Makefile": MAKEFILE})]

    assert found[:2] == [("CI", "ruff check ."), ("CI", "manage.py test shop blog")]
    assert ("RECIPE", "ruff format .") in found
    assert ("CI", "ruff format .") not in found


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"justfile": "paths := 'src'\ntest *args:\n    @uv run pytest {{paths}} {{ args }}\n"}, "pytest src"),
        ({"tox.ini": "[testenv]\ncommands =\n    pytest {posargs:tests} -m fast\n"}, "pytest -m fast"),
        ({"tox.ini": "[testenv:lint]\nchangedir = api\ncommands = flake8 shop\n"}, "flake8 shop"),
        ({"pyproject.toml": '[tool.tox.env.test]\ncommands = [["pytest", "tests"]]\n'}, "pytest tests"),
        ({"package.json": '{"scripts": {"lint:py": "ruff check api"}}'}, "ruff check api"),
        (
            {"noxfile.py": "@nox.session\ndef tests(session):\n    session.run('pytest', '-m', 'not slow')\n"},
            "pytest -m not slow",
        ),
    ],
)
def test_recipes(files: dict[str, str], expected: str) -> None:
    assert [shown(call) for call in calls(files)] == [("RECIPE", expected)]


HOOKS = """exclude: ^docs/|/migrations/
repos:
  - repo: https://github.com/astral-sh/ruff-pre-commit
    rev: v0.15.2
    hooks:
      - id: ruff-check
        args: [--fix]
      - id: ruff-format
  - repo: https://github.com/PyCQA/flake8
    rev: db90487f48a9dd992d243ef63c156eaffddeaf28  # frozen: 7.1.0
    hooks:
      - id: flake8
        additional_dependencies: [flake8-bugbear==24.1.0]
        stages: [manual]
  - repo: local
    hooks:
      - id: types
        entry: uv run mypy shop
        language: system
"""


def test_hooks_have_a_version_and_the_files_that_they_leave_out() -> None:
    files = {"shop/migrations/0001.py": "", "shop/models.py": "", "docs/conf.py": "", ".pre-commit-config.yaml": HOOKS}

    found = calls(files)

    assert [shown(call) for call in found] == [
        ("HOOK", "ruff check"),
        ("HOOK", "ruff format"),
        ("HOOK", "mypy shop"),
    ]
    assert {call.version for call in found[:2]} == {"0.15.2"}
    assert found[0].excluded == ("docs", "shop/migrations")
    assert (found[2].version, found[2].excluded) == ("", ())


def test_frozen_revision_of_a_hook_has_its_version_in_the_comment() -> None:
    text = HOOKS.replace("        stages: [manual]\n", "")

    flake8 = next(call for call in calls({".pre-commit-config.yaml": text}) if call.tool == "flake8")

    assert (flake8.version, flake8.packages) == ("7.1.0", ("flake8-bugbear==24.1.0",))


@pytest.mark.parametrize("step", ["uses: pre-commit/action@v3", "run: uv run pre-commit run --all", "run: prek run"])
def test_hooks_that_ci_runs_come_before_recipes(step: str) -> None:
    files = workflow(step) | {".pre-commit-config.yaml": HOOKS, "Makefile": MAKEFILE}

    assert shown(calls(files)[0]) == ("CI_HOOK", "ruff check")


def test_action_of_ruff_has_its_version_and_paths() -> None:
    step = (
        "{uses: astral-sh/ruff-action@v3, with: {version: '0.15.2', args: 'check --output-format=github', src: web/}}"
    )

    (call,) = calls(workflow(step))

    assert (shown(call), call.version) == (("CI", "ruff check web/"), "0.15.2")


def test_gitlab_jobs() -> None:
    text = "variables: {A: b}\ntest:\n  services: ['redis:7']\n  script:\n    - cd api\n    - pytest -m fast\n"

    (call,) = calls({".gitlab-ci.yml": text})

    assert (shown(call), call.directory, call.services) == (("CI", "pytest -m fast"), "api", ("redis",))


EXAMPLES = {".env.example": "", "shop/local.py.example": "", "conf/a": ""}


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("touch shop/local.py\npytest", ["touch shop/local.py"]),
        ("cp .env.example .env && pytest", ["cp .env.example .env"]),
        ("cd shop\ncp local.py.example local.py\npytest", ["cp shop/local.py.example shop/local.py"]),
        ("mkdir var var/log\ntouch var/log/a.txt\npytest", ["mkdir -p var var/log", "touch var/log/a.txt"]),
        ("test -f .env || cp .env.example .env\npytest", ["cp .env.example .env"]),
        ("echo 'A=1 2' > .env\ncat .env.example >>.env\npytest", ["echo 'A=1 2' > .env", "cat .env.example >> .env"]),
        ("pytest\ntouch late", []),
        ("cp absent.example .env\ntouch absent/a\npytest", []),
        ("touch ../a /etc/a $HOME/a .git/a\ncp shop/*.example .env\npytest", []),
        ("echo $SECRET > .env\ncat <<EOF > .env\nA=1\nEOF\npytest", []),
        ("cp --target-directory=shop .env.example\npytest", []),
        (
            "uv run python manage.py collectstatic --noinput && ./manage.py compilemessages\npytest",
            [
                """sh -c 'cd "$0" && exec "$@"' . python manage.py collectstatic --noinput""",
                """sh -c 'cd "$0" && exec "$@"' . python ./manage.py compilemessages""",
            ],
        ),
        ("python manage.py migrate\npython absent/manage.py collectstatic\nmanage.py\npytest", []),
        ("python manage.py collectstatic --settings=$A\npytest", []),
    ],
)
def test_steps_that_make_files_before_a_call(script: str, lines: list[str]) -> None:
    text = "".join(f"          {line}\n" for line in script.splitlines())

    (call,) = calls(workflow(f"run: |\n{text}") | EXAMPLES | {"manage.py": ""})

    assert [shell_line(step) for step in call.before] == lines


def test_steps_that_make_files_belong_to_their_job() -> None:
    files = workflow("run: cp .env.example .env", "{if: failure(), run: touch a}", "run: make test") | EXAMPLES
    other = {".github/workflows/lint.yml": "on: push\njobs:\n  lint:\n    steps:\n      - run: mypy .\n"}
    recipe = {"Makefile": ".PHONY: test\ntest: var .env\n\tpytest\nvar:\n\tmkdir var\n.env:\n\ttouch .env\n"}

    found = {shown(call): [shell_line(step) for step in call.before] for call in calls(files | other | recipe)}

    assert found == {
        ("CI", "pytest"): ["cp .env.example .env", "mkdir -p var", "touch .env"],
        ("CI", "mypy ."): [],
        ("RECIPE", "pytest"): ["mkdir -p var", "touch .env"],
    }


def test_steps_before_a_job_of_gitlab() -> None:
    text = "before_script: [pip install x, cp .env.example .env]\ntest:\n  script: [pytest]\n"

    (call,) = calls({".gitlab-ci.yml": text} | EXAMPLES)

    assert [(shell_line(step), step.file) for step in call.before] == [("cp .env.example .env", ".gitlab-ci.yml")]


def test_documents_come_last() -> None:
    readme = "# Shop\n\nRun the tests:\n\n```sh\n$ python manage.py test\n```\n\nWe like pytest.\n"

    found = calls({"README.md": readme})

    assert [(shown(call), call.line) for call in found] == [(("DOCS", "manage.py test"), 6)]


def of_component(*steps: str, extra: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """The directory and the call, for the one Django project `api`."""
    files = django("api") | {"api/tests/test_a.py": "", "libs/x.py": ""} | workflow(*steps) | (extra or {})
    return [(call.directory, shown(call)[1]) for call in python(files).calls]


def test_calls_belong_to_the_component_that_they_name() -> None:
    assert of_component("run: ruff check .") == [("api", "ruff check")]
    assert of_component("run: ruff check api/tests libs") == [("api", "ruff check tests")]
    assert of_component("run: ruff check libs") == []
    assert of_component("{run: pytest tests, working-directory: api}") == [("api", "pytest tests")]
    assert of_component("run: python api/manage.py test api") == [(".", "manage.py test api")]
    assert of_component("run: docker compose run web ./manage.py test") == [("api", "manage.py test")]
    assert of_component("run: docker compose run web pytest tests") == [("api", "pytest tests")]


def test_call_is_not_taken_by_another_component() -> None:
    files = django(".") | django("api") | workflow("{run: pytest, working-directory: api}")

    assert python(files).calls == ()


def test_origins_are_ordered_by_what_they_prove() -> None:
    assert sorted(CallSource) == [
        CallSource.CI,
        CallSource.CI_HOOK,
        CallSource.RECIPE,
        CallSource.HOOK,
        CallSource.DOCS,
    ]
