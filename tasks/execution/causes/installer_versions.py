"""Doubts a conflict of packages that may come of the versions of programs that predeploy chose. Pure."""

import re

from tasks.execution.judgement import Judgement, errored
from tasks.exits import Prepared
from tasks.node_range import admits, is_range
from tasks.reason_codes import ReasonCode
from tasks.steps import Environment

_OPTIONAL = re.compile(r"^npm (?:error|ERR!) +peerOptional (?P<wanted>\S+) from (?P<owner>\S+)", re.MULTILINE)
NPM_11 = (24, 999, 999)
"""A Node with npm 11, which installs a lock in which an optional peer does not fit. npm 10 refuses such a lock."""


def doubted(judgement: Judgement, environment: Environment, prepared: Prepared) -> Judgement:
    """Returns an errored judgement for a conflict that another Python, Node or npm of the deploy may not have."""
    if judgement.reason_code != ReasonCode.UNSATISFIABLE:
        return judgement
    if prepared.gaps:
        return errored(ReasonCode.TOOLCHAIN, f"{judgement.reason} with {prepared.gaps[0]}")
    optional = _OPTIONAL.search(prepared.exit.stderr)
    wanted = environment.version.wanted
    if optional is None or environment.kind != "node" or not is_range(wanted) or not admits(wanted, NPM_11):
        return judgement
    reason = (
        f"npm 10 refuses the lock, because {optional['owner']} wants the optional peer {optional['wanted']}. npm 11 "
        "installs it. Name the Node of the deploy in .nvmrc or `engines`: 24 has npm 11, and 22 has npm 10"
    )
    return errored(ReasonCode.TOOLCHAIN, reason)
