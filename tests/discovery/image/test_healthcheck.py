"""The HEALTHCHECK of a Dockerfile: its forms, options and stages."""

import pytest

from tasks.discovery.image.healthcheck import read_healthcheck
from tasks.production import Healthcheck

SHELL = ("/bin/sh", "-c", "curl -f http://localhost:8000/ || exit 1")
CURL = "HEALTHCHECK CMD curl -f http://localhost:8000/ || exit 1\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"FROM python\n{CURL}", Healthcheck(argv=SHELL, line=2)),
        (f"FROM python\nHEALTHCHECK NONE\n{CURL}", Healthcheck(argv=SHELL, line=3)),
        (f"FROM python\n{CURL}HEALTHCHECK NONE\n", None),
        (f"FROM python\n# {CURL}", None),
        ('FROM python\nHEALTHCHECK cmd ["python", "/check.py"]\n', Healthcheck(argv=("python", "/check.py"), line=2)),
        (
            'FROM python\nSHELL ["/bin/bash", "-c"]\nHEALTHCHECK CMD a b',
            Healthcheck(argv=("/bin/bash", "-c", "a b"), line=3),
        ),
        (
            "FROM python\nHEALTHCHECK --interval=1m30s --timeout=500ms --start-period=5s --retries=2 CMD true",
            Healthcheck(argv=("/bin/sh", "-c", "true"), line=2, wait=90, limit=0.5, start=5, retries=2),
        ),
        (
            "FROM python\nHEALTHCHECK --interval=soon --retries=0 CMD true",
            Healthcheck(argv=("/bin/sh", "-c", "true"), line=2),
        ),
        (f"FROM python AS base\n{CURL}FROM base\nRUN true\n", Healthcheck(argv=SHELL, line=2)),
        (f"FROM python AS base\n{CURL}FROM python\nCOPY --from=base /a /a\n", None),
    ],
)
def test_last_healthcheck_of_the_deployed_stage_counts(text: str, found: Healthcheck | None) -> None:
    assert read_healthcheck(text) == found


def test_target_chooses_the_stage() -> None:
    text = f"FROM python AS web\n{CURL}FROM web AS worker\nHEALTHCHECK NONE\n"

    assert read_healthcheck(text) is None
    assert read_healthcheck(text, "web") == Healthcheck(argv=SHELL, line=2)
    assert read_healthcheck(text, "0") == Healthcheck(argv=SHELL, line=2)
    assert read_healthcheck(text, "absent") is None
