"""The paths that a health check requests, as arguments of its probe."""

from collections.abc import Iterable


def health_paths(paths: Iterable[str]) -> tuple[str, ...]:
    """Returns the arguments for configured paths. Each of them has to be healthy."""
    return tuple(word for path in paths for word in ("--path", path))
