"""Loads the fixtures of a stack's apps and settings: rows that its developers wrote."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ENDINGS = (".json", ".jsonl", ".xml", ".yaml", ".yml")
COMPRESSED = (".gz", ".bz2", ".xz", ".lzma", ".zip")


def find_fixtures(within: Path) -> list[Path]:
    """Returns the files that `loaddata` would find, from the tree's own apps and settings."""
    from django.apps import apps
    from django.conf import settings

    places = [Path(each.path) / "fixtures" for each in apps.get_app_configs()]
    places += [Path(each) for each in settings.FIXTURE_DIRS]
    own = [place.resolve() for place in places if place.resolve().is_relative_to(within)]
    files = {path for place in own if place.is_dir() for path in place.rglob("*") if path.is_file()}
    return sorted(path for path in files if is_fixture(path))


def is_fixture(path: Path) -> bool:
    ending = Path(path.stem).suffix if path.suffix in COMPRESSED else path.suffix
    return ending in ENDINGS


def load_fixtures(files: list[Path]) -> dict[Path, str]:
    """Loads as many files as possible, and retries until none is left that depends on another.

    Returns the files that could not be loaded, with the reasons.
    """
    refused: dict[Path, str] = dict.fromkeys(files, "")
    progress = True
    while refused and progress:
        before = len(refused)
        refused = {path: why for path in refused if (why := load(path))}
        progress = len(refused) < before
    return refused


def load(path: Path) -> str:
    """Loads one file, completely or not at all. Returns the reason of a failure, or an empty text."""
    from django.core.management import call_command

    try:
        with without_signals():
            call_command("loaddata", str(path), verbosity=0, skip_checks=True)
    except Exception as error:
        return f"{type(error).__name__}: {error}".partition("\n")[0]
    return ""


@contextmanager
def without_signals() -> Iterator[None]:
    """Mutes the signals of saving and deleting: a receiver of the stack may send mail or call other services."""
    from django.db.models import signals

    muted: list[Any] = [
        signals.pre_save,
        signals.post_save,
        signals.m2m_changed,
        signals.pre_delete,
        signals.post_delete,
    ]
    kept = [signal.receivers for signal in muted]
    for signal in muted:
        signal.receivers = []
        signal.sender_receivers_cache.clear()
    try:
        yield
    finally:
        for signal, receivers in zip(muted, kept, strict=True):
            signal.receivers = receivers
            signal.sender_receivers_cache.clear()
