"""Attacks by leaks: checks print secrets in every form, and packages look for the credentials of their index."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.attacks.attack import Attack
from tests.attacks.scene import scene_below, stop_servers
from tests.cli.test_canaries import hunt_secrets
from tests.cli.test_package_canaries import hunt_credentials
from tests.flows.harness import places_in
from tests.support.benches import unreachable

LIMIT = 600
"""Seconds of a hunt. A new cache takes downloads."""


def canary_attacks(place: Path) -> Iterator[Attack]:
    """Hunts over every output of a run, on each engine that is in reach."""
    if why := unreachable():
        print(f"canaries in containers are not tried: {why}", file=sys.stderr)  # noqa: T201 - the table has no such row
    for engine in ("local",) if why else ("local", "dagger"):
        for provider in ("env", "doppler"):
            survives = partial(no_secret_is_found, place / f"{engine}-{provider}", engine, provider)
            yield Attack(category="canaries", name=f"secrets of {provider}, {engine}", survives=survives, limit=LIMIT)
        survives = partial(no_credential_is_found, place / f"{engine}-packages", engine)
        yield Attack(category="canaries", name=f"package credentials, {engine}", survives=survives, limit=LIMIT)


def no_secret_is_found(place: Path, engine: str, provider: str) -> None:
    """No output, no process and no record in Prefect has a secret."""
    with scene_below(place) as scene:
        places_in(scene.caller.home).start()
        try:
            hunt_secrets(engine, provider, replace(scene.caller, environ={}, paths=()), place / "hunt")
        finally:
            stop_servers(scene)


def no_credential_is_found(place: Path, engine: str) -> None:
    """No code of a package sees a credential of an index, and no output has one."""
    with scene_below(place) as scene:
        hunt_credentials(engine, scene.caller, place / "hunt")
