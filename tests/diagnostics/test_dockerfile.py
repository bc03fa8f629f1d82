"""The parser of a container engine's errors for a Dockerfile."""

import pytest

from tasks.diagnostics import parse
from tasks.diagnostics.dockerfile import essential
from tasks.diagnostics.dockerfile_text import secrets_of
from tasks.models import Diagnostic
from tests.diagnostics.captures import assert_reads, load, names

# Severity, place, rule and the beginning of the message.
READ: dict[str, tuple[str, ...]] = {
    "dockerfile/add_url_dead": (
        'error apps/web/Dockerfile:2 [download] Get "http://127.0.0.1:1/x.tgz": dial tcp 127.0.0.1:1: connect: co',
    ),
    "dockerfile/arg_in_from_bad": (
        "error apps/web/Dockerfile:2 [base_image] python:3.98-slim: docker.io/library/python:3.98-slim: not found",
    ),
    "dockerfile/arg_in_from_empty": (
        "error apps/web/Dockerfile:1 [base_image] base name (${BASE}) should not be blank",
    ),
    "dockerfile/arg_in_from_missing": (
        'error apps/web/Dockerfile:2 [base_image] failed to parse stage name "python:": invalid reference format',
    ),
    "dockerfile/args_in_run": ('error apps/web/Dockerfile:3 [run] RUN test "$VERSION" = 2: exit code 1',),
    "dockerfile/base_without_python": (
        "error apps/web/Dockerfile:4 [run] RUN pip install -r requirements.txt: exit code 127: /bin/sh: 1: pip: n",
    ),
    "dockerfile/base_without_shell": (
        "error apps/web/Dockerfile:3 [run] RUN pip --version: exit code 1: fork/exec /bin/sh: no such file or dir",
    ),
    "dockerfile/bind_missing": (
        'error apps/web/Dockerfile:2 [mount] failed to checksum ref at subdir /uv.lock: "/uv.lock": not found',
    ),
    "dockerfile/circular": ("error apps/web/Dockerfile:1 [stage] circular dependency detected on stage: a",),
    "dockerfile/collectstatic": (
        "error apps/web/Dockerfile:8 [run] RUN SECRET_KEY=x python manage.py collectstatic --noinput: exit code 1",
    ),
    "dockerfile/copy_chown_unknown": (
        "error apps/web/Dockerfile:2 [user] failed to parse ownership cafe: find uid: no such user: cafe",
    ),
    "dockerfile/copy_from_missing_file": (
        "error apps/web/Dockerfile:4 [copy] COPY /dist: there is no such file where it is copied from",
    ),
    "dockerfile/copy_from_unknown_stage": (
        "error apps/web/Dockerfile:4 [base_image] biuld: docker.io/library/biuld:latest: not found (did you mean ",
    ),
    "dockerfile/copy_missing": (
        "error apps/web/Dockerfile:4 [copy] COPY nope.txt: there is no such file in the build's context, or .dock",
    ),
    "dockerfile/copy_missing_dir": (
        "error apps/web/Dockerfile:3 [copy] COPY src/: there is no such file in the build's context, or .dockerig",
    ),
    "dockerfile/copy_outside": (
        "error apps/web/Dockerfile:3 [copy] COPY ../shared: files outside of the build's context cannot be copied",
    ),
    "dockerfile/empty": ("error apps/web/Dockerfile [dockerfile] the Dockerfile cannot be empty",),
    "dockerfile/env_syntax": ("error apps/web/Dockerfile:2 [syntax] ENV must have two arguments",),
    "dockerfile/from_bad_name": (
        'error apps/web/Dockerfile:1 [base_image] failed to parse stage name "Python:3.13": invalid reference for',
    ),
    "dockerfile/from_dead_host": (
        'error apps/web/Dockerfile:1 [base_image] registry.invalid/x:1: failed to do request: Head "https://regis',
    ),
    "dockerfile/from_dead_registry": (
        'error apps/web/Dockerfile:1 [base_image] 127.0.0.1:1/x:1: failed to do request: Head "http://127.0.0.1:1',
    ),
    "dockerfile/from_unknown_digest": (
        "error apps/web/Dockerfile:1 [base_image] python@sha256:0000000000000000000000000000000000000000000000000",
    ),
    "dockerfile/from_unknown_image": (
        "error apps/web/Dockerfile:1 [base_image] nosuchbase:1: docker.io/library/nosuchbase:1: not found",
    ),
    "dockerfile/from_unknown_second_stage": (
        "error apps/web/Dockerfile:1 [base_image] node:1-none: docker.io/library/node:1-none: not found",
    ),
    "dockerfile/from_unknown_tag": (
        "error apps/web/Dockerfile:2 [base_image] python:3.99-slim: docker.io/library/python:3.99-slim: not found",
    ),
    "dockerfile/heredoc_fails": ("error apps/web/Dockerfile:2 [run] RUN set -e echo one false: exit code 1: one",),
    "dockerfile/heredoc_open": ("error apps/web/Dockerfile:2 [syntax] unterminated heredoc",),
    "dockerfile/heredoc_python": (
        "error apps/web/Dockerfile:2 [run] RUN python <<EOF import nosuch EOF: exit code 1: ModuleNotFoundError: ",
    ),
    "dockerfile/ignored": (
        "error apps/web/Dockerfile:3 [copy] COPY data: there is no such file in the build's context, or .dockerig",
    ),
    "dockerfile/killed": ("error apps/web/Dockerfile:2 [run] RUN kill -9 $$: exit code 137",),
    "dockerfile/long_run": (
        "error apps/web/Dockerfile:2 [run] RUN apt-get --nosuchoption && rm -rf /var/lib/apt/lists/* && echo 'xxx",
    ),
    "dockerfile/mount_bad_type": (
        'error apps/web/Dockerfile:2 [mount] unsupported mount type "cach" (did you mean cache?)',
    ),
    "dockerfile/multi_stage": (
        "error apps/web/Dockerfile:6 [run] RUN pip install --no-index --find-links /wheels cafe: exit code 1: ERR",
    ),
    "dockerfile/multi_stage_first": ("error apps/web/Dockerfile:2 [run] RUN exit 7: exit code 7",),
    "dockerfile/no_dockerfile": (
        'error apps/web/Dockerfile [dockerfile] failed to read Dockerfile "Dockerfile": open /Dockerfile: no such',
    ),
    "dockerfile/no_from": ("error apps/web/Dockerfile:1 [syntax] no build stage in current context",),
    "dockerfile/onbuild_from": (
        "error apps/web/Dockerfile:2 [base_image] nosuchimage:1: docker.io/library/nosuchimage:1: not found",
    ),
    "dockerfile/only_comments": ("error apps/web/Dockerfile [dockerfile] file with no instructions",),
    "dockerfile/pip_missing_requirements": (
        "error apps/web/Dockerfile:4 [run] RUN pip install --no-cache-dir -r requirements.txt: exit code 1: ERROR",
    ),
    "dockerfile/pip_unknown_package": (
        "error apps/web/Dockerfile:2 [run] RUN pip install --no-cache-dir nosuchpackage-zzz-qq: exit code 1: ERRO",
    ),
    "dockerfile/registry_401": (
        "error apps/web/Dockerfile:1 [base_image] 127.0.0.1:5000/team/x:1: failed to authorize: failed to fetch a",
    ),
    "dockerfile/registry_403": (
        "error apps/web/Dockerfile:1 [base_image] 127.0.0.1:5000/team/x:1: unexpected status from HEAD request to",
    ),
    "dockerfile/registry_404": (
        "error apps/web/Dockerfile:1 [base_image] 127.0.0.1:5000/team/x:1: 127.0.0.1:5000/team/x:1: not found",
    ),
    "dockerfile/registry_429": (
        "error apps/web/Dockerfile:1 [base_image] 127.0.0.1:5000/team/x:1: unexpected status from HEAD request to",
    ),
    "dockerfile/registry_500": (
        "error apps/web/Dockerfile:1 [base_image] 127.0.0.1:5000/team/x:1: unexpected status from HEAD request to",
    ),
    "dockerfile/registry_503": (
        "error apps/web/Dockerfile:1 [base_image] 127.0.0.1:5000/team/x:1: unexpected status from HEAD request to",
    ),
    "dockerfile/registry_garbage": (
        'error apps/web/Dockerfile:1 [base_image] 127.0.0.1:5000/team/x:1: failed to do request: Head "http://127',
    ),
    "dockerfile/registry_reset": (
        'error apps/web/Dockerfile:1 [base_image] 127.0.0.1:5000/team/x:1: failed to do request: Head "http://127',
    ),
    "dockerfile/run_continued": ("error apps/web/Dockerfile:2 [run] RUN echo a && echo b && false: exit code 1: b",),
    "dockerfile/run_fails_middle": (
        "error apps/web/Dockerfile:3 [run] RUN echo said; echo wrong >&2; exit 3: exit code 3: wrong",
    ),
    "dockerfile/run_no_program": (
        "error apps/web/Dockerfile:3 [run] RUN gettext --version: exit code 127: /bin/sh: 1: gettext: not found",
    ),
    "dockerfile/run_no_program_exec": (
        'error apps/web/Dockerfile:3 [run] RUN nosuchprogram --version: exit code 1: exec: "nosuchprogram": execu',
    ),
    "dockerfile/run_same_twice": (
        "error apps/web/Dockerfile:3 [run] RUN python -c \"raise SystemExit('broken')\": exit code 1: broken",
    ),
    "dockerfile/secret_missing": (
        'error apps/web/Dockerfile:2 [secret] secret "TOKEN" is required but no secret mappings were provided',
    ),
    "dockerfile/shell_form": ("error apps/web/Dockerfile:3 [run] RUN false | cat: exit code 1",),
    "dockerfile/syntax": (
        "error apps/web/Dockerfile:3 [syntax] COPY requires at least two arguments, but only one was provided. De",
    ),
    "dockerfile/syntax_line": ("error apps/web/Dockerfile:4 [syntax] invalid containerPort: abc",),
    "dockerfile/unknown_flag": ("error apps/web/Dockerfile:3 [syntax] unknown flag: chmond (did you mean chmod?)",),
    "dockerfile/unknown_instruction": (
        "error apps/web/Dockerfile:2 [syntax] unknown instruction: RUNN (did you mean RUN?)",
    ),
    "dockerfile/unknown_target": ('error apps/web/Dockerfile [target] target stage "prod" could not be found',),
    "dockerfile/unknown_user": (
        "error apps/web/Dockerfile:2 [user] get user: unable to find user cafe: no matching entries in passwd fil",
    ),
    "dockerfile/workdir_missing": ("error apps/web/Dockerfile:2 [syntax] WORKDIR requires exactly one argument",),
}


@pytest.mark.parametrize("name", names("dockerfile"))
def test_captured(name: str) -> None:
    assert_reads(name, READ[name])


@pytest.mark.parametrize("name", names("dockerfile"))
def test_no_id_of_an_object_is_shown(name: str) -> None:
    lines = load(name).stderr.splitlines()
    (message,) = [line for line in lines if line.startswith("failed to ")][-1:]

    assert "xxh3" not in essential(message)
    assert "traceparent" not in essential(message)
    assert len(essential(message)) < 300


def found(text: str, said: str, stdout: str = "") -> Diagnostic:
    stderr = f"# dockerfile web/Dockerfile\n# begin\n{text}# end\n{said}\n"
    return parse("dockerfile", stdout=stdout, stderr=stderr, root="", cwd=".").diagnostics[0]


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        pytest.param("FROM a\nCOPY x /x\nCOPY ./data/ /d\n", "data", 3, id="as written otherwise"),
        pytest.param("FROM a\nCOPY data/x /x\nADD data /d\n", "data", 3, id="itself before what is in it"),
        pytest.param("FROM a\nCOPY dat /x\nCOPY data /d\n", "data/x/y", 3, id="a directory above it"),
        pytest.param('FROM a\nCOPY ["b", "a b", "/x/"]\n', "a b", 2, id="list"),
        pytest.param("FROM a\n\n\n# COPY x y\nCOPY \\\n  # why\n\n  x \\\n  y /d/\nRUN x\n", "y", 5, id="continued"),
        pytest.param("FROM a\nRUN <<EOF\nCOPY x /d\nEOF\nCOPY x /d\n", "x", 5, id="behind a heredoc"),
        pytest.param("FROM a\nCOPY --chown=a:b --link x /d\n", "x", 2, id="with flags"),
        pytest.param("FROM a\nCOPY y /d\n", "x", None, id="of nobody"),
    ],
)
def test_line_of_a_copy_that_fails(text: str, name: str, line: int | None) -> None:
    assert found(text, f"failed to copy source directory: lstat /{name}: no such file or directory").line == line


@pytest.mark.parametrize(
    ("text", "argv", "line"),
    [
        pytest.param("FROM a\nRUN x  --mount=y\nRUN x\n", '["/bin/sh", "-c", "x"]', 3, id="the whole line"),
        pytest.param(
            "FROM a\nRUN --mount=type=cache,target=/c --network=none \\\n  x -y\n",
            '["/bin/sh", "-c", "x -y"]',
            2,
            id="flags",
        ),
        pytest.param('FROM a\nRUN ["x", "a b"]\n', '["x", "a b"]', 2, id="list"),
        pytest.param("FROM a\nRUN [ -f x ]\n", '["/bin/sh", "-c", "[ -f x ]"]', 2, id="no list"),
        pytest.param("FROM a\nrun x\n", '["/bin/sh", "-c", "x"]', 2, id="small letters"),
        pytest.param("FROM a\nRUN <<A\nx\ny\nA\nRUN y\n", '["/bin/sh", "-c", "x\\ny\\n"]', 2, id="heredoc"),
        pytest.param("FROM a\nRUN y\n", '["/bin/sh", "-c", "x"]', None, id="of the base image"),
        pytest.param("FROM a\nRUN y\n", "[broken", None, id="cut off"),
    ],
)
def test_line_of_the_run_that_failed(text: str, argv: str, line: int | None) -> None:
    failed = found(text, f"# run {argv}\nfailed to clone built container state: exit code: 2")

    assert failed.line == line
    assert failed.message.endswith("exit code 2")


def test_other_builders_name_the_command_in_their_message() -> None:
    message = 'process "/bin/sh -c pip install nope" did not complete successfully: exit code: 1'

    failed = found("FROM a\nRUN pip install nope\n", message)

    assert (failed.line, failed.message) == (2, "RUN pip install nope: exit code 1")


def test_last_line_of_a_run_may_be_on_stdout() -> None:
    assert found("FROM a\nRUN x\n", '# run ["/bin/sh", "-c", "x"]\nexit code: 1', "so\nit is\n").message == (
        "RUN x: exit code 1: it is"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM b\nFROM a:1 AS x\n", 2),
        ("ARG V=2\nFROM --platform=linux/amd64 a:${V:-3}\n", 2),
        ("FROM b\nCOPY --from=a:1 /x /x\n", 2),
        ("FROM b\nRUN --mount=type=bind,from=a:1,target=/x y\n", 2),
        ("FROM aa:1\n", None),
    ],
)
def test_line_of_a_missing_image(text: str, line: int | None) -> None:
    assert found(text, "failed to convert Dockerfile to LLB: a:1: docker.io/library/a:1: not found").line == line


def test_traceback_of_a_run_is_reported_too() -> None:
    capture = load("dockerfile/collectstatic")

    read = parse("dockerfile", stdout="", stderr=capture.stderr, root="", cwd=".", copies=(("/app", "apps/web"),))

    assert [each.location for each in read.diagnostics] == ["apps/web/Dockerfile:8", "apps/web/config/settings.py:2"]


def test_without_a_dockerfile_the_message_has_no_place() -> None:
    (said,) = parse("dockerfile", stdout="", stderr="failed to copy: no space\n", root="/x", cwd=".").diagnostics

    assert (said.file, said.line, said.message) == (None, None, "failed to copy: no space")


@pytest.mark.parametrize(
    ("run", "secrets"),
    [
        ("--mount=type=secret,id=token cat x", ("token",)),
        ("--mount=type=cache,target=/c --mount=type=secret,target=/run/secrets/b cat x", ("b",)),
        ("--mount=target=/run/a,id=a,type=secret --mount=type=secret,id=b,required cat x", ("a", "b")),
        ("--mount=type=bind,source=id,target=/id cat x", ()),
        ("cat y", ()),
    ],
)
def test_secrets_of_the_run_with_an_argv(run: str, secrets: tuple[str, ...]) -> None:
    text = f"FROM a\nRUN --mount=type=secret,id=other true\nRUN {run}\n"

    assert secrets_of(text, ("/bin/sh", "-c", "cat x")) == secrets
