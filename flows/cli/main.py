"""The command line: arguments in, report and exit code out. The last line of a run is always its verdict."""

import asyncio
import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.cli.actions.rerun import rerun_options
from flows.cli.arguments import Arguments, parse_arguments, split_words
from flows.cli.declarations import DEFAULT_PROGRAM, PROGRAMS, RERUN
from flows.cli.endings import (
    Streams,
    comment_on_github,
    deliver,
    end_without_report,
    say,
    tell_github,
    verdict_of,
    write_trace,
)
from flows.cli.invocation import Caller, absolute, enter_neutral_directory
from flows.cli.list_and_plan import list_document, render_list, render_plan
from flows.cli.operate import start_program
from flows.cli.output import choose_output
from flows.cli.receipt.join import Outdated, Turn, take_turn
from flows.cli.signals import Interrupted, Interruption, is_json_wanted
from flows.cli.subcommands import run_subcommand
from flows.distribution.parameters import Distribution, reject_undistributable, require_server
from tasks.distribution.simulation import render_simulation
from tasks.engines.machine import processors
from tasks.errors import PredeployError
from tasks.execution.durations import read_history
from tasks.hardening import TOKEN_VARIABLE, exposure_of
from tasks.planning.narrowing import reject_words
from tasks.prefect_server import ServerHandle, client_environment
from tasks.redaction.gate import redact
from tasks.redaction.redactor import Redactor
from tasks.report.parts import part
from tasks.report.stream_style import detect_style
from tasks.secrets.doppler.token import read_token
from tasks.settings import FLAGS, Settings
from tasks.source.origin import find_origin
from tasks.source.places import existing
from tasks.user_dirs import UserDirs, require_usable
from tasks.validation.foreseen import foresee
from tasks.validation.gate import entered
from tasks.validation.job import Job, prepare
from tasks.validation.scope import Scope, read_scope
from tasks.validation.stack_settings import read_settings


def main(*, token: str | None, load_flow: Callable[[], Any]) -> int:
    """Runs the command line and returns the exit code. `token` is Doppler's: `os.environ` has it no more."""
    arguments, environ = sys.argv[1:], os.environ
    streams = Streams(json_output=is_json_wanted(arguments, environ.get("PREDEPLOY_JSON_OUTPUT", "")))
    interruption = Interruption()
    interruption.catch()
    try:
        caller = identify(environ, token, load_flow, streams)
        with contextlib.ExitStack() as opened:
            return run_command(arguments, caller, streams, interruption, opened)
    except (Exception, Interrupted) as error:
        interruption.printing()
        debug = "--debug" in split_words(arguments)[0]
        if debug and not isinstance(error, PredeployError | Interrupted):
            say(redact(traceback.format_exc().rstrip(), streams.redactor), sys.stderr)
        return end_without_report(streams, verdict_of(error, debug=debug), environ)


def identify(environ: Mapping[str, str], token: str | None, load_flow: Callable[[], Any], streams: Streams) -> Caller:
    """Returns the caller. From here on, the streams mask the token."""
    streams.mask(Redactor({TOKEN_VARIABLE: token.strip()} if token else {}))
    return Caller(environ=environ, token=read_token(token), exposure=exposure_of(token), load_flow=load_flow)


def run_command(
    arguments: Sequence[str],
    caller: Caller,
    streams: Streams,
    interruption: Interruption,
    opened: contextlib.ExitStack,
) -> int:
    """Runs a subcommand. Without one, it reads the scope of a run, and prints it or validates it.

    `opened` closes the clone of a gate at the end.
    """
    environ = caller.environ
    called_as = environ.get("PREDEPLOY_CALLED_AS", DEFAULT_PROGRAM)
    given = parse_arguments(arguments, called_as)
    if given.subcommand in PROGRAMS:
        start_program(given.subcommand, arguments[1:], caller)
    if given.subcommand not in {"", RERUN}:
        text, code = run_subcommand(given, caller)
        say(streams.redactor.text(detect_style(sys.stdout, environ).spell(text)), sys.stdout)
        return code
    if given.options.keys() & {"detach", "watch"}:
        text, code = run_in_child(arguments, given, caller, interruption)
        say(streams.redactor.text(text), sys.stdout)
        return code
    user_dirs = UserDirs.of_user()
    shown = given.options.get("stack") or caller.default_stack
    options = rerun_options(shown, given.options, user_dirs) if given.subcommand else given.options
    flags = {name: options[name] for name in FLAGS if name in options}
    home = existing(absolute(shown))
    is_printed = options.get("list") or options.get("plan")
    if not is_printed:
        require_usable(user_dirs, environ)
    with part("settings"):
        settings = read_settings(home, flags, environ)
    commit = options.get("commit", "")
    reject_words(given.words, is_whole=settings.gate or "distribute" in options)
    is_distributed = options.get("distribute") and not is_printed
    distribution = prepare_distribution(home, settings, commit, environ) if is_distributed else None
    place = opened.enter_context(entered(home, settings, commit, user_dirs.data))
    same = settings if place == home else None  # a clone has the predeploy.toml of its commit
    more: dict[str, Any] = {"has_token": caller.token is not None, "words": given.words}
    scope = read_scope(place, flags, environ, user_dirs.cache, home=home, settings=same, **more)
    if is_printed:
        say(detect_style(sys.stdout, environ).spell(printed(scope, options, environ, user_dirs)), sys.stdout)
        return 0
    request = ValidationRequest(scope=scope, shown=shown, called_as=called_as, distribution=distribution)
    try:
        return validate(request, caller, streams, interruption)
    except Outdated:
        return run_command(arguments, caller, streams, interruption, opened)


def printed(scope: Scope, options: Mapping[str, Any], environ: Mapping[str, str], user_dirs: UserDirs) -> str:
    """The text of `--list` or `--plan`. With `--distribute`, a plan ends with a simulation."""
    if options.get("list"):
        return (list_document if scope.settings.json_output else render_list)(scope.catalogue)
    text = render_plan(scope, foresee(scope, environ, user_dirs))
    if not options.get("distribute"):
        return text
    history = read_history(user_dirs.cache, scope.home)
    return f"{text}\n\n{render_simulation(scope.plan, history, cores=processors())}"


def run_in_child(
    arguments: Sequence[str], given: Arguments, caller: Caller, interruption: Interruption
) -> tuple[str, int]:
    """Starts a run that goes on without this process, or runs after each edit. Returns the last line and exit code."""
    if given.options.get("detach"):
        from flows.cli.actions.detach import start_detached

        return start_detached(arguments, given, caller), 0
    from flows.cli.actions.watch import watch_stack

    return watch_stack(arguments, given, caller, interruption, main)


def prepare_distribution(home: Path, settings: Settings, commit: str, environ: Mapping[str, str]) -> Distribution:
    """Returns the parameters of the run's shards on other workers. Raises UsageError if a setting excludes them."""
    reject_undistributable(settings)
    handle = ServerHandle(url=require_server(environ))
    found = Distribution(origin=find_origin(home, commit))
    client_environment(handle, os.environ)  # before Prefect's client is loaded
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationRequest:
    """One call of the command line that validates. `shown` and `called_as` are the stack and the command as given."""

    scope: Scope
    shown: str
    called_as: str
    distribution: Distribution | None = None


def validate(request: ValidationRequest, caller: Caller, streams: Streams, interruption: Interruption) -> int:
    """Validates the scope, prints the report, and returns the exit code.

    If the same command is running on the same files, this one waits for its report instead.
    """
    streams.json_output = request.scope.settings.json_output
    with part("secrets"):
        job = prepare(
            request.scope,
            caller,
            user_dirs=UserDirs.of_user(),
            called_as=request.called_as,
            shown_stack=request.shown,
            takes_secrets=request.distribution is None,
            reuses=request.distribution is None,
        )
    streams.redactor = job.secrets.redactor
    with take_turn(job, lambda text: say(f"· {text}", sys.stderr)) as turn:
        if turn.found:
            interruption.printing()
            if turn.found.document:
                say(turn.found.document.rstrip(), sys.stdout)
            say(turn.found.people, streams.people)
            return turn.found.code
        return run_job(job, request, caller, streams, interruption, turn)


def run_job(
    job: Job,
    request: ValidationRequest,
    caller: Caller,
    streams: Streams,
    interruption: Interruption,
    turn: Turn,
) -> int:
    """Runs the checks, prints the report, and keeps it for the same command on the same files."""
    with part("imports"):
        from flows.cli.receipt.write import write_receipt
        from flows.cli.session import RunSession  # the engine is not needed before
        from flows.distribution.opening import choose_work

    cwd = Path.cwd()
    enter_neutral_directory(job.user_dirs.cache)
    output = choose_output(job.settings, job.environ, streams.people)
    session = RunSession(
        job=job,
        open_work=choose_work(request.distribution),
        load_flow=caller.load_flow,
        output=output,
        interruption=interruption,
        cwd=cwd,
    )
    report = asyncio.run(session.validate())
    text = output.render(report)
    interruption.printing()
    tell_github(report, job.scope.home, job.environ, streams)
    comment_on_github(report, job.environ)
    if job.settings.trace:
        write_trace(report, job, cwd / job.settings.trace)
    deliver(report, text, streams)
    with contextlib.suppress(Exception):  # the verdict is printed: a receipt only saves time
        turn.leave(report, text, job, cwd / report.place)
        write_receipt(report, job, text, cwd / report.place)
    return report.verdict.exit_code
