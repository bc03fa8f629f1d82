"""Secrets from a dotenv file that only its owner can read."""

import io
import os
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream

from tasks.errors import SecretsError
from tasks.secrets.provider import Found


@dataclass(frozen=True, slots=True)
class FileProvider:
    """Reads a dotenv file. `shown` is its path in the settings. Quoted values may have several lines."""

    path: Path
    shown: str

    def find(self, names: Collection[str]) -> Found:
        """The values in the file. The last entry of a name wins, and references in values are not replaced."""
        found: dict[str, str] = {}
        for entry in parse_stream(io.StringIO(self._text())):
            if entry.error:
                line = entry.original.line + entry.original.string.count("\n", 0, _blank(entry.original.string))
                raise SecretsError(
                    f"{self.shown}:{line} is not NAME=value. Fix the line, and quote a value with spaces."
                )
            if entry.key is not None and entry.key in names and entry.value is not None:
                found[entry.key] = entry.value
        return Found(source=f"the file {self.shown}", values=found)

    def _text(self) -> str:
        try:
            with self.path.open("rb") as file:
                # the status of the open file, because its path may lead to another file now
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise SecretsError(f"secrets_file: {self.shown} is not a file. Name one with NAME=value lines.")
                if status.st_mode & 0o077:
                    mode = stat.S_IMODE(status.st_mode)
                    text = (
                        f"secrets_file: other users can read {self.shown} (mode {mode:04o}). Restrict it and run again"
                    )
                    raise SecretsError(f"{text}: chmod 600 {self.shown}")
                return file.read().decode("utf-8-sig")
        except OSError as error:
            text = f"secrets_file: {self.shown} cannot be read: {error.strerror}"
            raise SecretsError(f"{text}. Name an existing file, relative to the stack's root.") from error
        except UnicodeDecodeError:
            # without its cause, which contains the content
            raise SecretsError(f"secrets_file: {self.shown} is not UTF-8. Save it as UTF-8.") from None


def _blank(text: str) -> int:
    """The number of blank characters at the beginning of a text."""
    return len(text) - len(text.lstrip())
