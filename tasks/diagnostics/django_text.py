"""Readers of manage.py: system checks and migrations."""

import posixpath
import re
from dataclasses import replace

from tasks.diagnostics.paths import PathMapper
from tasks.diagnostics.reading import Parsed, ToolOutput, first_line, shortened
from tasks.diagnostics.tracebacks import Trace, from_trace, from_tracebacks, place, traces
from tasks.models import Diagnostic, Severity

_ISSUE = re.compile(
    r"^(?P<object>\?|<.+?>|[\w./-]+(?: [\w.]+)?): (?:\((?P<id>[\w.-]+\.[CEWID]\d+|[\w.-]+)\) )?(?P<message>.+)$"
)
_LEVEL = re.compile(r"^(CRITICALS?|ERRORS?|WARNINGS?|INFOS?|DEBUGS?):$")
_LEVELS = {"CRITICAL": Severity.ERROR, "ERROR": Severity.ERROR, "WARNING": Severity.WARNING}
_IDENTIFIED = re.compile(r"System check identified (.+)\.")
_CLASS = re.compile(r"^<class '(?P<path>[\w.]+)'>$")
_COMMAND = re.compile(r"^(?:\w*CommandError|SystemCheckError): (?P<message>.+(?:\n(?!\n|\w+Error:).+)*)", re.MULTILINE)
_USAGE = re.compile(r"^(?:[\w./-]+(?: [\w-]+)?: error: |Unknown command: )(?P<message>.+)$", re.MULTILINE)

_APPLYING = re.compile(r"^ *(?:Applying|Unapplying) (?P<app>\w+)\.(?P<name>\w+)\.\.\.(?P<rest>.*)$", re.MULTILINE)
_APPLIED = re.compile(r"(?: OK| FAKED)\s*$")
_SQLSTATE = re.compile(r"^psycopg2?\.errors\.(\w+)$")
_DATABASE = re.compile(r"^(?:django\.db\.utils|psycopg2?(?:\.errors)?|sqlite3)\.")
_MISSING_APP = re.compile(r"^Migrations for '(?P<app>\w+)':$")
_MISSING_FILE = re.compile(r"^  (?P<path>\S+\.py)(?::)?$")
_OPERATION = re.compile(r"^\s+(?:[-+~>] )?(?P<text>[A-Z].+)$")
_LEAVES = re.compile(r"multiple leaf nodes in the migration graph: \((?P<names>.+?) in (?P<app>\w+)(?:; .*)?\)")
_NODE = re.compile(r"Migration (?P<app>\w+)\.(?P<name>\w+) dependencies reference nonexistent parent node")
_NOT_REFLECTED = re.compile(r"Your models in app\(s\): (?P<apps>.+?) have changes that are not yet reflected")
_NULLABLE = re.compile(r"^Field '.+' on model '.+' not migrated: .+$", re.MULTILINE)
_UNAPPLIED = re.compile(r"^ \[ \] (?P<name>\w+)")
_PLANNED = re.compile(r"^(?P<app>\w+)\.(?P<name>\d{4}_\w+|\w+)$", re.MULTILINE)


def django_check(output: ToolOutput) -> Parsed:
    """`manage.py check`, on whichever stream: issues are printed on stderr, a pass on stdout."""
    found: list[Diagnostic] = []
    level = Severity.ERROR
    for text in output.text.splitlines():
        heading, issue = _LEVEL.match(text), _ISSUE.match(text)
        hint = text.strip()
        if heading:
            level = _LEVELS.get(heading[1].removesuffix("S"), Severity.NOTE)
        elif hint.startswith("HINT: ") and found:
            found[-1] = replace(
                found[-1], message=shortened(f"{found[-1].message.rstrip('.')}. {hint.removeprefix('HINT: ')}")
            )
        elif issue and (issue["id"] or issue["object"] == "?") and "System check identified" in output.text:
            found.append(_issue(issue, level, output.mapper))
    told = _IDENTIFIED.search(output.text)
    found.extend(_ended(output) if not found else [])
    return Parsed(diagnostics=tuple(found), summary=told[1] if told else "")


def _issue(match: re.Match[str], level: Severity, mapper: PathMapper) -> Diagnostic:
    """A class names its module. A model names its app alone: Django does not say where it is written."""
    named = _CLASS.match(match["object"])
    told = "" if match["object"] == "?" or named else f"{match['object']}: "
    file = None
    if named and named["path"].count("."):
        file = mapper.relative(named["path"].rpartition(".")[0].replace(".", "/") + ".py")
    return Diagnostic(
        tool="django",
        message=shortened(told + match["message"]),
        file=file,
        severity=level,
        rule=match["id"] or None,
    )


def _ended(output: ToolOutput) -> list[Diagnostic]:
    """What ended a command: an error that it knows, its usage, or a traceback."""
    for text in (output.stderr, output.stdout):
        command = _COMMAND.search(text)
        if command:
            return [Diagnostic(tool="django", message=shortened(command["message"]), rule="CommandError")]
        usage = _USAGE.search(text)
        if usage and not traces(text):
            return [Diagnostic(tool="django", message=shortened(usage[0]), rule="usage")]
    return [replace(found, tool="django") for found in from_tracebacks(output).diagnostics]


def migrations(output: ToolOutput) -> Parsed:
    """`migrate`, `migrate --check --plan` and `makemigrations --check --dry-run`."""
    applied = [match for match in _APPLYING.finditer(output.stdout) if _APPLIED.search(match["rest"])]
    summary = f"{len(applied)} migrations applied" if applied else ""
    for known in (_conflict, _not_migrated, _planned, _raised):
        found = known(output)
        if found:
            return Parsed(diagnostics=tuple(found))
    found = [
        Diagnostic(
            tool="django",
            message=f"models in {match['apps']} have changes that no migration has",
            severity=Severity.WARNING,
            rule="models_changed",
        )
        for match in _NOT_REFLECTED.finditer(output.stdout)
    ]
    quiet = first_line(output.stdout) if "No changes detected" in output.stdout else ""
    return Parsed(diagnostics=tuple(found) or tuple(_ended(output)), summary=summary or quiet)


def _migration_file(app: str, name: str, mapper: PathMapper) -> str | None:
    """Where the migration lies if its app is a folder beside manage.py; nothing else is known of it."""
    return mapper.relative(posixpath.join(app, "migrations", f"{name}.py"))


def _conflict(output: ToolOutput) -> list[Diagnostic]:
    found = []
    for match in _LEAVES.finditer(output.text):
        for name in (part.strip() for part in match["names"].split(",")):
            message = f"two leaf migrations in {match['app']}: {match['names']}. Run makemigrations --merge"
            file = _migration_file(match["app"], name, output.mapper)
            found.append(Diagnostic(tool="django", message=message, file=file, rule="conflicting_migrations"))
    return found


def _not_migrated(output: ToolOutput) -> list[Diagnostic]:
    """The migrations that makemigrations would write: file by file, with what each would hold."""
    found: list[Diagnostic] = []
    app, file = "", None
    for text in output.stdout.splitlines():
        heading, path, operation = _MISSING_APP.match(text), _MISSING_FILE.match(text), _OPERATION.match(text)
        if heading:
            app, file = heading["app"], None
        elif app and path:
            # The file is not there: what changed is in the app's models.
            folder = posixpath.dirname(posixpath.dirname(path["path"]))
            file = output.mapper.relative(posixpath.join(folder, "models.py"))
        elif app and operation:
            message = f"{app} lacks a migration: {operation['text']}"
            found.append(Diagnostic(tool="django", message=message, file=file, rule="missing_migration"))
    found.extend(
        Diagnostic(tool="django", message=shortened(match[0]), rule="missing_migration")
        for match in _NULLABLE.finditer(output.text)
    )
    return found


def _planned(output: ToolOutput) -> list[Diagnostic]:
    """Migrations that the database lacks, as `migrate --check --plan` or `showmigrations` lists them."""
    named = [(match["app"], match["name"]) for match in _PLANNED.finditer(output.stdout)]
    lacking = named if "Planned operations:" in output.stdout else []
    app = ""
    for text in output.stdout.splitlines():
        shown = _UNAPPLIED.match(text)
        if shown:
            lacking.append((app, shown["name"]))
        elif text and not text[0].isspace():
            app = text.strip()
    return [
        Diagnostic(
            tool="django",
            message=f"{app}.{name} is not applied",
            file=_migration_file(app, name, output.mapper),
            rule="unapplied_migration",
        )
        for app, name in lacking
    ]


def _raised(output: ToolOutput) -> list[Diagnostic]:
    """What a migration, or the database under it, raised."""
    found = traces(output.stderr) or traces(output.stdout)
    told = from_trace(found, output.mapper, "django")
    if told is None:
        return []
    applying = [match for match in _APPLYING.finditer(output.stdout) if not _APPLIED.search(match["rest"])]
    node = _NODE.search(told.message)
    culprit = node or (applying[-1] if applying else None)
    file, line = place(found, output.mapper)
    if file is None and culprit:
        file = _migration_file(culprit["app"], culprit["name"], output.mapper)
    message = told.message
    if applying:
        message = f"{applying[-1]['app']}.{applying[-1]['name']}: {message}"
    details = [note for note in found[-1].notes if note.startswith("DETAIL:")]
    return [
        replace(
            told,
            message=shortened(" ".join((message, *details))),
            file=file,
            line=line,
            rule=_database_rule(found) or told.rule,
        )
    ]


def _database_rule(found: list[Trace]) -> str | None:
    """The name that psycopg gives the SQLSTATE: it says more than Django's class for it."""
    if not _DATABASE.match(found[-1].type):
        return None
    named = [match[1] for trace in found if (match := _SQLSTATE.match(trace.type))]
    return named[-1] if named else None
