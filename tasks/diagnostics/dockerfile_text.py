"""Which instruction of a Dockerfile a builder means: by the words that it ran, copied or started from."""

import posixpath
import re

from tasks.discovery.dockerfile_instructions import Instruction, read_instructions

_VARIABLE = re.compile(r"\$(?:\{[^}]*\}|\w+)")
_SOURCES = frozenset({"RUN", "COPY", "ADD"})
"""Instructions that may name another stage or image."""


def is_run_of(instruction: Instruction, argv: tuple[str, ...]) -> bool:
    """Whether a RUN is what was run with these words: a list of its own, or a line or heredoc for a shell."""
    if instruction.word != "RUN" or not argv:
        return False
    if instruction.argv is not None:
        return instruction.argv == argv
    ran = _squeezed(argv[-1])
    whole = _squeezed(f"{instruction.bare}\n{instruction.body}")
    # a heredoc alone is the program; behind a command it is part of it, and so is the word that ends it
    return ran in {_squeezed(instruction.bare), _squeezed(instruction.body)} - {""} or (
        bool(instruction.body) and ran.startswith(whole)
    )


def secrets_of(text: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of the secrets that a RUN of a Dockerfile mounts; it is known by the words that were run."""
    run = next((each for each in read_instructions(text) if is_run_of(each, argv)), None)
    flags = run.flags if run else ()
    mounts = (flag.removeprefix("--mount=") for flag in flags if flag.startswith("--mount="))
    return tuple(filter(None, map(_mounted_secret, mounts)))


def _mounted_secret(mount: str) -> str:
    """The id of a mount, if it is one of a secret: its own, else the last part of where it is mounted."""
    pairs = {name: value for name, _, value in (part.partition("=") for part in mount.strip("\"'").split(","))}
    if pairs.get("type") != "secret":
        return ""
    return pairs.get("id") or posixpath.basename(pairs.get("target") or pairs.get("dst") or "")


def sources_of(instruction: Instruction) -> tuple[tuple[str, str], ...]:
    """What a COPY or ADD copies: as it is written, and as seen from the root of where it is copied from."""
    return tuple((word, posixpath.normpath(posixpath.join("/", word))) for word in instruction.words[:-1])


def starts_from(instruction: Instruction, image: str) -> bool:
    """Whether an instruction names this image or stage; what its variables stand for may be anything."""
    if instruction.word == "FROM":
        names = instruction.bare.split()[:1]
    else:
        names = re.findall(r"\bfrom=([^\s,]+)", instruction.rest) if instruction.word in _SOURCES else []
    return any(re.fullmatch(_pattern(name), image) for name in names)


def _pattern(name: str) -> str:
    """A name as a pattern, with anything for each variable; a variable may be meant as it is written, too."""
    return ".*".join(re.escape(part) for part in _VARIABLE.split(name))


def _squeezed(text: str) -> str:
    return " ".join(text.split())
