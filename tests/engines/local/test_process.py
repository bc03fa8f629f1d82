"""Commands under their reaper: their exits, their output, and the end of all their processes."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tasks.engines import command_log, process_table
from tasks.engines.local.processes import client
from tasks.engines.local.processes import process as process_module
from tasks.engines.local.processes.process import Process, run_process, start_process, sweep
from tasks.errors import EngineError
from tasks.exits import Exit
from tasks.redaction.redactor import NOTHING

PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
ROOT = Path(__file__).parents[3]
Run = Callable[..., Awaitable[Exit]]
NAP = "while :; do sleep 9; done"


@pytest.fixture(autouse=True)
def _short_graces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "LIMIT_GRACE", 0.3)
    monkeypatch.setattr(process_module, "LEAVING_GRACE", 0.3)


@pytest.fixture
def sign() -> Iterator[str]:
    """A word in the command lines of this test's processes. The final cleanup searches for it."""
    word = f"sign{secrets.token_hex(6)}"
    yield word
    left = find(word)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


def find(word: str) -> list[int]:
    found = []
    for pid, _ in process_table.list_processes():
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if word.encode() in arguments and pid != os.getpid():
            found.append(pid)
    return found


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


async def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> bool:
    return await asyncio.to_thread(wait_until, condition, seconds)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    async def run(*argv: str, env: dict[str, str] | None = None, limit: float = 20, **more: object) -> Exit:
        where = {"cwd": tmp_path, "log": tmp_path / "log", "marker": "test", **more}
        return await run_process(argv, env={**PATH, **(env or {})}, limit=limit, **where)  # type: ignore[arg-type]

    return run


def python(text: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", text, *arguments)


async def test_exit_code_and_both_outputs_are_returned(run: Run, tmp_path: Path) -> None:
    ended = await run("sh", "-c", "echo out; echo err >&2; exit 3")

    assert (ended.code, ended.signal, ended.stdout, ended.stderr) == (3, None, "out\n", "err\n")
    assert (ended.timed_out, ended.trouble, ended.detail) == (False, "", "")
    log = (tmp_path / "log").read_text()
    assert log.startswith(f"$ sh -c 'echo out; echo err >&2; exit 3'\n# in {tmp_path}\n")
    assert "out\n" in log
    assert "err\n" in log
    assert "# exit 3 after " in log


async def test_log_is_appended_to(run: Run, tmp_path: Path) -> None:
    await run("echo", "one")
    await run("echo", "two")

    assert (tmp_path / "log").read_text().count("# exit 0") == 2


async def test_environment_is_the_given_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "canary")
    ended = await run("sh", "-c", "env; cat /proc/$PPID/environ /proc/$PPID/cmdline", env={"GIVEN": "a=b\nc"})

    assert "GIVEN=a=b\nc\n" in ended.stdout
    assert "PREDEPLOY_RUN=test/" in ended.stdout
    assert "canary" not in ended.stdout
    assert ended.stdout.count("GIVEN") == 1, "the reaper's own arguments and environment hold it too"


async def test_program_inherits_no_signal_handling_umask_or_terminal(run: Run, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN), os.umask(0o077)
    try:
        ended = await run("sh", "-c", "umask; pwd; ls -l /proc/self/fd; grep -E 'SigIgn|SigBlk' /proc/self/status; tty")
    finally:
        signal.signal(signal.SIGINT, before[0])
        os.umask(before[1])

    assert ended.stdout.startswith(f"0022\n{tmp_path}\n")
    assert {line.split(" -> ")[0][-1] for line in ended.stdout.splitlines() if "->" in line} == {"0", "1", "2", "3"}
    blocked, ignored = (int(line.split()[1], 16) for line in ended.stdout.splitlines() if line.startswith("Sig"))
    # the C library reserves 32 and 33: no program can reset them
    assert (blocked, ignored & ~(0b11 << 31)) == (0, 0)
    assert ended.stdout.endswith("not a tty\n")


async def test_stdin_is_empty_or_the_given_text(run: Run) -> None:
    assert (await run("wc", "-c")).stdout == "0\n"
    assert (await run("wc", "-c", stdin=b"x" * 3_000_000)).stdout == "3000000\n"
    assert (await run("true", stdin=b"x" * 3_000_000)).code == 0


async def test_missing_program_exits_as_in_a_shell(run: Run, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("text")
    (tmp_path / "script").write_text("#!/nowhere/python\n")
    (tmp_path / "script").chmod(0o755)

    missing, plain, script = await run("nosuch"), await run("./plain"), await run("./script")

    assert (missing.code, missing.detail) == (127, "nosuch was not found on PATH")
    assert (plain.code, plain.detail) == (126, "./plain cannot be executed: Permission denied")
    assert (script.code, "interpreter" in script.detail) == (127, True)


async def test_missing_directory_is_no_verdict(run: Run, tmp_path: Path) -> None:
    ended = await run("true", cwd=tmp_path / "nowhere")

    assert (ended.code, ended.trouble) == (None, "not_started")
    assert "No such file or directory" in ended.detail


async def test_nul_in_an_argument(run: Run) -> None:
    with pytest.raises(EngineError, match="NUL character"):
        await run("echo", "a\0b")


async def test_killed_from_outside(run: Run) -> None:
    ended = await run("sh", "-c", "kill -9 $$")

    assert (ended.code, ended.signal, ended.trouble) == (None, 9, "")


async def test_limit_kills_all_processes(run: Run, sign: str, tmp_path: Path) -> None:
    stubborn = "import signal,time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(99)"

    ended = await run("sh", "-c", f"setsid sh -c '{NAP}' {sign} & exec sleep 99", limit=0.3)
    deaf = await run(*python(stubborn, sign), limit=0.5)

    assert (ended.code, ended.signal, ended.timed_out) == (None, 15, True)
    assert "limit of 0.3 s" in ended.detail
    assert (deaf.code, deaf.signal, deaf.timed_out, deaf.stdout) == (None, 9, True, "ready\n")
    assert "over its limit" in (tmp_path / "log").read_text()


DAEMON = """
import os, sys, time, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve(sys.executable, [sys.executable, "-I", "-S", "-c",
            "import signal,time,sys; signal.signal(15, signal.SIG_IGN); open(sys.argv[2],'w').close(); time.sleep(99)",
            *sys.argv[1:]], {})
    os._exit(0)
while not os.path.exists(sys.argv[2]): time.sleep(0.01)
"""
"""A typical daemon: double fork, own session, empty environment, SIGTERM ignored, and our pipes still open."""


async def test_daemon_dies_with_its_command(run: Run, sign: str, tmp_path: Path) -> None:
    ended = await run(*python(DAEMON, sign, str(tmp_path / "up")))

    assert ended.code == 0
    assert (tmp_path / "up").exists()
    assert "left-over processes killed: 1" in (tmp_path / "log").read_text()


async def test_command_that_closes_its_output_runs_on(run: Run, tmp_path: Path) -> None:
    ended = await run("sh", "-c", f"exec >&- 2>&-; sleep 0.3; touch {tmp_path}/done; exit 5")

    assert ended.code == 5
    assert (tmp_path / "done").exists()


async def test_binary_output_is_decoded_with_replacements(run: Run) -> None:
    assert (await run("printf", "a\\377b")).stdout == "a\ufffdb"


async def test_end_of_very_long_output_is_kept(run: Run, tmp_path: Path) -> None:
    ended = await run("sh", "-c", "yes 0123456789abcde | head -c 40000000; echo end; echo fine >&2")

    assert ended.code == 0
    assert len(ended.stdout) <= command_log.KEPT
    assert ended.stdout.startswith("0123456789abcde\n")
    assert ended.stdout.endswith("abcde\nend\n")
    assert ended.stderr == "fine\n"
    assert 40_000_000 < (tmp_path / "log").stat().st_size < 40_001_000


async def test_log_has_a_limit(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_log.Log.__init__, "__defaults__", (100_000, NOTHING))

    ended = await run("sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x")

    log = (tmp_path / "log").read_text()
    assert len(ended.stdout) == 300_000
    assert len(log) < 101_000
    assert "The log has reached its limit" in log
    assert "# exit 0" in log


async def test_full_disk_of_the_log_is_reported(run: Run) -> None:
    ended = await run("echo", "hi", log=Path("/dev/full"))

    assert (ended.code, ended.stdout, ended.trouble) == (0, "hi\n", "disk_full")


async def test_log_that_cannot_be_opened_is_reported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(EngineError, match="Cannot write the log"):
        await run("true", log=tmp_path / "file" / "log")


@pytest.mark.parametrize("times", [1, 3])
async def test_cancellation_returns_after_all_processes_are_killed(run: Run, sign: str, times: int) -> None:
    text = "import signal,time; signal.signal(15, signal.SIG_IGN); time.sleep(99)"
    work = asyncio.ensure_future(run(*python(text, sign)))
    assert await wait_for(lambda: find(sign))

    for _ in range(times):
        work.cancel()
        await asyncio.sleep(0.05)
    with pytest.raises(asyncio.CancelledError):
        await work

    assert find(sign) == []


async def test_cancellation_during_the_start_leaves_no_process(run: Run, sign: str) -> None:
    for delay in (0, 0.003, 0.01, 0.02):
        work = asyncio.ensure_future(run("sh", "-c", NAP, sign))
        await asyncio.sleep(delay)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert find(sign) == []


async def test_fifty_commands_at_once_leave_no_descriptor(run: Run) -> None:
    await run("true")
    before = len(list(Path("/proc/self/fd").iterdir()))  # noqa: ASYNC240

    ended = await asyncio.gather(*(run("sh", "-c", f"echo {number}; exit {number}") for number in range(50)))
    with pytest.raises(EngineError):
        await run("echo", "a\0b")

    assert [exit_.code for exit_ in ended] == list(range(50))
    assert [exit_.stdout for exit_ in ended] == [f"{number}\n" for number in range(50)]
    assert len(list(Path("/proc/self/fd").iterdir())) == before  # noqa: ASYNC240


async def test_descriptors_of_other_commands_are_not_inherited(run: Run, tmp_path: Path) -> None:
    slow = asyncio.ensure_future(run("sleep", "0.2"))
    ended = await run("sh", "-c", "ls /proc/$PPID/fd | wc -l")
    await slow

    # stdin, stdout, stderr, channel, wake-up pipe: neither the pipes nor the channel of the other command
    assert int(ended.stdout) <= 7


async def test_killed_reaper_ends_all_its_processes(run: Run, sign: str) -> None:
    text = "import os,sys,time; pid = os.fork() or os.setsid(); time.sleep(99)"
    work = asyncio.ensure_future(run(*python(text, sign)))
    assert await wait_for(lambda: len(find(sign)) == 2)
    leader = min(find(sign))
    parent = dict(process_table.list_processes())[leader]

    os.kill(parent, signal.SIGKILL)
    ended = await work

    assert (ended.code, ended.trouble) == (None, "engine_lost")
    assert await wait_for(lambda: not find(sign))


async def test_reaper_that_hangs_is_killed(run: Run, sign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "REAPER_PATIENCE", 0.1)
    work = asyncio.ensure_future(run("sh", "-c", NAP, sign))
    assert await wait_for(lambda: find(sign))
    os.kill(dict(process_table.list_processes())[find(sign)[0]], signal.SIGSTOP)

    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work

    assert find(sign) == []


async def test_command_whose_parent_is_stopped_ends_at_its_limit(
    run: Run, sign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "REAPER_PATIENCE", 0.1)
    work = asyncio.ensure_future(run("sh", "-c", NAP, sign, limit=3.0))
    assert await wait_for(lambda: find(sign))
    os.kill(dict(process_table.list_processes())[find(sign)[0]], signal.SIGSTOP)

    ended = await work

    assert (ended.code, ended.timed_out) == (None, True)
    assert find(sign) == []


async def test_reaper_that_is_terminated_ends_its_command(run: Run, sign: str) -> None:
    work = asyncio.ensure_future(run("sh", "-c", NAP, sign))
    assert await wait_for(lambda: find(sign))

    os.kill(dict(process_table.list_processes())[find(sign)[0]], signal.SIGTERM)

    assert (await work).signal == signal.SIGTERM


async def serve(tmp_path: Path, text: str, sign: str, check: Callable[[Process], Awaitable[None]]) -> None:
    where = {"cwd": tmp_path, "env": PATH, "log": tmp_path / "log", "marker": "test"}
    async with start_process(python(text, sign), **where) as service:  # type: ignore[arg-type]
        assert await wait_for(lambda: "ready" in service.tail(1))
        await check(service)


SERVER = """
import os, signal, sys, time
def leave(number, _):
    os.write(1, b"leaving %d\\n" % number); sys.exit(7)
signal.signal(signal.SIGINT, leave)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("one\\ntwo\\nready", flush=True)
time.sleep(99)
"""


async def test_service_handles_its_stop_signal(tmp_path: Path, sign: str) -> None:
    async def check(service: Process) -> None:
        assert Path(f"/proc/{service.pid}").exists()  # noqa: ASYNC240
        assert service.tail(2) == "two\nready"
        ended = await service.stop(signal.SIGINT, 5)
        assert (ended.code, ended.stdout) == (7, "one\ntwo\nready\nleaving 2\n")
        assert await service.stop() == await service.wait() == ended

    await serve(tmp_path, SERVER, sign, check)


async def test_service_that_does_not_stop_is_killed(tmp_path: Path, sign: str) -> None:
    async def check(service: Process) -> None:
        ended = await service.stop(signal.SIGTERM, 0.2)
        assert (ended.code, ended.signal) == (None, 9)

    await serve(tmp_path, SERVER, sign, check)


async def test_service_ends_with_its_block(tmp_path: Path, sign: str) -> None:
    async def check(service: Process) -> None:
        raise ValueError("something else went wrong")

    with pytest.raises(ValueError, match="something else"):
        await serve(tmp_path, SERVER, sign, check)
    assert find(sign) == []


async def test_waiting_for_a_service_can_be_cancelled(tmp_path: Path, sign: str) -> None:
    async def check(service: Process) -> None:
        waiters = [asyncio.create_task(service.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        waiters[0].cancel()
        await asyncio.sleep(0.1)
        assert find(sign)
        os.kill(service.pid, signal.SIGKILL)
        assert (await waiters[1]).signal == (await waiters[2]).signal == 9
        assert waiters[0].cancelled()

    await serve(tmp_path, SERVER, sign, check)


async def test_service_with_a_missing_program_is_reported(tmp_path: Path) -> None:
    async with start_process(["nosuch"], cwd=tmp_path, env=PATH, log=tmp_path / "log", marker="test") as service:
        assert (await service.wait()).code == 127


OWNER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tasks.engines.local.processes.process import run_process
async def one(n):
    argv = [sys.executable, "-I", "-S", "-c", sys.argv[3], sys.argv[4], sys.argv[2] + f"/up{n}"]
    await run_process(argv, cwd=Path("/"), env={}, limit=99, log=Path(sys.argv[2]) / "log", marker="owner")
async def main():
    await asyncio.gather(*(one(n) for n in range(3)))
asyncio.run(main())
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_predeploy(tmp_path: Path, sign: str, how: signal.Signals) -> None:
    arguments = (str(ROOT), str(tmp_path), f"{DAEMON}\nimport time; time.sleep(99)", sign)
    with subprocess.Popen([sys.executable, "-c", OWNER, *arguments], stderr=subprocess.DEVNULL) as owner:
        assert wait_until(lambda: len(list(tmp_path.glob("up*"))) == 3, 10)
        assert len(find(sign)) >= 6

        owner.send_signal(how)
        owner.wait(5)

    assert wait_until(lambda: not find(sign), 3)
    assert wait_until(lambda: not find(str(tmp_path)), 1)


def test_sweep_kills_processes_with_the_marker() -> None:
    def start(marker: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["sleep", "99"], env={**PATH, "PREDEPLOY_RUN": marker})

    ours, below, other, without = start("run1"), start("run1/a"), start("run10"), subprocess.Popen(["sleep", "99"])
    try:
        assert sweep("run1") == 2
        assert (ours.wait(1), below.wait(1)) == (-9, -9)
        assert (other.poll(), without.poll()) == (None, None)
        assert sweep("run1") == 0
    finally:
        for process in (ours, below, other, without):
            process.kill()
            process.wait()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become another user")


@needs_root
async def test_command_in_a_user_namespace_is_not_root_but_writes_our_files(
    run: Run, tmp_path: Path, sign: str
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)

    ended = await run(
        "sh", "-c", f"id -u; id -g; touch {private}/mine; (setsid sh -c '{NAP}' {sign} &)", options=("--userns",)
    )
    if ended.trouble == "not_started":
        pytest.skip(ended.detail)

    assert (ended.code, ended.stdout, ended.stderr) == (0, "1000\n1000\n", "")
    assert (private / "mine").stat().st_uid == os.geteuid()


def find_what_forbids_another_user() -> str:
    """Why root cannot become user 12345 in group 54321 here (a container may allow no other user), or an empty text."""
    try:
        subprocess.run(
            ["/bin/sh", "-c", "id -u"],
            check=True,
            capture_output=True,
            user=12345,
            group=54321,
            extra_groups=[],
            cwd="/",
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return f"no other user here: {error}"
    return ""


@needs_root
async def test_command_runs_as_another_user(run: Run, sign: str) -> None:
    if reason := find_what_forbids_another_user():
        pytest.skip(reason)
    script = f"id -u; id -g; id -G; (setsid sh -c '{NAP}' {sign} &); nice"
    ended = await run("sh", "-c", script, options=("--uid", "12345", "--gid", "54321", "--nice", "5"), cwd=Path("/"))

    niceness = min(os.nice(0) + 5, 19)
    assert (ended.code, ended.detail, ended.stdout, ended.stderr) == (0, "", f"12345\n54321\n54321\n{niceness}\n", "")


WITHOUT_IMPORTS = """
import os, sys
sys.path.insert(0, sys.argv[1])
sys.modules.pop("warnings", None)
from tasks.engines.local.processes import request
request.change_identity = lambda _: sys.meta_path.clear()
request.execute(request.ProcessRequest(b"/\\x002\\0echo\\0became\\0PATH=/usr/bin:/bin", []), 2, os.getppid())
"""


def test_user_who_cannot_read_predeploys_python_can_run_the_reaper() -> None:
    ended = subprocess.run(python(WITHOUT_IMPORTS, str(ROOT)), capture_output=True, text=True, check=False)

    assert (ended.stdout, ended.stderr, ended.returncode) == ("became\n", "", 0)


async def test_child_of_a_killed_reaper_in_a_namespace_is_killed(run: Run, sign: str) -> None:
    work = asyncio.ensure_future(run("sh", "-c", NAP, sign, options=("--userns",)))
    assert await wait_for(lambda: find(sign))

    os.kill(dict(process_table.list_processes())[find(sign)[0]], signal.SIGKILL)

    assert (await work).trouble in {"engine_lost", "not_started"}
    assert await wait_for(lambda: not find(sign))


async def test_command_that_signals_its_own_group_leaves_the_reaper_alive(run: Run) -> None:
    ended = await run("sh", "-c", "kill -15 0; sleep 9")

    assert (ended.signal, ended.trouble) == (15, "")


async def test_many_children_are_all_killed(run: Run, sign: str) -> None:
    ended = await run("sh", "-c", f"for i in $(seq 60); do setsid sh -c '{NAP}' {sign} & done; exit 2")

    assert ended.code == 2
    assert find(sign) == []
