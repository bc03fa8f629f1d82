"""Conflicts of packages that depend on the version of npm."""

import pytest

from tasks.execution.causes.installer_versions import doubted
from tasks.execution.judgement import failed
from tasks.exits import Exit, Prepared
from tasks.models import Status
from tasks.planning.node_environments import node_environment
from tasks.stack import Version
from tests.support.factories import make_node_project

OPTIONAL = """npm error code ERESOLVE
npm error Could not resolve dependency:
npm error peerOptional @cloudflare/workers-types@"^5.20260811.1" from wrangler@4.123.0
"""
PLATFORM = """npm error code EBADPLATFORM
npm error notsup Unsupported platform for fsevents@2.3.3: wanted {"os":"darwin"} (current: {"os":"linux"})
"""
RED = failed("unsatisfiable", "npm ci: unsatisfiable")


@pytest.mark.parametrize(
    ("wanted", "output", "status"),
    [
        ("", OPTIONAL, Status.ERRORED),
        (">=22.0.0", OPTIONAL, Status.ERRORED),
        ("22", OPTIONAL, Status.FAILED),
        ("", OPTIONAL.replace("peerOptional", "peer"), Status.FAILED),
    ],
)
def test_an_optional_peer_is_no_verdict_if_the_deploy_may_have_npm_11(wanted: str, output: str, status: Status) -> None:
    environment = node_environment(make_node_project(".", node=Version(wanted=wanted)), lambda path: path, "")

    found = doubted(RED, environment, Prepared(exit=Exit(code=1, stderr=output)))

    assert found.status is status
    assert ("npm 11" in found.reason) is (status is Status.ERRORED)


@pytest.mark.parametrize(
    ("wanted", "required", "status"),
    [
        ("", [], Status.ERRORED),
        ("22", [], Status.FAILED),
        ("", ["fsevents"], Status.FAILED),
    ],
)
def test_package_of_another_system_is_red_if_the_stack_requires_it(
    wanted: str, required: list[str], status: Status
) -> None:
    environment = node_environment(make_node_project(".", node=Version(wanted=wanted)), lambda path: path, "")

    found = doubted(RED, environment, Prepared(exit=Exit(code=1, stderr=PLATFORM)), required)

    assert found.status is status
