"""What a shard says of itself, as JSON in the storage that it shares with whoever waits. Nothing of it is believed
before it was looked at. Pure."""

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
"""Bytes of a check's log that come back: the last ones, where the verdict stands."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFacts:
    """What a shard's part of the report says of its surroundings."""

    engine: EngineFacts
    warnings: tuple[str, ...]
    secrets: SecretsFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """A sign of life: a new `beat` each time, what has begun and ended by now, and in the last one the facts.

    `trouble` is a reason code and a line where the shard could not run at all.
    """

    format: int
    beat: int
    begun: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    facts: ShardFacts | None = None
    trouble: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRecord:
    """What became of a check. `key` says which check of which tree, in which version of ours; `images` are the base
    images that the shard had taken by then, `owners` the checks that may be red for the very same trouble."""

    format: int
    check: str
    key: str
    result: Result
    log: str
    images: tuple[tuple[str, str], ...] = ()
    owners: tuple[str, ...] = ()


SIGNS, RECORD = TypeAdapter(Signs), TypeAdapter(ShardRecord)


def written(adapter: TypeAdapter[T], value: T) -> bytes:
    """As it lies in the storage."""
    # a name of a file may hold what is no Unicode
    return json.dumps(adapter.dump_python(value, mode="json"), ensure_ascii=False).encode("utf-8", "replace")


def read_signs(content: bytes) -> Signs | None:
    """The signs, or None for what is not whole: the next ones will be."""
    try:
        signs = SIGNS.validate_json(content, strict=True)
    except ValidationError:
        return None
    return signs if signs.format == FORMAT else None


def read_record(content: bytes, check: str, key: str, images: Mapping[str, str]) -> ShardRecord:
    """The record of a check that was planned with that key. Raises EngineError for anything else."""
    try:
        record = RECORD.validate_json(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise EngineError(f"what came back of {check} is no result: {place} {first['msg']}", "shard_result") from None
    if record.format != FORMAT or record.check != check or record.result.check != check:
        raise EngineError(f"what came back of {check} is the result of something else", "shard_result")
    if record.key != key:
        why = "the worker has another version of predeploy, other PREDEPLOY_* settings, or other files"
        raise EngineError(f"another {check} ran than was planned: {why}. Give it the same", "shard_plan")
    if not 0 <= record.result.duration < math.inf:
        raise EngineError(f"what came back of {check} is no result: it took {record.result.duration} s", "shard_result")
    for tag, reference in record.images if record.result.status is Status.PASSED else ():
        if images.get(tag, reference) != reference:
            raise EngineError(f"{check} ran on another {tag} than the rest of the run. Run it again", "base_image")
    return record


def last_part(log: bytes) -> str:
    """Of a log what comes back."""
    text = log[-LONGEST_LOG:].decode(errors="replace")
    return (
        text
        if len(log) <= LONGEST_LOG
        else f"… {len(log) - LONGEST_LOG} bytes before this stayed on the worker\n{text}"
    )
