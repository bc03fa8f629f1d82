"""The settings of a run on a stack, with all mistakes in them, and the stack as the catalogue sees it."""

import shutil
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from tasks.catalogue import NAMES, CatalogueContext, make_catalogue
from tasks.catalogue.machine_sites import PROGRAMS
from tasks.diagnostics import PARSERS
from tasks.discovery import discover
from tasks.engines.clean_environ import system_path
from tasks.errors import PredeployError, SettingsError, TreeError, UsageError
from tasks.settings import Settings, load_settings, usable_settings
from tasks.settings.models import MYSQL_VARIABLE
from tasks.source.tree import Tree, read_tree
from tasks.validation.line_ends import line_end_warnings, read_program

REMEMBERED = 4096
"""Texts that a plan keeps: discovery and several rows read the same files."""


def read_text(tree: Tree, path: str) -> str:
    """A file of the tree as text. PowerShell's `>` writes UTF-16, which installers read."""
    try:
        with open(f"{tree.root}/{path}", "rb") as file:  # noqa: PTH123 - a big stack has many files, and this is quicker
            content = file.read()
    except OSError as error:
        raise TreeError(
            f"{path} cannot be read: {error.strerror}. Make it readable, or take it out of the tree."
        ) from error
    encoding = "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    return content.decode(encoding, errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def read_settings(stack: Path, flags: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """Returns the settings of a run on the stack. Raises SettingsError with every mistake."""
    try:
        return load_settings(stack, flags, environ, reserved=NAMES, parsers=PARSERS)
    except SettingsError as error:
        raise SettingsError([*error.problems, *name_mistakes(stack)]) from None


def name_mistakes(stack: Path) -> tuple[str, ...]:
    """Returns the names in a wrong `predeploy.toml` that the stack lacks: they are reported with its other mistakes."""
    settings = usable_settings(stack)
    try:
        if settings is not None:
            make_catalogue(make_context(read_tree(stack, None), settings))
    except SettingsError as error:
        return error.problems
    except PredeployError:  # an error of the tree is reported when the settings are right
        pass
    return ()


def installed_generators(settings: Settings, environ: Mapping[str, str]) -> frozenset[str]:
    """Returns the programs of site generators that commands find on this machine. Containers have none of them."""
    path = system_path(environ)
    found = (each for each in PROGRAMS if shutil.which(each, path=path))
    return frozenset() if settings.engine == "dagger" else frozenset(found)


def make_context(tree: Tree, settings: Settings, title: str = "") -> CatalogueContext:
    """Returns a tree and its stack as the rows of the catalogue see them."""
    modules = {path: each.settings for path, each in settings.component.items() if each.settings}
    installs = {path: each.install for path, each in settings.component.items() if each.install}
    read = lru_cache(REMEMBERED)(partial(read_text, tree))
    found = discover(
        tree.files,
        read,
        exclude=settings.exclude,
        settings=modules,
        installs=installs,
        environment=settings.environment or "",
    )
    texts = (text for _, text in line_end_warnings(tree, found))
    found = replace(found, warnings=(*found.warnings, *texts))
    return CatalogueContext(
        stack=found,
        paths=frozenset(tree.files),
        read=read,
        program=lambda path: read_program(tree, path),
        settings=settings,
        title=title,
    )


def reject_environment(settings: Settings) -> None:
    """Raises UsageError for a deploy target without a config of Doppler."""
    if (target := settings.environment) and not settings.deploy_config:
        known = " or ".join(sorted(settings.doppler_configs)) or "none"
        raise UsageError(f"--environment {target}: there is {known}. Name one, or add it to doppler_configs.")


def reject_mysql(settings: Settings) -> None:
    """Raises UsageError for a MySQL server with containers: only a command on this machine reaches it as the person."""
    if settings.mysql_url is not None and settings.engine != "local":
        raise UsageError(f"{MYSQL_VARIABLE} needs the embedded engine. Add --engine local")
