"""Reads `predeploy.toml` as the rules of the tree say: a regular file of the stack, with bounded size and depth.

A stack may be a stranger's clone, so the file may be a FIFO, a link out of the stack, or text that exhausts a parser.
"""

import os
import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE = "predeploy.toml"
LIMIT = 1 << 20
"""The largest file, in bytes."""
DEPTH = 32
"""How many tables and lists may be nested, and how many parts a key may have."""
VALUES = 20_000
"""How many lines and values the file may have: each one takes time in every part of a run."""
TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}.,=\n]|[^\[\]{}.,=\n"\'#]+|.',
    re.DOTALL,
)
NUL = "\0"


class StackFileError(Exception):
    """The file cannot be read. The text is the reason and the way out, for a line that begins with the file's name."""


def read_stack_file(file: Path) -> str:
    """The text of the file; empty if there is none. Raises StackFileError, and never waits for a FIFO."""
    try:
        content = _content(file)
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise StackFileError(f": cannot be read: {said}. Make it a readable file, or remove it") from None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise StackFileError(f":{line}: is not UTF-8. Save it as UTF-8") from None


def _content(file: Path) -> bytes:
    root, real = os.path.realpath(file.parent), os.path.realpath(file)
    if os.path.dirname(real) != root and not real.startswith(f"{root.rstrip('/')}/"):  # noqa: PTH120 - plain strings
        raise StackFileError(": is a symlink out of the stack. Make it a file, or remove it")
    descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb", buffering=0) as opened:  # noqa: PTH123 - of a descriptor
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise StackFileError(": is neither a file nor a link to one. Make it a readable file, or remove it")
        content = b""
        while len(content) <= LIMIT and (chunk := opened.read(LIMIT + 1 - len(content))):
            content += chunk
    if len(content) > LIMIT:
        raise StackFileError(f": is larger than {LIMIT >> 20} MiB. Remove what is no setting")
    return content


def parse_stack_file(text: str) -> dict[str, Any]:
    """The values in the file. Raises StackFileError with the place of the mistake."""
    line, count = _extent(text)
    if line:
        raise StackFileError(f":{line}: nests more than {DEPTH} tables, lists or parts of a key. Make it flatter")
    if count > VALUES:
        raise StackFileError(f": has more than {VALUES:,} lines and values. Remove what is no setting")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StackFileError(_syntax_error(error, text)) from None
    except (ValueError, RecursionError) as error:  # such as a number with too many digits
        raise StackFileError(f": cannot be parsed: {str(error)[:120]}") from None


def _extent(text: str) -> tuple[int, int]:
    """The line that nests too deep (0 without one), and the number of lines and values. It takes linear time.

    It stops behind VALUES of them.
    """
    depth = parts = commas = 0
    line = 1
    for found in TOKEN.finditer(text):
        sign = found[0]
        depth = max(0, depth + (sign in ("[", "{")) - (sign in ("]", "}")))
        parts = parts + 1 if sign == "." else 0 if sign in ("=", ",", "\n", "[", "{") else parts
        if max(depth, parts) > DEPTH:
            return line, line + commas
        line += sign.count("\n")
        commas += sign == ","
        if line + commas > VALUES:
            break
    return 0, line + commas


def nul_paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of keys and texts with a NUL character: no file, argument or variable can have one."""
    if isinstance(value, str) and NUL in value:
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        if isinstance(key, str) and NUL in key:
            yield path
        yield from nul_paths(inner, (*path, key))


def _syntax_error(error: tomllib.TOMLDecodeError, text: str) -> str:
    message, _, place = str(error).removesuffix(")").rpartition(" (at ")
    found = re.fullmatch(r"line (\d+), column (\d+)", place)
    position = f"{found[1]}:{found[2]}" if found else str(len(text.rstrip("\n").split("\n")))
    return f":{position}: is not TOML: {message[:1].lower()}{message[1:]}"
