"""Runs whose engine ends, hangs or sends invalid answers, on a fake session: they give no verdict."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.engines.choice import choose_engine
from tasks.engines.dagger.reach import SESSION_PORT, SESSION_TOKEN
from tasks.errors import EngineError
from tasks.models import Status
from tasks.secrets import Secrets
from tasks.steps import Database
from tasks.user_dirs import UserDirs
from tests.cli.caller import NOWHERE, Caller
from tests.cli.stack import make_stack
from tests.engines.dagger.fake_session import (
    DEAF,
    EXIT,
    INTROSPECTION,
    STDOUT,
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
from tests.support.benches import Bench
from tests.support.validate import Validator, told

CANARY = "canary-s3cr3t/value"
SOON = 3.0


@pytest.fixture
def bench(bench: Bench, fake: FakeSession) -> Bench:
    return replace(bench, environ=fake.environ)


@pytest.mark.usefixtures("impatient")
class TestRuns:
    """The whole engine, from its first step to the end."""

    async def test_exit_of_a_step_is_reported(self, fake: FakeSession, bench: Bench) -> None:
        fake.on(EXIT, Ended(code=3))
        fake.on(STDOUT, Data(value="said\n"))
        async with bench.engine() as engine:
            exit = await engine.run(bench.step("one"), bench.log)

        assert (exit.code, exit.stdout, exit.trouble, exit.reused) == (3, "said\n", "", False)
        assert engine.warnings == ()

    async def test_failure_recorded_by_another_run_is_not_accepted(self, fake: FakeSession, bench: Bench) -> None:
        fake.on(EXIT, Ended(code=1, run="an-earlier-one"), Ended(code=0))
        async with bench.engine() as engine:
            exit = await engine.run(bench.step("one"), bench.log)

        assert (exit.code, exit.reused) == (0, False)

    async def test_engine_that_ends_during_a_step_is_no_verdict(self, fake: FakeSession, bench: Bench) -> None:
        fake.on("halfway", Hang())
        async with bench.engine() as engine:
            first = await engine.run(bench.step("first"), bench.log)
            running = asyncio.create_task(engine.run(bench.step("halfway", slot="b"), bench.log))
            await fake.asked("halfway")
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

    async def test_silent_engine_is_no_verdict(self, fake: FakeSession, bench: Bench) -> None:
        async with bench.engine() as engine:
            fake.on("", Hang())
            async with asyncio.timeout(SOON):
                exit = await engine.run(bench.step("one"), bench.log)

        assert (exit.code, exit.trouble) == (None, "engine_lost")
        assert exit.detail == "the Dagger engine did not answer for 1 s"

    async def test_slow_engine_is_waited_for(self, fake: FakeSession, bench: Bench) -> None:
        async with bench.engine() as engine:
            fake.on(VERSION, Hang(), Data(value="v0.21.8"))
            fake.queries.clear()
            await fake.asked(VERSION, times=3)
            exit = await engine.run(bench.step("one"), bench.log)
            trouble = await engine.trouble()

        assert (exit.code, trouble) == (0, None)

    async def test_hanging_command_on_a_healthy_engine_reaches_its_limit(self, fake: FakeSession, bench: Bench) -> None:
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
            (Data(value="run 1 2 not-a-number 0\n"), "engine"),
        ],
        ids=["500", "nonsense", "out of shape", "refusal", "no record", "empty", "broken record"],
    )
    async def test_wrong_answer_of_the_engine_is_no_verdict(
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
                exit = await engine.run(bench.step("sh", name, begins=True), bench.log)
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

    async def test_what_an_earlier_session_had_is_no_verdict_in_the_second_one(
        self, fake: FakeSession, bench: Bench
    ) -> None:
        migrated = Database(name="predeploy_web")
        copy = replace(migrated, name="predeploy_worker", template=migrated.name)
        async with bench.engine() as engine:
            await engine.run(bench.step("sh", "bundle", slot="a", begins=True, database=migrated), bench.log)
            await fake.die()
            await engine.run(bench.step("sh", "lost", slot="b"), bench.log)
            await fake.__aenter__()
            assert await engine.trouble() is None
            steps = (
                bench.step("sh", "on", slot="a"),
                bench.step("sh", "copied", slot="b", begins=True, database=copy),
                bench.step("sh", "again", slot="a", begins=True),
            )
            exits = [await engine.run(step, bench.log) for step in steps]

        assert [exit.trouble for exit in exits] == ["engine_lost", "engine_lost", ""]
        assert [exit.detail.partition("this run, ")[2] for exit in exits[:2]] == [
            "and the files of earlier steps with it. Run predeploy again",
            "and the migrated database with it. Run predeploy again",
        ]

    async def test_all_steps_that_lost_the_session_share_the_second_one(self, fake: FakeSession, bench: Bench) -> None:
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

    async def test_messages_of_an_engine_contain_no_secret(self, fake: FakeSession, bench: Bench) -> None:
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


@pytest.mark.usefixtures("impatient")
async def test_validation_keeps_results_from_before_the_loss_of_its_engine(fake: FakeSession, tmp_path: Path) -> None:
    stack = make_stack(tmp_path)
    stack.has("before")
    stack.has("meanwhile", "sleep 60", needs="before")
    stack.has("behind", needs="meanwhile")
    fake.on("sleep 60", Hang())
    environ = {**os.environ, **fake.environ, "PATH": os.environ["PATH"]}
    validator = Validator(user_dirs=UserDirs(cache=tmp_path / "cache", data=tmp_path / "data"), environ=environ)
    running = asyncio.create_task(validator.run(stack.root, engine="dagger"))
    await fake.asked("sleep 60")

    await fake.die()
    async with asyncio.timeout(2 * SOON):
        report = await running

    results = {check.name: check.result for check in report.checks}
    assert report.verdict.exit_code == 3, told(report)
    assert results["before"].status is Status.PASSED
    assert (results["meanwhile"].status, results["meanwhile"].reason_code) == (Status.ERRORED, "engine_lost")
    assert "the Dagger engine went away" in results["meanwhile"].reason
    assert results["behind"].status is Status.SKIPPED


async def test_port_without_a_token_is_rejected_without_a_request(fake: FakeSession) -> None:
    environ = fake.environ
    del environ[SESSION_TOKEN]

    with pytest.raises(EngineError, match=f"{SESSION_PORT} is set without {SESSION_TOKEN}") as raised:
        await choose_engine("dagger", environ)

    assert raised.value.reason_code == "engine_absent"
    assert (await choose_engine("auto", environ)).name == "local"


async def test_command_line_reports_that_no_engine_answers(fake: FakeSession, tmp_path: Path) -> None:
    stack = make_stack(tmp_path)
    stack.has("words")
    (tmp_path / "prefect.py").write_text("raise ImportError('not in this test')\n")
    environ = {"PREFECT_API_URL": NOWHERE, SESSION_PORT: str(fake.port), SESSION_TOKEN: "x"}
    await fake.die()
    caller = Caller(home=tmp_path, cwd=tmp_path, environ=environ, paths=(tmp_path,))

    ended = await asyncio.to_thread(caller.run, stack.root, "--engine", "dagger")

    ended.assert_ended(3, "ERRORED")
    assert "the Dagger session does not answer: Connection refused" in ended.stderr + ended.stdout, ended.transcript
