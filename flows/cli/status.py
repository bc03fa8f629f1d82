"""`predeploy status`: prints the verdict of the newest run again."""

import errno
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.errors import EngineError, TreeError, UsageError
from tasks.models import Outcome
from tasks.report.authentic import foreign_part
from tasks.report.directory import latest_of
from tasks.report.facts import counted
from tasks.report.last_line import last_line
from tasks.report.layout import clean_line
from tasks.source.places import existing, seen_from
from tasks.source.tree import read_tree, refuse_tracked_reports
from tasks.user_dirs import UserDirs

LARGEST = 256 << 20
CHANGED = "The files have changed since the run: this is no verdict on the current files."


def render_status(stack: Path, user_dirs: UserDirs, *, as_json: bool) -> tuple[str, int]:
    """The text, and the exit code of the newest run. Raises UsageError if there is no run."""
    root = existing(stack)
    refuse_tracked_reports(root)
    place = newest_place(root, user_dirs)
    document = read_document(place)
    if as_json:
        return json.dumps(document, indent=2), int(document["exit_code"])
    lines = [*summary(document), *([CHANGED] if is_outdated(document, root, user_dirs) else [])]
    report = seen_from(Path.cwd(), place / "report.json")
    return "\n".join([*lines, last_line_in(document, report)]), int(document["exit_code"])


def newest_place(root: Path, user_dirs: UserDirs) -> Path:
    """The directory of a stack's newest published report."""
    place = latest_of(root, data=user_dirs.data)
    if place is None:
        raise UsageError(f"{root} has no report yet. Validate it first, without `status`.")
    return place


def read_document(place: Path) -> Mapping[str, Any]:
    """The report in the directory of a run. Raises UsageError if predeploy cannot have written it."""
    file = place / "report.json"
    try:
        document: Any = json.loads(read_small(file))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise unreadable(file, error) from error
    except (ValueError, RecursionError):  # a number with thousands of digits, or thousands of lists in each other
        document = None
    if document == {}:
        raise unreadable(file, "it is empty")
    if problem := foreign_part(document):
        said = f"{file} is no report of predeploy: {problem} is not as predeploy writes it"
        raise UsageError(f"{said}. Delete it, and validate the stack again, without `status`.")
    found: Mapping[str, Any] = document
    return found


def unreadable(file: Path, reason: object) -> EngineError:
    """The error for a report that is broken."""
    return EngineError(f"{file} cannot be read: {reason}. Validate the stack again, without `status`.", "report")


def read_small(file: Path) -> str:
    """The text of a report. Raises OSError if it is no regular file, or too large for a report."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as opened:  # noqa: PTH123 - of a descriptor
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST:
            raise OSError(errno.EFBIG, "it is no file, or too large for a report")
        return opened.read(LARGEST).decode()


def is_outdated(document: Mapping[str, Any], root: Path, user_dirs: UserDirs) -> bool:
    """Whether the files of the stack differ from the files of the run."""
    try:
        return read_tree(root, user_dirs.cache / "digests").digest != str(document["tree"])
    except TreeError:  # the current files cannot be validated
        return True


def summary(document: Mapping[str, Any]) -> Iterator[str]:
    """The time and the subject of the run, its reason, and the gaps in its proof."""
    what = f"the gate on commit {document['commit']}" if document["gate"] else document["stack"]
    yield f"{document['started_at']}  {clean_line(what)}, engine {document['engine']['name'] or 'none'}"
    if document["reason"]:
        yield clean_line(document["reason"])
    gaps = document["proof"]["gaps"]
    if document["ready"]:
        yield "Ready to deploy!"
    elif gaps:
        yield f"gaps in the proof ({counted(len(gaps), 'reason')}): {clean_line('; '.join(gaps))}"
    if document["rerun"]:
        yield f"run again: {clean_line(document['rerun'])}"


def last_line_in(document: Mapping[str, Any], report: str) -> str:
    """The last line of the run, with the path of the report."""
    counts = {name: document["counts"][name] for name in ("checks", "failed", "errored", "skipped", "cached")}
    return last_line(
        Outcome(document["result"]),
        document["exit_code"],
        **counts,
        seconds=document["duration_seconds"],
        engine=document["engine"]["name"],
        report=report,
    )
