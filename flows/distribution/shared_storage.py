"""The storage for results that Prefect is set to use, a directory or a bucket: a run and its shards share it."""

import asyncio
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prefect.filesystems import LocalFileSystem, WritableFileSystem
from prefect.results import aget_default_result_storage

ANSWER = 10.0
"""Seconds that the storage has for an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStorage:
    """A directory in the storage. Each file there is written as a whole, by one writer."""

    block: WritableFileSystem
    place: str

    @classmethod
    async def at(cls, place: str) -> "SharedStorage":
        """A directory in the storage of this process's settings, or of its server's settings."""
        return cls(block=await aget_default_result_storage(), place=place)

    async def write(self, name: str, content: bytes) -> None:
        """Raises whatever the storage raises."""
        await self.block.write_path(f"{self.place}/{name}", content)

    async def read(self, name: str) -> bytes | None:
        """Returns the content of a file; None if there is none, or the storage does not answer."""
        return await self._read(f"{self.place}/{name}")

    async def read_above(self, name: str) -> bytes | None:
        """Returns the content of a file in the directory above this place."""
        return await self._read(f"{self.place.rpartition('/')[0]}/{name}")

    async def _read(self, path: str) -> bytes | None:
        try:
            async with asyncio.timeout(ANSWER):
                return await self.block.read_path(path)
        except Exception:  # each kind of storage has its own
            return None

    def remove(self, place: str) -> None:
        """Removes all files of a place, if the storage is a directory. Buckets have their own expiry."""
        if isinstance(self.block, LocalFileSystem) and self.block.basepath:
            with suppress(OSError):
                shutil.rmtree(Path(self.block.basepath).expanduser() / place)
