"""Names the log file of each check."""

import re
from functools import cache


@cache
def log_names(ids: tuple[str, ...]) -> dict[str, str]:
    """Returns a unique, readable log file name by check id: `mypy[apps/web]` becomes `mypy-apps-web.log`."""
    names: dict[str, str] = {}
    for check_id in ids:
        plain = re.sub(r"[^\w.]+", "-", check_id).strip("-.").lower()
        taken = {*names.values()}
        choices = (f"{plain}{number}.log" for number in ("", *(f"-{count}" for count in range(2, len(ids) + 2))))
        names[check_id] = next(choice for choice in choices if choice not in taken)
    return names
