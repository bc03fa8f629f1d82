"""The types of settings. Each validator has its own error text."""

import re
import shlex
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

CHECK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
IMAGE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?=[:@])(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
IMAGE_VERSION = "{version}"
CONFIG = re.compile(r"[A-Za-z0-9_.-]+")


def split_command(value: object) -> object:
    """The words of a command, split by the rules of a shell. No shell runs them: no variables, no pipes."""
    if not isinstance(value, str):
        return value
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        message = f"cannot be split into words: {str(error).lower()}"
        raise ValueError(message) from error


def checked_command(words: tuple[str, ...]) -> tuple[str, ...]:
    """A command has a program."""
    if not words or not words[0]:
        message = "must name a program"
        raise ValueError(message)
    return words


def relative_path(value: str) -> str:
    """The normal form of a path below the stack's root; `.` is the root."""
    path = PurePosixPath(value)
    if not value or path.is_absolute() or ".." in path.parts:
        message = "must be a path below the stack's root, relative to it"
        raise ValueError(message)
    return str(path)


def check_name(value: str) -> str:
    """A name that fits on a command line and in an id."""
    if not CHECK_NAME.fullmatch(value):
        message = "must be a letter followed by letters, digits, - or _"
        raise ValueError(message)
    return value


def variable_name(value: str) -> str:
    """The name of an environment variable."""
    if not VARIABLE.fullmatch(value):
        message = "must be the name of an environment variable: letters, digits and _"
        raise ValueError(message)
    return value


def variable_value(value: str) -> str:
    """A value that an environment variable can have."""
    if "\0" in value:
        message = "must not contain a NUL character"
        raise ValueError(message)
    return value


def module_name(value: str) -> str:
    """A dotted Python module."""
    if not MODULE.fullmatch(value):
        message = "must be a Python module, as in 'config.settings.production'"
        raise ValueError(message)
    return value


def url_path(value: str) -> str:
    """The path of a URL on the server under test."""
    if not value.startswith("/") or value.startswith("//"):
        message = "must be the path of a URL, as in '/health'"
        raise ValueError(message)
    return value


def url_paths(value: object) -> object:
    """One or more paths of URLs. Values of other types are left to the type's own check."""
    paths = [value] if isinstance(value, str) else value
    if isinstance(paths, list | tuple):
        return tuple(url_path(each) if isinstance(each, str) else each for each in paths)
    return paths


def header_name(value: str) -> str:
    """The name of an HTTP header."""
    if not HEADER.fullmatch(value):
        message = "must be the name of a header, as in 'X-API-Key'"
        raise ValueError(message)
    return value


def table_name(value: str) -> str:
    """A table of Postgres, with its schema if that is not the default one."""
    if not value or any(not part or len(part) > 63 for part in value.split(".")):
        message = "must be the name of a table, as in 'inbox_submission'"
        raise ValueError(message)
    return value


def slug(value: str) -> str:
    """The name of a project or a config in Doppler."""
    if not CONFIG.fullmatch(value):
        message = "must be letters, digits, -, _ and ."
        raise ValueError(message)
    return value


def image_reference(value: str) -> str:
    """The reference of an image; its tag may contain `{version}`."""
    if not IMAGE.fullmatch(value.replace(IMAGE_VERSION, "0")):
        message = "must be an image with a tag or a digest, as in 'docker.io/library/python:3.13-slim'"
        raise ValueError(message)
    return value


def checked_images(images: dict[str, str]) -> dict[str, str]:
    """Only the images of Python and Node have a version that the stack chooses."""
    for name, value in images.items():
        if IMAGE_VERSION in value and name not in {"python", "node"}:
            message = f"{name} must not contain {IMAGE_VERSION}: only python and node can"
            raise ValueError(message)
    return images


Words = Annotated[
    tuple[str, ...],
    BeforeValidator(split_command, json_schema_input_type=str | list[str]),
    AfterValidator(checked_command),
]
RelativePath = Annotated[str, AfterValidator(relative_path)]
CheckName = Annotated[str, AfterValidator(check_name)]
ModuleName = Annotated[str, AfterValidator(module_name)]
HeaderName = Annotated[str, AfterValidator(header_name)]
TableName = Annotated[str, AfterValidator(table_name)]
HttpStatus = Annotated[int, Field(ge=200, le=599)]
Slug = Annotated[str, AfterValidator(slug)]
UrlPath = Annotated[str, AfterValidator(url_path)]
UrlPaths = Annotated[tuple[str, ...], BeforeValidator(url_paths, json_schema_input_type=str | tuple[str, ...])]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, allow_inf_nan=False)]
ExitCode = Annotated[int, Field(ge=1, le=255)]
BaseImages = Annotated[
    dict[Literal["python", "node", "postgres", "uv"], Annotated[str, AfterValidator(image_reference)]],
    AfterValidator(checked_images),
]
VariableName = Annotated[str, AfterValidator(variable_name)]
Variables = dict[VariableName, Annotated[str, AfterValidator(variable_value)]]
