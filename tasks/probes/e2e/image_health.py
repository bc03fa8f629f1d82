"""Asks for the HEALTHCHECK of the image, which runs next to the server, and reads how it ended."""

import os
import re
import time
from pathlib import Path
from typing import Any

PLACE = "PREDEPLOY_HEALTHCHECK"
"""The variable with the directory that this probe shares with the server's container. Not every engine has one."""
ABSENT = (126, 127)
SHOWN = 300
ROWS = re.compile(r"^X-Predeploy-Rows: (?P<place>.+)$", re.MULTILINE)
"""The line that the loader in a server prints about an error that comes of an absent row."""


def image_health(place: str, wait: float, doubts: list[str]) -> tuple[int, list[dict[str, Any]], str]:
    """Returns exit code, findings and the summary: 0 healthy, 10 no verdict, 11 unhealthy."""
    if not place or not os.environ.get(PLACE):
        return 0, [], ""
    directory = Path(os.environ[PLACE])
    (directory / "ask").touch()
    ended = directory / "health"
    deadline = time.monotonic() + wait
    while not ended.exists():
        if time.monotonic() > deadline:
            return 10, [said(place, f"the HEALTHCHECK did not end within {wait:g} s")], ""
        time.sleep(0.1)
    code, _, tried = ended.read_text().strip().partition(" ")
    if code == "0":
        return 0, [], "HEALTHCHECK passed"
    return judged(place, int(code), tried, directory, doubts)


def judged(
    place: str, code: int, tried: str, directory: Path, doubts: list[str]
) -> tuple[int, list[dict[str, Any]], str]:
    """Returns the outcome for a HEALTHCHECK that failed each time."""
    output, server = text_of(directory / "said"), text_of(directory / "output")
    shown = " ".join(output.split())[-SHOWN:] or f"exit {code}, without output"
    reason = f"the HEALTHCHECK of the image failed {tried} times: {shown}"
    if (directory / "late").exists():
        reason = f"the HEALTHCHECK of the image did not end in its time limit, {tried} times: {shown}"
    if code not in ABSENT and "Invalid HTTP_HOST header" in server:
        hint = "the settings refuse its host name. Set ALLOWED_HOSTS as production has it in predeploy.toml"
        return 10, [said(place, f"{reason}: {hint}")], ""
    if code not in ABSENT and (rows := ROWS.search(server)) is not None:
        hint = f"its page needs a row that only production's database has: {rows['place']}"
        return 10, [said(place, f"{reason}: {hint}")], ""
    if code not in ABSENT and doubts:
        hint = f"it may need a service that the run does not have: the stack installs {', '.join(doubts)}"
        return 10, [said(place, f"{reason}: {hint}")], ""
    return 11, [said(place, reason)], ""


def said(place: str, message: str) -> dict[str, Any]:
    """Returns a finding at the line of the Dockerfile."""
    file, _, line = place.rpartition(":")
    return {"tool": "docker", "rule": "HEALTHCHECK", "file": file, "line": int(line), "message": message}


def text_of(path: Path) -> str:
    """Returns a text that may have any bytes, or none."""
    return path.read_text("utf-8", "replace") if path.exists() else ""
