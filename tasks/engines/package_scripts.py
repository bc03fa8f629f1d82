"""Scripts of a stack's own package.json that an installation would run, and that only work in the whole tree. Pure."""

import json

INSTALL_SCRIPTS = ("preinstall", "install", "postinstall")
OTHER_SCRIPTS = ("prepublish", "preprepare", "prepare", "postprepare", "pnpm:devPreinstall", "dependencies")


def drop_scripts(text: str, path: str) -> tuple[str, list[str]]:
    """The manifest without them, and a gap for each that does more than to prepare a developer's checkout.

    Dependencies keep theirs. The text is returned as it is where there is none, or where it is no manifest: the package
    manager says what is wrong with it.
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
