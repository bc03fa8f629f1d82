"""Splits shell scripts and lines into simple commands. It covers entry scripts, and not the whole language."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""Stands for the output of a command substitution."""
_SUBSTITUTION = re.compile(r"\$\((?:[^()]|\([^()]*\))*\)|`[^`]*`")
_HEREDOC = re.compile(r"(?<!<)<<(?!<)(-?)\s*([\"']?)(\w+)\2")
_KEYWORDS = frozenset(["if", "then", "else", "elif", "fi", "while", "until", "do", "done", "!", "{", "}", "time"])
_ENDS = re.compile(r"[;&|()\n]+$")
_REDIRECTION = re.compile(r"[<>&|]*[<>][<>&|]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A simple command with its line. `label` is the pattern of the `case` branch around it."""

    words: tuple[str, ...]
    line: int
    label: str = ""


def statements(text: str) -> Iterator[Statement]:
    """Yields the simple commands of a script in order. Lines that cannot be split are left out."""
    label = ""
    for number, line in _lines(text):
        try:
            tokens = _tokens(line)
        except ValueError:
            continue
        words: list[str] = []
        for token in (*tokens, "\n"):
            if not _ENDS.match(token):
                words.append(token)
                continue
            if token.startswith(")") and len(words) == 1:
                label = words[0]
            elif simple := _simple(words):
                label = "" if simple[0] == "esac" else label
                yield Statement(words=simple, line=number, label=label)
            words = []


def _tokens(line: str) -> list[str]:
    lexer = shlex.shlex(_SUBSTITUTION.sub(UNKNOWN, line), posix=True, punctuation_chars=";&|()<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    return list(lexer)


def _simple(words: list[str]) -> tuple[str, ...]:
    """Returns the words of a simple command, without keywords before it and redirections in it."""
    kept: list[str] = []
    skips = False
    for word in words:
        if skips:
            skips = False
        elif _REDIRECTION.match(word):
            skips = True
            if kept and kept[-1].isdecimal():
                kept.pop()
        elif kept or word not in _KEYWORDS:
            kept.append(word)
    return tuple(kept)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yields logical lines with the number of their first line. Heredocs and comments are left out."""
    waiting, begin, ending = "", 0, ""
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if ending:
            ending = "" if line.strip() == ending else ending
            continue
        if not waiting and line.lstrip().startswith("#"):
            continue
        begin = begin or number
        if line.endswith("\\") and not line.endswith("\\\\"):
            waiting += line[:-1] + " "
            continue
        heredoc = _HEREDOC.search(line)
        ending = heredoc[3] if heredoc else ""
        yield begin, _HEREDOC.sub(" ", waiting + line)
        waiting, begin = "", 0
    if waiting:
        yield begin, waiting
