"""Classifies an engine's error messages about a Dockerfile: the engine has no structured facts for them."""

import re
from typing import Literal

from tasks.diagnostics.dockerfile import essential

# Problems of the engine itself.
_ENGINE = re.compile(
    r"no space left on device|disk quota exceeded|input/output error|cannot allocate memory|too many open files"
    r"|context canceled|rpc error|transport is closing|read-only file system",
    re.IGNORECASE,
)
_PARSED = re.compile(r"^dockerfile parse error on line")
_NOT_FOUND = re.compile(
    r'^(?:failed to resolve image "[^"]+" \([^)]*\): |[^\s"]+: )[^\s"]+: not found(?: \(did you mean|$)'
)
# Official images are public: a denied pull means that the image does not exist.
_NOT_OFFICIAL = re.compile(r"docker\.io/library/\S+: pull access denied")
# No answer, or one without information on the image: no permission, rate limit, server error.
_SILENT = re.compile(
    r"failed to do request|failed to authorize|pull access denied|unexpected status from|too ?many ?requests"
    r"|dial (?:tcp|udp)|no such host|connection (?:refused|reset)|i/o timeout|deadline exceeded|TLS handshake|x509:"
    r"|network is unreachable|no route to host|server misbehaving|transport connection broken|\bEOF$",
    re.IGNORECASE,
)
_SECRET = re.compile(r'secret "[^"]+" is required but (?:no secret mappings were|was not) provided$')
_CONVERTED = re.compile(r"^failed to (?:convert Dockerfile to LLB:|read Dockerfile \")")
# Errors during the build: missing sources of a COPY or a mount, and missing users.
_CARRIED_OUT = re.compile(
    r"failed to copy source directory: lstat .+: no such file or directory$"
    r"|failed to content hash dockerfile .+\": not found$"
    r"|failed to parse ownership .+: no such (?:user|group): |unable to find (?:user|group) \S+: no matching entries"
)


def classify(message: str) -> Literal["dockerfile", "base_image", "secret", "registry", ""]:
    """The cause of a refused build, from the engine's message.

    `dockerfile`: the Dockerfile is wrong, or a file that it copies is missing. `base_image`: the registry answers, and
    does not have the image. `secret`: a secret for the build is missing here, though a deploy may have it. `registry`:
    the registry does not answer. Empty: the cause is unknown. A failed RUN has an exit code instead.
    """
    said = essential(message)
    if _PARSED.match(said):  # the message quotes the Dockerfile, so other patterns must not read it
        return "dockerfile"
    if _ENGINE.search(said):
        return ""
    if _NOT_FOUND.match(said) or _NOT_OFFICIAL.search(said):
        return "base_image"
    if _CARRIED_OUT.search(_plain(message)):
        return "dockerfile"
    if _SECRET.search(said):
        return "secret"
    if _SILENT.search(said):
        return "registry"
    return "dockerfile" if _CONVERTED.match(_plain(message)) else ""


def _plain(message: str) -> str:
    """The message without the trace id at its end."""
    return re.sub(r" ?\[traceparent:[^\]]*\]$", "", message.strip())
