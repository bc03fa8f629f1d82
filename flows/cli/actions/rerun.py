"""`predeploy rerun`: a run of the checks that were red in the newest report."""

import shlex
from collections.abc import Mapping
from typing import Any

from flows.cli.invocation import absolute
from flows.cli.status import newest_place, read_document
from tasks.errors import UsageError
from tasks.source.places import existing
from tasks.source.tree import refuse_tracked_reports
from tasks.user_dirs import UserDirs

RED = frozenset({"failed", "errored"})
STOPPED = frozenset({"budget", "interrupted", "terminated", "fail_fast", "needs"})
"""The reason codes of checks that were skipped, because the run did not get to them."""
ENGINES = frozenset({"dagger", "local"})


def rerun_options(stack: str, options: Mapping[str, Any], user_dirs: UserDirs) -> dict[str, Any]:
    """Returns the options of a run of the red checks, with the engine and the deploy target of the newest run.

    A given option wins. Raises UsageError if no check was red.
    """
    root = existing(absolute(stack))
    refuse_tracked_reports(root)
    document = read_document(newest_place(root, user_dirs))
    checks = unfinished(document)
    if not checks:
        raise UsageError(f"the newest run of {stack} has no red check: there is nothing to run again")
    found: dict[str, Any] = {"only": checks, "engine": document["engine"]["name"]}
    words = shlex.split(document["rerun"])
    if "--environment" in words[:-1]:
        found["environment"] = words[words.index("--environment") + 1]
    if found["engine"] not in ENGINES:
        del found["engine"]
    return found | dict(options)


def unfinished(document: Mapping[str, Any]) -> list[str]:
    """Returns the ids of red checks; those that never ran as well, if the run was stopped before them."""
    checks = [check for stage in document["stages"].values() for check in stage["checks"]]
    red = [check["id"] for check in checks if check["status"] in RED]
    stopped = [check["id"] for check in checks if check["status"] == "skipped" and check["reason_code"] in STOPPED]
    return [*red, *stopped]
