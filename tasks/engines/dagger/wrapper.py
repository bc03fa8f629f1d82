"""The shell script around a command in a container: it limits the command's time, and records its end. POSIX shell.

The exec itself always succeeds, so the engine may cache it. The record names the run of the execution. If the step has
servers, the end of a server ends the command. The output goes to two files: the engine's log mixes both streams, and a
secret that the other stream cuts in two could not be masked there.
"""

import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasks.engines.dagger.paths import SERVED
from tasks.exits import ServiceExit
from tasks.production import Healthcheck

RECORD = "/record"
OUTPUTS = (f"{RECORD}/stdout", f"{RECORD}/stderr")
NO_VARIABLES: Mapping[str, str] = {}
RUN = "PREDEPLOY_RUN"
NONCE = "PREDEPLOY_NONCE"
"""The variable with the run of an exec, and the variable that forces an execution in spite of the cache."""
KEPT = 65536
OUTPUT_BYTES = 100_000_000
"""The last bytes of each stream that are kept. The engine refuses to read a file of more than 128 MiB."""
BLOCK = 512
"""The unit of `ulimit -f` in a POSIX shell."""
SERVER_ENDED, DISK_FULL = "1", "2"
"""Why a command was stopped, or failed."""
LEAST = 50 << 10
"""A disk with fewer free kilobytes is full."""

IS_FULL = """\
is_full() {
  left=$(df -kP / | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
  [ "$left" -lt "$1" ]
} 2>/dev/null"""
SCRIPT = f"""\
limit=$1 servers=$2 blocks=$3 spare=$4; shift 4
{IS_FULL}
[ -z "$blocks" ] || ulimit -f "$blocks"
mkdir -p {RECORD}
begun=$(date +%s.%N)
for output in {" ".join(OUTPUTS)}; do
  : >"$output"
done
# appended, or the end of an output would overwrite what the command writes to /dev/stdout by its name
timeout -k 5 "$limit" "$@" >>{OUTPUTS[0]} 2>>{OUTPUTS[1]} &
pid=$!
if [ -n "$servers" ]; then
  while sleep 0.05; do
    for name in $servers; do
      [ -s "{SERVED}/$name/code" ] && sleep 0.3 && echo {SERVER_ENDED} >{RECORD}/stopped && kill "$pid" && break 2
    done
  done 2>/dev/null &
  watcher=$!
fi
if [ -n "$spare" ]; then
  while sleep 0.5; do
    is_full "$spare" && echo {DISK_FULL} >{RECORD}/stopped && kill "$pid" && break
  done 2>/dev/null &
  guard=$!
fi
wait "$pid" 2>/dev/null
code=$?
[ -z "$spare" ] || kill "$guard" 2>/dev/null
# the processor time of ended children: on its second line, and only in this shell itself
times >{RECORD}/times
used=$(tail -n 1 {RECORD}/times)
if [ -n "$servers" ]; then
  kill "$watcher" 2>/dev/null
  # a server that caused the failure may end, and print its reason, a little later
  [ "$code" = 0 ] || sleep 0.3
fi
for output in {" ".join(OUTPUTS)}; do
  [ "$(wc -c <"$output")" -le {OUTPUT_BYTES} ] && continue
  tail -c {OUTPUT_BYTES} "$output" >"$output.end" && mv "$output.end" "$output"
done
stopped=0
[ -s {RECORD}/stopped ] && stopped=$(cat {RECORD}/stopped)
[ "$code" = 0 ] || ! is_full {LEAST} || stopped={DISK_FULL}
for name in $servers; do
  [ ! -e "{SERVED}/$name/full" ] || stopped={DISK_FULL}
done
printf '%s %s %s %s %s %s\\n' "${RUN}" "$begun" "$(date +%s.%N)" "$code" "$stopped" "$used" >{RECORD}/exit
for name in $servers; do
  ended=-
  [ -s "{SERVED}/$name/code" ] && ended=$(cat "{SERVED}/$name/code")
  printf '\\n%s %s %s\\n' "${RUN}" "$name" "$ended"
  tail -c {KEPT} "{SERVED}/$name/output"
done >>{RECORD}/exit 2>/dev/null
exit 0
"""
SERVER_SCRIPT = f"""\
directory={SERVED}/$1 spare=$2; shift 2
rm -f "$directory/code" "$directory/full"
: >"$directory/output"
{IS_FULL}
# the check gets time for its record; then the container ends with this shell, and with it all processes of the server
[ -z "$spare" ] || ( until is_full "$spare"; do sleep 0.5 || sleep 1; done
  : >"$directory/full"; echo 137 >"$directory/code"; sleep 2; kill -9 $$ ) 2>/dev/null &
"$@" >>"$directory/output" 2>&1
echo $? >"$directory/code"
sleep 3600
"""

# The image's own `sleep` and `kill` may be the simplest ones. A failure in the start period does not count.
HEALTHCHECK_SCRIPT = """\
(
  directory=DIRECTORY begun=$(date +%s) failed=0
  while [ ! -e "$directory/ask" ]; do sleep 0.2 2>/dev/null || sleep 1; done
  while :; do
    rm -f "$directory/late"
    COMMAND >"$directory/said" 2>&1 &
    pid=$!
    ( sleep LIMIT; : >"$directory/late"; kill -9 "$pid" ) >/dev/null 2>&1 &
    limiter=$!
    wait "$pid" 2>/dev/null
    code=$?
    kill "$limiter" 2>/dev/null
    [ "$code" != 0 ] || break
    [ $(($(date +%s) - begun)) -lt START ] || failed=$((failed + 1))
    [ "$failed" -lt RETRIES ] || break
    sleep WAIT
  done
  echo "$code $failed" >"$directory/ended"
  mv "$directory/ended" "$directory/health"
) &
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRecord:
    """The end of a command. Times are seconds since the epoch, by the clock of the engine's machine.

    `run` is the run that executed it. `servers` are the step's servers. `stopped`: the command was stopped because a
    server had ended. `is_disk_full`: it failed, or was stopped, when too little of the disk was left.
    """

    run: str
    begun: float
    ended: float
    code: int
    stopped: bool = False
    is_disk_full: bool = False
    servers: tuple[ServiceExit, ...] = ()
    cpu: float | None = None
    """The processor time of the command, in seconds."""

    @property
    def seconds(self) -> float:
        """The duration of the command."""
        return max(0.0, self.ended - self.begun)


def wrap(
    argv: Sequence[str],
    limit: float,
    servers: Sequence[str] = (),
    *,
    variables: Mapping[str, str] = NO_VARIABLES,
    file_bytes: int | None = None,
    spare_bytes: int | None = None,
) -> list[str]:
    """The argv of the exec. `servers` are the names of the step's servers. `file_bytes` limits each written file.

    The command is stopped if less than `spare_bytes` are left on the disk.
    """
    blocks = "" if file_bytes is None else str(file_bytes // BLOCK)
    spare = "" if spare_bytes is None else str(spare_bytes >> 10)
    options = (f"{limit:g}", " ".join(servers), blocks, spare)
    return ["sh", "-c", SCRIPT, "predeploy", *options, *with_variables(argv, variables)]


def with_variables(argv: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """The command with these variables, none of which is a secret.

    A Django process has thirty. As operations on the container, they were most of the requests to the engine.
    """
    return ["env", *(f"{name}={value}" for name, value in variables.items()), *argv] if variables else [*argv]


def serve(
    name: str,
    argv: Sequence[str],
    variables: Mapping[str, str] = NO_VARIABLES,
    healthcheck: Healthcheck | None = None,
    patience: int = 1,
    spare_bytes: int | None = None,
) -> list[str]:
    """The argv of a server that writes its output and exit code to the shared directory.

    A healthcheck of its image runs next to it, in the same container, as soon as the step asks for it. `patience`
    multiplies its time limit. The server is stopped if less than `spare_bytes` are left on the disk.
    """
    spare = "" if spare_bytes is None else str(spare_bytes >> 10)
    script = healthcheck_script(name, healthcheck, variables, patience) if healthcheck else ""
    return ["sh", "-c", script + SERVER_SCRIPT, "predeploy", name, spare, *with_variables(argv, variables)]


def healthcheck_script(name: str, healthcheck: Healthcheck, variables: Mapping[str, str], patience: int) -> str:
    """The part of the script that runs the healthcheck."""
    values = {
        "DIRECTORY": f"{SERVED}/{name}",
        "COMMAND": shlex.join(with_variables(healthcheck.argv, variables)),
        "LIMIT": f"{max(1, math.ceil(healthcheck.limit * patience))}",
        "WAIT": f"{max(1, math.ceil(healthcheck.wait))}",
        "START": f"{math.ceil(healthcheck.start)}",
        "RETRIES": f"{healthcheck.retries}",
    }
    return re.sub("|".join(values), lambda match: values[match[0]], HEALTHCHECK_SCRIPT)


def read_record(text: str) -> CommandRecord:
    """Parses the wrapper's record. Raises ValueError for any other text."""
    head, _, rest = text.partition("\n")
    run, begun, ended, code, stopped, *used = head.split(" ")
    return CommandRecord(
        run=run,
        begun=seconds(begun),
        ended=seconds(ended),
        code=int(code),
        stopped=stopped == SERVER_ENDED,
        is_disk_full=stopped == DISK_FULL,
        servers=tuple(read_servers(rest, run)),
        cpu=sum(map(minutes, used)) if used else None,
    )


def read_servers(text: str, run: str) -> Iterator[ServiceExit]:
    """Parses one part per server. The separator is unknown to servers, so their output cannot contain it."""
    for part in f"\n{text}".split(f"\n{run} ")[1:]:
        head, _, output = part.partition("\n")
        name, code = head.split(" ")
        yield ServiceExit(name=name, code=None if code == "-" else int(code), signal=None, output=output.rstrip("\n"))


def minutes(text: str) -> float:
    """Parses a time of the shell's `times` in seconds: `0m1.500s`. Another form counts as no time."""
    match = re.fullmatch(r"(\d+)m([\d.]+)s", text)
    return int(match[1]) * 60 + float(match[2]) if match else 0.0


def seconds(text: str) -> float:
    """Parses a time. A `date` without fractions prints `%N` or `N` instead."""
    whole, _, part = text.partition(".")
    return float(f"{whole}.{part}" if part.isdigit() else whole)
