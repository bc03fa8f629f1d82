"""Environment variables of other programs that only say yes or no, such as `CI`."""

from collections.abc import Mapping

OFF = frozenset({"", "0", "false", "no", "off"})


def is_set(environ: Mapping[str, str], name: str) -> bool:
    """Whether a variable is on: it is set, and to none of the usual words for off.

    The flags of predeploy's own settings are stricter: pydantic accepts only words that it knows.
    """
    return environ.get(name, "").strip().lower() not in OFF
