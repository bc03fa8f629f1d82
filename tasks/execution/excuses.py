"""Finds causes outside of the stack for a failure of its code: what production has, and this run does not."""

import re
from collections.abc import Iterator, Sequence

from tasks.diagnostics.absent_variables import absent_variable
from tasks.diagnostics.settings_marks import absent_in
from tasks.diagnostics.tracebacks import Trace, traces
from tasks.execution.causes.absent_extension import absent_extension, extension_reason
from tasks.execution.judgement import Judgement, errored
from tasks.exits import Exit
from tasks.models import Diagnostic, Severity, Stage
from tasks.reason_codes import ReasonCode
from tasks.settings.mistakes import spelled
from tasks.steps import Check

# Poetry found no file at all: files for another platform would count as candidates.
NO_CANDIDATE = re.compile(
    r"Unable to find installation candidates for (?P<name>\S+) \((?P<version>[^)]+)\)[^\0]{0,200}?\b0 candidate\(s\)"
)
# Exceptions of clients that reach no server. The first that fits names the service.
ANOTHER_HOST = "a server of another host"
SERVICES = (
    ("Redis", re.compile(r"(?:redis|valkey|aioredis)\.(?:\w+\.)*(?:ConnectionError|TimeoutError)")),
    ("Redis", re.compile(r"django_redis\.(?:\w+\.)*ConnectionInterrupted")),
    ("the message broker", re.compile(r"(?:kombu|amqp|celery|pika|aio_pika)\.(?:\w+\.)*\w*(?:Error|ConnectionFailed)")),
    ("Elasticsearch", re.compile(r"(?:elasticsearch|elastic_transport|opensearchpy)\.(?:\w+\.)*Connection\w*")),
    (
        "S3",
        re.compile(r"botocore\.(?:\w+\.)*(?:EndpointConnection|ConnectTimeout|ConnectionClosed)Error"),
    ),
    ("S3", re.compile(r"botocore\.(?:\w+\.)*(?:NoCredentialsError|PartialCredentialsError|ProfileNotFound)")),
    ("MongoDB", re.compile(r"pymongo\.(?:\w+\.)*(?:ServerSelectionTimeoutError|AutoReconnect|NetworkTimeout)")),
    ("Memcached", re.compile(r"(?:pymemcache|pylibmc|bmemcached)\.(?:\w+\.)*\w+")),
    ("Docker", re.compile(r"docker\.errors\.DockerException")),
    ("LDAP", re.compile(r"ldap\.SERVER_DOWN")),
    ("Kafka", re.compile(r"kafka\.(?:\w+\.)*NoBrokersAvailable")),
    (ANOTHER_HOST, re.compile(r"(?:requests|urllib3|httpx|httpcore|aiohttp)\.(?:\w+\.)*Conn\w*")),
    (ANOTHER_HOST, re.compile(r"(?:socket\.gaierror|urllib\.error\.URLError|ConnectionRefusedError)")),
)


def excuse(
    check: Check, exit: Exit, diagnostics: Sequence[Diagnostic], *, builds_image: bool = False
) -> Judgement | None:
    """Returns an errored judgement if a variable, a service or an extension of production caused the failure.

    The build of an image has the variables that it has in a deploy, so a variable that is absent there is a failure.
    """
    return (
        judge_settings(check, exit)
        or (judge_index(exit) if builds_image else None)
        or (None if builds_image or check.stage is Stage.QUALITY else judge_variable(check, exit))
        or (judge_service(exit) if check.stage is not Stage.QUALITY else judge_tests(diagnostics))
        or (judge_extension(exit) if check.database else None)
    )


def outputs(exit: Exit) -> Iterator[str]:
    """Yields the outputs of a step and of its servers."""
    yield from (exit.stderr, exit.stdout, *(each.output for each in exit.services))


def judge_settings(check: Check, exit: Exit) -> Judgement | None:
    """Returns an errored judgement if the settings need a variable or a file that this run does not have."""
    found = next((found for text in outputs(exit) if (found := absent_in(text))), None)
    if found is None:
        return None
    table = f"[{spelled(('component', check.component, 'env'))}]"
    if found.name:
        advice = f'no throwaway value of {found.name} fits. Set it in predeploy.toml: {table} {found.name} = "…"'
        return errored(ReasonCode.VARIABLE_ABSENT, f"{found.message}: {advice}")
    if found.message.startswith("ModuleNotFoundError"):
        setting = f'[{spelled(("component", check.component))}] settings = "…"'
        advice = f"git does not have this module. Name settings that load without it in predeploy.toml: {setting}"
        return errored(ReasonCode.VARIABLE_ABSENT, f"{found.message}: {advice}")
    advice = f"the tree does not have this configuration. Set the variable that leads to it in predeploy.toml: {table}"
    return errored(ReasonCode.VARIABLE_ABSENT, f"{found.message}: {advice}")


def judge_index(exit: Exit) -> Judgement | None:
    """Returns an errored judgement if Poetry finds no file of a package in the image's build.

    The packages of the lock were installed before the build, so another index than predeploy's answered there.
    """
    found = next((match for text in outputs(exit) if (match := NO_CANDIDATE.search(text))), None)
    if found is None:
        return None
    said = f"Poetry finds no file of {found['name']} {found['version']} while the image is built"
    why = "predeploy installed it from its own index, so the build reaches another one"
    return errored(ReasonCode.REGISTRY, f"{said}: {why}. Give the build of the image the index that the deploy has")


def judge_variable(check: Check, exit: Exit) -> Judgement | None:
    """Returns an errored judgement if the error is about a variable that the loader of the settings did not fill."""
    found = next((found for text in outputs(exit) if (found := absent_variable(text))), None)
    if found is None:
        return None
    table = f"[{spelled(('component', check.component, 'env'))}]"
    if found.name:
        lines = ", ".join(f'{name} = "…"' for name in found.name.split(", "))
        advice = f"only production has {found.name}. Set in predeploy.toml: {table} {lines}"
    else:
        advice = f"only production has this. Set the variable that leads to it in predeploy.toml: {table}"
    return errored(ReasonCode.VARIABLE_ABSENT, f"{found.message}: {advice}")


def judge_service(exit: Exit) -> Judgement | None:
    """Returns an errored judgement if the code could not connect to a service that production has."""
    for text in outputs(exit):
        for trace in last_chain(traces(text) if "Traceback" in text else []):
            if name := service_of(trace.type):
                reason = f"the code connects to {name}, which this run does not have: {trace.type}: {trace.message}"
                return errored(ReasonCode.SERVICE_ABSENT, reason[:400])
    return None


def judge_tests(diagnostics: Sequence[Diagnostic]) -> Judgement | None:
    """Returns an errored judgement if failed tests could not connect to a service, such as the Redis of CI.

    Other tests may fail because of the same service, so one such test is enough. For a host without a known service,
    every failed test must have failed to connect.
    """
    errors = [each for each in diagnostics if each.severity is Severity.ERROR]
    named = {each.message: service_of(each.message.partition(":")[0]) for each in errors}
    message, name = next(((text, name) for text, name in named.items() if name and name != ANOTHER_HOST), ("", ""))
    if not name and named and all(named.values()):
        message, name = next(iter(named.items()))
    if not name:
        return None
    return errored(ReasonCode.SERVICE_ABSENT, f"tests connect to {name}, which this run does not have: {message}"[:400])


def service_of(exception: str) -> str:
    """Returns the service that an exception of a client names, or an empty text."""
    return next((name for name, pattern in SERVICES if pattern.fullmatch(exception)), "")


def last_chain(found: list[Trace]) -> Iterator[Trace]:
    """Yields the last traceback, and those that it has as causes."""
    for trace in reversed(found):
        yield trace
        if not trace.chained:
            return


def judge_extension(exit: Exit) -> Judgement | None:
    """Returns an errored judgement if this run's Postgres lacks an extension; otherwise None."""
    text = f"{exit.stderr}\n{exit.stdout}"
    name = absent_extension(text)
    return errored(ReasonCode.EXTENSION_ABSENT, extension_reason(name, text)) if name else None
