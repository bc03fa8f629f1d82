"""Behaviours of Doppler or of a proxy, with the expected messages of a run: data only.

Every row asks for `KEY` of the config `cafe/dev`, unless it says otherwise, with a limit of a second.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.secrets.doppler.misbehaviour import (
    answer,
    cut_off,
    drip,
    drip_headers,
    endless,
    hang_up,
    no_http,
    page,
    redirect,
    refuse,
    reset,
    silence,
    silence_in_body,
)
from tests.secrets.doppler.service import Doppler

PLACE = ("cafe", "dev")
NAMED = {"doppler_project": "cafe", "doppler_config": "dev"}
SERVICE, ACCOUNT = "dp.st.dev.T0kenT0kenT0kenT0ken", "dp.sa.T0kenT0kenT0kenT0ken"
PERSONAL, COMMAND_LINE, STRANGE = "dp.pt.T0kenT0kenT0kenT0ken", "dp.ct.T0kenT0kenT0kenT0ken", "dp.new.T0kenT0kenT0ken"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n"
MANY = {f"SECRET_{number:04}": f"value {number}" for number in range(5000)}
NEVER = 10_000
Arrange = Callable[[Doppler], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One row. `says` is the start of the message for an exit code other than 0; `values` are the secrets otherwise.

    `requests` is the number of requests at Doppler, `None` if it depends on the time. `url` replaces Doppler's URL.
    `tls` is the kind of certificate: `trusted` by this machine, `strange` (unknown) to it, or none (``).
    """

    name: str
    does: Arrange
    exit: int = 3
    says: str = ""
    requests: int | None = 1
    values: Mapping[str, str] = field(default_factory=lambda: {"KEY": "value"})
    asks: tuple[str, ...] = ("KEY",)
    token: str = SERVICE
    settings: Mapping[str, object] = field(default_factory=dict)
    url: str = ""
    tls: str = ""


def nothing(_: Doppler) -> None:
    """No fault."""


def first(*faults: Callable[..., None]) -> Arrange:
    """These faults first, then the regular answer."""

    def arrange(doppler: Doppler) -> None:
        doppler.faults = [*faults]

    return arrange


def always(fault: Callable[..., None]) -> Arrange:
    """This fault for every request."""

    def arrange(doppler: Doppler) -> None:
        doppler.always = fault

    return arrange


def says(document: object) -> Arrange:
    """A well-formed answer to another question."""
    return always(answer(200, json.dumps(document).encode()))


def has(**secrets: str | None) -> Arrange:
    """The secrets of the config."""

    def arrange(doppler: Doppler) -> None:
        doppler.configs[PLACE] = secrets

    return arrange


def limited(doppler: Doppler) -> None:
    doppler.limit = 1
    doppler.used[SERVICE] = 1


def row(name: str, does: Arrange, says: str = "", requests: int | None = 1, **over: object) -> Behaviour:
    """A row that ends with exit code 3 if it has a message, else with 0."""
    return Behaviour(name=name, does=does, says=says, requests=requests, exit=3 if says else 0, **over)  # type: ignore[arg-type]


SILENT = "Doppler does not answer: "
WRONG = "Doppler's answer does not have the format of its API: "
TOKENS = (
    row("service token", nothing),
    row("service token, its config named as well", nothing, settings=NAMED),
    row("service account, project and config named", nothing, token=ACCOUNT, settings=NAMED),
    row("personal token, project and config named", nothing, token=PERSONAL, settings=NAMED),
    row("command line token, project and config named", nothing, token=COMMAND_LINE, settings=NAMED),
    row("token of a kind that nobody knows", nothing, token=STRANGE, settings=NAMED),
    row(
        "service token for another config than the one named",
        nothing,
        "Doppler does not let this service token read cafe/prd (HTTP 403: This token does not have access",
        settings={"doppler_project": "cafe", "doppler_config": "prd"},
    ),
    row(
        "service token for another config, and half of a name",
        nothing,
        "DOPPLER_TOKEN is for cafe/dev, and ",
        settings={"doppler_config": "prd"},
    ),
    row(
        "service account, nothing named",
        nothing,
        "DOPPLER_TOKEN is a service account token, which reads more than one config, and no project and config is",
        0,
        token=ACCOUNT,
    ),
    row(
        "personal token, no config named",
        nothing,
        "DOPPLER_TOKEN is a personal token, which reads more than one config, and no config is set. Set doppler_con",
        0,
        token=PERSONAL,
        settings={"doppler_project": "cafe"},
    ),
    row("SCIM token", nothing, "DOPPLER_TOKEN is a SCIM token, which reads no secrets.", 0, token="dp.scim.T0ken"),
    row(
        "token with a blank in it",
        nothing,
        "DOPPLER_TOKEN is not a token: it contains a space",
        0,
        token="dp.st.a T0kenT0ken",
    ),
    row(
        "token that is not known",
        nothing,
        "Doppler does not accept DOPPLER_TOKEN (HTTP 401: Invalid Auth token). Make a new one",
        token="dp.st.dev.wrongT0ken",
    ),
)
REFUSALS = (
    row("401 as a page", always(page(401)), "Doppler does not accept DOPPLER_TOKEN (HTTP 401: Unauthorized)."),
    row(
        "403",
        always(refuse(403, "No")),
        "Doppler does not let this service token read the token's config (HTTP 403: No)",
    ),
    row(
        "404, no such project",
        nothing,
        "Doppler does not have shop/dev (HTTP 404: Could not find requested project 'shop'). Correct doppler_project",
        token=ACCOUNT,
        settings={"doppler_project": "shop", "doppler_config": "dev"},
    ),
    row(
        "404, no such config",
        nothing,
        "Doppler does not have cafe/qa (HTTP 404: Could not find requested config 'qa').",
        token=ACCOUNT,
        settings={"doppler_project": "cafe", "doppler_config": "qa"},
    ),
    row("400", always(refuse(400, "Bad")), "Doppler refuses to read the token's config (HTTP 400: Bad)."),
    row(
        "418 without a word",
        always(answer(418, b"")),
        "Doppler refuses to read the token's config (HTTP 418: I'm a Teapot",
    ),
    row(
        "an error that repeats the token",
        always(refuse(401, f"Invalid: {SERVICE}")),
        "Doppler does not accept DOPPLER_TOKEN (HTTP 401: Invalid: ***).",
    ),
    row("an error without an end", always(refuse(403, "no " * 5000)), "Doppler does not let this service token read"),
    row("an error with lines", always(refuse(403, "one\n\ntwo", "three")), "Doppler does not let this service token"),
)
LIMITS = (
    row("429, wait 0 s, then well", first(refuse(429, "Slow", retry_after="0")), requests=2),
    row(
        "429, wait until a date, then well", first(refuse(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT")), requests=2
    ),
    row("429, wait until a new minute, then well", first(refuse(429, x_ratelimit_reset="1")), requests=2),
    row("429 without a header, twice, then well", first(refuse(429), page(429)), requests=3),
    row("429 for ever", always(refuse(429, "Slow")), f"{SILENT}HTTP 429: Slow (5 attempts in", 5),
    row("429, wait longer than the limit", always(refuse(429, retry_after="60")), f"{SILENT}HTTP 429: Too Many R", 1),
    row(
        "rate limit of the plan",
        limited,
        f"{SILENT}HTTP 429: Rate limit exceeded (1 attempt in 0 s; it asks to wait 60",
    ),
)
BROKEN = (
    row("500 as JSON", always(refuse(500, "Oops")), "Doppler cannot give secrets (HTTP 500: Oops). Try again later"),
    row("503 as JSON", always(refuse(503)), "Doppler cannot give secrets (HTTP 503: Service Unavailable)."),
    row("500 as a page, twice, then well", first(page(500), page(500)), requests=3),
    row("502 for ever", always(page(502)), f"{SILENT}HTTP 502: Bad Gateway (5 attempts in", 5),
    row("504 once, then well", first(page(504)), requests=2),
    row("200 with a page", always(page(200)), f"{SILENT}HTTP 200 without valid JSON (5 attempts", 5),
    row("204", always(answer(204, b"")), f"{SILENT}HTTP 204 without valid JSON", 5),
    row("304", always(answer(304, b"")), "Doppler answers with a redirect (HTTP 304: Not Modified)"),
)
NETWORK = (
    row("silence", always(silence), f"{SILENT}no answer in time (", None),
    row("silence once, then well", first(silence), requests=2),
    row("silence in the body", always(silence_in_body), f"{SILENT}no answer in time (", None),
    row("a body byte by byte", always(drip), f"{SILENT}no answer in time (", None),
    row("headers byte by byte", always(drip_headers), f"{SILENT}no answer in time (", None),
    row("a body cut off once", first(cut_off), requests=2),
    row("a body cut off for ever", always(cut_off), f"{SILENT}the answer broke off (5 attempts", 5),
    row(
        "JSON cut off",
        always(answer(200, b'{"secrets": {"KEY": {"comp')),
        f"{SILENT}HTTP 200 without valid JSON (5 attempts",
        5,
    ),
    row("hung up once", first(hang_up), requests=2),
    row("hung up for ever", always(hang_up), f"{SILENT}the connection broke off (5 attempts", 5),
    row("reset for ever", always(reset), f"{SILENT}the connection broke off (5 attempts", 5),
    row("another protocol", always(no_http), f"{SILENT}the connection broke off (5 attempts", 5),
    row("a body without an end", always(endless), f"{WRONG}it has more than 16 MiB"),
    row("no listener", nothing, f"{SILENT}the connection was refused (5 attempts", 0, url="http://127.0.0.1:9"),
    row("a name that nobody has", nothing, f"{SILENT}its name was not found (", 0, url="https://doppler.invalid"),
    row(
        "a redirect to another host",
        always(redirect("http://127.0.0.1:9/")),
        "Doppler answers with a redirect (HTTP 302",
    ),
    row(
        "a redirect on the same host",
        always(redirect("/v3/me", 301)),
        "Doppler answers with a redirect (HTTP 301: Moved",
    ),
    row("TLS that this machine trusts", nothing, tls="trusted"),
    row(
        "TLS that it does not trust",
        nothing,
        "Doppler cannot be trusted: its TLS certificate is not valid",
        0,
        tls="strange",
    ),
    row("plain HTTP where TLS is expected", nothing, "Doppler cannot be trusted: its TLS", 0, url="https://{address}"),
    row(
        "plain HTTP to another host", nothing, "DOPPLER_API_HOST is not the https URL", 0, url="http://doppler.invalid"
    ),
)
SHAPES = (
    row("a list", says([1, 2]), f"{WRONG}a JSON object was expected."),
    row("nothing", says({}), f"{WRONG}it has no secrets."),
    row("a list of secrets", says({"secrets": ["KEY"]}), f"{WRONG}it has no secrets."),
    row("a secret without its parts", says({"secrets": {"KEY": "value"}}), f"{WRONG}KEY has no value in it."),
    row("a number", says({"secrets": {"KEY": {"computed": 5}}}), f"{WRONG}the value of KEY is not a text."),
    row("keys like our own arguments", says({"self": 1, "secrets": {"KEY": {"computed": "value"}}})),
    row("brackets without an end", always(answer(200, b"[" * 200_000)), f"{SILENT}HTTP 200 without valid JSON", 5),
    row("a NUL", has(KEY="a\0b"), "KEY in Doppler contains a NUL character, which a variable cannot have."),
    row("an empty value", has(KEY=""), "a secret has no value in Doppler (cafe/dev):"),
    row("a restricted one", has(KEY=None), "a secret has no value in Doppler (cafe/dev):"),
    row("none of two", has(OTHER="x"), "2 secrets have no value in Doppler (cafe/dev):", asks=("KEY", "B")),
    row("lines", has(KEY=PEM), values={"KEY": PEM}),
    row("unicode", has(KEY="ключ 🔑 \u2028 é"), values={"KEY": "ключ 🔑 \u2028 é"}),
    row("names that no variable has", has(KEY="value", **{"a b": "x", "É=": "y", "": "z"})),
    row("5,000 secrets, and one is asked for", has(**MANY, KEY="value")),
    row("5,000 secrets, and all are asked for", has(**MANY), requests=16, values=MANY, asks=tuple(MANY)),
)
BEHAVIOURS = (*TOKENS, *REFUSALS, *LIMITS, *BROKEN, *NETWORK, *SHAPES)
