"""Finds errors that come of files which production's build of the frontend makes, and this engine does not. Pure."""

import re

from tasks.execution.causes.raised_errors import RaisedError
from tasks.production import Sourced

_MISSING = (
    re.compile(r"Missing staticfiles manifest entry for '(?P<file>[^']+)'"),
    re.compile(r"Error reading (?P<file>\S+)\. Are you sure webpack has generated the file"),
    re.compile(r"webpack_loader\.exceptions\.\w+: (?P<file>[^\n]*)"),
    re.compile(r"django_vite\.(?:\w+\.)*DjangoVite(?:Manifest|AssetNotFound)Error: (?P<file>[^\n]*)"),
    re.compile(r"UncompressableFileError: '?(?P<file>\S+?)'? (?:could not be found|isn't accessible)"),
)


def unbuilt_file(error: RaisedError) -> str:
    """Returns the file of the frontend that was not there, or an empty text."""
    return next((match["file"] for pattern in _MISSING if (match := pattern.search(error.text))), "")


def unbuilt_reason(file: str, build: Sourced) -> str:
    """Returns the reason of the missing verdict."""
    return (
        f"{file}: production's build of the frontend makes such files ({build.place}: {build.value}), and this engine "
        "does not run it. Validate with --engine dagger, which builds the image"
        if build.why.startswith("RUN")
        else f"{file}: production's build of the frontend makes such files ({build.place}: {build.value}), and this "
        "run does not have them. Build them in a Dockerfile, and validate with --engine dagger"
    )
