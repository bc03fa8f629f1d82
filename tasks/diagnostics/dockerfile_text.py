"""Finds the instruction of a Dockerfile that a builder's message is about."""

import posixpath
import re

from tasks.discovery.image.instructions import Instruction, read_instructions

_VARIABLE = re.compile(r"\$(?:\{[^}]*\}|\w+)")
_SOURCES = frozenset({"RUN", "COPY", "ADD"})
"""Instructions that may name another stage or image."""


def is_run_of(instruction: Instruction, argv: tuple[str, ...]) -> bool:
    """Whether an instruction is the RUN with this argv. A RUN is a list of words, or a line or heredoc for a shell."""
    if instruction.word != "RUN" or not argv:
        return False
    if instruction.argv is not None:
        return instruction.argv == argv
    ran = _squeezed(argv[-1])
    whole = _squeezed(f"{instruction.bare}\n{instruction.body}")
    # a heredoc alone is the program; after a command, the argv has the heredoc and its end word too
    return ran in {_squeezed(instruction.bare), _squeezed(instruction.body)} - {""} or (
        bool(instruction.body) and ran.startswith(whole)
    )


def secrets_of(text: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the ids of the secrets that the RUN with this argv mounts."""
    run = next((each for each in read_instructions(text) if is_run_of(each, argv)), None)
    flags = run.flags if run else ()
    mounts = (flag.removeprefix("--mount=") for flag in flags if flag.startswith("--mount="))
    return tuple(filter(None, map(_mounted_secret, mounts)))


def _mounted_secret(mount: str) -> str:
    """Returns the id of a secret mount: `id`, else the last part of the target; empty for other mounts."""
    pairs = {name: value for name, _, value in (part.partition("=") for part in mount.strip("\"'").split(","))}
    if pairs.get("type") != "secret":
        return ""
    return pairs.get("id") or posixpath.basename(pairs.get("target") or pairs.get("dst") or "")


def sources_of(instruction: Instruction) -> tuple[tuple[str, str], ...]:
    """Returns the sources of a COPY or ADD: each as written, and as an absolute path in its context, stage or image."""
    return tuple((word, posixpath.normpath(posixpath.join("/", word))) for word in instruction.words[:-1])


def starts_from(instruction: Instruction, image: str) -> bool:
    """Whether an instruction names this image or stage. A variable in the name matches any text."""
    if instruction.word == "FROM":
        names = instruction.bare.split()[:1]
    else:
        names = re.findall(r"\bfrom=([^\s,]+)", instruction.rest) if instruction.word in _SOURCES else []
    return any(re.fullmatch(_pattern(name), image) for name in names)


def _pattern(name: str) -> str:
    """Returns a pattern for a name. Each variable matches any text, including the variable as written."""
    return ".*".join(re.escape(part) for part in _VARIABLE.split(name))


def _squeezed(text: str) -> str:
    return " ".join(text.split())
