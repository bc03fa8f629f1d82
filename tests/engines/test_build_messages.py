"""Classifies an engine's refusal to build a Dockerfile, by the messages of a real engine."""

import pytest

from tasks.engines.build_messages import classify
from tests.diagnostics.captures import load, names

# The captures of failed RUN instructions, which are no refusals. One of them never began, because its user is missing.
RUNS = {name for name in names("dockerfile") if "\n# run " in load(name).stderr} - {"dockerfile/unknown_user"}
BASE_IMAGES = {
    "arg_in_from_bad",
    "copy_from_unknown_stage",
    "from_unknown_digest",
    "from_unknown_image",
    "from_unknown_second_stage",
    "from_unknown_tag",
    "onbuild_from",
    "registry_404",
}
REGISTRIES = {
    "add_url_dead",
    "from_dead_host",
    "from_dead_registry",
    "registry_401",
    "registry_403",
    "registry_429",
    "registry_500",
    "registry_503",
    "registry_garbage",
    "registry_reset",
}
SECRETS = {"secret_missing"}


def expected(case: str) -> str:
    if case in BASE_IMAGES:
        return "base_image"
    if case in REGISTRIES:
        return "registry"
    return "secret" if case in SECRETS else "dockerfile"


def message_of(name: str) -> str:
    """The engine's message, as its client raised it."""
    return next(line for line in reversed(load(name).stderr.splitlines()) if line.startswith("failed to "))


@pytest.mark.parametrize("name", sorted({*names("dockerfile")} - RUNS))
def test_captured_message_is_classified(name: str) -> None:
    assert classify(message_of(name)) == expected(name.partition("/")[2])


def test_every_kind_is_among_the_captures() -> None:
    cases = {name.partition("/")[2] for name in names("dockerfile")}

    assert cases >= BASE_IMAGES | REGISTRIES | SECRETS
    assert len(RUNS) > 10


@pytest.mark.parametrize("name", sorted(RUNS))
def test_failed_run_instruction_is_not_a_broken_dockerfile(name: str) -> None:
    assert classify(message_of(name)) == ""


LLB = "failed to convert Dockerfile to LLB: "
WAY = "failed to load container from converted ID: load Container@Cs8e: inputs: load xxh3:00ff: inputs: "


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (f"{LLB}pyhton:3: docker.io/library/pyhton:3: pull access denied, repository does not exist", "base_image"),
        (f"{LLB}team/x:1: docker.io/team/x:1: pull access denied, repository does not exist", "registry"),
        (f"{LLB}python:3: toomanyrequests: You have reached your pull rate limit.", "registry"),
        (f"{LLB}python:3: write /var/lib/x: no space left on device", ""),
        (f"{LLB}dockerfile parse error on line 2: unknown instruction: EOF", "dockerfile"),
        (f"{LLB}dockerfile parse error on line 3: unknown flag: no space left on device", "dockerfile"),
        (f"{WAY}failed to content hash dockerfile copy: write /x: no space left on device", ""),
        (f"{WAY}failed to content hash dockerfile copy: failed to mount snapshot", ""),
        (f"{WAY}context canceled", ""),
        (
            'failed to resolve image "docker.io/library/x:1" (platform: "linux/amd64"): docker.io/x:1: not found',
            "base_image",
        ),
        (
            'failed to resolve image "a.invalid/x:1" (platform: "linux/amd64"): failed to do request: Head "x": EOF',
            "registry",
        ),
        (f'{WAY}secret "T" is required but was not provided', "secret"),
        ("failed to get snapshot: rpc error: code = NotFound desc = lstat /ctx: no such file or directory", ""),
        ("", ""),
    ],
)
def test_message_is_classified_by_its_words(message: str, kind: str) -> None:
    assert classify(message) == kind
