"""Names what an installation lacks on this machine: compilers, headers, libraries, credentials and indexes."""

import re
from dataclasses import dataclass

# Text of a build, what is missing, and the Debian packages that have it. The first match counts.
_PARTS: tuple[tuple[str, str, str], ...] = (
    (r"pg_config executable not found|libpq-fe\.h|cannot find -lpq\b", "pg_config", "libpq-dev"),
    (
        r"mysql_config|mysql\.h: No such|Can not find valid pkg-config name|mariadb_config|cannot find -lmysqlclient",
        "MySQL's client library",
        "default-libmysqlclient-dev pkg-config",
    ),
    (r"Python\.h: No such", "the header Python.h", "python3-dev"),
    (r"\bffi\.h: No such|cannot find -lffi", "libffi", "libffi-dev"),
    (
        r"libxml2 and libxslt development packages|libxml/\w+\.h: No such|libxslt/\w+\.h: No such|xslt-config",
        "libxml2",
        "libxml2-dev libxslt1-dev",
    ),
    (r"(?:Package |No package ')xmlsec1|xmlsec/\w+\.h: No such", "xmlsec", "libxmlsec1-dev pkg-config"),
    (r"\b(?:ldap|lber|sasl)\.h: No such", "the library of LDAP", "libldap2-dev libsasl2-dev"),
    (r"openssl/\w+\.h: No such|cannot find -lssl|Could not find openssl", "OpenSSL", "libssl-dev"),
    (r"could not be found for jpeg|jpeglib\.h: No such", "libjpeg", "libjpeg-dev zlib1g-dev"),
    (r"could not be found for zlib|\bzlib\.h: No such", "zlib", "zlib1g-dev"),
    (r"gdal-config|\bgdal\.h: No such", "GDAL", "libgdal-dev"),
    (r"geos-config|geos_c\.h: No such", "GEOS", "libgeos-dev"),
    (r"curl-config|curl/curl\.h: No such", "libcurl", "libcurl4-openssl-dev libssl-dev"),
    (r"krb5-config|gssapi/\w+\.h: No such", "Kerberos", "libkrb5-dev"),
    (r"cairo\.h: No such|Dependency \"cairo\" not found|No package 'cairo'", "cairo", "libcairo2-dev pkg-config"),
    (r"\byaml\.h: No such", "libyaml", "libyaml-dev"),
    (r"\bsqlite3\.h: No such", "SQLite", "libsqlite3-dev"),
    (r"libmemcached/\w+\.h: No such", "libmemcached", "libmemcached-dev"),
    (r"\bmagic\.h: No such", "libmagic", "libmagic-dev"),
    (r"sql\.h: No such", "unixODBC", "unixodbc-dev"),
    (
        r"can't find Rust compiler|rustc.{0,40}not (?:found|installed)|cargo.{0,60}not (?:found|installed|on PATH)",
        "the compiler of Rust",
        "cargo",
    ),
    (r"CMake must be installed|cmake.{0,30}(?:not found|No such file)|Could NOT find CMAKE", "cmake", "cmake"),
    (r"swig.{0,30}(?:not found|No such file)", "swig", "swig"),
    (r"pkg-config.{0,30}(?:not found|No such file|is required)", "pkg-config", "pkg-config"),
    (
        (
            r"(?:gcc|g\+\+|\bcc|c\+\+|clang)['\"]? failed: No such file"
            r"|unable to execute '[\w/.-]*(?:gcc|g\+\+|cc|clang)"
            r"|(?:gcc|g\+\+|cc|clang|make): (?:command )?not found|Unknown compiler|No working (?:C )?compiler"
            r"|no acceptable C compiler|cannot find -lm\b|crt1\.o: No such"
        ),
        "a compiler of C",
        "build-essential",
    ),
)
_KNOWN = tuple((re.compile(pattern, re.IGNORECASE), name, packages) for pattern, name, packages in _PARTS)
_HEADER = re.compile(r"fatal error: (?P<name>[\w/.+-]+\.h(?:pp)?): No such file")
_PKG_CONFIG = re.compile(
    r"No package '(?P<one>[\w.+-]+)' found|Package (?P<two>[\w.+-]+) was not found in the pkg-config search path"
)
_UNBUILT = re.compile(
    r"(?:Failed to (?:download and )?build|Failed building wheel for) `?(?P<name>[A-Za-z0-9][\w.-]*(?:==[\w.+!-]+)?)"
)
_GIT = re.compile(r"Git operation failed|git executable not found", re.IGNORECASE)
_UNREACHED_GIT = re.compile(
    r"Could not resolve host(?:name)?:? (?P<name>[\w.-]+)|(?:Failed to connect to|connect to host) (?P<host>[\w.-]+)"
)
_REPOSITORY = re.compile(r"(?:git\+)?(?P<address>(?:https?|ssh|git)://[^\s`'\"]+?)(?:@[\w.\-/]+)?[`'\"\s]")
_CREDENTIALS = re.compile(
    r"lack of valid authentication credentials|\b40[13] (?:Unauthorized|Forbidden)|HTTP status client error \(40[13]\b"
)
_HOST = re.compile(r"https?://(?:[^/@\s`]*@)?(?P<host>[\w.-]+)")
_UNREACHABLE = re.compile(
    r"Failed to fetch: `?(?P<address>https?://[^\s`]+)|error sending request for url \((?P<url>[^)]+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingPart:
    """A compiler, header or library that a build lacks. `packages` are those of Debian, or empty if not known."""

    name: str
    packages: str = ""


def unbuilt_package(text: str) -> str:
    """Returns the package that an installer could not build, or an empty text."""
    match = _UNBUILT.search(text)
    return match["name"] if match else ""


def missing_part(text: str) -> MissingPart | None:
    """Returns what the build of a package lacks on this machine, or None if its output does not say so."""
    for pattern, name, packages in _KNOWN:
        if pattern.search(text):
            return MissingPart(name=name, packages=packages)
    if header := _HEADER.search(text):
        return MissingPart(name=f"the header {header['name']}")
    if library := _PKG_CONFIG.search(text):
        return MissingPart(name=f"the library {library['one'] or library['two']}")
    return None


def private_source(text: str) -> str:
    """Returns why a private index or repository gave no packages, and what to set; or an empty text."""
    if _GIT.search(text):
        found = _REPOSITORY.search(text)
        place = f"the repository {without_credentials(found['address'])}" if found else "a repository"
        return (
            f"{place} cannot be read here. Give git its credentials: in ~/.netrc or ~/.git-credentials, "
            "or with an SSH agent (SSH_AUTH_SOCK)"
        )
    if _CREDENTIALS.search(text):
        hosts = [match["host"] for match in _HOST.finditer(text)]
        place = f"the package index {hosts[-1]}" if hosts else "a package index"
        return f"{place} needs credentials. Name it with them in UV_INDEX (or UV_DEFAULT_INDEX), or in ~/.netrc"
    return ""


def unreachable_repository(text: str) -> str:
    """Returns which host of a git repository this machine does not reach, and what to do; or an empty text."""
    match = _UNREACHED_GIT.search(text) if _GIT.search(text) else None
    host = (match["name"] or match["host"]) if match else ""
    place = f"this machine does not reach {host}, from which a package is cloned"
    return f"{place}. Run where it is reachable" if host else ""


def unreachable_source(text: str) -> str:
    """Returns which index did not answer while the usual one does, and what to do; or an empty text."""
    host = unreachable_index(text)
    advice = "run where it is reachable, or name another address of it in UV_INDEX"
    return f"{host} does not answer, and the usual index does. If it is a private index, {advice}" if host else ""


def unreachable_index(text: str) -> str:
    """Returns the host of an index that did not answer, or an empty text."""
    match = _UNREACHABLE.search(text)
    found = _HOST.match((match["address"] or match["url"]) if match else "")
    return found["host"] if found else ""


def without_credentials(address: str) -> str:
    """Returns an address without the user and password in it."""
    return re.sub(r"//[^/@\s]*@", "//", address)
