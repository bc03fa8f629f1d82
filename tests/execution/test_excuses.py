"""Failures whose cause is outside of the stack: variables, services and extensions that only production has."""

import json

import pytest

from tasks.diagnostics import parse
from tasks.diagnostics.settings_marks import MARK, gaps_of
from tasks.execution.excuses import excuse
from tasks.execution.judgement import Judgement
from tasks.exits import Exit, ServiceExit
from tasks.models import Diagnostic, Stage, Status
from tests.probes.conftest import PROBES
from tests.support.factories import make_check

TRACEBACK = """Traceback (most recent call last):
  File "shop/apps.py", line 3, in ready
    cache.ping()
  File "/env/lib/python3.13/site-packages/redis/connection.py", line 9, in connect
    raise ConnectionError(self._error_message(error))
{error}
"""


def mark(**facts: object) -> str:
    return f"\n{MARK}{json.dumps(facts)}\n"


@pytest.mark.parametrize(
    ("error", "service"),
    [
        ("redis.exceptions.ConnectionError: Error -2 connecting to redis:6379", "Redis"),
        ("kombu.exceptions.OperationalError: [Errno 111] Connection refused", "the message broker"),
        ("elastic_transport.ConnectionError: Connection error", "Elasticsearch"),
        ("botocore.exceptions.EndpointConnectionError: Could not connect", "S3"),
        ("botocore.exceptions.NoCredentialsError: Unable to locate credentials", "S3"),
        ("ConnectionRefusedError: [Errno 111] Connection refused", "a server of another host"),
    ],
)
def test_service_that_only_production_has_is_no_verdict(error: str, service: str) -> None:
    exit = Exit(code=1, stderr=TRACEBACK.format(error=error))

    found = excuse(make_check(stage=Stage.INTEGRATION), exit, ())

    assert found is not None
    assert (found.status, found.reason_code) == (Status.ERRORED, "service_absent")
    assert f"connects to {service}," in found.reason


def test_traceback_of_a_server_counts_too() -> None:
    output = TRACEBACK.format(error="redis.exceptions.ConnectionError: refused")
    exit = Exit(code=1, services=(ServiceExit(name="server", code=None, signal=None, output=output),))

    found = excuse(make_check(stage=Stage.INTEGRATION), exit, ())

    assert found is not None
    assert found.reason_code == "service_absent"


@pytest.mark.parametrize("error", ["KeyError: 'shop'", "shop.errors.ConnectionError: no", "ValueError"])
def test_other_errors_stay_failures(error: str) -> None:
    exit = Exit(code=1, stderr=TRACEBACK.format(error=error))

    assert excuse(make_check(stage=Stage.INTEGRATION), exit, ()) is None


def test_errors_in_tests_stay_failures() -> None:
    exit = Exit(code=1, stderr=TRACEBACK.format(error="redis.exceptions.ConnectionError: refused"))

    assert excuse(make_check(stage=Stage.QUALITY), exit, ()) is None


def test_variable_without_an_acceptable_value_is_named_with_the_line_to_write() -> None:
    exit = Exit(code=1, stderr=mark(kind="absent", name="LICENCE", message="ValueError: bad licence"))

    found = excuse(make_check(path="apps/web"), exit, ())

    assert found is not None
    assert found.reason_code == "variable_absent"
    assert found.reason.startswith("ValueError: bad licence: no throwaway value of LICENCE fits.")
    assert '[component."apps/web".env] LICENCE = "…"' in found.reason


def test_module_of_settings_that_git_does_not_have_asks_for_other_settings() -> None:
    message = "ModuleNotFoundError: No module named 'config.local_settings'"
    exit = Exit(code=1, stderr=mark(kind="absent", name="", message=message))

    found = excuse(make_check(path="apps/web"), exit, ())

    assert found is not None
    assert found.reason_code == "variable_absent"
    assert found.reason.endswith('predeploy.toml: [component."apps/web"] settings = "…"')


def test_lines_of_the_loader_become_gaps_and_leave_the_output() -> None:
    text = f"Running migrations:{mark(kind='gap', text='another database')}{mark(kind='filled', names=['A', 'B'])}"

    parsed = parse("plain", stdout="", stderr=text, root="/work", cwd=".")

    assert parsed.gaps == ("another database", "production needs A, B: this run set throwaway values")
    assert not any(MARK in each.message for each in parsed.diagnostics)
    assert gaps_of(f'{MARK}{{"kind": "gap"') == ()


def test_loader_has_the_same_mark() -> None:
    assert f'MARK = "{MARK}"\n' in (PROBES / "startup/predeploy_settings.py").read_text()


REDIS = "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused."


def judged_tests(*messages: str) -> Judgement | None:
    """The excuse of tests that failed with these messages."""
    diagnostics = [Diagnostic(tool="pytest", message=message) for message in messages]
    return excuse(make_check(stage=Stage.QUALITY), Exit(code=1), diagnostics)


@pytest.mark.parametrize(
    ("messages", "service"),
    [
        ((REDIS,), "Redis"),
        # a page without its cache
        (("assert 500 == 200", REDIS), "Redis"),
        (("kombu.exceptions.OperationalError: [Errno 111] Connection refused",), "the message broker"),
        (
            ("docker.errors.DockerException: Error while fetching server API version: ('Connection aborted.')",),
            "Docker",
        ),
        (("requests.exceptions.ConnectionError: Max retries exceeded",), "a server of another host"),
    ],
)
def test_tests_that_need_a_service_have_no_verdict(messages: tuple[str, ...], service: str) -> None:
    found = judged_tests(*messages)

    assert found is not None
    assert (found.status, found.reason_code) == (Status.ERRORED, "service_absent")
    assert f"tests connect to {service}, which this run does not have" in found.reason


@pytest.mark.parametrize(
    "messages",
    [
        (),
        ("AssertionError: redis.exceptions.ConnectionError was not raised",),
        ("assert 1 == 2", "requests.exceptions.ConnectionError: Max retries exceeded"),
    ],
)
def test_other_failures_of_tests_have_no_excuse(messages: tuple[str, ...]) -> None:
    assert judged_tests(*messages) is None


READS = """Traceback (most recent call last):
  File "/app/config/settings.py", line 9, in <module>
    KEY = os.environ["SHOP_KEY"]
  File "<frozen os>", line 716, in __getitem__
KeyError: 'SHOP_KEY'
"""


def test_variable_that_the_loader_did_not_fill_is_named_with_the_line_to_write() -> None:
    server = ServiceExit(name="server", code=1, signal=None, output=READS)
    check = make_check(path="apps/web", stage=Stage.INTEGRATION)

    found = excuse(check, Exit(code=1, services=(server,)), ())

    assert found is not None
    assert (found.status, found.reason_code) == (Status.ERRORED, "variable_absent")
    assert 'Set in predeploy.toml: [component."apps/web".env] SHOP_KEY = "…"' in found.reason


def test_variable_that_the_build_of_an_image_lacks_stays_a_failure() -> None:
    assert excuse(make_check(stage=Stage.BUILD), Exit(code=1, stderr=READS), (), builds_image=True) is None


MISSING = 'psycopg.errors.FeatureNotSupported: extension "{name}" is not available\nDETAIL:  {why}\n'
HOST = 'Could not open extension control file "/usr/share/postgresql/15/extension/{name}.control": No such file'
OLD = 'ERROR: could not open extension control file "/usr/share/postgresql/12/extension/postgis.control": No such file'


@pytest.mark.parametrize(
    ("text", "install", "image"),
    [
        (MISSING.format(name="postgis", why=HOST.format(name="postgis")), "-y postgresql-15-postgis-3.", "postgis/"),
        (MISSING.format(name="vector", why=HOST.format(name="vector")), "-y postgresql-15-pgvector.", "pgvector/pgv"),
        (OLD, "apt-get install -y postgresql-12-postgis-3.", "postgis/postgis"),
        (MISSING.format(name="citext", why="x"), "apt-get install -y postgresql postgresql-contrib.", "…"),
        (MISSING.format(name="cafe_maps", why="x"), "On the embedded engine: install it on this machine.", "…"),
    ],
)
def test_extension_is_named_with_its_package_and_an_image(text: str, install: str, image: str) -> None:
    found = excuse(make_check(database="empty"), Exit(code=1, stderr=text), ())

    assert found is not None
    assert found.reason_code == "extension_absent"
    assert install in found.reason
    assert f'PREDEPLOY_IMAGES=\'{{"postgres": "{image}' in found.reason


POETRY = """  - Installing django (5.2.19): Failed
    | Unable to find installation candidates for django (5.2.19)
    |
    | This is likely not a Poetry issue.
    |
    |   - {count} candidate(s) were identified for the package
"""


@pytest.mark.parametrize(("count", "builds_image", "code"), [(0, True, "registry"), (4, True, ""), (0, False, "")])
def test_index_of_the_image_s_build_that_lacks_a_locked_package_is_no_verdict(
    count: int, builds_image: bool, code: str
) -> None:
    exit = Exit(code=1, stdout=POETRY.format(count=count))

    found = excuse(make_check(stage=Stage.BUILD), exit, (), builds_image=builds_image)

    assert (found.reason_code if found else "") == code
    assert not code or "finds no file of django 5.2.19" in (found.reason if found else "")
