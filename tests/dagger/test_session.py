"""A run whose engine dies, hangs, talks nonsense or is too old, on a session that does so on request."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.engines.dagger import execution, session
from tasks.engines.dagger.command_line import find_cli
from tasks.engines.dagger.reach import SESSION_TOKEN
from tasks.engines.dagger.session import RefusedError, Session, open_session
from tasks.errors import EngineError
from tasks.secrets import NO_SECRETS, Secrets
from tests.benches import Bench
from tests.dagger.fake_session import (
    EXIT,
    INTROSPECTION,
    VERSION,
    Answer,
    Data,
    Ended,
    FakeSession,
    Hang,
    Raw,
    Refusal,
    exec_error,
    session_line,
    write_cli,
)

CANARY = "canary-s3cr3t/value"
SOON = 3.0
DEAF = "import time; time.sleep(60)"


@pytest.fixture
async def fake() -> AsyncIterator[FakeSession]:
    async with FakeSession() as fake:
        yield fake


@pytest.fixture
def bench(bench: Bench, fake: FakeSession) -> Bench:
    return replace(bench, environ=fake.environ)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes become moments."""
    monkeypatch.setattr(session, "PULSE", 0.05)
    monkeypatch.setattr(session, "PULSE_LIMIT", 0.3)
    monkeypatch.setattr(session, "CLOSE_LIMIT", 0.3)
    monkeypatch.setattr(session, "LOST_CLOSE_LIMIT", 0.3)
    monkeypatch.setattr(execution, "GRACE", 0.2)


async def opened(
    environ: dict[str, str], folder: Path, *, limit: float = SOON, secrets: Secrets = NO_SECRETS
) -> Session:
    return await open_session(environ, folder / "dagger.log", secrets.redactor, limit=limit)


async def refused(environ: dict[str, str], folder: Path, *, limit: float = SOON) -> tuple[str, str]:
    """The reason code and the text of a session that is not opened, which has to be known soon."""
    async with asyncio.timeout(SOON):
        with pytest.raises(EngineError) as raised:
            await opened(environ, folder, limit=limit)
    assert find_cli() == []
    return raised.value.reason_code, str(raised.value)


class TestOpening:
    async def test_a_healthy_engine(self, fake: FakeSession, tmp_path: Path) -> None:
        open_ = await opened(fake.environ, tmp_path)

        assert open_.version == "v0.21.8"
        assert await open_.ask(open_.client.container().from_("an-image").workdir()) == "/"
        assert await open_.close() == ""
        assert SESSION_TOKEN not in os.environ

    @pytest.mark.parametrize("version", ["v0.18.3", "0.20.9"])
    async def test_an_engine_that_is_too_old(self, fake: FakeSession, tmp_path: Path, version: str) -> None:
        fake.version = version

        code, text = await refused(fake.environ, tmp_path)

        assert code == "engine_version"
        assert f"is {version}, and predeploy needs 0.21 or newer. Update it" in text

    @pytest.mark.parametrize("version", ["v0.21.0", "v0.99.1", "v1.0.0-beta.10", "devel", ""])
    async def test_a_version_that_nobody_knows_is_let_in(self, fake: FakeSession, tmp_path: Path, version: str) -> None:
        fake.version = version

        open_ = await opened(fake.environ, tmp_path)

        assert open_.version == version
        await open_.close()

    async def test_a_token_of_another_session(self, fake: FakeSession, tmp_path: Path) -> None:
        fake.token = "another"

        code, text = await refused(fake.environ, tmp_path)

        assert code == "engine_absent"
        assert f"does not take the token: {SESSION_TOKEN}" in text

    @pytest.mark.parametrize("asked", [INTROSPECTION, VERSION])
    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            (Raw(body=b"upstream died\n", status="502 Bad Gateway"), "502 Bad Gateway"),
            (Raw(body=b"<html>\nwelcome"), "<html>"),
            (Raw(body=b"x" * 100_000), "xxx"),
            (Raw(body=b'{"data"', cut=True), "closed"),
            (Raw(body=b"17"), "int"),
            (Raw(body=b'{"data": null}'), ""),
            (Refusal(message="not today"), "not today"),
        ],
        ids=["502", "page", "long", "cut", "number", "null", "refusal"],
    )
    async def test_an_answer_that_no_engine_gives(
        self, fake: FakeSession, tmp_path: Path, asked: str, answer: Answer, says: str
    ) -> None:
        fake.on(asked, answer)

        code, text = await refused(fake.environ, tmp_path)

        assert code == "engine_absent"
        assert says in text
        assert text.endswith("Start an engine, or take --engine local.")
        assert len(text) < 500

    @pytest.mark.parametrize(
        ("asked", "answers"),
        [(INTROSPECTION, [Hang()]), (VERSION, [Hang()]), (VERSION, [Data(value="v0.21.8"), Hang()])],
        ids=["schema", "version", "second version"],
    )
    async def test_an_engine_that_takes_connections_and_is_silent(
        self, fake: FakeSession, tmp_path: Path, asked: str, answers: list[Answer]
    ) -> None:
        fake.on(asked, *answers)
        begun = time.monotonic()

        code, text = await refused(fake.environ, tmp_path, limit=0.3)

        assert (code, text.split(".")[:2]) == ("engine_absent", ["the Dagger engine did not answer within 0", "3 s"])
        assert time.monotonic() - begun < 1

    async def test_a_caller_who_gives_up_leaves_nothing_open(self, fake: FakeSession, tmp_path: Path) -> None:
        fake.on(INTROSPECTION, Hang())
        opening = asyncio.create_task(opened(fake.environ, tmp_path, limit=60))
        await fake.asked(INTROSPECTION)

        opening.cancel()
        async with asyncio.timeout(SOON):
            await asyncio.gather(opening, return_exceptions=True)

        assert opening.cancelled()
        assert not [task for task in asyncio.all_tasks() if "greet" in repr(task.get_coro())]


class TestAsking:
    @pytest.mark.parametrize(
        "answer",
        [
            Raw(body=b"boom", status="500 Internal Server Error"),
            Raw(body=b"\xff\xfenonsense"),
            Raw(body=b'{"data": {"cont', cut=True),
            Raw(cut=True),
        ],
        ids=["500", "nonsense", "cut in the middle", "cut"],
    )
    async def test_no_answer_of_graphql_is_a_lost_engine(
        self, fake: FakeSession, tmp_path: Path, answer: Answer
    ) -> None:
        open_ = await opened(fake.environ, tmp_path)
        fake.on("stdout", answer)

        with pytest.raises(EngineError, match="the Dagger engine went away: ") as raised:
            await open_.ask(open_.client.container().stdout())

        assert raised.value.reason_code == "engine_lost"
        assert open_.lost.done()
        with pytest.raises(EngineError):  # from now on nobody waits
            await open_.ask(asyncio.Event().wait())
        await open_.close()

    @pytest.mark.parametrize(
        "answer",
        [
            Raw(body=b"17"),
            Raw(body=b'{"data": null}'),
            Raw(body=b'{"data": {}}'),
            Raw(body=b'{"errors": [17]}'),
            Raw(body=b'{"errors": [{"message": "m", "extensions": {"_type": "EXEC_ERROR"}}]}'),
            Data(value=None),
        ],
        ids=["number", "null", "nothing", "errors", "exec error", "no value"],
    )
    async def test_an_answer_out_of_shape_is_no_verdict(
        self, fake: FakeSession, tmp_path: Path, answer: Answer
    ) -> None:
        open_ = await opened(fake.environ, tmp_path)
        fake.on("stdout", answer)

        with pytest.raises(EngineError, match="cannot be read") as raised:
            await open_.ask(open_.client.container().stdout())

        assert raised.value.reason_code == "engine"
        assert not open_.lost.done()
        await open_.close()

    async def test_a_refusal_without_a_word_has_one(self, fake: FakeSession, tmp_path: Path) -> None:
        open_ = await opened(fake.environ, tmp_path)
        fake.on("stdout", Refusal(message=""))

        with pytest.raises(RefusedError, match="gave no reason"):
            await open_.ask(open_.client.container().stdout())
        await open_.close()

    async def test_what_the_engine_does_not_know(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        async with FakeSession(version="v0.30.0", hidden=("withVolatileVariable",)) as fake:
            open_ = await opened(fake.environ, tmp_path)
            with pytest.raises(EngineError, match=r"v0\.30\.0 does not know .*withVolatileVariable") as raised:
                await open_.ask(open_.client.container().with_volatile_variable("A", "b").stdout())
            await open_.close()

        assert raised.value.reason_code == "engine_version"
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]

    async def test_nobody_waits_for_ever(self, fake: FakeSession, tmp_path: Path) -> None:
        open_ = await opened(fake.environ, tmp_path)
        fake.on("stdout", Hang())

        with pytest.raises(EngineError, match=r"within 0\.1 s") as raised:
            await open_.ask(open_.client.container().stdout(), limit=0.1)

        assert raised.value.reason_code == "engine_hung"
        await open_.close()


class TestCommandLine:
    """The client starts a program where no session is given: it may hang, fail, or not end."""

    async def test_it_leads_to_a_session_and_ends_with_it(self, fake: FakeSession, tmp_path: Path) -> None:
        secrets = Secrets({"KEY": CANARY})
        said = f"{session_line(fake)}\nprint('key is {CANARY}', file=sys.stderr, flush=True)\nsys.stdin.read()"
        open_ = await opened(write_cli(tmp_path / "dagger", said), tmp_path, secrets=secrets)

        assert (*find_cli(),) == open_.cli != ()
        assert await open_.close() == ""
        assert find_cli() == []
        written = (tmp_path / "dagger.log").read_text()
        assert "key is " in written
        assert CANARY not in written

    async def test_what_it_said_last_is_why_there_is_no_session(self, tmp_path: Path) -> None:
        last = r"\x1b[31mError: start engine: no driver\x1b[0m [traceparent:00-11]\n"
        environ = write_cli(tmp_path / "dagger", f"sys.exit('connecting\\n{last}')")

        code, text = await refused(environ, tmp_path)

        assert code == "engine_absent"
        assert text == "no Dagger session: start engine: no driver. Start an engine, or take --engine local."

    async def test_it_never_says_where_the_session_is(self, tmp_path: Path) -> None:
        code, text = await refused(write_cli(tmp_path / "dagger", DEAF), tmp_path, limit=0.3)

        assert (code, "within 0.3 s" in text) == ("engine_absent", True)

    async def test_it_says_something_else(self, tmp_path: Path) -> None:
        environ = write_cli(tmp_path / "dagger", "print('no json', flush=True)\nsys.stdin.read()")

        code, text = await refused(environ, tmp_path)

        assert (code, "Invalid connection params: no json" in text) == ("engine_absent", True), text

    async def test_it_is_gone_when_the_engine_is_too_old(self, fake: FakeSession, tmp_path: Path) -> None:
        fake.version = "v0.18.3"
        environ = write_cli(tmp_path / "dagger", f"{session_line(fake)}\nsys.stdin.read()")

        code, _ = await refused(environ, tmp_path)

        assert code == "engine_version"

    @pytest.mark.usefixtures("impatient")
    async def test_one_that_does_not_end_is_ended(self, fake: FakeSession, tmp_path: Path) -> None:
        open_ = await opened(write_cli(tmp_path / "dagger", f"{session_line(fake)}\n{DEAF}"), tmp_path)

        assert await open_.close() == "the Dagger session did not end within 0.3 s, and was ended"
        assert find_cli() == []

    @pytest.mark.usefixtures("impatient")
    async def test_one_that_ends_badly_is_a_warning(self, fake: FakeSession, tmp_path: Path) -> None:
        script = f"{session_line(fake)}\nsys.stdin.read()\nsys.exit('shutdown: context deadline exceeded')"
        open_ = await opened(write_cli(tmp_path / "dagger", script), tmp_path)

        assert "did not end well" in await open_.close()


@pytest.mark.usefixtures("impatient")
class TestRuns:
    """The whole engine, from its first step to the end."""

    async def test_a_step_that_ends(self, fake: FakeSession, bench: Bench) -> None:
        fake.on(EXIT, Ended(code=3))
        fake.on("stdout", Data(value="said\n"))
        async with bench.engine() as engine:
            exit = await engine.run(bench.step("one"), bench.log)

        assert (exit.code, exit.stdout, exit.trouble, exit.reused) == (3, "said\n", "", False)
        assert engine.warnings == ()

    async def test_a_failure_of_another_run_is_not_believed(self, fake: FakeSession, bench: Bench) -> None:
        fake.on(EXIT, Ended(code=1, run="an-earlier-one"), Ended(code=0))
        async with bench.engine() as engine:
            exit = await engine.run(bench.step("one"), bench.log)

        assert (exit.code, exit.reused) == (0, False)

    async def test_it_dies_in_the_middle_and_nobody_is_there_any_more(self, fake: FakeSession, bench: Bench) -> None:
        fake.on("second", Hang())
        async with bench.engine() as engine:
            first = await engine.run(bench.step("first"), bench.log)
            running = asyncio.create_task(engine.run(bench.step("second", slot="b"), bench.log))
            await fake.asked("second")
            await fake.die()
            async with asyncio.timeout(SOON):
                second = await running
                third = await engine.run(bench.step("third", slot="c"), bench.log)
                trouble = await engine.trouble()

        assert (first.code, first.trouble) == (0, "")
        assert [(exit.code, exit.trouble) for exit in (second, third)] == [(None, "engine_lost")] * 2
        assert "the Dagger engine went away" in second.detail
        assert trouble is not None
        assert trouble[0] == "engine_lost"

    async def test_its_connection_is_there_and_silent(self, fake: FakeSession, bench: Bench) -> None:
        async with bench.engine() as engine:
            fake.on("", Hang())
            async with asyncio.timeout(SOON):
                exit = await engine.run(bench.step("one"), bench.log)

        assert (exit.code, exit.trouble) == (None, "engine_lost")
        assert exit.detail == "the Dagger engine did not answer for 0.3 s"

    async def test_one_command_hangs_and_the_engine_is_well(self, fake: FakeSession, bench: Bench) -> None:
        fake.on(EXIT, Hang())
        async with bench.engine() as engine:
            async with asyncio.timeout(SOON):
                exit = await engine.run(bench.step("one", limit=0.5), bench.log)
            trouble = await engine.trouble()

        assert (exit.code, exit.trouble, trouble) == (None, "engine_hung", None)
        assert "did not end a command within 0.7 s" in exit.detail

    @pytest.mark.parametrize(
        ("answer", "trouble"),
        [
            (Raw(body=b"boom", status="500 Internal Server Error"), "engine_lost"),
            (Raw(body=b"nonsense"), "engine_lost"),
            (Raw(body=b'{"data": {}}'), "engine"),
            (Refusal(message="failed to mount"), "engine"),
            (Data(value="no record"), "engine"),
            (Data(value=""), "engine"),
            (Data(value="run 1 2 not-a-number 0 -\n"), "engine"),
        ],
        ids=["500", "nonsense", "out of shape", "refusal", "no record", "empty", "broken record"],
    )
    async def test_nothing_that_the_engine_does_wrong_is_a_verdict(
        self, fake: FakeSession, bench: Bench, answer: Answer, trouble: str
    ) -> None:
        fake.on(EXIT, answer)
        async with bench.engine() as engine:
            exit = await engine.run(bench.step("one"), bench.log)

        assert (exit.code, exit.trouble) == (None, trouble)
        assert exit.detail

    async def test_a_killed_wrapper_is_an_exit_with_its_code(self, fake: FakeSession, bench: Bench) -> None:
        fake.on(EXIT, exec_error("killed", code=137, stderr="out of memory"))
        async with bench.engine() as engine:
            exit = await engine.run(bench.step("one"), bench.log)

        assert (exit.code, exit.stderr, exit.trouble) == (137, "out of memory", "")

    async def test_a_second_session_takes_over_once(self, fake: FakeSession, bench: Bench) -> None:
        async with bench.engine() as engine:
            seen = []
            for name in ("before", "between", "after"):
                exit = await engine.run(bench.step("sh", name), bench.log)
                await fake.die()
                async with asyncio.timeout(SOON):
                    lost = await engine.run(bench.step("sh", "lost"), bench.log)
                await fake.__aenter__()
                async with asyncio.timeout(SOON):
                    trouble = await engine.trouble()
                seen.append((exit.code, lost.trouble, trouble and trouble[0]))

        assert seen == [
            (0, "engine_lost", None),
            (0, "engine_lost", "engine_lost"),
            (None, "engine_lost", "engine_lost"),
        ]

    async def test_all_that_lost_the_session_share_the_second_one(self, fake: FakeSession, bench: Bench) -> None:
        async with bench.engine() as engine:
            await fake.die()
            await asyncio.gather(*(engine.run(bench.step("one", slot=str(slot)), bench.log) for slot in range(3)))
            await fake.__aenter__()
            fake.queries.clear()
            troubles = await asyncio.gather(*(engine.trouble() for _ in range(3)))

        assert troubles == [None] * 3
        assert len([query for query in fake.queries if INTROSPECTION in query]) == 1

    async def test_a_session_that_does_not_close_is_a_warning(self, fake: FakeSession, bench: Bench) -> None:
        environ = write_cli(bench.base / "dagger", f"{session_line(fake)}\n{DEAF}")
        async with replace(bench, environ=environ).engine() as engine:
            exit = await engine.run(bench.step("one"), bench.log)

        assert exit.code == 0
        assert engine.warnings == ("the Dagger session did not end within 0.3 s, and was ended",)

    async def test_what_an_engine_says_holds_no_secret(self, fake: FakeSession, bench: Bench) -> None:
        step = bench.step("one", secrets=("KEY",))
        echoes: list[Answer] = [
            Refusal(message=f"cannot set {CANARY}"),
            exec_error(f"sh: {CANARY}", stdout=CANARY, stderr=CANARY),
            Raw(body=f"no {CANARY}".encode()),
        ]
        exits = []
        for echo in echoes:
            async with bench.engine(secrets=Secrets({"KEY": CANARY})) as engine:
                fake.on(EXIT, echo)
                exits.append(await engine.run(step, bench.log))

        assert [(exit.code, exit.trouble) for exit in exits] == [(None, "engine"), (1, ""), (None, "engine_lost")]
        kept = [repr(exits), *(path.read_text() for path in bench.base.rglob("*.log"))]
        assert [text for text in kept if CANARY in text] == []
        assert "cannot set " in bench.written()
        said = [query for query in fake.queries if CANARY in query]
        assert said
        assert all("setSecret(" in query for query in said)
