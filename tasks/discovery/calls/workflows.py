"""Reads the scripts that CI runs: workflows and actions of GitHub, and the jobs of GitLab."""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from tasks.discovery.calls.arguments import is_open
from tasks.discovery.calls.recipes import line_of
from tasks.discovery.documents import Table, string, strings, table, tables
from tasks.discovery.file_view import FileView, is_within, join

_EVENTS = frozenset({"push", "pull_request", "pull_request_target", "merge_group", "workflow_call"})
_REQUESTS = frozenset({"pull_request", "pull_request_target"})
# What the scripts before a job of GitLab do for the job's own calls.
_PREPARING = re.compile(r"^(?:cd|export|touch|cp|mkdir|echo|printf|cat)\b")
_GITLAB = (".gitlab-ci.yml", ".gitlab-ci.yaml")
_SETTINGS_OF_GITLAB = frozenset({"default", "variables", "stages", "include", "workflow", "image", "services", "cache"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script of CI, or the use of an action: `uses` and `given`. `line` counts from 1.

    `job` is the name of its job in the file. `conditional` means that it does not run each time.
    """

    file: str
    line: int
    text: str
    directory: str = "."
    env: tuple[tuple[str, str], ...] = ()
    services: tuple[str, ...] = ()
    uses: str = ""
    given: tuple[tuple[str, str], ...] = ()
    job: str = ""
    conditional: bool = False


def read_workflows(tree: FileView) -> Iterator[Script]:
    """Yields every script that CI runs for a commit or a pull request."""
    for path in tree.files:
        if is_within(path, ".github/workflows") and path.endswith((".yml", ".yaml")):
            document = tree.table(path)
            if _is_for_commits(document, tree.files):
                for job in table(document, "jobs"):
                    for script in _job(tree, path, document, table(document, "jobs", job)):
                        yield replace(script, job=f"{path} {job}")
    for path in (each for each in tree.files if each in _GITLAB):
        yield from _gitlab(tree, path)


def read_jobs(tree: FileView) -> Iterator[tuple[Script, ...]]:
    """Yields the scripts of each job of GitHub that does not run for pull requests alone."""
    for path in tree.under(".github/workflows"):
        if path.endswith((".yml", ".yaml")):
            document = tree.table(path)
            if not {*_events(document)} or {*_events(document)} - _REQUESTS:
                for job in table(document, "jobs"):
                    yield tuple(_job(tree, path, document, table(document, "jobs", job)))


def _events(document: Table) -> list[str]:
    """Returns the events that start a workflow. YAML 1.1 reads the key `on` as a truth value."""
    on = document.get("True", document.get("on"))
    return [on] if isinstance(on, str) else [str(name) for name in on] if isinstance(on, (list, Mapping)) else []


def _is_for_commits(document: Table, files: Collection[str]) -> bool:
    """Whether a workflow runs for commits of Python code.

    A workflow for migrations alone compares commits, so its calls are not those of the stack's tests.
    """
    on, names = document.get("True", document.get("on")), _events(document)
    events = [name for name in names if name in _EVENTS]
    return not names or any(_sees_code(strings(on, event, "paths"), files) for event in events)


def _sees_code(patterns: tuple[str, ...], files: Collection[str]) -> bool:
    """Whether a filter of paths lets a Python file pass that is no migration."""
    plain = [pattern for pattern in patterns if not pattern.startswith("!")]
    code = (path for path in files if path.endswith(".py") and "/migrations/" not in path)
    return not plain or any(fnmatchcase(path, pattern) for path in code for pattern in plain)


def _job(tree: FileView, path: str, document: Table, job: Table) -> Iterator[Script]:
    env = _plain(table(document, "env")) | _plain(table(job, "env"))
    directory = string(job, "defaults", "run", "working-directory") or string(
        document, "defaults", "run", "working-directory"
    )
    services = tuple(_service(name, string(job, "services", name, "image")) for name in table(job, "services"))
    for step in tables(job, "steps"):
        yield from _step(tree, path, step, directory, env, services)


def _step(
    tree: FileView, path: str, step: Table, directory: str, env: dict[str, str], services: tuple[str, ...]
) -> Iterator[Script]:
    action = string(step, "uses")
    own = tuple(sorted((env | _plain(table(step, "env"))).items()))
    if action.startswith("./"):
        inner = tree.first(join(".", action), "action.yml", "action.yaml")
        for each in tables(tree.table(inner), "runs", "steps") if inner else ():
            yield from _step(tree, inner or "", each, directory, dict(own), services)
        return
    text = string(step, "run")
    where = existing(tree, string(step, "working-directory") or directory)
    if where is None or not (text or action):
        return
    given = tuple((name, str(value)) for name, value in table(step, "with").items() if isinstance(value, (str, int)))
    yield Script(
        file=path,
        line=_line(tree.text(path), text or action),
        text=text,
        directory=where,
        env=own,
        services=services,
        uses=action.partition("@")[0],
        given=given,
        conditional="if" in step,
    )


def _plain(variables: Table) -> dict[str, str]:
    """Returns the variables with known values, as the runner gives them to a process."""
    texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in variables.items()}
    return {
        name: str(value) for name, value in texts.items() if isinstance(value, (str, int)) and not is_open(str(value))
    }


def _service(name: str, image: str) -> str:
    """Returns the service's name: that of its image, without registry and tag."""
    plain = posixpath.basename(image).partition(":")[0]
    return plain if plain and not is_open(plain) else name


def existing(tree: FileView, directory: str) -> str | None:
    """Returns the part of a directory that the tree has. CI may check out or generate the stack in another one."""
    if not directory or is_open(directory):
        return "." if not directory else None
    parts = [part for part in posixpath.normpath(directory).split("/") if part not in {"", "."}]
    if ".." in parts:
        return None
    tails = ("/".join(parts[index:]) for index in range(len(parts)))
    return next((tail for tail in tails if tree.has_directory(tail)), "." if not parts else None)


def _line(text: str, script: str) -> int:
    """Returns the line where a script begins: the one that is followed by the script's other lines."""
    wanted = [line.strip() for line in script.splitlines() if line.strip()]
    lines = [line.strip() for line in text.splitlines()]
    for index, line in enumerate(lines):
        rest = [each for each in lines[index + 1 : index + 2 * len(wanted)] if each]
        if line.endswith(wanted[0]) and rest[: len(wanted) - 1] == wanted[1:]:
            return index + 1
    return line_of(text, wanted[0])


def _gitlab(tree: FileView, path: str) -> Iterator[Script]:
    document = tree.table(path)
    common = strings(document, "before_script") or strings(document, "default", "before_script")
    for name in document:
        job = table(document, name)
        if name in _SETTINGS_OF_GITLAB or not job.get("script"):
            continue
        lines = strings(job, "script") or (string(job, "script"),)
        before = strings(job, "before_script") or common
        env = _plain(table(document, "variables")) | _plain(table(job, "variables"))
        listed = [*strings(job, "services"), *(string(each, "name") for each in tables(job, "services"))]
        yield Script(
            file=path,
            line=_line(tree.text(path), lines[0]),
            text="\n".join((*(line for line in before if _PREPARING.match(line)), *lines)),
            job=f"{path} {name}",
            env=tuple(sorted(env.items())),
            services=tuple(_service(each, each) for each in listed),
        )
