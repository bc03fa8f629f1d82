"""Redaction: every form of a value is found, wherever the pieces of a stream are cut, and nothing else is touched."""

import base64
import html
import json
import random
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote, quote_plus

import pytest

from tasks.exits import Exit, ServiceExit
from tasks.models import Diagnostic, Proof, Result, Status
from tasks.redaction.gate import redact, redact_document
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
    "markdown": (lambda value: re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", value), "***"),
    "html, decimal": (lambda value: html.escape(value).replace("&#x27;", "&#39;"), "***"),
    "ascii terminal": (lambda value: value.encode("ascii", "backslashreplace").decode(), "***"),
    "command of GitHub": (lambda value: value.replace("%", "%25").replace("\n", "%0A"), "***"),
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


def some(chance: random.Random, atoms: list[bytes], between: Sequence[str] = ("\n    ",)) -> bytes:
    """A word, often only its beginning or its end, sometimes wrapped."""
    word = chance.choice(atoms)
    cut = chance.randint(0, len(word))
    match chance.randint(0, 5):
        case 0:
            return word[:cut]
        case 1:
            return word[cut:]
        case 2:
            return word[:cut] + chance.choice(between).encode() + word[cut:]
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


def test_a_document_is_masked_and_its_words_stay() -> None:
    document = {"status": "passed", "reason": "it passed\n1234567", "checks": [{"id": "passed", "seconds": 1.5}]}
    redactor = Redactor({"WORD": "passed", "NUMBER": "n1234567", "JSON": '"status": '})

    shown = json.loads(json.dumps(redact_document(document, redactor)))

    assert shown == {"status": "passed", "reason": "it ***\n1234567", "checks": [{"id": "passed", "seconds": 1.5}]}
    assert redact_document(document, NOTHING) is document


class Counting(Redactor):
    """Counts the searched bytes."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.searched = 0

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        self.searched += len(data)
        return super().spans(data)


def test_many_secrets_are_searched_once() -> None:
    """Fifty secrets and a key of many lines are more than a run has: each byte is searched once."""
    chance = random.Random(7)
    lines = "\n".join(base64.b64encode(chance.randbytes(48)).decode() for _ in range(26))
    values = {f"K{number}": base64.b64encode(chance.randbytes(24)).decode() for number in range(50)}
    redactor = Counting({**values, "PEM": f"-----BEGIN KEY-----\n{lines}\n-----END KEY-----"})
    line = b"2026-01-21 10:15:00,123 INFO some.module: handled request GET /admin/login/ in 12.3 ms, status 200\n"
    data = (line * 300 + values["K7"].encode() + b"\n") * 60

    out = streamed(redactor, data, lambda: 65536)

    assert out.count(b"***") == 60
    assert redactor.searched < 1.1 * len(data)


INSIDE = {
    "colour": "\x1b[1;31m",
    "link": "\x1b]8;;https://example.test\x07",
    "nul": "\x00",
    "direction": "\u202e",
    "no width": "\u200b",
    "mark": "\u200f\x00\x1b[0m",
    "colour in JSON": "\\u001b[31m",
    "link in JSON": "\\u001b]8;;https://example.test\\u0007",
}


@pytest.mark.parametrize("at", [1, 7, len(VALUE) - 1])
@pytest.mark.parametrize("inside", INSIDE)
def test_a_value_with_something_invisible_inside_is_masked(inside: str, at: int) -> None:
    text = f"{INSIDE[inside]}a {VALUE[:at]}{INSIDE[inside]}{VALUE[at:]} b{INSIDE[inside]}"

    assert REDACTOR.text(text) == f"{INSIDE[inside]}a *** b{INSIDE[inside]}"


@pytest.mark.parametrize("inside", ["colour", "nul", "direction", "no width"])
def test_a_value_that_holds_something_invisible_is_masked_also_where_it_was_cleaned(inside: str) -> None:
    redactor = Redactor({"KEY": f"s3cret-{INSIDE[inside]}value"})

    assert redactor.text(f"a s3cret-{INSIDE[inside]}value b s3cret-value c") == "a *** b *** c"


@pytest.mark.parametrize("blank", ["\u00a0", "\u2028", "\x0b", "  ", "\t"])
def test_a_value_with_another_blank_inside_is_masked(blank: str) -> None:
    redactor = Redactor({"KEY": "correct horse battery"})

    assert redactor.text(f"a correct{blank}horse battery b") == "a *** b"
    assert Redactor({"KEY": f"correct{blank}horse"}).text("a correct horse b") == "a *** b"


def test_letters_that_spell_an_escape_in_a_value_stay() -> None:
    redactor = Redactor({"KEY": "pass\\x00word"})

    assert redactor.text("a password, pass\\x00word") == "a password, ***"


@pytest.mark.parametrize("seed", range(20))
def test_stream_with_invisible_parts_is_masked_like_the_whole_text(seed: int) -> None:
    chance = random.Random(seed)
    redactor = Redactor({"A": VALUE, "B": "s3cret-\x00value", "D": "abcabcabc"})
    atoms, unseen = [b"a", b"\n", b"xyz", *redactor._forms], [*INSIDE.values()]

    for _ in range(40):
        # a sequence that is cut takes a part of what follows with it, so the sequences are whole
        parts = [some(chance, atoms, unseen) + chance.choice(["", *unseen]).encode() for _ in range(20)]
        data = b"".join(parts[: chance.randint(1, 20)])
        whole = redactor.data(data)

        assert streamed(redactor, data, lambda: chance.choice([1, 2, 3, 7, 20, 100, 1000])) == whole
        assert not [form for form in redactor._forms if form in whole]


OVERLAPPING = ["aaaaaa", "a" * 500, "abababab", "aab" * 9, "a a a a a a a a a a a a", "aaaaaaaaab", "a\x00aaaaaa"]


@pytest.mark.parametrize("value", OVERLAPPING)
def test_values_that_overlap_themselves_are_searched_in_linear_time(value: str) -> None:
    """There was a span for each byte of such a text, and a search for each."""
    redactor = Redactor({"KEY": value})
    steps = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal steps
        steps += event == "call"

    for text in (b"a" * 4_000_000, b"ab" * 1_000_000 + b"\n", b"a " * 1_000_000, b"a\0\n" * 400_000):
        sys.setprofile(count)
        try:
            spans = redactor.spans(text)
        finally:
            sys.setprofile(None)
        assert len(spans) <= 1

    assert steps < 5_000
