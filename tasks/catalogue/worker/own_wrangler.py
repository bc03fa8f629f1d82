"""Decides which Workers predeploy builds with its own wrangler."""

from tasks.stack import Component


def lacks_wrangler(component: Component) -> bool:
    """Whether no manifest of a Worker asks for wrangler, so that predeploy brings its own."""
    return component.worker is not None and component.node is not None and "wrangler" not in component.node.dependencies
