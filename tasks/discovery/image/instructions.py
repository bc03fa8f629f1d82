"""Reads the instructions of a Dockerfile with their lines, heredocs and flags. No other module parses this syntax.

The rules are those of BuildKit's parser, but this reader also accepts a broken file. Two packages do not fit:
`dockerfile-parse` reads the lines of a heredoc as instructions. `dockerfile` wraps BuildKit's parser, but it rejects
an open heredoc and has no wheel for Linux on ARM.
"""

import json
import re
from dataclasses import dataclass

_DIRECTIVE = re.compile(r"#[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(.+?)[ \t]*$")
_FLAG = re.compile(r"--[\w-]+(?:=(?:\"[^\"]*\"|'[^']*'|\S)*)?(?:\s+|$)")
_HEREDOC = re.compile(r"\d*<<(?P<chomp>-?)(?P<word>[^<]+)")
_HEREDOCS = frozenset({"RUN", "COPY", "ADD"})
_QUOTING = re.compile(r"\\(.?)|[\"']")
_SHELL_WORD = re.compile(r"(?:\\.|\"(?:\\.|[^\"\\])*\"|'[^']*'|\S)+")
"""A word as a shell splits it, including its quotes. A quote that is never closed is a plain character."""
_SPACE = re.compile(r"[ \t\v\f\r]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction. `line` is the number of its first line, from 1. `word` is in capitals.

    `rest` is the text after the word, including continued lines. For ONBUILD it begins with the triggered instruction.
    """

    line: int
    word: str
    rest: str
    heredocs: tuple[str, ...] = ()
    """The texts of the heredocs, each without its last line break."""

    @property
    def body(self) -> str:
        """The text of all heredocs."""
        return "\n".join(self.heredocs)

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags as written, such as `--from=base`."""
        return tuple(flag.strip() for flag in self._flags())

    @property
    def bare(self) -> str:
        """`rest` without the flags."""
        return self.rest[sum(map(len, self._flags())) :]

    @property
    def argv(self) -> tuple[str, ...] | None:
        """The words of the JSON form. None for the shell form; a malformed list counts as the shell form."""
        return _json_form(self.bare)

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the JSON form, or the shell form split at white space."""
        return self.argv if self.argv is not None else tuple(self.bare.split())

    def _flags(self) -> list[str]:
        found: list[str] = []
        position = 0
        while match := _FLAG.match(self.rest, position):
            found.append(match.group())
            position = match.end()
        return found


def read_instructions(text: str) -> tuple[Instruction, ...]:
    """Returns the instructions of a Dockerfile in order. A broken Dockerfile raises no error.

    A heredoc that is never closed contains the rest of the file.
    """
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    escape = _escape(lines)
    found = []
    position = 0
    while position < len(lines):
        begin = position
        logical, position = _logical(lines, position, escape)
        if not logical.strip():
            continue
        word, rest = [*_SPACE.split(logical.strip(), maxsplit=1), ""][:2]
        heredocs = []
        for delimiter, chomps in _delimiters(word.upper(), rest):
            body, position = _heredoc(lines, position, delimiter, chomps=chomps)
            heredocs.append(body)
        found.append(Instruction(line=begin + 1, word=word.upper(), rest=rest, heredocs=tuple(heredocs)))
    return tuple(found)


def _json_form(text: str) -> tuple[str, ...] | None:
    """Returns the words of a JSON list that has only strings, else None."""
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_list = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return tuple(words) if is_list else None


def _escape(lines: list[str]) -> str:
    """Returns the escape character: the one that a directive names, else a backslash.

    The first line that is no directive ends the directives.
    """
    for line in lines:
        directive = _DIRECTIVE.match(line)
        if directive is None:
            break
        if directive[1].lower() == "escape" and directive[2] in {"\\", "`"}:
            return directive[2]
    return "\\"


def _logical(lines: list[str], position: int, escape: str) -> tuple[str, int]:
    """Returns a line joined with its continuations, and the position after them.

    Comments and empty lines between continued lines are skipped. A comment is never continued.
    """
    text, goes_on = _uncontinued(_uncommented(lines[position].lstrip()), escape)
    position += 1
    while goes_on and position < len(lines):
        more = lines[position]
        position += 1
        if more.strip() and not more.lstrip().startswith("#"):
            part, goes_on = _uncontinued(more, escape)
            text += part
    return text, position


def _uncommented(line: str) -> str:
    return "" if line.startswith("#") else line


def _uncontinued(line: str, escape: str) -> tuple[str, bool]:
    """Returns the line without its continuation character, and whether the line is continued.

    A doubled character does not continue the line.
    """
    bare = line.rstrip(" \t")
    if not bare.endswith(escape) or bare.endswith(escape * 2):
        return line, False
    return bare.removesuffix(escape), True


def _delimiters(word: str, rest: str) -> list[tuple[str, bool]]:
    """Returns the end words of an instruction's heredocs, each with whether leading tabs are removed (`<<-`)."""
    if word == "ONBUILD":
        trigger, inner = [*_SPACE.split(rest, maxsplit=1), ""][:2]
        return [] if trigger.upper() == "ONBUILD" else _delimiters(trigger.upper(), inner)
    if word not in _HEREDOCS or Instruction(line=0, word=word, rest=rest).argv is not None:
        return []
    found = (_HEREDOC.fullmatch(match.group()) for match in _SHELL_WORD.finditer(rest))
    named = ((_QUOTING.sub(r"\1", match["word"]), bool(match["chomp"])) for match in found if match)
    return [(delimiter, chomps) for delimiter, chomps in named if delimiter]


def _heredoc(lines: list[str], position: int, delimiter: str, *, chomps: bool) -> tuple[str, int]:
    """Returns the text of the heredoc that begins at a position, and the position after its end."""
    body = []
    while position < len(lines):
        line = lines[position]
        position += 1
        if (line.lstrip("\t") if chomps else line) == delimiter:
            break
        body.append(line)
    return "\n".join(body), position
