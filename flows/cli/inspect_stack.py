"""`predeploy inspect`: prints what discovery found of each component. Nothing runs."""

from collections.abc import Mapping
from pathlib import Path

from tasks.errors import UsageError
from tasks.planning.inspection import inspect_stack
from tasks.report.inspection import inspection_document, render_inspection
from tasks.source.places import existing
from tasks.source.tree import read_tree
from tasks.user_dirs import UserDirs
from tasks.validation.stack_settings import make_context, read_settings


def render_stack(
    stack: Path, flags: Mapping[str, object], environ: Mapping[str, str], user_dirs: UserDirs
) -> tuple[str, int]:
    """The facts as text, or as JSON if the settings say so, and the exit code. Raises UsageError without components."""
    root = existing(stack)
    settings = read_settings(root, flags, environ)
    context = make_context(read_tree(root, user_dirs.cache / "digests"), settings)
    components = inspect_stack(context)
    if settings.json_output:
        return inspection_document(components), 0
    if not components:
        raise UsageError(f"{stack} has no component that predeploy knows. Name the stack's directory.")
    warnings = "\n".join(context.stack.warnings)
    return "\n\n".join(filter(None, (render_inspection(components), warnings))), 0
