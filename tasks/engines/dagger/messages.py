"""What a living engine's refusal to build a Dockerfile means, where it has no structured facts to tell it by."""

import re
from typing import Literal

from tasks.diagnostics.dockerfile import essential

# The engine's own trouble, whatever it was doing.
_ENGINE = re.compile(
    r"no space left on device|disk quota exceeded|input/output error|cannot allocate memory|too many open files"
    r"|context canceled|rpc error|transport is closing|read-only file system",
    re.IGNORECASE,
)
_PARSED = re.compile(r"^dockerfile parse error on line")
_NOT_FOUND = re.compile(
    r'^(?:failed to resolve image "[^"]+" \([^)]*\): |[^\s"]+: )[^\s"]+: not found(?: \(did you mean|$)'
)
# Everybody may pull an official image: who is refused one asked for what is not there.
_NOT_OFFICIAL = re.compile(r"docker\.io/library/\S+: pull access denied")
# No answer, or one that says nothing about whether the image is there: not allowed, too many, out of order.
_SILENT = re.compile(
    r"failed to do request|failed to authorize|pull access denied|unexpected status from|too ?many ?requests"
    r"|dial (?:tcp|udp)|no such host|connection (?:refused|reset)|i/o timeout|deadline exceeded|TLS handshake|x509:"
    r"|network is unreachable|no route to host|server misbehaving|transport connection broken|\bEOF$",
    re.IGNORECASE,
)
_SECRET = re.compile(r'secret "[^"]+" is required but (?:no secret mappings were|was not) provided$')
_CONVERTED = re.compile(r"^failed to (?:convert Dockerfile to LLB:|read Dockerfile \")")
# While it is carried out: what a COPY or a mount names, and who it is for.
_CARRIED_OUT = re.compile(
    r"failed to copy source directory: lstat .+: no such file or directory$"
    r"|failed to content hash dockerfile .+\": not found$"
    r"|failed to parse ownership .+: no such (?:user|group): |unable to find (?:user|group) \S+: no matching entries"
)


def classify(message: str) -> Literal["dockerfile", "base_image", "secret", "registry", ""]:
    """Whose fault a refused build is, by the engine's words.

    `dockerfile`: it, or what it copies, is wrong. `base_image`: a registry that answers does not have the image.
    `secret`: the build needs one that it was not given, which says nothing of who deploys. `registry`: no such answer
    was to be had. Empty: nobody knows, and so nobody is to blame. A RUN that failed is known by its exit code, and not
    to be asked about here.
    """
    said = essential(message)
    if _PARSED.match(said):  # it quotes the Dockerfile, which may say anything
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
    """Without the trace that the engine's messages end with."""
    return re.sub(r" ?\[traceparent:[^\]]*\]$", "", message.strip())
