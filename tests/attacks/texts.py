"""Attacks by text: the file of a stack, reports, addresses and refs, and secrets in any surroundings."""

import base64
import json
import random
import urllib.parse
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from flows.commits.checkout import inside
from tasks.errors import EngineError, SettingsError, UsageError
from tasks.models import Outcome
from tasks.redaction.redactor import Redactor
from tasks.report.authentic import CONTROL, EXIT_CODES, foreign_part
from tasks.settings import Settings, load_settings
from tasks.settings.models import STACK_RULES
from tasks.settings.stack_power import ANY
from tasks.source.fetch import Remote, mistake_in
from tasks.source.git import ask_git
from tests.attacks.attack import SEED, Attack
from tests.report.test_authentic import WRONG, document
from tests.settings.test_stack_file import EXPLOSIONS
from tests.test_docs import block

HOSTILE = (
    "\0",
    "\x1b[2J",
    "\n",
    "\r",
    "\u202e",
    "../",
    "~",
    "$(id)",
    "`id`",
    "%00",
    "'",
    '"',
    "\\",
    "\ud800",
    "/dev/zero",
)
PLACES = ("/etc/passwd", "~/.ssh/id_rsa", "../../x", "/dev/stdout", "a/../../b", "\0", "file:///etc", "x" * 5000)


def in_file(place: Path, content: bytes) -> str | None:
    """Loads the settings of a stack whose file has this content. Only settings, or a mistake, are right."""
    (place / "predeploy.toml").write_bytes(content)
    try:
        settings = load_settings(place, {}, {})
    except SettingsError as error:
        return None if error.exit_code == 2 and all(len(each) < 2000 for each in error.problems) else "a long mistake"
    for name, rule in STACK_RULES.items():
        value = getattr(settings, name)
        if rule is not ANY and value != getattr(Settings(), name) and not rule.accepts(value, place):
            return f"{name} was set to {value!r}"
    return None


def settings_attacks(place: Path) -> Iterator[Attack]:
    """Mutations of a file with every key, texts that explode, and every key with power over the machine."""
    chance = random.Random(SEED)
    whole = block("docs/configuration.md", "toml")
    for number in range(1100):
        content = mutated(chance, whole)
        yield Attack(category="settings: mutated", name=str(number), survives=partial(in_file, place, content))
    for name, text in EXPLOSIONS.items():
        content = text.encode() if isinstance(text, str) else text
        yield Attack(category="settings: explosions", name=name, survives=partial(in_file, place, content))
    for key in (name for name, rule in STACK_RULES.items() if rule is not ANY):
        for value in (*PLACES, "env", "local", "registry.example/x:1", True, 7, ["/etc"], {"uv": "evil.example/uv:1"}):
            shown = '{ uv = "evil.example/uv:1" }' if isinstance(value, dict) else json.dumps(value)
            content = f"{key} = {shown}".encode()
            yield Attack(
                category="settings: power",
                name=f"{key} = {value!r}"[:60],
                survives=partial(in_file, place, content),
            )


def mutated(chance: random.Random, text: str) -> bytes:
    """A text with a few pieces removed, repeated, swapped or replaced by something hostile."""
    data = bytearray(text.encode())
    for _ in range(chance.randint(1, 6)):
        at, length = chance.randrange(len(data)), chance.randint(1, 40)
        piece = bytes(data[at : at + length])
        match chance.randrange(5):
            case 0:
                del data[at : at + length]
            case 1:
                data[at:at] = piece * chance.choice((1, 3, 500))
            case 2:
                data[at : at + length] = chance.choice(HOSTILE).encode("utf-8", "surrogatepass")
            case 3:
                data[at : at + length] = chance.randbytes(length)
            case _:
                data[at:at] = chance.choice((b"[[", b"]]", b"{", b'"""', b"= =", b"9" * 400, b"[a.b.c]\n", b"'''"))
    return bytes(data)


def report_attacks() -> Iterator[Attack]:
    """Reports of a stranger: a part that predeploy does not write, or random values anywhere."""
    chance = random.Random(SEED)
    for name, value in WRONG:
        yield Attack(
            category="reports",
            name=f"{name} = {value!r}"[:60],
            survives=partial(stranger, name, value),
        )
    values: tuple[Any, ...] = (
        None,
        True,
        -1,
        10**40,
        1e308,
        "",
        "\x1b[2J",
        "x",
        [],
        [[]],
        {},
        {"a": 1},
        float("nan"),
        "\u202e",
    )
    for number in range(400):
        made = document()
        for _ in range(chance.randint(1, 4)):
            made[chance.choice([*made])] = chance.choice(values)
        yield Attack(category="reports", name=str(number), survives=partial(believed, made))


def stranger(name: str, value: Any) -> str | None:
    """A report with a part that predeploy does not write."""
    return None if foreign_part(document(**{name: value})) else "it was believed"


def believed(made: dict[str, Any]) -> str | None:
    """A report that is believed must have a fitting exit code, and no control character in what is printed."""
    if foreign_part(made):
        return None
    if made["exit_code"] not in EXIT_CODES[Outcome(made["result"])]:
        return "an exit code that does not fit was believed"
    printed = (made["stack"], made["reason"], made["rerun"] or "", made["engine"]["name"], *made["proof"]["gaps"])
    return "a control character was believed" if any(CONTROL.search(each) for each in printed) else None


def address_attacks() -> Iterator[Attack]:
    """Addresses, refs and directories with control characters, helpers of git, options and ways out."""
    chance = random.Random(SEED)
    starts = (
        "https://h.example/a/b",
        "file:///srv/a",
        "git@h.example:a/b",
        "/srv/a",
        "",
        "-",
        "ext::sh -c id",
        "ssh://h/a",
    )
    for number in range(400):
        text = chance.choice(starts)
        for _ in range(chance.randint(1, 3)):
            at = chance.randint(0, len(text))
            text = text[:at] + chance.choice(HOSTILE) + text[at:]
        yield Attack(category="addresses and refs", name=f"{number} {text!r}"[:60], survives=partial(addressed, text))


def addressed(text: str) -> str | None:
    """Only a usage error, or a value without a control character, is right."""
    try:
        Remote(repository=text)
    except UsageError:
        pass
    else:
        if any(character in text for character in "\0\n\r\x1b") or mistake_in(text):
            return "it was accepted as a repository"
    try:
        path = inside(text)
    except UsageError:
        pass
    else:
        if ".." in path.parts or path.is_absolute() or any(character in text for character in "\0\n\r"):
            return "it was accepted as a directory"
    with suppress(UsageError, EngineError):
        ask_git(Path("/"), "check-ref-format", "--branch", text)
    return None


def redaction_attacks() -> Iterator[Attack]:
    """A secret in the encodings and surroundings that tools print."""
    chance = random.Random(SEED)
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=_-&?<>'\"\\ öé"
    for number in range(300):
        secret = "Xq7" + "".join(chance.choices(alphabet, k=chance.randint(9, 60))).strip() + "Zk9"
        forms = (
            secret,
            json.dumps(secret),
            repr(secret),
            urllib.parse.quote(secret, safe=""),
            base64.b64encode(secret.encode()).decode(),
            secret.encode().hex(),
        )
        form = chance.choice(forms)
        around = "".join(chance.choices(" abc:,\n\t{}[]", k=chance.randint(0, 200)))
        text = around + form + around
        yield Attack(
            category="redaction",
            name=str(number),
            survives=partial(masked, secret, form, text),
        )


def masked(secret: str, form: str, text: str) -> str | None:
    """Neither the secret nor its encoding may be left."""
    left = Redactor({"SECRET": secret}).text(text)
    bare = form.strip("\"'")
    return f"{bare[:8]}… is left" if secret in left or bare in left else None
