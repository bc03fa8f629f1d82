"""The forms in which a program may print a value: each of them has to be found where the value must not be seen."""

import base64
import html
import json
import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

from tasks.redaction.views import without_controls, without_marks

SHORTEST = 6
"""Characters. What is shorter stands in texts by chance."""
LINE = 8
"""The same for a line of a value that has several: there are more of them."""
# what the functions of JavaScript leave as it is, and Python's do not
COMPONENT = "!'()*~"
WHOLE = COMPONENT + ";,/?:@&=+$#"
# what a page of Markdown escapes
MARKUP = "\\`*_[]<>|#"
ESCAPE = re.compile(r"%[0-9A-F]{2}")


def forms(value: str) -> frozenset[bytes]:
    """Every form of a value: as it is, escaped, encoded, and its parts that are secret by themselves.

    All are those of the value without blanks around it, which stand in those of the value with them. A form has none
    either.
    """
    parts = {part.strip() for part in (value, *passwords(value))}
    parts |= {part for each in tuple(parts) for part in cleaned(each)}
    parts = {part for part in parts if len(part) >= SHORTEST}
    found = {raw(form) for part in parts for form in escaped(part)}
    found |= {form for part in parts for form in encoded(raw(part))}
    if len(lines := value.strip().splitlines()) > 1:
        found |= {raw(line) for line in lines if len(line.strip()) >= LINE}
    return frozenset(form.strip() for form in found if len(form.strip()) >= SHORTEST)


def cleaned(value: str) -> Iterator[str]:
    """The value as a report shows it: without what is not seen, and also on one line."""
    yield text_of(without_controls(raw(value)))
    yield text_of(without_marks(raw(value)))
    yield " ".join(text_of(without_controls(raw(" ".join(value.split())))).split())


def text_of(data: bytes) -> str:
    """The reverse of `raw`, without blanks around it."""
    return data.decode("utf-8", "surrogateescape").strip()


def raw(text: str) -> bytes:
    """A text as bytes. Surrogates become the bytes that they escape."""
    return text.encode("utf-8", "surrogateescape")


def passwords(value: str) -> Iterator[str]:
    """The password in a URL, as it stands there and as it is meant."""
    try:
        password = urlsplit(value.strip()).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)


def escaped(value: str) -> Iterator[str]:
    """The value as it is written in code, JSON, HTML, Markdown, commands of GitHub Actions, a shell and URLs."""
    yield value
    yield raw(value).decode("utf-8", "replace")
    for ascii_only in (False, True):
        text = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield text
        yield text.replace("/", "\\/")
        yield json.dumps(text, ensure_ascii=ascii_only)[1:-1]
    for text in (repr(value)[1:-1], ascii(value)[1:-1], repr(raw(value))[2:-1]):
        # which quotes are escaped depends on what else stands in the same text
        plain = text.replace("\\'", "'").replace('\\"', '"')
        yield from (plain, plain.replace("'", "\\'"), plain.replace('"', '\\"'))
    quoted = html.escape(value)
    yield quoted
    yield html.escape(value, quote=False)
    decimal = quoted.replace("&#x27;", "&#39;")
    yield decimal
    yield decimal.replace("&quot;", "&#34;")
    yield "".join(f"\\{char}" if char in MARKUP else char for char in value)
    yield value.encode("ascii", "backslashreplace").decode("ascii")
    message = value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    yield message
    yield message.replace(":", "%3A").replace(",", "%2C")
    yield shlex.quote(value).removeprefix("'").removesuffix("'")
    bytes_of = raw(value)
    for text in (*(quote(bytes_of, safe=safe) for safe in ("", "/", COMPONENT, WHOLE)), quote_plus(bytes_of)):
        yield text
        yield ESCAPE.sub(lambda found: found[0].lower(), text)


def encoded(value: bytes) -> Iterator[bytes]:
    """Hexadecimal, and base64 wherever the value lies in what is encoded: then only its middle stays the same."""
    yield value.hex().encode()
    yield value.hex().upper().encode()
    for before in range(3):
        text = base64.b64encode(bytes(before) + value)
        stable = text[-(-8 * before // 6) : 8 * (before + len(value)) // 6]
        yield stable
        yield stable.translate(bytes.maketrans(b"+/", b"-_"))
