"""The command line: arguments in, report and exit code out. The last line of a run is always its verdict."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TextIO

from flows.listing import render_list, render_plan
from flows.output import Output, choose_output
from flows.scope import Scope, neutral_directory, read_scope
from flows.validation import Places, Validation, new_run_id
from tasks.errors import PredeployError, UsageError
from tasks.models import EngineFacts, Outcome, Report, RunFacts, Stage, Verdict
from tasks.report.directory import create_run_directory
from tasks.report.document import render_document
from tasks.report.last_line import last_line_of
from tasks.report.publish import publish
from tasks.run import Run
from tasks.settings import unknown_variables

EPILOG = """\
exit codes: 0 passed · 1 a check failed: the code is broken · 2 wrong usage or configuration · 3 no verdict: something
around the code is not as it should be · 124 the budget is spent · 130 interrupted · 143 terminated"""
FLAGS = {
    "stage": "stages",
    "only": "only",
    "skip": "skip",
    "engine": "engine",
    "output": "output",
    "json_output": "json_output",
    "fail_fast": "fail_fast",
    "budget": "budget",
    "jobs": "jobs",
}


class Parser(argparse.ArgumentParser):
    """Raises instead of ending the process, so that the last line is always written."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\nSee what there is: {self.prog} --help")


def make_parser(called_as: str) -> Parser:
    """All flags. Values are checked with the other settings, so that every mistake is told at once."""
    parser = Parser(
        prog=called_as,
        description="Would a deploy of this tree succeed?",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("stack", nargs="?", help="the stack's directory (default: the current one)")
    parser.add_argument(
        "--stage", action="append", metavar="STAGE", help=f"only this stage: {', '.join(Stage)}; repeatable"
    )
    parser.add_argument(
        "--only", action="append", metavar="CHECK", help="only this check and what it needs; repeatable"
    )
    parser.add_argument(
        "--skip", action="append", metavar="CHECK", help="without this check and what needs it; repeatable"
    )
    parser.add_argument("--engine", metavar="ENGINE", help="auto or local")
    parser.add_argument(
        "--json-output", action="store_true", help="the report as JSON on stdout, and nothing else there"
    )
    parser.add_argument("--output", metavar="MODE", help="auto, human, or agent: failures only, no colour")
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first red check")
    parser.add_argument("--budget", metavar="SECONDS", help="stop cleanly when time is up")
    parser.add_argument("--jobs", metavar="N", help="how many checks at once")
    parser.add_argument("--plan", action="store_true", help="print what would run, and run nothing")
    parser.add_argument(
        "--list", action="store_true", help="print the checks this stack has and has not, and run nothing"
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of a mistake of our own")
    return parser


@dataclass(slots=True)
class Session:
    """What the end of a run has to know, however it comes."""

    json_output: bool = False
    debug: bool = False
    scope: Scope | None = None
    run: Run | None = None
    signalled: str = ""

    @property
    def people(self) -> TextIO:
        """Where text for people goes."""
        return sys.stderr if self.json_output else sys.stdout


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Runs the command line and returns the exit code. Never raises."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    session = Session(json_output="--json-output" in arguments, debug="--debug" in arguments)
    try:
        return run_command(arguments, environ, session)
    except KeyboardInterrupt:
        return end_without_report(session, Outcome.INTERRUPTED, 130, "interrupted")
    except PredeployError as error:
        outcome = Outcome.USAGE if error.exit_code == 2 else Outcome.ERRORED
        return end_without_report(session, outcome, error.exit_code, str(error))
    except BrokenPipeError:
        return end_without_report(session, Outcome.ERRORED, 3, "nobody reads the output")
    except Exception as error:
        if session.debug:
            traceback.print_exc()
        text = f"a mistake of predeploy's own: {type(error).__name__}: {error}. It is no verdict on the stack."
        return end_without_report(session, Outcome.ERRORED, 3, text + ("" if session.debug else " Details: --debug"))


def end_without_report(session: Session, outcome: Outcome, exit_code: int, reason: str) -> int:
    """Says why nothing ran: a paragraph on stderr, the document where it was asked for, and the last line."""
    report = Report(
        verdict=Verdict(outcome=outcome, exit_code=exit_code, reason=reason),
        checks=(),
        engine=EngineFacts(name="", version="", reason=""),
        run=RunFacts(id=""),
        stack="",
        tree="",
        directory="",
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        duration=0.0,
    )
    with contextlib.suppress(BrokenPipeError):
        print(f"predeploy: {reason}", file=sys.stderr)
        if session.json_output:
            sys.stdout.write(render_document(report))
        print(last_line_of(report), file=session.people, flush=True)
    return exit_code


def default_stack(environ: Mapping[str, str]) -> str:
    """The current directory, unless the caller's recipe knows a better one."""
    return environ.get("PREDEPLOY_STACK") or "."


def run_command(arguments: Sequence[str], environ: Mapping[str, str], session: Session) -> int:
    """Reads the scope; prints it, or validates it."""
    called_as = environ.get("PREDEPLOY_CALLED_AS", "python -m flows.predeploy")
    options = vars(make_parser(called_as).parse_args(arguments))
    shown = options.get("stack") or default_stack(environ)
    flags = {setting: options[flag] for flag, setting in FLAGS.items() if flag in options}
    places = Places.of_user()
    stack = Path(shown).absolute()
    scope = session.scope = read_scope(stack, flags, environ, places.cache)
    session.json_output = scope.settings.json_output
    if options.get("list"):
        print(render_list(scope.catalogue))
        return 0
    if options.get("plan"):
        print(render_plan(scope))
        return 0
    neutral_directory(places.cache)
    output = choose_output(scope.settings, environ, session.people)
    report = asyncio.run(validate(session, places, output, environ, called_as=called_as, shown=shown))
    if scope.settings.json_output:
        sys.stdout.write(render_document(report))
    with contextlib.suppress(BrokenPipeError):
        print(output.render(report), file=session.people)
        print(last_line_of(report), file=session.people, flush=True)
    return report.verdict.exit_code


async def validate(
    session: Session, places: Places, output: Output, environ: Mapping[str, str], *, called_as: str, shown: str
) -> Report:
    """One run with its recorder, its progress and its signals; the report is written before it is returned."""
    assert session.scope is not None
    run_id = new_run_id()
    recordings: list[asyncio.Task[RunFacts]] = []
    settings = session.scope.settings
    chosen = {"stages": settings.stages, "only": settings.only, "skip": settings.skip}
    parameters = {"stack": shown, **{name: list(map(str, names)) for name, names in chosen.items() if names}}

    def begun(run: Run) -> None:
        session.run = run
        recordings.append(asyncio.create_task(recorded(run, run_id, parameters, places, environ)))

    with create_run_directory(session.scope.tree.root, run_id) as directory:
        progress = output.open_progress(sys.stderr)
        with catching(session):
            try:
                validation = Validation(
                    scope=session.scope,
                    places=places,
                    directory=directory,
                    progress=progress,
                    environ=environ,
                    run_id=run_id,
                    called_as=called_as,
                    shown_stack=shown,
                    begun=begun,
                )
                report = await validation.run()
                facts = await asyncio.gather(*recordings)
            finally:
                progress.close()
        report = replace(report, run=facts[0]) if facts else report
        notes = (*filter(None, [directory.warning]), *unknown_variables(environ), *report.warnings)
        report = replace(report, warnings=notes)
        publish(directory, {"report.json": render_document(report), "report.txt": output.render_plain(report)})
        return report


async def recorded(
    run: Run, run_id: str, parameters: Mapping[str, Any], places: Places, environ: Mapping[str, str]
) -> RunFacts:
    """Records the run in Prefect, beside it. Never raises, never holds the run up."""
    from flows.watch import watch
    from tasks.prefect_server import ensure_server

    async def flow() -> object:
        from flows.predeploy import predeploy

        return await predeploy(**parameters, return_state=True)

    connect = partial(ensure_server, environ, data_dir=places.data, cache_dir=places.cache)
    where = await watch(run, flow, connect)
    return RunFacts(id=run_id, url=where.url, unrecorded=where.unrecorded)


@contextlib.contextmanager
def catching(session: Session) -> Iterator[None]:
    """Ctrl-C and SIGTERM stop the run, which then reports what it knows. The second one ends the process at once."""
    loop = asyncio.get_running_loop()
    kinds = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "terminated"}

    def stop(number: signal.Signals) -> None:
        if session.signalled or session.run is None:
            loop.remove_signal_handler(number)
            os.kill(os.getpid(), number)
            return
        session.signalled = kinds[number]
        session.run.stop(kinds[number], f"{kinds[number]} by {number.name}")

    for number in kinds:
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        for number in kinds:
            loop.remove_signal_handler(number)


def end_process() -> NoReturn:
    """Runs the command line and ends the process at once: whoever still waits on a dead server is left behind."""
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
