"""Lifecycle scripts in a stack's package.json: an installation runs them, but they need the whole tree. Pure."""

import json

INSTALL_SCRIPTS = ("preinstall", "install", "postinstall")
OTHER_SCRIPTS = ("prepublish", "preprepare", "prepare", "postprepare", "pnpm:devPreinstall", "dependencies")


def drop_scripts(text: str, path: str) -> tuple[str, list[str]]:
    """The manifest without these scripts, and a gap in the proof for each install script.

    Scripts that only prepare a developer's checkout are no gap. Scripts of dependencies stay. A text that is not a
    manifest is returned unchanged: the package manager reports the mistake in it.
    """
    try:
        manifest = json.loads(text)
        scripts = dict(manifest.get("scripts") or {})
    except (ValueError, AttributeError, TypeError):
        return text, []
    dropped = [name for name in (*INSTALL_SCRIPTS, *OTHER_SCRIPTS) if scripts.pop(name, None)]
    if not dropped:
        return text, []
    gaps = [f"the {name} script of {path} was not run" for name in dropped if name in INSTALL_SCRIPTS]
    return json.dumps({**manifest, "scripts": scripts}, indent=2), gaps
