"""The programs that an operator starts: the deployments, their workers, and the webhook service."""

from tasks.files import PACKAGES as ROOT

__all__ = ["ROOT"]
