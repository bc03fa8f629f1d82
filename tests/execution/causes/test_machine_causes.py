"""Causes of a failure in this machine: texts of real programs, each with the fact that it needs."""

from typing import Any

import pytest

from tasks.execution.causes.machine_causes import MachineFacts, caused_here, scale_of
from tasks.execution.causes.missing_command import judge_absent
from tasks.execution.causes.other_python import RunningPython
from tasks.execution.causes.raised_errors import RaisedError
from tasks.execution.findings import Findings
from tasks.execution.judgement import Judgement, failed
from tasks.execution.machine_excuses import Effort, given_time, judge_machine, judge_silence, judge_time, running_python
from tasks.exits import Exit, Prepared, ServiceExit
from tasks.models import Diagnostic, Status, TestCounts
from tasks.planning.environments import our_environment, python_environment
from tasks.production import Sourced, SystemInstall
from tasks.stack import Version
from tasks.steps import LIMIT, Command, Image, Inputs, Service, Step
from tests.diagnostics.captures import load
from tests.support.factories import make_check, make_command, make_stack, make_uv_project, make_web

APT = SystemInstall(
    file="Dockerfile", line=5, command="apt-get install -y", packages=("libpango-1.0-0", "ffmpeg", "gdal-bin")
)
OLDER = RunningPython(version="3.13.0", required=Version(wanted="==3.14.*", source="Dockerfile"))
NEWER = RunningPython(version="3.13.0", required=Version(wanted="==3.11.*", source="Dockerfile"))
SAME = RunningPython(version="3.13.0", required=Version(wanted="==3.13.11", source="Dockerfile"))


def error(text: str, **over: Any) -> RaisedError:
    return RaisedError(**{"text": text, **over})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "OSError: cannot load library 'libpango-1.0-0': libpango-1.0-0: cannot open shared object file",
            "Dockerfile:5 installs libpango-1.0-0 in production. Install it here: apt-get install -y libpango-1.0-0",
        ),
        (
            "OSError: libpango-1.0.so.0: cannot open shared object file: No such file or directory",
            "Install it here: apt-get install -y libpango-1.0-0",
        ),
        (
            'ImproperlyConfigured: Could not find the GDAL library (tried "gdal", "GDAL"). Is GDAL installed?',
            "Dockerfile:5 installs gdal-bin in production",
        ),
        (
            "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
            "No package of Dockerfile:5 has this name. If production has it: apt-get install -y libgl1",
        ),
        ("ImportError: failed to find libmagic.  Check your installation", "apt-get install -y libmagic1"),
        ('OSError: no library called "cairo-2" was found', "apt-get install -y libcairo2"),
        ("ImportError: Unable to find zbar shared library", "apt-get install -y libzbar0"),
        ("ImportError: MagickWand shared library not found.", "apt-get install -y libmagickwand-dev"),
        (
            "locale.Error: unsupported locale setting",
            "the locale that the code sets is not on this machine, whose locales `locale -a` lists. No package",
        ),
        (
            "ImportError: no pq wrapper available.\n- couldn't import psycopg 'python': libpq library not found",
            "apt-get install -y libpq5",
        ),
        (
            "TesseractNotFoundError: tesseract is not installed or it's not in your PATH. See README file",
            "the program tesseract is not on this machine.",
        ),
        (
            "selenium.common.exceptions.NoSuchDriverException: Message: Unable to obtain driver for firefox; For docs",
            "If production has it: apt-get install -y firefox-esr",
        ),
        (
            "playwright.Error: BrowserType.launch: Executable doesn't exist at /x/chromium_headless_shell-1187/shell",
            "the program chromium is not on this machine",
        ),
    ],
)
def test_system_library_that_is_missing_is_errored_with_the_line_that_installs_it(text: str, says: str) -> None:
    found = caused_here([error(text)], MachineFacts(installs=(APT,)))

    assert found is not None
    assert (found.status, found.reason_code) == (Status.ERRORED, "system_package")
    assert says in found.reason


@pytest.mark.parametrize(("place", "is_here"), [(None, True), ("src/menu.test.ts", False)])
def test_browser_that_vitest_lacks_is_read_from_its_error_outside_of_tests(place: str | None, is_here: bool) -> None:
    message = "browserType.launch: Executable doesn't exist at /x/chromium_headless_shell-1255/shell"
    found = Diagnostic(tool="vitest", message=message, file=place)
    command = make_command(parser="vitest", environment="node")
    exit = Exit(code=1, stdout=f"Error: {message}\n" + "      line: 11,\n" * 400)

    judgement = judge_machine(
        make_check(), command, exit, Findings(diagnostics=[found]), make_stack(), has_images=False
    )

    assert (judgement is not None and judgement.reason_code == "system_package") is is_here


def test_program_counts_as_missing_only_where_a_process_was_started() -> None:
    text = "FileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'"
    started = error(text, paths=("/ws/shop/videos.py", "/usr/lib/python3.13/subprocess.py"))
    opened = error("FileNotFoundError: [Errno 2] No such file or directory: 'prices'", paths=("/ws/shop/videos.py",))

    found = caused_here([started], MachineFacts(installs=(APT,)))

    assert found is not None
    assert "Dockerfile:5 installs ffmpeg in production" in found.reason
    assert caused_here([opened], MachineFacts(installs=(APT,))) is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (
            "FileNotFoundError: [Errno 2] No such file or directory: '/var/log/shop/django.log'\nValueError: handler",
            "/var/log/shop/django.log",
        ),
        ("PermissionError: [Errno 13] Permission denied: '/etc/shop/key.pem'", "/etc/shop/key.pem"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/app/prices.json'", "/app/prices.json"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'prices.json'", ""),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/home/me/stack/prices.json'", ""),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/running/prices.json'", ""),
    ],
)
def test_path_of_production_s_machine_is_errored_outside_of_its_image(text: str, path: str) -> None:
    found = caused_here([error(text)], MachineFacts())

    assert (found.reason_code if found else "") == ("variable_absent" if path else "")
    assert path in (found.reason if found else "")
    assert caused_here([error(text)], MachineFacts(has_libraries=True)) is None


def test_production_lacks_what_its_own_image_lacks() -> None:
    text = "ImportError: libGL.so.1: cannot open shared object file: No such file or directory"

    assert caused_here([error(text)], MachineFacts(installs=(APT,), has_libraries=True)) is None


@pytest.mark.parametrize(
    ("text", "source", "older", "newer"),
    [
        ("SyntaxError: multiple exception types must be parenthesized", "except ValueError, TypeError:", True, False),
        ('psycopg.errors.SyntaxError: syntax error at or near "AUTOINCREMENT"', "", False, False),
        ("ModuleNotFoundError: No module named 'compression'", "", True, False),
        ("ModuleNotFoundError: No module named 'string.templatelib'; 'string' is not a package", "", True, False),
        ("ImportError: cannot import name 'x' from 'typing' (/usr/lib/python3.13/typing.py)", "", True, False),
        ("AttributeError: module 'datetime' has no attribute 'NOW'", "", True, False),
        ("NameError: name 'Price' is not defined", "def total(price: Price) -> int:", True, False),
        ("NameError: name 'Price' is not defined", "total = Price(3)", False, False),
        (
            'Cannot find implementation or library stub for module named "annotationlib"',
            "",
            True,
            False,
        ),
        ('attr-defined: Module "typing" has no attribute "evaluate"', "", True, False),
        ("ModuleNotFoundError: No module named 'telnetlib'", "", False, True),
        ("ModuleNotFoundError: No module named 'nosuch'", "", False, False),
        ("ImportError: cannot import name 'x' from 'shop' (/ws/shop/__init__.py)", "", False, False),
        ("ImportError: cannot import name 'x' from 'typing' (/v/site-packages/typing/x.py)", "", False, False),
    ],
)
def test_other_python_is_the_cause_only_of_its_own_errors(text: str, source: str, older: bool, newer: bool) -> None:
    for python, expected in ((OLDER, older), (NEWER, newer), (SAME, False)):
        found = caused_here([error(text, source=source)], MachineFacts(pythons=(python,)))

        assert (found is not None) is expected, python


def test_reason_of_another_python_names_both_and_the_way_out() -> None:
    found = caused_here([error("SyntaxError: invalid syntax")], MachineFacts(pythons=(OLDER,)))

    assert found is not None
    assert found.reason == (
        "Python 3.13 ran the code, and production has 3.14 (Dockerfile): SyntaxError: invalid syntax. "
        "Install Python 3.14 so that it is on PATH, or set UV_PYTHON_DOWNLOADS=automatic"
    )


@pytest.mark.parametrize(
    ("text", "host"),
    [
        (
            "ConnectionError: HTTPSConnectionPool(host='api.example', port=443): (Caused by NameResolutionError(...))",
            "api.example",
        ),
        ("urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>", "a host that"),
        (
            "ConnectionError: HTTPConnectionPool(host='10.1.2.3', port=80): Failed to establish a new connection",
            "10.1.2.3",
        ),
        ("Error: getaddrinfo ENOTFOUND cms.example", "cms.example"),
        ("E: Temporary failure resolving 'deb.debian.org'", "deb.debian.org"),
        ("ConnectionError: HTTPConnectionPool(host='127.0.0.1', port=9): Connection refused", None),
        ("urllib.error.URLError: <urlopen error [Errno 111] Connection refused>", None),
        ("ValueError: no host", None),
    ],
)
def test_host_that_does_not_answer_is_errored_unless_it_is_this_machine(text: str, host: str | None) -> None:
    found = caused_here([error(text)], MachineFacts())

    assert (found is not None) is (host is not None)
    if found and host:
        assert found.reason_code == "network"
        assert f"this machine does not reach {host}" in found.reason


def test_one_error_of_the_code_among_many_keeps_the_failure() -> None:
    lacking = Diagnostic(tool="pytest", rule="t::a", message="ImportError: libGL.so.1: cannot open shared object file")
    broken = Diagnostic(tool="pytest", rule="t::b", message="assert 1 == 2")
    command = make_command("pytest", parser="pytest", environment="development")

    def judged(*found: Diagnostic) -> Judgement | None:
        return judge(command, Exit(code=1), Findings(diagnostics=[*found]))

    assert judged(lacking) is not None
    assert judged(lacking, broken) is None
    assert judged() is None


TRACE = 'Traceback (most recent call last):\n  File "/ws/a.py", line 1, in <module>\n    run()\n'
LACKS = TRACE + "ImportError: libGL.so.1: cannot open shared object file: No such file or directory\n"


def judge(command: Command, exit: Exit, findings: Findings | None = None, **over: Any) -> Judgement | None:
    check = make_check(commands=(command,), **over)
    return judge_machine(check, command, exit, findings or Findings(), make_stack(), has_images=True)


def test_last_traceback_of_a_program_is_its_cause() -> None:
    command = make_command(environment="production", parser="traceback")

    assert judge(command, Exit(code=1, stderr=LACKS)) is not None
    assert judge(command, Exit(code=1, stderr=f"{LACKS}\n{TRACE}ValueError: wrong\n")) is None
    assert judge(command, Exit(code=1, stderr=f"{TRACE}ValueError: handled\n\n{LACKS}")) is not None
    tested = Findings(tests=TestCounts(passed=1, failed=2))
    assert judge(command, Exit(code=1, stderr=f"{TRACE}ValueError: wrong\n\n{LACKS}"), tested) is None


def test_server_outside_of_its_image_explains_a_failed_request() -> None:
    command = make_command(environment="ours", parser="probe", services=(make_command("serve", label="server"),))
    exit = Exit(code=1, services=(ServiceExit(name="server", code=None, signal=None, output=LACKS),))

    assert judge(command, exit) is not None
    assert judge(command, exit, image=Image(title="image", dockerfile="Dockerfile")) is None


def test_system_packages_are_those_of_the_check_s_component() -> None:
    stack = make_stack(make_web(installs=(APT,)))
    command = make_command(environment="production", parser="traceback")
    exit = Exit(code=1, stderr=TRACE + "OSError: cannot load library 'libpango-1.0-0'\n")

    found = judge_machine(make_check(), command, exit, Findings(), stack, has_images=False)

    assert found is not None
    assert "Dockerfile:5" in found.reason


@pytest.mark.parametrize(
    "message",
    [
        "ValueError: Missing staticfiles manifest entry for 'css/app.css'",
        "OSError: Error reading /ws/webpack-stats.json. Are you sure webpack has generated the file and the path",
        "webpack_loader.exceptions.WebpackBundleLookupError: Cannot resolve bundle main.",
        "django_vite.core.exceptions.DjangoViteManifestError: Cannot read Vite manifest file for app default",
    ],
)
def test_file_of_the_frontend_is_no_fault_of_the_code_if_production_builds_it(message: str) -> None:
    build = Sourced(value="npm run build", file="Dockerfile", line=4, why="RUN of the Dockerfile")
    stack = make_stack(make_web(frontend=build))
    command = make_command(environment="production", parser="traceback")
    exit = Exit(code=1, stderr=f"{TRACE}{message}\n")

    found = judge_machine(make_check(), command, exit, Findings(), stack, has_images=False)

    assert found is not None
    assert found.reason_code == "frontend_unbuilt"
    assert "(Dockerfile:4: npm run build)" in found.reason
    assert judge(command, exit) is None  # no file of the stack builds a frontend


def test_version_of_the_interpreter_comes_from_the_engine() -> None:
    environment = python_environment(make_uv_project(), "production", lambda path: path, "")

    (local,) = running_python(environment, Prepared(exit=Exit(code=0), version="Python 3.13.2"))
    (container,) = running_python(environment, Prepared(exit=Exit(code=0), version="Python 3.13"))

    assert (local.version, local.minor, container.version) == ("3.13.2", 13, "3.13.0")
    assert running_python(our_environment("lock"), Prepared(exit=Exit(code=0), version="Python 3.13.2")) == []
    assert running_python(environment, Prepared(exit=Exit(code=1))) == []


@pytest.mark.parametrize(
    ("output", "status", "says"),
    [
        ("sh: 1: doppler: not found", Status.ERRORED, "npm run build calls doppler, which was not found: install"),
        ("sh: line 1: doppler: command not found", Status.ERRORED, "calls doppler"),
        ("/bin/sh: cross-env: not found", Status.FAILED, "no manifest of the stack has the package cross-env"),
        ("bash: line 3: tsc: command not found", Status.FAILED, "the package typescript"),
        (
            "/usr/bin/bash: line 1: vite: command not found",
            Status.FAILED,
            "the lock installs vite without this program",
        ),
        ("sh: 1: Syntax error", None, ""),
        ("sh: 1: ./build.sh: Permission denied", Status.FAILED, "without the bit for execution: `git update-index"),
        ("sh: 1: ./build.sh: not found", Status.FAILED, "calls ./build.sh, which does not start: the tree lacks it"),
        ("bash: line 1: scripts/a.sh: cannot execute: required file not found", Status.FAILED, "calls scripts/a.sh"),
        ("sh: 1: /usr/local/bin/tool: not found", Status.ERRORED, "calls /usr/local/bin/tool"),
        ("[custom build] /bin/sh: 1: cargo: not found", Status.ERRORED, "the build command of the wrangler file calls"),
    ],
)
def test_program_that_a_script_calls_and_that_is_missing_is_named(
    output: str, status: Status | None, says: str
) -> None:
    command = make_command("npm", "run", "build", label="vite build", environment="node", parser="site_build")

    found = judge_absent(command, Exit(code=127, stderr=f"{output}\n"), {"vite"})

    assert (found and found.status) == status
    assert says in (found.reason if found else "")


LATE = failed("timeout", "pytest was still running after 100 s", explained=False)


@pytest.mark.parametrize(
    ("load", "cpu", "status"),
    [
        (0.9, 3.0, Status.FAILED),
        (2.5, 3.0, Status.ERRORED),
        (2.5, None, Status.ERRORED),
        (2.5, 80.0, Status.FAILED),
    ],
)
def test_time_out_is_errored_if_a_busy_machine_gave_too_little_processor_time(
    load: float, cpu: float | None, status: Status
) -> None:
    command, exit = make_command("pytest", limit=100), Exit(code=None, timed_out=True, cpu=cpu)

    found = judge_time(make_check("pytest"), command, exit, LATE, Effort(limit=200, load=load))

    assert (found.status, found.reason_code) == (status, "timeout")
    assert "limits.pytest = 400 in predeploy.toml" in found.reason
    assert ("after 200 s on a busy machine (2.5 programs" in found.reason) is (status is Status.ERRORED)


SILENT = failed("not_ready", "GET /: exit code 4")


@pytest.mark.parametrize(
    ("load", "cpu", "status"),
    [
        (0.5, 0.2, Status.FAILED),
        (2.5, 0.2, Status.ERRORED),
        (2.5, None, Status.ERRORED),
        # it had half of the 30 s that it needs on an idle machine
        (2.5, 16.0, Status.FAILED),
    ],
)
def test_silent_server_is_errored_if_a_busy_machine_gave_it_too_little(
    load: float, cpu: float | None, status: Status
) -> None:
    exit = Exit(code=4, services=(ServiceExit(name="server", code=None, signal=None, output="", cpu=cpu),))
    findings = Findings(diagnostics=[Diagnostic(tool="http", rule="not_ready", message="nothing listened within 60 s")])

    found = judge_silence(make_check("django_health"), exit, SILENT, Effort(limit=240, load=load), findings)

    assert (found.status, found.reason_code) == (status, "not_ready")
    assert ("did not listen within 60 s on a busy machine (2.5" in found.reason) is (status is Status.ERRORED)
    said = "nothing listened within 60 s. If it needs more time: limits.django_health = 480 in predeploy.toml"
    assert [each.message for each in findings.diagnostics] == [said]


@pytest.mark.parametrize(
    ("messages", "load", "status"),
    [
        (
            ("error at setup: Failed: Timeout (>5.0s) from pytest-timeout.", "Required test coverage of 100%"),
            9.0,
            "errored",
        ),
        (("Failed: Timeout (>5.0s) from pytest-timeout.",), 1.0, "failed"),
        (("Failed: Timeout (>5.0s) from pytest-timeout.", "assert 1 == 2"), 9.0, "failed"),
        (("Required test coverage of 100% not reached",), 9.0, "failed"),
    ],
)
def test_tests_that_were_too_slow_on_a_busy_machine_are_no_verdict(
    messages: tuple[str, ...], load: float, status: str
) -> None:
    findings = Findings(diagnostics=[Diagnostic(tool="pytest", message=each) for each in messages])

    found = judge_silence(
        make_check("pytest"), Exit(code=1), failed("findings", "1"), Effort(limit=9, load=load), findings
    )

    assert found.status.value == status


def test_server_that_ended_was_not_late() -> None:
    exit = Exit(code=4, services=(ServiceExit(name="server", code=1, signal=None, output=""),))

    found = judge_silence(make_check("django_health"), exit, SILENT, Effort(limit=240, load=9.0), Findings())

    assert found is SILENT


def test_limit_grows_with_the_load_in_steps() -> None:
    served = Service(name="server", argv=("gunicorn",), cwd=".")
    step = Step(slot="slot", argv=("pytest", LIMIT), cwd=".", inputs=Inputs(), limit=100, services=(served,))

    assert [scale_of(load) for load in (0, 1.4, 1.5, 2.9, 3, 50)] == [1, 1, 2, 2, 4, 4]
    assert given_time(step, 2.0).limit == 200
    assert given_time(step, 2.0).argv == ("pytest", "200")
    assert [given_time(step, load).services[0].patience for load in (0, 2.0, 3.0)] == [1, 2, 4]


@pytest.mark.parametrize(
    ("capture", "code", "says"),
    [
        ("traceback/no_library", "system_package", "the library libvips.so.42 is not on this machine"),
        ("traceback/no_gdal", "system_package", "Dockerfile:5 installs gdal-bin in production"),
        ("traceback/no_program", "system_package", "the program ffmpegx is not on this machine"),
        ("traceback/no_host", "network", "this machine does not reach rates.invalid"),
        ("traceback/newer_syntax", "other_python", "production has 3.14 (Dockerfile): SyntaxError: multiple exception"),
        ("traceback/key_error", "", ""),
        ("traceback/pydantic", "", ""),
        ("traceback/module_not_found", "", ""),
        ("traceback/import_cycle", "", ""),
    ],
)
def test_captured_outputs_have_their_cause(capture: str, code: str, says: str) -> None:
    captured = load(capture)
    command = make_command(environment="production", parser="traceback")
    exit = Exit(code=1, stdout=captured.stdout, stderr=captured.stderr)
    stack = make_stack(make_web(installs=(APT,)))

    found = judge_machine(make_check(), command, exit, Findings(pythons=[OLDER]), stack, has_images=False)

    assert (found.reason_code if found else "") == code
    assert says in (found.reason if found else "")
