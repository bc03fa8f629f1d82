"""Outputs of builds, as pip, uv, setuptools, meson and cargo print them, name what this machine lacks."""

import pytest

from tasks.diagnostics.missing_parts import missing_part, unbuilt_package


@pytest.mark.parametrize(
    ("text", "packages"),
    [
        ("Error: pg_config executable not found.", "libpq-dev"),
        ("./psycopg/psycopg.h:35:10: fatal error: libpq-fe.h: No such file or directory", "libpq-dev"),
        ("/bin/sh: 1: mysql_config: not found", "default-libmysqlclient-dev pkg-config"),
        ("Exception: Can not find valid pkg-config name.", "default-libmysqlclient-dev pkg-config"),
        ("src/x.c:1:10: fatal error: Python.h: No such file or directory", "python3-dev"),
        ("c/_cffi_backend.c:15:10: fatal error: ffi.h: No such file or directory", "libffi-dev"),
        ("make sure the libxml2 and libxslt development packages are installed.", "libxml2-dev libxslt1-dev"),
        ("Package xmlsec1 was not found in the pkg-config search path.", "libxmlsec1-dev pkg-config"),
        ("Modules/constants.h:7:10: fatal error: lber.h: No such file or directory", "libldap2-dev libsasl2-dev"),
        ("The headers or library files could not be found for jpeg,", "libjpeg-dev zlib1g-dev"),
        ("error: command '/usr/bin/gcc' failed: No such file or directory", "build-essential"),
        ("error: command 'gcc' failed: No such file or directory", "build-essential"),
        ("unable to execute 'x86_64-linux-gnu-gcc': No such file or directory", "build-essential"),
        ("../meson.build:1:0: ERROR: Unknown compiler(s): [['cc'], ['gcc'], ['clang']]", "build-essential"),
        ("error: can't find Rust compiler", "cargo"),
        ("Cargo, the Rust package manager, is not installed or is not on PATH.", "cargo"),
        ("CMake must be installed to build the following extensions: _dlib", "cmake"),
        ("Could not run curl-config: [Errno 2] No such file: 'curl-config'", "libcurl4-openssl-dev libssl-dev"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'gdal-config'", "libgdal-dev"),
        ("/bin/sh: 1: krb5-config: not found", "libkrb5-dev"),
        ("Run-time dependency cairo found: NO\nDependency \"cairo\" not found", "libcairo2-dev pkg-config"),
    ],
)  # fmt: skip
def test_what_a_build_lacks(text: str, packages: str) -> None:
    found = missing_part(f"  x Failed to build `own==1`\n  ╰─▶ The build backend returned an error\n{text}\n")

    assert found
    assert found.packages == packages


def test_a_header_without_a_known_package_is_named() -> None:
    found = missing_part("x.c:1:10: fatal error: odd/thing.h: No such file or directory")

    assert found
    assert (found.name, found.packages) == ("the header odd/thing.h", "")


def test_an_error_in_the_package_itself_lacks_nothing() -> None:
    assert missing_part("SyntaxError: Missing parentheses in call to 'print'") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("  x Failed to build `psycopg2==2.9.9`", "psycopg2==2.9.9"),
        ("error: Failed to download and build `own @ https://x.invalid/own.tar.gz`", "own"),
        ("  ERROR: Failed building wheel for uWSGI", "uWSGI"),
        ("error: nothing of the kind", ""),
    ],
)
def test_the_package_is_named(text: str, name: str) -> None:
    assert unbuilt_package(text) == name
