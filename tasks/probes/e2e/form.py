"""Sends a form to a Worker as the page of a site would. Standard library only."""

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
"""Too many requests: whatever was asked was not looked at."""


@dataclass(frozen=True)
class Form:
    """What is sent, and how: see `sent` in tasks/catalogue/intake.py. Texts have the token of this run."""

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

    @property
    def answers(self) -> str:
        """The answers that it may have, in words."""
        return " or ".join(map(str, self.status)) or "2xx"

    def takes(self, status: int) -> bool:
        """Is it an answer to a form that was taken?"""
        return status in self.status if self.status else 200 <= status < 300

    @property
    def refusals(self) -> str:
        """The answers that a wrong one may have, in words."""
        return "4xx" if self.invalid is not None else "400, 413, 415 or 422"

    def refuses(self, status: int) -> bool:
        """Is it an answer to a wrong form? What somebody called wrong may be refused for any reason."""
        if self.invalid is not None:
            return 400 <= status < 500 and status != LIMITED
        return status in WRONG_FORM

    def keys(self, value: str) -> dict[str, str]:
        """The headers that a key is sent in."""
        return {name: f"Bearer {value}" if name.lower() == "authorization" else value for name in self.key_headers}

    def without(self, field: str) -> dict[str, object]:
        """Its fields but one."""
        return {name: value for name, value in self.payload.items() if name != field}


@dataclass(frozen=True)
class FormAnswer:
    """What the Worker said, and the mark of our own program in front of it."""

    status: int
    text: str
    mark: str

    @property
    def words(self) -> str:
        """The status, and the first words of the body."""
        said = " ".join(self.text.split())[:SHOWN]
        return f"{self.status}: {said}" if said else str(self.status)


def read_form(text: str, token: str) -> Form:
    """The form of a run, with its token."""
    said = json.loads(text.replace("{token}", token))
    listed = {name: tuple(said[name]) for name in ("status", "key_headers", "sources")}
    return Form(**(said | listed | {"invalid": said["invalid"] and tuple(said["invalid"])}))


def renewed(payload: Mapping[str, object], old: str, new: str) -> dict[str, object]:
    """The same fields with another token."""
    fields: dict[str, object] = json.loads(json.dumps(payload).replace(old, new))
    return fields


def new_token() -> str:
    """A word that stands nowhere else."""
    return f"predeploy{secrets.token_hex(6)}"


@dataclass(frozen=True)
class Sender:
    """Where the Worker is. Raises OSError or HTTPException where it does not answer."""

    host: str
    port: int
    limit: float = 30

    def send(self, form: Form, payload: Mapping[str, object], headers: Mapping[str, str]) -> FormAnswer:
        """Posts fields."""
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
    """Where the Worker's code says something."""
    for path in sources:
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for match in re.finditer(pattern, text, re.IGNORECASE):
            yield {"file": path, "line": text.count("\n", 0, match.start()) + 1}
