"""Signs of life and results of a shard, as JSON in the storage that it shares with the waiting process.

Every document is validated before it is used. Pure.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from tasks.errors import EngineError
from tasks.models import EngineFacts, Result, SecretsFacts, Status

FORMAT = 1
LONGEST_LOG = 256 * 1024
"""The most bytes of a check's log that a record holds: the end of the log, which has the verdict."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFacts:
    """The part of the report that describes a shard's engine, warnings and secrets."""

    engine: EngineFacts
    warnings: tuple[str, ...]
    secrets: SecretsFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """A sign of life. `beat` increases with each one.

    `begun` and `ended` are ids of checks so far. Only the last sign has `facts`. `trouble` is a reason code and a
    one-line message if the shard could not run at all.
    """

    format: int
    beat: int
    begun: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    facts: ShardFacts | None = None
    trouble: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRecord:
    """The result of a check. `key` identifies the check, the tree, and the version and settings of predeploy.

    `images` pairs tags of base images with the references that the shard had resolved by then. `owners` are the
    checks that may share the root cause of a failure.
    """

    format: int
    check: str
    key: str
    result: Result
    log: str
    images: tuple[tuple[str, str], ...] = ()
    owners: tuple[str, ...] = ()


SIGNS, RECORD = TypeAdapter(Signs), TypeAdapter(ShardRecord)


def written(adapter: TypeAdapter[T], value: T) -> bytes:
    """Returns the JSON document for the storage."""
    # a file name may hold bytes that are not valid Unicode
    return json.dumps(adapter.dump_python(value, mode="json"), ensure_ascii=False).encode("utf-8", "replace")


def read_signs(content: bytes) -> Signs | None:
    """Returns the signs, or None if the document is incomplete or of another format. The next signs replace it."""
    try:
        signs = SIGNS.validate_json(content, strict=True)
    except ValidationError:
        return None
    return signs if signs.format == FORMAT else None


def read_record(content: bytes, check: str, key: str, images: Mapping[str, str]) -> ShardRecord:
    """Returns the record of a check that was planned with `key`. Raises EngineError for any other content."""
    try:
        record = RECORD.validate_json(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise EngineError(
            f"the record of {check} is not a valid result: {place} {first['msg']}", "shard_result"
        ) from None
    if record.format != FORMAT or record.check != check or record.result.check != check:
        raise EngineError(f"the record of {check} belongs to another check or format", "shard_result")
    if record.key != key:
        why = "the worker has another version of predeploy, other PREDEPLOY_* settings, or other files"
        raise EngineError(f"{check} ran differently than it was planned: {why}. Give the worker the same", "shard_plan")
    if not 0 <= record.result.duration < math.inf:
        what = f"its duration is {record.result.duration} s"
        raise EngineError(f"the record of {check} is not a valid result: {what}", "shard_result")
    for tag, reference in record.images if record.result.status is Status.PASSED else ():
        if images.get(tag, reference) != reference:
            what = f"{check} ran on another image of {tag} than the rest of the run"
            raise EngineError(f"{what}. Run predeploy again", "base_image")
    return record


def last_part(log: bytes) -> str:
    """Returns the end of a log, at most `LONGEST_LOG` bytes, with a note on what was left out."""
    text = log[-LONGEST_LOG:].decode(errors="replace")
    return (
        text
        if len(log) <= LONGEST_LOG
        else f"… {len(log) - LONGEST_LOG} bytes before this stayed on the worker\n{text}"
    )
