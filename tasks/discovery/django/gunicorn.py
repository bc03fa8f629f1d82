"""Reads gunicorn's configuration file: its places exist only on production's machine, so options replace them."""

import ast
import posixpath

from tasks.discovery.django.ground import Ground
from tasks.discovery.django.settings_files import parsed
from tasks.steps import WORK

_DEFAULT = "gunicorn.conf.py"
_LOGS = {"accesslog": "--access-logfile", "errorlog": "--error-logfile"}


def with_places(argv: tuple[str, ...], ground: Ground) -> tuple[str, ...]:
    """Returns gunicorn's argv with options for places that its configuration file names: options beat the file.

    A directory of the image becomes the one in the workspace, and logs go to the standard output.
    """
    if not any(posixpath.basename(word) == "gunicorn" for word in argv[:3]):
        return argv
    settings = _literals(ground.tree.text(_config(argv, ground)))
    added: list[str] = []
    directory = settings.get("chdir", "")
    if directory.startswith("/") and not _has(argv, "--chdir") and (place := ground.in_tree(directory)):
        added += ["--chdir", f"{WORK}/{place}".removesuffix("/.")]
    for name, option in _LOGS.items():
        if settings.get(name, "").startswith("/") and not _has(argv, option):
            added += [option, "-"]
    return (*argv, *added)


def _has(argv: tuple[str, ...], option: str) -> bool:
    return any(word.partition("=")[0] == option for word in argv)


def _config(argv: tuple[str, ...], ground: Ground) -> str:
    """Returns the configuration file in the tree, or a path that does not exist."""
    pairs = zip(argv, (*argv[1:], ""), strict=True)
    named = next((after for word, after in pairs if word in {"-c", "--config"}), "")
    named = named or next((word.partition("=")[2] for word in argv if word.startswith("--config=")), "")
    if named.startswith("python:"):
        named = named.removeprefix("python:").replace(".", "/") + ".py"
    return ground.in_tree(named.removeprefix("file:") or _DEFAULT)


def _literals(text: str) -> dict[str, str]:
    """Returns the texts that the file assigns to names."""
    tree = parsed(text)
    return {
        target.id: node.value.value
        for node in (tree.body if tree else ())
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
