"""Sessions that cannot be opened, and invalid answers of engines."""

import asyncio
import logging
import os
from pathlib import Path

import pytest

from tasks.engines.dagger.client import make_connection
from tasks.engines.dagger.command_line import find_cli
from tasks.engines.dagger.reach import SESSION_TOKEN
from tasks.engines.dagger.session import DaggerSession, EngineRefusedError, open_session, with_cached_id
from tasks.errors import EngineError
from tasks.secrets import NO_SECRETS, Secrets
from tests.engines.dagger.fake_session import (
    DEAF,
    INTROSPECTION,
    VERSION,
    Answer,
    Data,
    FakeSession,
    Hang,
    Raw,
    Refusal,
    session_line,
    write_cli,
)

CANARY = "canary-s3cr3t/value"
SOON = 3.0


async def opened(
    environ: dict[str, str], folder: Path, *, limit: float = SOON, secrets: Secrets = NO_SECRETS
) -> DaggerSession:
    return await open_session(environ, folder / "dagger.log", secrets.redactor, limit=limit)


async def refused(environ: dict[str, str], folder: Path, *, limit: float = SOON) -> tuple[str, str]:
    """The reason code and the text for a session that cannot be opened. Fails if they take long."""
    async with asyncio.timeout(SOON):
        with pytest.raises(EngineError) as raised:
            await opened(environ, folder, limit=limit)
    assert find_cli() == []
    return raised.value.reason_code, str(raised.value)


async def test_id_of_a_reused_object_is_requested_once(fake: FakeSession, tmp_path: Path) -> None:
    open_ = await opened(fake.environ, tmp_path)
    packages = with_cached_id(open_.client.directory())
    made = [open_.client.container().with_mounted_directory(f"/{number}", packages) for number in range(5)]

    await asyncio.gather(*(open_.ask(each.workdir()) for each in made))
    await open_.ask(packages.entries())

    assert sum("directory" in query and "id" in query and "Mounted" not in query for query in fake.queries) == 1
    assert await open_.close() == ""


@pytest.mark.parametrize("force", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_client_writes_nothing_to_the_process_s_streams(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, force: str
) -> None:
    monkeypatch.setenv(force, "1")
    with (tmp_path / "dagger.log").open("w") as log:
        console = make_connection(log).cfg.console

        assert console.file is log
        assert not console.is_terminal


async def test_id_is_requested_again_after_a_failed_request(fake: FakeSession, tmp_path: Path) -> None:
    fake.on("cacheVolume", Refusal(message="not now"), Data(value="volume-1"))
    open_ = await opened(fake.environ, tmp_path)
    volume = with_cached_id(open_.client.cache_volume("stores"))

    with pytest.raises(EngineRefusedError, match="not now"):
        await open_.ask(open_.client.container().with_mounted_cache("/a", volume).workdir())
    assert await open_.ask(open_.client.container().with_mounted_cache("/b", volume).workdir()) == "/"
    assert await open_.close() == ""


class TestOpening:
    async def test_session_on_a_healthy_engine_opens(self, fake: FakeSession, tmp_path: Path) -> None:
        open_ = await opened(fake.environ, tmp_path)

        assert open_.version == "v0.21.8"
        assert await open_.ask(open_.client.container().from_("an-image").workdir()) == "/"
        assert await open_.close() == ""
        assert SESSION_TOKEN not in os.environ

    @pytest.mark.parametrize("version", ["v0.18.3", "0.20.9"])
    async def test_engine_that_is_too_old_is_rejected(self, fake: FakeSession, tmp_path: Path, version: str) -> None:
        fake.version = version

        code, text = await refused(fake.environ, tmp_path)

        assert code == "engine_version"
        assert f"is {version}, and predeploy needs 0.21 or newer. Update it" in text

    @pytest.mark.parametrize("version", ["v0.21.0", "v0.99.1", "v1.0.0-beta.10", "devel", ""])
    async def test_engine_of_an_unknown_version_is_accepted(
        self, fake: FakeSession, tmp_path: Path, version: str
    ) -> None:
        fake.version = version

        open_ = await opened(fake.environ, tmp_path)

        assert open_.version == version
        await open_.close()

    async def test_token_of_another_session_is_rejected(self, fake: FakeSession, tmp_path: Path) -> None:
        fake.token = "another"

        code, text = await refused(fake.environ, tmp_path)

        assert code == "engine_absent"
        assert f"refuses the token: {SESSION_TOKEN}" in text

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
    async def test_invalid_answer_opens_no_session(
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
    async def test_silent_engine_opens_no_session(
        self, fake: FakeSession, tmp_path: Path, asked: str, answers: list[Answer]
    ) -> None:
        fake.on(asked, *answers)

        code, text = await refused(fake.environ, tmp_path, limit=0.3)

        assert (code, text.split(".")[:2]) == ("engine_absent", ["the Dagger engine did not answer within 0", "3 s"])

    async def test_cancelled_opening_leaves_no_connection(self, fake: FakeSession, tmp_path: Path) -> None:
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
            Raw(body=b"x" * 100_000),
            Raw(body=b'{"data": {"cont', cut=True),
            Raw(cut=True),
        ],
        ids=["500", "nonsense", "long", "cut in the middle", "cut"],
    )
    async def test_answer_without_graphql_is_a_lost_engine(
        self, fake: FakeSession, tmp_path: Path, answer: Answer
    ) -> None:
        open_ = await opened(fake.environ, tmp_path)
        fake.on("stdout", answer)

        with pytest.raises(EngineError, match="the Dagger engine went away: ") as raised:
            await open_.ask(open_.client.container().stdout())

        assert raised.value.reason_code == "engine_lost"
        assert len(str(raised.value)) < 500
        assert open_.lost.done()
        with pytest.raises(EngineError):  # from now on no task waits
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
    async def test_malformed_answer_is_no_verdict(self, fake: FakeSession, tmp_path: Path, answer: Answer) -> None:
        open_ = await opened(fake.environ, tmp_path)
        fake.on("stdout", answer)

        with pytest.raises(EngineError, match="cannot be read") as raised:
            await open_.ask(open_.client.container().stdout())

        assert raised.value.reason_code == "engine"
        assert not open_.lost.done()
        await open_.close()

    async def test_refusal_without_a_message_gets_one(self, fake: FakeSession, tmp_path: Path) -> None:
        open_ = await opened(fake.environ, tmp_path)
        fake.on("stdout", Refusal(message=""))

        with pytest.raises(EngineRefusedError, match="gave no reason"):
            await open_.ask(open_.client.container().stdout())
        await open_.close()

    async def test_field_that_the_engine_lacks_is_no_verdict(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with FakeSession(version="v0.30.0", hidden=("withVolatileVariable",)) as fake:
            open_ = await opened(fake.environ, tmp_path)
            with pytest.raises(EngineError, match=r"v0\.30\.0 does not know .*withVolatileVariable") as raised:
                await open_.ask(open_.client.container().with_volatile_variable("A", "b").stdout())
            await open_.close()

        assert raised.value.reason_code == "engine_version"
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]

    async def test_waiting_for_an_answer_has_a_limit(self, fake: FakeSession, tmp_path: Path) -> None:
        open_ = await opened(fake.environ, tmp_path)
        fake.on("stdout", Hang())

        with pytest.raises(EngineError, match=r"within 0\.1 s") as raised:
            await open_.ask(open_.client.container().stdout(), limit=0.1)

        assert raised.value.reason_code == "engine_hung"
        await open_.close()


class TestCommandLine:
    """Without a session, the client starts a program, which may hang, fail, or not end."""

    async def test_program_opens_a_session_and_ends_with_it(self, fake: FakeSession, tmp_path: Path) -> None:
        secrets = Secrets({"KEY": CANARY})
        said = f"{session_line(fake)}\nprint('key is {CANARY}', file=sys.stderr, flush=True)\nsys.stdin.read()"
        open_ = await opened(write_cli(tmp_path / "dagger", said), tmp_path, secrets=secrets)

        assert (*find_cli(),) == open_.cli != ()
        assert await open_.close() == ""
        assert find_cli() == []
        written = (tmp_path / "dagger.log").read_text()
        assert "key is " in written
        assert CANARY not in written

    async def test_last_output_of_the_program_is_the_reason(self, tmp_path: Path) -> None:
        last = r"\x1b[31mError: start engine: no driver\x1b[0m [traceparent:00-11]\n"
        environ = write_cli(tmp_path / "dagger", f"sys.exit('connecting\\n{last}')")

        code, text = await refused(environ, tmp_path)

        assert code == "engine_absent"
        assert text == "no Dagger session: start engine: no driver. Start an engine, or take --engine local."

    async def test_failed_download_is_reported_with_a_fix(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

        code, text = await refused({}, tmp_path)

        assert code == "engine_absent"
        assert text.startswith("no Dagger session: Failed to download the Dagger CLI: ")
        assert text.endswith("Name one in _EXPERIMENTAL_DAGGER_CLI_BIN, or take --engine local.")

    async def test_last_output_that_starts_like_a_secret_is_complete(self, tmp_path: Path) -> None:
        environ = write_cli(tmp_path / "dagger", f"sys.stderr.write('no driver {CANARY[:4]}')\nsys.exit(1)")

        with pytest.raises(EngineError, match=f"no driver {CANARY[:4]}\\. Start"):
            await opened(environ, tmp_path, secrets=Secrets({"KEY": CANARY}))

    async def test_program_without_a_session_address_is_an_error(self, tmp_path: Path) -> None:
        code, text = await refused(write_cli(tmp_path / "dagger", DEAF), tmp_path, limit=0.3)

        assert (code, "within 0.3 s" in text) == ("engine_absent", True)

    async def test_program_with_other_output_is_an_error(self, tmp_path: Path) -> None:
        environ = write_cli(tmp_path / "dagger", "print('no json', flush=True)\nsys.stdin.read()")

        code, text = await refused(environ, tmp_path)

        assert (code, "Invalid connection params: no json" in text) == ("engine_absent", True), text

    async def test_program_ends_if_the_engine_is_too_old(self, fake: FakeSession, tmp_path: Path) -> None:
        fake.version = "v0.18.3"
        environ = write_cli(tmp_path / "dagger", f"{session_line(fake)}\nsys.stdin.read()")

        code, _ = await refused(environ, tmp_path)

        assert code == "engine_version"

    @pytest.mark.usefixtures("impatient")
    async def test_program_that_does_not_end_is_killed(self, fake: FakeSession, tmp_path: Path) -> None:
        open_ = await opened(write_cli(tmp_path / "dagger", f"{session_line(fake)}\n{DEAF}"), tmp_path)

        assert await open_.close() == "the Dagger session did not end within 0.3 s, and was ended"
        assert find_cli() == []

    @pytest.mark.usefixtures("impatient")
    async def test_program_that_exits_with_an_error_is_a_warning(self, fake: FakeSession, tmp_path: Path) -> None:
        script = f"{session_line(fake)}\nsys.stdin.read()\nsys.exit('shutdown: context deadline exceeded')"
        open_ = await opened(write_cli(tmp_path / "dagger", script), tmp_path)

        assert "did not end well" in await open_.close()
