"""A fake Dagger session with scripted answers, for behaviour that a real engine does not show on request."""

import asyncio
import base64
import contextlib
import itertools
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import graphql

from tasks.engines.dagger.reach import RUNNER_HOST, SESSION_PORT, SESSION_TOKEN
from tasks.engines.dagger.wrapper import OUTPUTS, RECORD, RUN

TOKEN = "a-session-token"
EXIT = f'file(path: "{RECORD}/exit")'
STDOUT = f'file(path: "{OUTPUTS[0]}")'
"""A text in the query for the exit code of an exec, and in the query for its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The value of the requested field."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An exec of our wrapper has ended: in the current run, or in the run named here."""

    code: int = 0
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error of GraphQL."""

    message: str
    extensions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A raw response; `cut`: the connection is closed before its end."""

    body: bytes = b""
    status: str = "200 OK"
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """Never an answer."""


Answer = Data | Ended | Refusal | Raw | Hang
UNAUTHORIZED = Raw(body=b"401 Unauthorized\n", status="401 Unauthorized")
INTROSPECTION, VERSION = "__schema", "{\n  version\n}"
DEAF = "time.sleep(60)"
"""A script for a command line that ignores the request to end."""


def exec_error(message: str, *, code: int = 1, stdout: str = "", stderr: str = "") -> Refusal:
    """A program ended with a code that the exec does not accept."""
    return Refusal(
        message=message,
        extensions={"_type": "EXEC_ERROR", "cmd": ["sh"], "exitCode": code, "stdout": stdout, "stderr": stderr},
    )


class FakeSession:
    """Use it with `async with`. Without rules it answers like a healthy engine on which every exec exits with 0.

    `queries` are all received queries. `hidden` are fields that its schema lacks.
    """

    def __init__(self, *, version: object = "v0.21.8", hidden: tuple[str, ...] = ()) -> None:
        self.version, self.hidden, self.token = version, hidden, TOKEN
        self.queries: list[str] = []
        self.port = 0
        self._rules: list[tuple[str, Iterator[Answer]]] = []
        self._ids = itertools.count(1)
        self._behind: dict[str, str] = {}
        self._asked = asyncio.Condition()
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def __aenter__(self) -> Self:
        """Listens, at the same port again after it has died."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.die()

    async def die(self) -> None:
        """Cuts every connection and stops listening."""
        self._server.close()
        for task, writer in self._connections.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @property
    def environ(self) -> dict[str, str]:
        """The variables that select this session only."""
        return {"PATH": "", SESSION_PORT: str(self.port), SESSION_TOKEN: TOKEN}

    def on(self, text: str, *answers: Answer) -> None:
        """Queries with the text get these answers in turn, and then always the last one. The newest rule wins."""
        self._rules.insert(0, (text, itertools.chain(answers, itertools.repeat(answers[-1]))))

    async def asked(self, text: str, *, times: int = 1) -> None:
        """Returns when so many queries with the text have been received. Fails after a short time."""
        async with asyncio.timeout(20), self._asked:
            await self._asked.wait_for(lambda: sum(text in query for query in self.queries) >= times)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        # asyncio of Python 3.11 logs a cancelled handler as an error
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                answer = await self._answer(await read_request(reader))
                writer.write(rendered(answer))
                await writer.drain()
                if answer.cut:
                    break
        writer.close()
        del self._connections[task]

    async def _answer(self, request: tuple[str, bytes]) -> Raw:
        head, body = request
        if f"Basic {base64.b64encode(f'{self.token}:'.encode()).decode()}" not in head:
            return UNAUTHORIZED
        query = json.loads(body)["query"]
        async with self._asked:
            self.queries.append(query)
            self._asked.notify_all()
        # the client's query at the connection contains the name of every field
        known = INTROSPECTION if INTROSPECTION in query else query
        scripted = next((answers for text, answers in self._rules if text in known), None)
        answer = next(scripted) if scripted else None
        if isinstance(answer, Raw):
            return answer
        if isinstance(answer, Hang):
            await asyncio.Event().wait()
        if isinstance(answer, Refusal):
            return of_json(
                {"data": None, "errors": [{"message": answer.message, "extensions": dict(answer.extensions)}]}
            )
        if known == INTROSPECTION:
            return introspection(self.hidden, query)
        return of_json({"data": nested(query, self._value(query, answer))})

    def _value(self, query: str, answer: Data | Ended | Refusal | Hang | None) -> Any:
        """The default value of a field."""
        match answer:
            case Data():
                return answer.value
            case Ended():
                return record(self._with_what_is_behind(query), answer)
        values: dict[str, Any] = {
            "version": self.version,
            "imageRef": f"docker.io/library/image@sha256:{'0' * 64}",
            "contents": record(self._with_what_is_behind(query), Ended()),
            "exitCode": 0,
            "entrypoint": [],
            "workdir": "/",
            "stdout": "",
            "stderr": "",
        }
        field = path_of(query)[-1]
        if field not in values:
            values[field] = f"id-{next(self._ids)}"
            self._behind[values[field]] = query
        return values[field]

    def _with_what_is_behind(self, query: str) -> str:
        """A query, and the queries that created its objects, the newest first."""
        return "\n".join([query, *(self._behind.get(name, "") for name in re.findall(r"id-\d+", query))])


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """The head and the body of a request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
    return head, await reader.readexactly(int(length[1]) if length else 0)


def of_json(document: object) -> Raw:
    """A response that a client can read."""
    return Raw(body=json.dumps(document).encode())


def rendered(answer: Raw) -> bytes:
    """A response as it goes over the wire."""
    missing = 1 if answer.cut else 0
    head = f"HTTP/1.1 {answer.status}\r\ncontent-type: application/json\r\ncontent-length: {len(answer.body) + missing}"
    return f"{head}\r\n\r\n".encode() + answer.body


def path_of(query: str) -> list[str]:
    """The fields of a query, from the root to the requested one. Dagger's client requests one at a time."""
    definition = graphql.parse(query).definitions[0]
    path: list[str] = []
    node: Any = definition
    while node.selection_set:
        node = node.selection_set.selections[0]
        path += [node.name.value] if isinstance(node, graphql.FieldNode) else []
    return path


def nested(query: str, value: Any) -> Any:
    """A value at its place in the answer, as the query defines it."""
    for name in reversed(path_of(query)):
        value = {name: value}
    return value


def record(query: str, ended: Ended) -> str:
    """The record that our wrapper writes."""
    run = re.search(rf'"{RUN}",?\s*value: "([^"]*)"', query)
    now = f"{time.time():.3f}"
    return f"{ended.run or (run[1] if run else '')} {now} {now} {ended.code} 0\n"


@cache
def introspection(hidden: tuple[str, ...], query: str) -> Raw:
    """The answer to a client's query for the schema."""
    return of_json({"data": graphql.graphql_sync(schema(hidden), query).data})


def schema(hidden: tuple[str, ...] = ()) -> graphql.GraphQLSchema:
    """The part of an engine's schema that we use, without some fields of it."""
    text = Path(__file__).with_name("schema.graphql").read_text()
    return graphql.build_schema(
        re.sub(rf"^  ({'|'.join(hidden)})\b.*\n", "", text, flags=re.MULTILINE) if hidden else text
    )


def write_cli(path: Path, script: str) -> dict[str, str]:
    """Writes a fake of Dagger's command line, in Python. Returns the variables that select it."""
    path.write_text(f"#!{sys.executable} -IS\nimport json, os, signal, sys, time\n{script}\n")
    path.chmod(0o755)
    return {"PATH": "", "_EXPERIMENTAL_DAGGER_CLI_BIN": str(path), RUNNER_HOST: "ssh://an-engine-that-only-it-knows"}


def session_line(session: FakeSession) -> str:
    """A script that prints the address of the session as the first line on stdout."""
    line = json.dumps({"port": session.port, "session_token": TOKEN})
    return f"print({line!r}, flush=True)"
