"""The credentials for package indexes: whether the caller has any, their values, and variables without them."""

import netrc
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tasks.engines import clean_environ
from tasks.engines.index_proxy import basic, redirected

USERINFO = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<user>[^\s/@:\"']*)(?::(?P<password>[^\s/@\"']*))?@", re.IGNORECASE
)
ADDRESS = re.compile(USERINFO.pattern + r"(?P<host>[^\s/@\"'?#]+)", re.IGNORECASE)
NPM_CREDENTIAL = re.compile(r"(?:_auth\w*|_password)\s*=\s*(?P<value>\S+)")
NPM_NAME = re.compile(r"npm_config_.*(?:_auth|_authtoken|auth_token|_password)", re.IGNORECASE)
TOKENS = frozenset({"NPM_TOKEN", "NODE_AUTH_TOKEN"})
PLACES = frozenset({"UV_KEYRING_PROVIDER", "UV_CREDENTIALS_DIR", "NETRC", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND"})
"""Variables that lead to credentials, and have none themselves."""
SHORTEST = 6
"""Shorter values cannot be masked, because they stand in other text."""


def has_any(caller: Mapping[str, str]) -> bool:
    """Whether installers could get a credential from the caller."""
    home = Path(caller.get("HOME", "/nowhere"))
    files = (".netrc", ".git-credentials", ".local/share/uv/credentials", ".config/uv/credentials")
    return (
        any(_is_secret(name) or name in PLACES - {"GIT_SSH_COMMAND"} for name in caller)
        or any(True for _ in values(caller))
        or any((home / name).exists() for name in files)
    )


def are_in(variables: Mapping[str, str]) -> bool:
    """Whether variables have a credential."""
    return any(_is_secret(name) or USERINFO.search(value) for name, value in variables.items())


def values(caller: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The names and values of credentials that installers may get. They are masked in every output."""
    handed = {name: value for name, value in caller.items() if clean_environ.is_index(name) or name.startswith("PIP_")}
    handed |= {name: caller[name] for name in clean_environ.npmrc_names(caller) if name in caller}
    handed |= clean_environ.pip_indexes(caller)
    for name, value in handed.items():
        if _is_secret(name) or name in clean_environ.npmrc_names(caller):
            yield from _long(name, value)
        yield from _in_urls(name, value)
    home = Path(caller.get("HOME", "/nowhere"))
    yield from _of_npmrc(home / ".npmrc")
    yield from _in_urls(".git-credentials", _text(home / ".git-credentials"))
    for host, _, password in _netrc_hosts(caller):
        yield from _long(f".netrc[{host}]", password)


def authorizations(caller: Mapping[str, str], texts: Mapping[Path, str]) -> dict[str, str]:
    """The header `Authorization` for each origin (`https://host`) of a Python index that needs one.

    `texts` are those of files that may name an index, by path.
    """
    found: dict[str, str] = {}
    for host, user, password in _netrc_hosts(caller):
        found[f"https://{host}"] = basic(user, password)
    handed = {name: value for name, value in caller.items() if clean_environ.is_index(name)}
    for text in (*texts.values(), *clean_environ.pip_indexes(caller).values(), *handed.values()):
        for match in ADDRESS.finditer(text):
            user, password = unquote(match["user"]), unquote(match["password"] or "")
            found[f"{match['scheme']}{match['host']}"] = basic(user, password)
    for name, url in _named_indexes(caller, texts):
        key = re.sub(r"[^A-Z0-9]", "_", name.upper())
        user, password = (caller.get(f"UV_INDEX_{key}_{part}", "") for part in ("USERNAME", "PASSWORD"))
        parts = urlsplit(url)
        if user or password:
            found[f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"] = basic(user, password)
    return found


def through_proxies(text: str, proxies: Mapping[str, str]) -> str:
    """A text with proxies (address by origin) in the place of origins, and without a credential in an address."""
    return redirected(USERINFO.sub(r"\g<scheme>", text), proxies)


def _named_indexes(caller: Mapping[str, str], texts: Mapping[Path, str]) -> Iterator[tuple[str, str]]:
    """The names and addresses of indexes: in `UV_INDEX`, and in tables of `pyproject.toml` and `uv.toml`."""
    for variable in ("UV_INDEX", "UV_DEFAULT_INDEX"):
        for item in caller.get(variable, "").split():
            name, equals, url = item.partition("=")
            if equals and "://" in url:
                yield name, url
    for path, text in texts.items():
        if path.suffix != ".toml":
            continue
        with suppress(tomllib.TOMLDecodeError, AttributeError, TypeError):
            document = tomllib.loads(text)
            tables = document.get("tool", {}).get("uv", {}).get("index") or document.get("index") or ()
            for each in tables:
                yield str(each.get("name", "")), str(each.get("url", ""))


def without(variables: Mapping[str, str], caller: Mapping[str, str], home: Path) -> dict[str, str]:
    """The variables of an installer without any credential: for commands that run code of packages."""
    named = {*TOKENS, *clean_environ.npmrc_names(caller)}
    kept = {
        # an .npmrc of the stack may refer to the variable, and its absence would be an error
        name: "" if name in named else USERINFO.sub(r"\g<scheme>", value)
        for name, value in variables.items()
        if name in named or not (_is_secret(name) or name in PLACES or name.lower() == "npm_config_userconfig")
    }
    config = Path(caller.get("XDG_CONFIG_HOME") or Path(caller.get("HOME", "/nowhere"), ".config")) / "uv/uv.toml"
    if (text := _text(config)) and not USERINFO.search(text):
        kept["UV_CONFIG_FILE"] = str(config)
    return {**kept, "HOME": str(home)}


def _is_secret(name: str) -> bool:
    is_user = name.endswith("_USERNAME")
    return (
        name in TOKENS
        or (bool(clean_environ.INDEX_CREDENTIAL.fullmatch(name)) and not is_user)
        or bool(NPM_NAME.fullmatch(name))
    )


def _long(name: str, value: str) -> Iterator[tuple[str, str]]:
    if len(value.strip()) >= SHORTEST:
        yield name, value.strip()


def _in_urls(name: str, text: str) -> Iterator[tuple[str, str]]:
    for number, found in enumerate(USERINFO.finditer(text)):
        # a token may stand in the place of the user
        for part in (found["password"], found["user"] if not found["password"] else ""):
            for value in {part or "", unquote(part or "")}:
                yield from _long(f"{name}[{number}]{'' if value == part else '%'}", value)


def _of_npmrc(path: Path) -> Iterator[tuple[str, str]]:
    for number, found in enumerate(NPM_CREDENTIAL.finditer(_text(path))):
        if not found["value"].startswith("${"):
            yield from _long(f".npmrc[{number}]", found["value"])


def _netrc_hosts(caller: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    path = Path(caller.get("NETRC") or Path(caller.get("HOME", "/nowhere"), ".netrc"))
    try:
        hosts = netrc.netrc(path).hosts
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return
    yield from ((host, user, password or "") for host, (user, _, password) in hosts.items())


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > 1 << 20:
            return ""
        return os.fsdecode(path.read_bytes())
    except OSError:
        return ""
