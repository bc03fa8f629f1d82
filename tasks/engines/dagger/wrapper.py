"""What stands in front of a command in a container: limits it, and writes down how it ended. POSIX shell.

The exec itself always succeeds, so the engine keeps what the program said, whole, and may remember it; the record says
which run that was in. Where a server runs beside it, the end of the server is the end of the command.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RECORD = "/record"
NO_VARIABLES: Mapping[str, str] = {}
SERVED = "/served/by"
"""Where a server's output and exit code lie, in its own container and in that of the command beside it."""
RUN = "PREDEPLOY_RUN"
NONCE = "PREDEPLOY_NONCE"
"""The variables that say which run an exec belongs to, and that have it executed, whatever the engine remembers."""
KEPT = 65536

SCRIPT = f"""\
limit=$1 served=$2; shift 2
mkdir -p {RECORD}
begun=$(date +%s.%N)
timeout -k 5 "$limit" "$@" &
pid=$!
if [ -n "$served" ]; then
  while sleep 0.05; do
    [ -s "$served/code" ] && sleep 0.3 && echo 1 >{RECORD}/stopped && kill "$pid" && break
  done 2>/dev/null &
  watcher=$!
fi
wait "$pid" 2>/dev/null
code=$?
[ -n "$served" ] && kill "$watcher" 2>/dev/null
stopped=0
[ -s {RECORD}/stopped ] && stopped=1
server=-
[ -n "$served" ] && [ -s "$served/code" ] && server=$(cat "$served/code")
printf '%s %s %s %s %s %s\\n' "${RUN}" "$begun" "$(date +%s.%N)" "$code" "$stopped" "$server" >{RECORD}/exit
[ -n "$served" ] && tail -c {KEPT} "$served/output" >>{RECORD}/exit
exit 0
"""
SERVER_SCRIPT = f"""\
rm -f {SERVED}/code
"$@" >{SERVED}/output 2>&1
echo $? >{SERVED}/code
sleep 3600
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How a command ended. Times are seconds since the epoch, by the clock of the engine's machine.

    `run` is the run that it was really executed in. `server` is the exit code of the server beside it, if that ended;
    `stopped`: the command was, for that reason. `output` is the end of what the server said.
    """

    run: str
    begun: float
    ended: float
    code: int
    stopped: bool = False
    server: int | None = None
    output: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0.0, self.ended - self.begun)


def wrap(
    argv: Sequence[str], limit: float, *, variables: Mapping[str, str] = NO_VARIABLES, beside_server: bool = False
) -> list[str]:
    """The argv of the exec."""
    served = SERVED if beside_server else ""
    return ["sh", "-c", SCRIPT, "predeploy", f"{limit:g}", served, *with_variables(argv, variables)]


def with_variables(argv: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """The command with these variables, none of which is a secret.

    A Django process gets thirty: as links of the chain of containers, they were most of what is said to the engine.
    """
    return ["env", *(f"{name}={value}" for name, value in variables.items()), *argv] if variables else [*argv]


def serve(argv: Sequence[str], variables: Mapping[str, str] = NO_VARIABLES) -> list[str]:
    """The argv of a server whose output and end are to be seen from beside it."""
    return ["sh", "-c", SERVER_SCRIPT, "predeploy", *with_variables(argv, variables)]


def read_record(text: str) -> Record:
    """What the wrapper wrote; ValueError where it is something else."""
    head, _, output = text.partition("\n")
    run, begun, ended, code, stopped, server = head.split(" ")
    return Record(
        run=run,
        begun=seconds(begun),
        ended=seconds(ended),
        code=int(code),
        stopped=stopped == "1",
        server=None if server == "-" else int(server),
        output=output,
    )


def seconds(text: str) -> float:
    """A time; a `date` that has no fractions leaves `%N` or `N` in its place."""
    whole, _, part = text.partition(".")
    return float(f"{whole}.{part}" if part.isdigit() else whole)
