"""The programs that an operator starts: the deployments, their workers, and the webhook service."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The directory of predeploy's packages: a checkout, or the site-packages of an environment."""
