"""Parsers of manage.py: system checks and migrations."""

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
_NULLABLE = re.compile(r"^(?P<message>Field '.+' on model '.+' not migrated: .+?)\.?$", re.MULTILINE)
_NO_DEFAULT = re.compile(
    r"^No default: field (?P<field>\w+) of model (?P<model>\w+) of app (?P<app>\w+) in (?P<path>.+)$", re.MULTILINE
)
"""The line of `tasks/probes/django/managed.py` for the same error."""
_NO_TABLE = re.compile(r'^(?:relation ".+" does not exist|no such table: )')
_NO_MIGRATIONS = re.compile(
    r"^No migrations: app (?P<app>\w+) with the models (?P<models>.+) in (?P<path>\S+)(?P<cause> \(.+\))?$",
    re.MULTILINE,
)
"""The line of `tasks/probes/django/predeploy_unmigrated.py`."""
_UNAPPLIED = re.compile(r"^ \[ \] (?P<name>\w+)")
_PLANNED = re.compile(r"^(?P<app>\w+)\.(?P<name>\d{4}_\w+|\w+)$", re.MULTILINE)


def django_check(output: ToolOutput) -> Parsed:
    """Reads `manage.py check` on both streams: Django prints issues on stderr and a pass on stdout."""
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
    identified = _IDENTIFIED.search(output.text)
    found.extend(_command_errors(output) if not found else [])
    summary = identified[1] if identified else ""
    # `check` may find nothing, and `check --deploy` after it may find warnings
    if summary and found and all(each.severity is not Severity.ERROR for each in found):
        summary = "no errors"
    return Parsed(diagnostics=tuple(found), summary=summary)


def _issue(match: re.Match[str], level: Severity, mapper: PathMapper) -> Diagnostic:
    """Returns an issue. Its file is known only for a class, because Django does not print the module of a model."""
    named = _CLASS.match(match["object"])
    subject = "" if match["object"] == "?" or named else f"{match['object']}: "
    file = None
    if named and named["path"].count("."):
        file = mapper.relative(named["path"].rpartition(".")[0].replace(".", "/") + ".py")
    return Diagnostic(
        tool="django",
        message=shortened(subject + match["message"]),
        file=file,
        severity=level,
        rule=match["id"] or None,
    )


def _command_errors(output: ToolOutput) -> list[Diagnostic]:
    """Returns the error that ended a command: a CommandError, wrong usage, or a traceback."""
    for text in (output.stderr, output.stdout):
        command = _COMMAND.search(text)
        if command:
            return [Diagnostic(tool="django", message=shortened(command["message"]), rule="CommandError")]
        usage = _USAGE.search(text)
        if usage and not traces(text):
            return [Diagnostic(tool="django", message=shortened(usage[0]), rule="usage")]
    return [replace(found, tool="django") for found in from_tracebacks(output).diagnostics]


def migrations(output: ToolOutput) -> Parsed:
    """Reads `migrate`, `migrate --check --plan` and `makemigrations --check --dry-run`."""
    applied = [match for match in _APPLYING.finditer(output.stdout) if _APPLIED.search(match["rest"])]
    summary = f"{len(applied)} migrations applied" if applied else ""
    for reader in (_conflict, _not_migrated, _without_migrations, _planned, _raised):
        found = reader(output)
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
    no_changes = first_line(output.stdout) if "No changes detected" in output.stdout else ""
    return Parsed(diagnostics=tuple(found) or tuple(_command_errors(output)), summary=summary or no_changes)


def _migration_file(app: str, name: str, mapper: PathMapper) -> str | None:
    """Returns the file of a migration, assuming that its app is a folder next to manage.py."""
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
    """Returns each operation of the migrations that makemigrations would write."""
    found: list[Diagnostic] = []
    app, file = "", None
    for text in output.stdout.splitlines():
        heading, path, operation = _MISSING_APP.match(text), _MISSING_FILE.match(text), _OPERATION.match(text)
        if heading:
            app, file = heading["app"], None
        elif app and path:
            # The file does not exist yet: the change is in the app's models.
            folder = posixpath.dirname(posixpath.dirname(path["path"]))
            file = output.mapper.relative(posixpath.join(folder, "models.py"))
        elif app and operation:
            found.append(_missing(app, operation["text"], file))
    for field in _NO_DEFAULT.finditer(output.stdout):
        change = f"Add field {field['field']} to {field['model']}, which needs a default"
        found.append(_missing(field["app"], change, output.mapper.relative(field["path"])))
    return found or [_missing("", match["message"], None) for match in _NULLABLE.finditer(output.text)]


def _without_migrations(output: ToolOutput) -> list[Diagnostic]:
    """Returns a finding for each app whose models have no migrations."""
    return [
        Diagnostic(
            tool="django",
            message=f"{match['app']} has models and no migrations{match['cause'] or ''}, so production lacks "
            f"the tables of {match['models']}. Run: python manage.py makemigrations {match['app']}",
            file=output.mapper.relative(match["path"]),
            rule="no_migrations",
        )
        for match in _NO_MIGRATIONS.finditer(output.stdout)
    ]


def _missing(app: str, operation: str, file: str | None) -> Diagnostic:
    """Returns the finding for one change of models, with the command that writes its migration."""
    command = f"python manage.py makemigrations {app}".rstrip()
    message = f"{app or 'an app'} lacks a migration: {operation}. Run: {command}"
    return Diagnostic(tool="django", message=shortened(message), file=file, rule="missing_migration")


def _planned(output: ToolOutput) -> list[Diagnostic]:
    """Returns the unapplied migrations in the list of `migrate --check --plan` or `showmigrations`."""
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
    """Returns the exception that a migration or its database raised."""
    found = traces(output.stderr) or traces(output.stdout)
    error = from_trace(found, output.mapper, "django")
    if error is None:
        return []
    applying = [match for match in _APPLYING.finditer(output.stdout) if not _APPLIED.search(match["rest"])]
    node = _NODE.search(error.message)
    culprit = node or (applying[-1] if applying else None)
    file, line = place(found, output.mapper)
    if file is None and culprit:
        file = _migration_file(culprit["app"], culprit["name"], output.mapper)
    message = error.message
    if error.rule == "CircularDependencyError":
        nodes = [node.strip().partition(".") for node in message.split(",")]
        file = file or _migration_file(nodes[0][0], nodes[0][2], output.mapper)
        message = f"these migrations depend on each other: {message}"
    if _NO_TABLE.search(message) and "Operations to perform:" not in output.stdout:
        message = f"the code queries a table while it is imported, so `migrate` fails on a new database: {message}"
    if applying:
        message = f"{applying[-1]['app']}.{applying[-1]['name']}: {message}"
    details = [note for note in found[-1].notes if note.startswith("DETAIL:")]
    return [
        replace(
            error,
            message=shortened(" ".join((message, *details))),
            file=file,
            line=line,
            rule=_database_rule(found) or error.rule,
        )
    ]


def _database_rule(found: list[Trace]) -> str | None:
    """Returns psycopg's class for the SQLSTATE, which is more exact than Django's class."""
    if not _DATABASE.match(found[-1].type):
        return None
    named = [match[1] for trace in found if (match := _SQLSTATE.match(trace.type))]
    return named[-1] if named else None
