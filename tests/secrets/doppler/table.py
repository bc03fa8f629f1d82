"""The table of behaviours as the command line shows them: `python -m tests.secrets.doppler.table`."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.cli.caller import NOWHERE, Caller
from tests.cli.stack import make_stack
from tests.secrets.doppler.authority import make_certificate
from tests.secrets.doppler.behaviours import (
    ACCOUNT,
    BEHAVIOURS,
    COMMAND_LINE,
    PERSONAL,
    PLACE,
    SERVICE,
    STRANGE,
    Behaviour,
)
from tests.secrets.doppler.server import serving
from tests.secrets.doppler.service import Doppler

LIMIT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The outcome of a call."""

    code: int
    line: str
    requests: int
    seconds: float
    everything: str


@contextmanager
def arranged(behaviour: Behaviour, place: Path) -> Iterator[tuple[Doppler, dict[str, str]]]:
    """Doppler as in the row, and the variables of the command line."""
    doppler = Doppler(configs={PLACE: {"KEY": "value", "OTHER": "not asked for"}, ("cafe", "prd"): {}})
    doppler.service_token(*PLACE, token=SERVICE)
    for token in (ACCOUNT, PERSONAL, COMMAND_LINE, STRANGE):
        doppler.account_token(PLACE, ("cafe", "prd"), token=token)
    behaviour.does(doppler)
    context, trusted = make_certificate(place) if behaviour.tls else (None, None)
    environ = {"REQUESTS_CA_BUNDLE": str(trusted)} if behaviour.tls == "trusted" else {}
    with serving(doppler, context):
        url = behaviour.url.format(address=urlsplit(doppler.url).netloc)
        yield doppler, {**environ, "DOPPLER_API_HOST": url or doppler.url}


def show(behaviour: Behaviour, place: Path, home: Path, limit: float = LIMIT) -> Shown:
    """Calls the command line on a stack with one check that declares the secrets of the row."""
    stack = make_stack(place)
    (stack.root / "check.py").write_text("import os\n")
    row = {"name": "check", "stage": "quality", "run": [sys.executable, "check.py"], "secrets": [*behaviour.asks]}
    text = "\n".join(f"{key} = {json.dumps(value)}" for key, value in row.items())
    (stack.root / "predeploy.toml").write_text(f"[[check]]\n{text}\n")
    unimportable = place / "unimportable"
    unimportable.mkdir()
    (unimportable / "prefect.py").write_text("raise ImportError('not here')\n")
    settings = {f"PREDEPLOY_{name.upper()}": str(value) for name, value in behaviour.settings.items()}
    own = {"DOPPLER_TOKEN": behaviour.token, "PREDEPLOY_DOPPLER_LIMIT": str(limit), "PREFECT_API_URL": NOWHERE}
    with arranged(behaviour, place) as (doppler, environ):
        caller = Caller(home=home, cwd=place, environ={**own, **settings, **environ}, paths=(unimportable,), how="fork")
        ended = caller.run(stack.root, "--engine", "local", limit=limit + 55)
    return Shown(
        code=ended.code,
        line=(ended.stderr if ended.code else ended.stdout).strip().partition("\n")[0].removeprefix("predeploy: "),
        requests=len(doppler.asked),
        seconds=ended.seconds,
        everything=ended.stdout + ended.stderr,
    )


def main() -> None:
    print("| behaviour | exit | requests | seconds | what is said |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as home:
        for behaviour in BEHAVIOURS:
            with tempfile.TemporaryDirectory() as place:
                shown = show(behaviour, Path(place), Path(home))
            said = (shown.line if shown.code else "").replace("|", "\\|")
            print(f"| {behaviour.name} | {shown.code} | {shown.requests} | {shown.seconds:.1f} | {said} |", flush=True)


if __name__ == "__main__":
    main()
