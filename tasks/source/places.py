"""The directory of a stack as a caller gives it, and paths as a reader sees them."""

import stat
from pathlib import Path

from tasks.errors import UsageError


def existing(stack: Path) -> Path:
    """The resolved directory of the stack. Raises UsageError if it does not exist."""
    try:
        is_directory = stat.S_ISDIR(stack.stat().st_mode)
    except ValueError as error:  # a NUL character
        raise UsageError(f"{str(stack)!r} is no path. Name the stack's directory.") from error
    except OSError as error:
        what = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise UsageError(f"{stack} {what}. Name the stack's directory.") from error
    if not is_directory:
        raise UsageError(f"{stack} is not a directory. Name the stack's directory.")
    return stack.resolve()


def seen_from(cwd: Path, path: Path) -> str:
    """A path as a program in `cwd` opens it: relative if it is below, otherwise absolute. Both are resolved."""
    return str(path.relative_to(cwd) if path.is_relative_to(cwd) else path)
