"""Redaction: every form of a value is found, wherever the pieces of a stream are cut, and nothing else is touched."""

import base64
import html
import json
import random
import re
import shlex
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

import pytest

from tasks.exits import Exit, ServiceExit
from tasks.models import Diagnostic, Proof, Result, Status
from tasks.redaction.gate import redact
from tasks.redaction.redactor import NOTHING, Redactor

VALUE = "s3cr/t+Va\"lue'&=?<é>\\end"
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQC7VJTU\n-----END KEY-----"
URL = "postgres://app:p%40ss-w0rd!@db.example.test:5432/shop"
REDACTOR = Redactor({"VALUE": VALUE, "PEM": PEM, "URL": URL})

Print = Callable[[str], str]
# Functions that print a value, and the masked text of each.
PRINTED: dict[str, tuple[Print, str]] = {
    "plain": (str, "***"),
    "blanks around": (lambda value: f"  {value}\n", "  ***\n"),
    "within": (lambda value: f"key={value};", "key=***;"),
    "quote": (lambda value: quote(value, safe=""), "***"),
    "quote, slash kept": (quote, "***"),
    "quote, lower case": (lambda value: re.sub("%..", lambda found: found[0].lower(), quote(value, safe="")), "***"),
    "quote_plus": (quote_plus, "***"),
    "encodeURIComponent": (lambda value: quote(value, safe="!'()*~"), "***"),
    "json": (json.dumps, '"***"'),
    "json, unicode kept": (lambda value: json.dumps({"a": [value]}, ensure_ascii=False), '{"a": ["***"]}'),
    "json, slashes escaped": (lambda value: json.dumps(value).replace("/", "\\/"), '"***"'),
    "json in json": (lambda value: json.dumps(json.dumps({"a": value})), '"{\\"a\\": \\"***\\"}"'),
    "repr": (repr, "'***'"),
    "repr with double quotes": (lambda value: repr('"' + value), "'\"***'"),
    "repr of an exception": (lambda value: repr(ValueError(f"no: {value}")), "ValueError('no: ***')"),
    "ascii": (ascii, "'***'"),
    "bytes": (lambda value: repr(value.encode()), "b'***'"),
    "html": (html.escape, "***"),
    "html, quotes kept": (lambda value: html.escape(value, quote=False), "***"),
    "shell": (shlex.quote, "'***'"),
    "hex": (lambda value: value.encode().hex(), "***"),
    "HEX": (lambda value: value.encode().hex().upper(), "***"),
    "wrapped": (lambda value: "\n".join(cut(value, 11)), "***"),
    "wrapped and indented": (lambda value: "\r\n    ".join(cut(value, 9)), "***"),
    "wrapped hex": (lambda value: "\n".join(cut(value.encode().hex(), 20)), "***"),
}
ENCODERS = {"base64": base64.b64encode, "base64url": base64.urlsafe_b64encode, "in lines": base64.encodebytes}


def cut(text: str, width: int) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]


@pytest.mark.parametrize("value", [VALUE, PEM, URL], ids=["value", "lines", "url"])
@pytest.mark.parametrize("way", PRINTED)
def test_every_form_is_masked(way: str, value: str) -> None:
    show, left = PRINTED[way]

    shown = REDACTOR.text(f"before {show(value)} after")

    # which quotes Python chooses depends on the value
    assert shown.replace("'", '"') == f"before {left} after".replace("'", '"')


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("value", [VALUE, PEM, URL], ids=["value", "lines", "url"])
@pytest.mark.parametrize("way", ENCODERS)
def test_base64_is_masked_at_every_offset(way: str, value: str, before: int) -> None:
    encode, raw = ENCODERS[way], value.encode()
    one, other = (encode(around * before + raw + around * 3).decode() for around in (b"\0", b"\xff"))
    core = "".join(digit for digit, twin in zip(one, other, strict=True) if digit == twin).strip("=\n")

    shown = REDACTOR.text(one)

    assert core in one
    assert shown == one.replace(core, "***")


def test_password_is_masked_without_its_url() -> None:
    assert REDACTOR.text("login p%40ss-w0rd! or p@ss-w0rd! or cEBzcy13MHJkIQ==") == "login *** or *** or ***Q=="


def test_single_lines_of_a_value_are_masked() -> None:
    assert REDACTOR.text("E   MIIEvQIBADANBgkqhkiG9w0BAQEF") == "E   ***"


def test_overlapping_values_are_masked_as_one() -> None:
    redactor = Redactor({"A": "abcdefgh", "B": "efghijkl", "C": "abcdef"})

    assert redactor.text("x abcdefghijkl y abcdef z") == "x *** y *** z"


def test_values_that_are_too_short_are_named() -> None:
    redactor = Redactor({"PIN": "12345", "EMPTY": "", "BLANK": "  ab   ", "KEY": "123456"})

    assert redactor.unmaskable == ("BLANK", "EMPTY", "PIN")
    assert redactor.text("12345 and 123456") == "12345 and ***"


def test_short_values_are_not_found_across_words() -> None:
    assert Redactor({"A": "sesame"}).text("these\nsame things: ses\name") == "these\nsame things: ses\name"


@pytest.mark.parametrize("text", ["", "nothing to see", "\ud800 é \x00", "a\n" * 1000])
def test_other_text_is_unchanged(text: str) -> None:
    assert REDACTOR.text(text) == text


def test_values_in_binary_data_are_masked() -> None:
    assert REDACTOR.data(b"\xff\xfe " + VALUE.encode() + b"\xff") == b"\xff\xfe ***\xff"


def test_values_that_are_no_text_are_masked() -> None:
    value = b"key-\xff\xfe-key".decode("utf-8", "surrogateescape")
    redactor = Redactor({"A": value})

    assert redactor.data(b"= key-\xff\xfe-key") == b"= ***"
    assert redactor.text(b"= key-\xff\xfe-key".decode("utf-8", "replace")) == "= ***"


def test_redactor_without_secrets_changes_no_text() -> None:
    text, data = "some text", b"some bytes"

    assert not NOTHING
    assert NOTHING.text(text) is text
    assert NOTHING.data(data) is data
    assert NOTHING.stream().feed(data) is data


def test_redactor_shows_no_value_in_its_repr() -> None:
    assert VALUE not in repr(REDACTOR) + str(REDACTOR) + repr(REDACTOR.stream())


def streamed(redactor: Redactor, data: bytes, chunks: Callable[[], int]) -> bytes:
    stream, out, at = redactor.stream(), b"", 0
    while at < len(data):
        size = chunks()
        out += stream.feed(data[at : at + size])
        at += size
    return out + stream.flush()


@pytest.mark.parametrize("at", range(len(VALUE.encode()) + 2))
def test_value_in_two_pieces_is_masked(at: int) -> None:
    data = b"<" + VALUE.encode() + b">"

    stream = REDACTOR.stream()

    assert stream.feed(data[:at]) + stream.feed(data[at:]) + stream.flush() == b"<***>"


def test_text_that_cannot_become_a_value_is_passed_on_at_once() -> None:
    stream = REDACTOR.stream()

    assert stream.feed(b"collecting ... done") == b"collecting ... done"
    assert stream.feed(b"s3c") == b""
    assert stream.feed(b"!") == b"s3c!"


def test_very_long_value_is_not_kept_in_memory() -> None:
    stream = Redactor({"A": "aaaaaa"}).stream()

    out = b"".join(stream.feed(b"a" * 100) for _ in range(50))

    assert out + stream.feed(b"!") == b"***!"
    assert len(stream._held) < 10


@pytest.mark.parametrize("seed", range(40))
def test_stream_is_masked_like_the_whole_text(seed: int) -> None:
    chance = random.Random(seed)
    redactor = Redactor({"A": VALUE, "B": PEM, "C": URL, "D": "aaaaaa", "E": "abcabcabc"})
    atoms = [b"a", b"abc", b"\n", b" ", b"\r\n  ", b"xyz", *redactor._forms]

    for _ in range(25):
        data = b"".join(some(chance, atoms) for _ in range(chance.randint(1, 20)))
        whole = redactor.data(data)

        assert streamed(redactor, data, lambda: chance.choice([1, 2, 3, 7, 20, 100, 1000])) == whole
        assert not [form for form in redactor._forms if form in whole]


def some(chance: random.Random, atoms: list[bytes]) -> bytes:
    """A word, often only its beginning or its end, sometimes wrapped."""
    word = chance.choice(atoms)
    cut = chance.randint(0, len(word))
    match chance.randint(0, 5):
        case 0:
            return word[:cut]
        case 1:
            return word[cut:]
        case 2:
            return word[:cut] + b"\n    " + word[cut:]
        case _:
            return word


def test_an_exit_is_masked_as_a_whole() -> None:
    service = ServiceExit(name="server", code=1, signal=None, output=f"served {VALUE}")
    exit = Exit(code=1, stdout=f"out {VALUE}", stderr=f"err {VALUE}", detail=f"why {VALUE}", services=(service,))

    shown = redact(exit, REDACTOR)

    assert (shown.code, shown.stdout, shown.stderr, shown.detail) == (1, "out ***", "err ***", "why ***")
    assert [each.output for each in shown.services] == ["served ***"]
    assert redact(exit, NOTHING) is exit


def test_a_result_is_masked_as_a_whole() -> None:
    found = Diagnostic(tool="mypy", message=f"bad {VALUE}", file=f"{VALUE}.py", rule=VALUE)
    result = Result(
        check="mypy",
        status=Status.FAILED,
        reason=VALUE,
        summary=VALUE,
        proof=Proof(gaps=(VALUE,)),
        diagnostics=(found,),
    )

    assert VALUE not in str(redact(result, REDACTOR))
    assert redact(result, NOTHING) is result


class Counting(Redactor):
    """Counts the searched bytes, and collects the used patterns."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.searched = 0
        self.patterns: set[bytes] = set()

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        self.searched += len(data)
        return super().spans(data)

    def _wrapped(self, form: bytes) -> re.Pattern[bytes]:
        self.patterns.add(form)
        return super()._wrapped(form)


def test_many_secrets_are_searched_with_few_patterns() -> None:
    """Fifty secrets and a key of many lines are more than a run has: each byte is searched once, by few patterns."""
    chance = random.Random(7)
    lines = "\n".join(base64.b64encode(chance.randbytes(48)).decode() for _ in range(26))
    values = {f"K{number}": base64.b64encode(chance.randbytes(24)).decode() for number in range(50)}
    redactor = Counting({**values, "PEM": f"-----BEGIN KEY-----\n{lines}\n-----END KEY-----"})
    line = b"2026-01-21 10:15:00,123 INFO some.module: handled request GET /admin/login/ in 12.3 ms, status 200\n"
    data = (line * 300 + values["K7"].encode() + b"\n") * 60

    out = streamed(redactor, data, lambda: 65536)

    assert out.count(b"***") == 60
    assert redactor.searched < 1.1 * len(data)
    assert 1 <= len(redactor.patterns) <= 4
