"""The flags and subcommands of the command line, as data: the parser, the help and the documents are made of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.settings.flags import Flag, Group, first_sentence
from tasks.settings.models import FLAGS

DEFAULT_PROGRAM = "python -m flows.predeploy"
STACK = "STACK"
STACK_TEXT = "the directory of the stack, by default the current one"
DISTRIBUTE = Flag(
    group=Group.RUN,
    name="--distribute",
    text="run the checks on Prefect workers, in shards. Each worker has its own engine",
)
DETACH = Flag(
    group=Group.RUN,
    name="--detach",
    text="start the run, and return at once. `status --wait` waits for its verdict",
)
WATCH = Flag(
    group=Group.RUN,
    name="--watch",
    text="validate again after each edit, until Ctrl-C. It needs `predeploy[watch]`",
)
COMMIT = Flag(
    group=Group.DEPLOY,
    name="--commit",
    metavar="REF",
    text="with `--gate`: the commit to validate, by default `HEAD`. Without it, no file may differ from `HEAD`",
)
DEBUG = Flag(group=Group.OUTPUT, name="--debug", text="print the traceback of an internal error of predeploy")
LIST = Flag(
    group=Group.OUTPUT,
    name="--list",
    text="print the checks of the stack, and run nothing. It also prints the absent checks and the reasons",
)
PLAN = Flag(group=Group.OUTPUT, name="--plan", text="print the checks with keys and commands, and run nothing")
VERSION = Flag(group=Group.OUTPUT, name="--version", text="print the versions of predeploy, dagger-io and Prefect")
HELP = Flag(group=Group.OUTPUT, name="--help", text="print the help")
NO_SETTINGS: Mapping[str, Flag] = {
    "distribute": DISTRIBUTE,
    "detach": DETACH,
    "watch": WATCH,
    "commit": COMMIT,
    "debug": DEBUG,
    "list": LIST,
    "plan": PLAN,
    "version": VERSION,
    "help": HELP,
}
"""The flags of a run that are no settings. `FLAGS` has the others."""
RUN_FLAGS: Mapping[str, Flag] = {**FLAGS, **NO_SETTINGS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subcommand:
    """The arguments of a subcommand, and its text as in `Flag`. `flows/cli/subcommands.py` has its function.

    `operand` is the name of an argument that must be given.
    """

    text: str
    flags: Mapping[str, Flag]
    takes_stack: bool = False
    operand: str = ""

    @property
    def operands(self) -> str:
        """The arguments that are no flags: `WHAT [STACK]`."""
        return f"{self.operand} {f'[{STACK}]' if self.takes_stack else ''}".strip()

    @property
    def help(self) -> str:
        """The first sentence of the text."""
        return first_sentence(self.text)


ALWAYS: Mapping[str, Flag] = {"debug": DEBUG, "help": HELP}
"""The flags of every subcommand."""
OF_RERUN = ("engine", "fail_fast", "budget", "jobs", "fresh", "base", "environment", "json_output", "output")
RERUN = "rerun"
"""The subcommand that is a run."""
SUBCOMMANDS: Mapping[str, Subcommand] = {
    RERUN: Subcommand(
        text="run the red checks of the newest report again. It takes their engine and deploy target, and also the "
        "checks that the run did not get to",
        takes_stack=True,
        flags={**{name: FLAGS[name] for name in OF_RERUN}, "detach": DETACH, **ALWAYS},
    ),
    "status": Subcommand(
        text="print the newest verdict again, with its exit code. Nothing runs",
        takes_stack=True,
        flags={
            "json_output": FLAGS["json_output"],
            "require_receipt": Flag(
                name="--require-receipt",
                text="succeed only if all checks passed on these files. For hooks: nothing runs, and without a "
                "receipt the exit code is 3",
            ),
            "wait": Flag(name="--wait", text="wait for the end of a run, also of a detached one"),
            **ALWAYS,
        },
    ),
    "explain": Subcommand(
        text="print what a reason code, a check or a fingerprint means, and what usually fixes it",
        takes_stack=True,
        operand="WHAT",
        flags=ALWAYS,
    ),
    "inspect": Subcommand(
        text="print what production starts, with file and line. It also prints what production installs, its "
        "variables, each guess, and the line of `predeploy.toml` that corrects the guess",
        takes_stack=True,
        flags={"json_output": FLAGS["json_output"], **ALWAYS},
    ),
    "init": Subcommand(
        text="write a commented `predeploy.toml` from what was discovered. It overwrites no file",
        takes_stack=True,
        flags={
            "workflow": Flag(name="--workflow", text="also write a workflow for GitHub Actions"),
            "hook": Flag(name="--hook", text="also write a hook of git that validates before a push"),
            "agents": Flag(name="--agents", text="also write a paragraph for coding agents into `AGENTS.md`"),
            **ALWAYS,
        },
    ),
    "doctor": Subcommand(
        text="check that this machine has everything for a run. It prints how to fix each problem",
        takes_stack=True,
        flags={**{name: FLAGS[name] for name in ("engine", "environment", "json_output")}, **ALWAYS},
    ),
    "completion": Subcommand(
        text="print the code with which `bash`, `zsh` or `fish` completes flags, subcommands and checks",
        operand="SHELL",
        flags=ALWAYS,
    ),
    "mcp": Subcommand(
        text="serve coding agents on stdin and stdout, by the Model Context Protocol. It needs `predeploy[mcp]`",
        flags=ALWAYS,
    ),
    "ui": Subcommand(
        text="open the history of runs in Prefect's UI. It prints a link that lets your browser in for twelve hours, "
        "and opens a browser on a desktop",
        flags={"no_browser": Flag(name="--no-browser", text="print the URL, and open no browser"), **ALWAYS},
    ),
    "maintain": Subcommand(
        text="remove unused caches and old runs. It reports the disk space before and after",
        flags={
            "days": Flag(name="--days", metavar="N", text="remove cache entries unused for N days; 30 by default"),
            "gigabytes": Flag(
                name="--gigabytes",
                metavar="N",
                text="keep at most N GB of cache; 20 by default. The cache of an engine has the same limit",
            ),
            "history_days": Flag(
                name="--history-days",
                metavar="N",
                text="remove runs older than N days; 90 by default. Their reports on a worker's disk are removed too",
            ),
            **ALWAYS,
        },
    ),
}
PROGRAMS: Mapping[str, str] = {
    "deploy": "create or renew the deployments and their work pools on a Prefect server",
    "worker": "run a worker for a work pool, `local` by default. It takes the flags of `prefect worker start`",
    "webhook": "run the webhook service, which starts a run for each push",
}
"""Subcommands for operators, with texts as in `Flag`. Each is a module of `deployments` that reads its own flags."""
NUMBERS = frozenset({"days", "gigabytes", "history_days"})
"""Flags that are no settings, and have a number."""
