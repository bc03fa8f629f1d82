"""Wrong usage and wrong configuration: exit code 2, cause and remedy, the verdict line, and no traceback."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import pytest

from flows.cli.declarations import PROGRAMS, SUBCOMMANDS
from tasks.settings.flags import Group
from tasks.version import VERSION
from tests.cli.caller import Caller
from tests.cli.stack import TinyStack

Arrange = Callable[[TinyStack], None]


def assert_usage_error(caller: Caller, *arguments: str | Path, says: str) -> None:
    """Asserts the human-readable output: the reason on stderr, and only the verdict line on stdout."""
    ended = caller.run(*arguments)

    ended.assert_ended(2, "USAGE")
    assert re.search(says, ended.stderr, re.DOTALL), ended.transcript
    assert len(ended.stdout.splitlines()) == 1, ended.transcript


def assert_documented(caller: Caller, *arguments: str | Path, says: str) -> None:
    """Asserts the output for programs: the document on stdout, and the reason on stderr."""
    ended = caller.run(*arguments, "--json-output")

    ended.assert_ended(2, "USAGE")
    assert re.search(says, ended.stderr, re.DOTALL), ended.transcript
    assert (ended.document["result"], ended.document["exit_code"]) == ("usage", 2)
    assert re.search(says, ended.document["reason"], re.DOTALL), ended.transcript


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--bogus"], r"--bogus: no such flag\n.*--help"),
        (["--fail-fats"], r"--fail-fats: .*did you mean --fail-fast\?"),
        (["--jobs=2", "one", "two"], r"two: one stack at a time"),
        (["--only"], r"--only: expected one argument.*--help"),
        (["--only", "--help"], r"--only: expected one argument.*--help"),
        (["one", "status"], r"status: a subcommand is the first argument"),
        (["--budget", "x"], r"--budget: must be a number \(got 'x'\)"),
        (["--budget", "-1"], r"--budget: must be more than 0"),
        (["--jobs", "0"], r"--jobs: must be at least 1"),
        (["--output", "loud"], r"--output: must be 'auto', 'human' or 'agent'"),
        (["--base", "no-such-branch"], r"--base no-such-branch: the stack has no commit in git"),
        (["--engine", "docker"], r"--engine: must be 'auto', 'dagger' or 'local'"),
        (
            ["--stage", "qualty", "--budget", "x", "--jobs", "0"],
            r"--stage: .*did you mean 'quality'\?.*--budget: .*--jobs: ",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_invalid_flags(caller: Caller, green: TinyStack, arguments: list[str], says: str) -> None:
    assert_usage_error(replace(caller, cwd=green.root), *arguments, says=says)

    assert not (green.root / ".predeploy").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--only", "wrds"], r"no check is named wrds; did you mean words\?"),
        (["--skip", "nothing-like-it"], r"no check is named nothing-like-it; there are: later, words"),
        (["--only", "words", "--skip", "words"], r"the flags select no check.*--list"),
        (["--stage", "build"], r"the flags select no check.*--list"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_empty_selection(caller: Caller, green: TinyStack, arguments: list[str], says: str) -> None:
    assert_usage_error(caller, green.root, *arguments, says=says)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A stack that cannot be validated. `says`: pattern of the error text."""

    arrange: Arrange
    says: str


def write(name: str, text: str) -> Arrange:
    def arrange(stack: TinyStack) -> None:
        (stack.root / name).parent.mkdir(parents=True, exist_ok=True)
        (stack.root / name).write_text(text)

    return arrange


def lack_submodule(stack: TinyStack) -> None:
    stack.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor/theme")
    (stack.root / "vendor/theme").mkdir(parents=True)
    (stack.root / ".gitmodules").write_text('[submodule "theme"]\n\tpath = vendor/theme\n\turl = ../theme\n')


def link_out(stack: TinyStack) -> None:
    (stack.root / "settings.py").symlink_to("../../settings.py")


def become_unreadable(stack: TinyStack) -> None:
    """Removes read permission from a file. Root can read every file, so for root the file becomes a pipe."""
    place = stack.root / "secret.txt"
    place.write_text("secret")
    stack.git("add", "secret.txt")
    if os.geteuid():
        place.chmod(0)
    else:
        place.unlink()
        os.mkfifo(place)


def damage_repository(stack: TinyStack) -> None:
    (stack.root / ".git/config").write_text("[core\n")


MISTAKES = """\
stages = ["qualty"]
colour = true

[[check]]
name = "two words"
stage = "quality"
run = 7
"""
BROKEN = {
    "several mistakes": Broken(
        arrange=write("predeploy.toml", MISTAKES),
        says=r"toml:1: stages.*predeploy\.toml:2: colour.*predeploy\.toml:5: check.*predeploy\.toml:7: check",
    ),
    "no TOML": Broken(arrange=write("predeploy.toml", "jobs = = 1\n"), says=r"predeploy\.toml:1:8: is not TOML"),
    "a circle": Broken(
        arrange=write(
            "predeploy.toml",
            '[[check]]\nname = "a"\nstage = "build"\nrun = "true"\nneeds = ["b"]\n'
            '[[check]]\nname = "b"\nstage = "build"\nrun = "true"\nneeds = ["a"]\n',
        ),
        says=r"predeploy\.toml: .*circular needs.*a → b|circular needs.*b → a",
    ),
    "nothing to do": Broken(
        arrange=lambda stack: (stack.root / "predeploy.toml").unlink(), says=r"no Django project .*\n.*directory"
    ),
    "a submodule is missing": Broken(arrange=lack_submodule, says=r"vendor/theme: the submodule.*git submodule update"),
    "a symlink leads out": Broken(arrange=link_out, says=r"settings\.py: a symlink to .*, outside of the stack"),
    "unreadable": Broken(arrange=become_unreadable, says=r"secret\.txt: (cannot be read|neither a file)"),
    "no repository any more": Broken(arrange=damage_repository, says=r"git cannot .*Repair the repository"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_stack_that_cannot_be_validated(caller: Caller, green: TinyStack, broken: Broken) -> None:
    broken.arrange(green)

    assert_documented(caller, green.root, says=broken.says)

    assert not (green.root / ".predeploy").exists()


def test_missing_base(caller: Caller, green: TinyStack) -> None:
    who = ("-c", "user.name=T", "-c", "user.email=t@example.invalid")
    green.git("add", ".")
    green.git(*who, "commit", "-qm", "first")
    named = {**caller.environ, "PREDEPLOY_BASE": "no-such-tag"}

    assert_documented(
        caller, green.root, "--base", "no-such-branch", says="--base no-such-branch: git does not have this commit"
    )
    assert_documented(
        replace(caller, environ=named), green.root, says="--base no-such-tag: git does not have this commit"
    )
    assert caller.run(green.root, "--base", "HEAD", "--plan").code == 0


def test_stack_that_is_not_a_directory(caller: Caller, green: TinyStack) -> None:
    assert_documented(caller, green.root / "nowhere", says=r"nowhere does not exist\. Name the stack's directory")
    assert_documented(caller, green.root / "main.py", says=r"main\.py is not a directory\. Name the stack's directory")
    assert_usage_error(caller, "x" * 300, says=r"cannot be read \(File name too long\)")


def test_deleted_current_directory(caller: Caller, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()

    def leave() -> None:
        os.chdir(gone)
        gone.rmdir()

    ended = caller.run("--list", preexec_fn=leave)

    ended.assert_ended(2, "USAGE")
    assert "current directory" in ended.stderr


def test_without_git(caller: Caller, green: TinyStack, tmp_path: Path) -> None:
    assert_documented(
        replace(caller, environ={**caller.environ, "PATH": str(tmp_path)}), green.root, says="Install git 2.31 or newer"
    )


def test_invalid_variables(caller: Caller, green: TinyStack) -> None:
    environ = {**caller.environ, "PREDEPLOY_JOBS": "many", "PREDEPLOY_JSON_OUTPUT": "1"}

    ended = replace(caller, environ=environ).run(green.root, "--budget", "soon")

    ended.assert_ended(2, "USAGE")
    assert re.search(r"PREDEPLOY_JOBS: .*\n?.*--budget: ", ended.document["reason"], re.DOTALL)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["docter"], r"docter is no directory and no subcommand; did you mean doctor\?\n.*--help"),
        (["maintian", "--days", "3"], r"maintian is no directory and no subcommand; did you mean maintain\?"),
        (["help"], r"did you mean --help\?"),
        (["--fail-fast", "status"], r"status is no directory\. A subcommand is the first argument: .* status\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misspelt_subcommand(caller: Caller, arguments: list[str], says: str) -> None:
    assert_usage_error(caller, *arguments, says=says)


def test_directory_is_not_taken_for_a_misspelt_subcommand(caller: Caller, green: TinyStack) -> None:
    green.root.rename(caller.cwd / "docter")

    assert caller.run("docter", "--list").code == 0


@pytest.mark.parametrize("program", ["python -m flows.predeploy", "./just pre-deploy"])
def test_help_fits_one_screen(caller: Caller, program: str) -> None:
    ended = replace(caller, environ={**caller.environ, "PREDEPLOY_CALLED_AS": program}).run("--help", "--whatever")

    assert (ended.code, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines[:-1])) <= 80
    assert [line.split("  ")[1].startswith(program) for line in lines[2:5]] == [True] * 3
    assert Path(lines[-1].partition("More: ")[2]).read_text().startswith("# Command line")


def test_help_has_every_flag_subcommand_and_exit_code(caller: Caller) -> None:
    text = caller.run("-h").stdout

    flags = [
        "base",
        "budget",
        "commit",
        "debug",
        "detach",
        "distribute",
        "engine",
        "environment",
        "export-built",
        "export-image",
    ]
    more = [
        "fail-fast",
        "fresh",
        "gate",
        "help",
        "jobs",
        "json-output",
        "list",
        "only",
        "output",
        "plan",
        "publish",
        "skip",
        "stage",
        "version",
        "watch",
    ]
    assert sorted(re.findall(r"^  --([a-z-]+)", text, re.MULTILINE)) == [*flags, *more]
    assert re.findall(r"^([A-Z][a-z ]+)(?=[:,].*:?$)", text, re.MULTILINE)[:-1] == [*Group, "Subcommands"]
    below = text.partition("Subcommands,")[2].partition("Exit codes")[0]
    named = {word for line in below.splitlines()[1:] for word in line.partition("   ")[0].replace(",", "").split()}
    assert {*SUBCOMMANDS, *PROGRAMS} <= named
    assert len(text.splitlines()) <= 40
    codes = text.partition("Exit codes: ")[2].partition("More: ")[0]
    assert re.findall(r"(\d+) [a-z]", codes) == ["0", "1", "2", "3", "124", "130", "143"]


def test_version_lists_the_packages_that_affect_a_verdict(caller: Caller) -> None:
    ended = caller.run("--version")

    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        f"predeploy {VERSION}",
        f"dagger-io {version('dagger-io')}",
        f"prefect {version('prefect')}",
    ]


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--version"], "prefect|dagger|pydantic|asyncio"),
        (["--help"], r"prefect|dagger|tasks\.validation"),
        (["doctor", "--help"], r"prefect|dagger|tasks\.validation"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_information_loads_no_slow_package(caller: Caller, arguments: list[str], unwanted: str) -> None:
    spied = replace(caller, environ={**caller.environ, "PYTHONPROFILEIMPORTTIME": "1"})

    ended = spied.run(*arguments)

    assert ended.code == 0
    assert "flows.cli.information" in ended.stderr
    assert not re.search(rf"\| +({unwanted})\b", ended.stderr)


def test_information_with_a_closed_stdout(caller: Caller) -> None:
    ended = caller.run("--version", preexec_fn=lambda: os.close(1))

    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")


def test_list_and_plan_run_no_check(caller: Caller, green: TinyStack) -> None:
    green.has("never", "echo ran > $1/ran", needs="words")
    plain = [caller.run(green.root, flag) for flag in ("--list", "--plan")]
    watched = caller.start(green.root, "--plan", "--only", "words")
    spied = replace(caller, environ={**caller.environ, "PYTHONPROFILEIMPORTTIME": "1"}).run(green.root, "--plan")

    assert [ended.code for ended in plain] == [0, 0]
    assert re.match(
        r"Quality\n  words +words\n  never +never\n\nIntegration\n  later +later\n\nNot in", plain[0].stdout
    )
    keys = re.sub(r"\b[0-9a-f]{16}\b", "KEY", plain[1].stdout)
    lines = keys.partition("\n\n")[0].splitlines()
    assert lines[1::3] == ["    runs: it may read more than the stack's files"] * 3
    assert lines[::3] == [
        "words  quality  KEY",
        "never  quality  KEY  needs words",
        "later  integration  KEY  needs words",
    ]
    chosen, _, legend = watched.wait().stdout.partition("\n\n")
    assert chosen.splitlines() == plain[1].stdout.splitlines()[:3]
    assert legend.startswith("How to read the plan:\n  CHECK  STAGE  KEY  needs CHECKS")
    assert spied.stdout == plain[1].stdout
    assert not re.search(r"\| +(prefect|dagger)\b", spied.stderr)
    assert not green.mark("ran").exists()
    assert not (green.root / ".predeploy").exists()
    assert [ended.stderr for ended in plain] == ["", ""]


COUNTS = """
import tasks.validation.stack_settings as module
real = module.load_settings
def counted(*arguments, **more):
    with open({file!r}, "a") as file:
        file.write(".")
    return real(*arguments, **more)
module.load_settings = counted
"""


@pytest.mark.parametrize(("flags", "times"), [((), 1), (("--gate", "--engine", "local"), 2)], ids=str)
def test_settings_are_loaded_once_per_file(
    caller: Caller, green: TinyStack, tmp_path: Path, flags: tuple[str, ...], times: int
) -> None:
    """The gate reads two files: `predeploy.toml` in the stack, and the one in the clone."""
    place, file = tmp_path / "counting", tmp_path / "count"
    place.mkdir()
    (place / "sitecustomize.py").write_text(COUNTS.format(file=str(file)))
    green.git("add", "--all")
    green.git("-c", "user.name=T", "-c", "user.email=t@example.invalid", "commit", "-qm", "all")

    ended = replace(caller, paths=(*caller.paths, place)).run(green.root, "--plan", *flags)

    assert ended.code == 0, ended.transcript
    assert file.read_text() == "." * times


def test_list_prints_ascii_without_unicode_support(caller: Caller, stack: TinyStack) -> None:
    stack.has("words")
    config = stack.root / "predeploy.toml"
    config.write_text(config.read_text() + 'title = "Wörter … alle"\n')
    environ = {**caller.environ, "LANG": "C", "PYTHONIOENCODING": "ascii"}

    ended = replace(caller, environ=environ).run(stack.root, "--list")

    assert ended.code == 0, ended.transcript
    assert "W\\xf6rter ... alle" in ended.stdout
    assert json.dumps(ended.stdout).isascii()
