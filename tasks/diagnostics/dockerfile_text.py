"""The instructions of a Dockerfile with their lines, as far as a broken one has any, and which of them is meant."""

import json
import posixpath
import re
from dataclasses import dataclass

_CONTINUED = re.compile(r"\\[ \t]*$")
_HEREDOC = re.compile(r"(?<!<)<<-?[\"']?(?P<word>[A-Za-z_]\w*)[\"']?")
_HEREDOCS = frozenset({"RUN", "COPY", "ADD"})
_FLAG = re.compile(r"^--[\w-]+(?:=(?:\"[^\"]*\"|\S)*)?\s*")
_MOUNT = re.compile(r"--mount=(\S+)")
_VARIABLE = re.compile(r"\$(?:\{[^}]*\}|\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction with the line that it begins on. `rest` is what stands behind its word, continued lines too."""

    line: int
    word: str
    rest: str
    body: str = ""
    """The text of its heredocs."""

    @property
    def bare(self) -> str:
        """Without its flags."""
        text = self.rest
        while found := _FLAG.match(text):
            text = text[found.end() :]
        return text


def read_instructions(text: str) -> tuple[Instruction, ...]:
    """The instructions of a Dockerfile. Never raises: what is wrong with it is what somebody looks for."""
    found = []
    lines = text.split("\n")
    position = 0
    while position < len(lines):
        begin = position
        logical, position = _logical(lines, position)
        if not logical or logical.startswith("#"):
            continue
        word, _, rest = logical.partition(" ")
        body: list[str] = []
        for delimiter in _HEREDOC.findall(rest) if word.upper() in _HEREDOCS else ():
            end = next((at for at in range(position, len(lines)) if lines[at].strip() == delimiter), len(lines))
            body += lines[position:end]
            position = end + 1
        found.append(Instruction(line=begin + 1, word=word.upper(), rest=rest.strip(), body="\n".join(body)))
    return tuple(found)


def _logical(lines: list[str], position: int) -> tuple[str, int]:
    """A line with those that continue it, and where the next one begins. Comments between them do not count."""
    text = lines[position].strip()
    position += 1
    while _CONTINUED.search(text) and not text.startswith("#") and position < len(lines):
        more = lines[position].strip()
        position += 1
        if more and not more.startswith("#"):
            text = f"{_CONTINUED.sub('', text)} {more}"
    return _CONTINUED.sub("", text).replace("\t", " ").strip(), position


def is_run_of(instruction: Instruction, argv: tuple[str, ...]) -> bool:
    """Whether a RUN is what was run with these words: a list of its own, or a line or heredoc for a shell."""
    if instruction.word != "RUN" or not argv:
        return False
    if instruction.bare.startswith("["):
        try:
            return bool(json.loads(instruction.bare) == [*argv])
        except (ValueError, RecursionError):
            pass  # no list then, but a line for the shell
    ran = _squeezed(argv[-1])
    whole = _squeezed(f"{instruction.bare}\n{instruction.body}")
    # a heredoc alone is the program; behind a command it is part of it, and so is the word that ends it
    return ran in {_squeezed(instruction.bare), _squeezed(instruction.body)} - {""} or (
        bool(instruction.body) and ran.startswith(whole)
    )


def secrets_of(text: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of the secrets that a RUN of a Dockerfile mounts; it is known by the words that were run."""
    run = next((each for each in read_instructions(text) if is_run_of(each, argv)), None)
    mounts = _MOUNT.findall(run.rest) if run else []
    return tuple(filter(None, (_mounted_secret(mount) for mount in mounts)))


def _mounted_secret(mount: str) -> str:
    """The id of a mount, if it is one of a secret: its own, else the last part of where it is mounted."""
    pairs = {name: value for name, _, value in (part.partition("=") for part in mount.strip("\"'").split(","))}
    if pairs.get("type") != "secret":
        return ""
    return pairs.get("id") or posixpath.basename(pairs.get("target") or pairs.get("dst") or "")


def sources_of(instruction: Instruction) -> tuple[tuple[str, str], ...]:
    """What a COPY or ADD copies: as it is written, and as seen from the root of where it is copied from."""
    words = instruction.bare.split()
    if words and words[0].startswith("["):
        words = re.findall(r'"([^"]+)"', instruction.bare)
    return tuple((word, posixpath.normpath(posixpath.join("/", word))) for word in words[:-1])


def starts_from(instruction: Instruction, image: str) -> bool:
    """Whether an instruction names this image or stage; what its variables stand for may be anything."""
    if instruction.word == "FROM":
        names = instruction.bare.split()[:1]
    else:
        names = re.findall(r"\bfrom=([^\s,]+)", instruction.rest) if instruction.word in _HEREDOCS else []
    return any(re.fullmatch(_pattern(name), image) for name in names)


def _pattern(name: str) -> str:
    """A name as a pattern, with anything for each variable; a variable may be meant as it is written, too."""
    return ".*".join(re.escape(part) for part in _VARIABLE.split(name))


def _squeezed(text: str) -> str:
    return " ".join(text.split())
