"""Doubts a conflict of packages that may come of the versions of programs that predeploy chose. Pure."""

import re
from collections.abc import Collection

from tasks.execution.judgement import Judgement, errored
from tasks.exits import Prepared
from tasks.node_range import admits, is_range
from tasks.reason_codes import ReasonCode
from tasks.steps import Environment

_OPTIONAL = re.compile(r"^npm (?:error|ERR!) +peerOptional (?P<wanted>\S+) from (?P<owner>\S+)", re.MULTILINE)
_PLATFORM = re.compile(r"notsup Unsupported platform for (?P<package>\S+)@\S+: wanted")
NPM_11 = (24, 999, 999)
"""A Node with npm 11. Unlike npm 10, it accepts an optional peer that does not fit, and optional packages of another
system that npm 11.19 and newer write into a lock without a mark."""


def doubted(
    judgement: Judgement, environment: Environment, prepared: Prepared, required: Collection[str] = ()
) -> Judgement:
    """Returns an errored judgement for a conflict that another Python, Node or npm of the deploy may not have.

    `required` are the packages that manifests of the stack name.
    """
    if judgement.reason_code != ReasonCode.UNSATISFIABLE:
        return judgement
    if prepared.gaps:
        return errored(ReasonCode.TOOLCHAIN, f"{judgement.reason} with {prepared.gaps[0]}")
    wanted = environment.version.wanted
    if environment.kind != "node" or not is_range(wanted) or not admits(wanted, NPM_11):
        return judgement
    optional, other = _OPTIONAL.search(prepared.exit.stderr), _PLATFORM.search(prepared.exit.stderr)
    if optional:
        why = f"{optional['owner']} wants the optional peer {optional['wanted']}"
    elif other and other["package"] not in required:
        why = f"it has {other['package']}, which is for another system, without a mark that it is optional"
    else:
        return judgement
    reason = (
        f"npm 10 refuses the lock, because {why}. npm 11 installs it. Name the Node of the deploy in .nvmrc or "
        "`engines`: 24 has npm 11, and 22 has npm 10"
    )
    return errored(ReasonCode.TOOLCHAIN, reason)
