"""Sends a form to a Worker as a page of the site would. Standard library only."""

import http.client
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

BROWSER = "Mozilla/5.0 (predeploy)"
SHOWN = 160
WRONG_FORM = (400, 413, 415, 422)
WRONG_KEY = (401, 403)
LIMITED = 429
"""Too many requests: the Worker did not look at the form."""


@dataclass(frozen=True)
class Form:
    """The form to send and the answers to expect, with the token in the texts.

    `sent` in tasks/catalogue/worker/intake.py makes it.
    """

    path: str
    payload: Mapping[str, object]
    encoding: str
    headers: Mapping[str, str]
    origin: str
    status: tuple[int, ...]
    table: str
    columns: Mapping[str, str]
    invalid: tuple[Mapping[str, object], ...] | None
    key: str
    key_headers: tuple[str, ...]
    sources: tuple[str, ...]
    section: str
    needed: tuple[str, ...]
    """The fields without which the Worker's code shows that it refuses the form."""
    mail: bool
    """Whether the code shows that it refuses an invalid mail address."""
    locked: bool
    """Whether a wrong key has to be refused: the code shows it, or the key is configured."""
    gaps: tuple[str, ...]

    @property
    def answers(self) -> str:
        """The expected statuses, in words."""
        return " or ".join(map(str, self.status)) or "2xx"

    def takes(self, status: int) -> bool:
        """Whether the status says that the form was accepted."""
        return status in self.status if self.status else 200 <= status < 300

    @property
    def refusals(self) -> str:
        """The expected statuses for an invalid form, in words."""
        return "4xx" if self.invalid is not None else "400, 413, 415 or 422"

    def refuses(self, status: int) -> bool:
        """Whether the status says that the form was refused. Configured invalid forms may be refused with any 4xx."""
        if self.invalid is not None:
            return 400 <= status < 500 and status != LIMITED
        return status in WRONG_FORM

    def keys(self, value: str) -> dict[str, str]:
        """Returns the headers that send a key."""
        return {name: f"Bearer {value}" if name.lower() == "authorization" else value for name in self.key_headers}

    def without(self, field: str) -> dict[str, object]:
        """Returns the payload without one field."""
        return {name: value for name, value in self.payload.items() if name != field}


@dataclass(frozen=True)
class FormAnswer:
    """The Worker's answer. `mark` is the header X-Predeploy, which the program in front of the Worker sets."""

    status: int
    text: str
    mark: str

    @property
    def words(self) -> str:
        """The status, and the first words of the body."""
        said = " ".join(self.text.split())[:SHOWN]
        return f"{self.status}: {said}" if said else str(self.status)


def read_form(text: str, token: str) -> Form:
    """Returns the form from its JSON text, with the token of this run."""
    said = json.loads(text.replace("{token}", token))
    listed = {name: tuple(said[name]) for name in ("status", "key_headers", "sources", "needed", "gaps")}
    return Form(**(said | listed | {"invalid": said["invalid"] and tuple(said["invalid"])}))


def renewed(payload: Mapping[str, object], old: str, new: str) -> dict[str, object]:
    """Returns the same fields with another token."""
    fields: dict[str, object] = json.loads(json.dumps(payload).replace(old, new))
    return fields


def new_token() -> str:
    """Returns a word that occurs nowhere else."""
    return f"predeploy{secrets.token_hex(6)}"


@dataclass(frozen=True)
class Sender:
    """The address of the Worker. `limit` is the seconds for an answer."""

    host: str
    port: int
    limit: float = 30

    def send(self, form: Form, payload: Mapping[str, object], headers: Mapping[str, str]) -> FormAnswer:
        """Posts a payload. Raises OSError or HTTPException if the Worker does not answer."""
        is_json = form.encoding == "json"
        body = json.dumps(payload) if is_json else urlencode({name: str(value) for name, value in payload.items()})
        common = {
            "Content-Type": "application/json" if is_json else "application/x-www-form-urlencoded",
            "Accept": "application/json, text/html;q=0.9",
            "User-Agent": BROWSER,
            "X-Forwarded-Proto": "https",
            "Origin": form.origin,
            "Referer": f"{form.origin}/",
        }
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.limit)
        try:
            connection.request("POST", form.path, body.encode(), {**common, **form.headers, **headers})
            response = connection.getresponse()
            text = response.read(1 << 16).decode("utf-8", "replace")
        finally:
            connection.close()
        return FormAnswer(response.status, text, response.headers.get("X-Predeploy", ""))


def places(pattern: str, sources: tuple[str, ...]) -> Iterator[dict[str, object]]:
    """Yields the file and line of each match in the Worker's sources."""
    for path in sources:
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for match in re.finditer(pattern, text, re.IGNORECASE):
            yield {"file": path, "line": text.count("\n", 0, match.start()) + 1}
