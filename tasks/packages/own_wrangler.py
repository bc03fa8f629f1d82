"""The wrangler that predeploy brings for a Worker whose stack has none: a pinned version, with a lock."""

import json

ROOT = ".predeploy-wrangler"
"""The directory of the installation, at the root of a workspace. No stack has a package there."""


def files_of(lock: str) -> tuple[tuple[str, str], ...]:
    """Returns the manifest and the lock, with their paths."""
    asked = json.loads(lock)["packages"][""]["dependencies"]
    manifest = json.dumps({"name": "predeploy-wrangler", "private": True, "dependencies": asked})
    return ((f"{ROOT}/package.json", manifest), (f"{ROOT}/package-lock.json", lock))
