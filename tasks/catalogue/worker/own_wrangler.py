"""Decides which Workers and Pages projects predeploy builds with its own wrangler."""

from tasks.stack import Component


def lacks_wrangler(component: Component) -> bool:
    """Whether no manifest of a component that needs wrangler asks for it, so that predeploy brings its own."""
    has_code = component.worker is not None or (component.site is not None and component.site.pages is not None)
    return has_code and component.node is not None and "wrangler" not in component.node.dependencies
