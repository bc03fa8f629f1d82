"""The paths in the stack for paths that a tool printed."""

import pytest

from tasks.diagnostics import parse
from tasks.diagnostics.paths import PathMapper, roots_of


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("/ws/apps/web/a.py", "apps/web/a.py"),
        ("a.py", "apps/web/a.py"),
        ("./a.py", "apps/web/a.py"),
        ("../../libs/b.py", "libs/b.py"),
        ("file:///ws/sites/my%20shop/c.ts?astro&type=script", "sites/my shop/c.ts"),
        ("../../../ws/libs/b.py", "libs/b.py"),
        ("/ws", "."),
        ("/wsx/a.py", None),
        ("../../../elsewhere/b.py", None),
        ("/usr/lib/python3.11/json/decoder.py", None),
        ("<frozen importlib._bootstrap>", None),
        ("node:internal/modules/esm/resolve", None),
        ("https://example.org/a.ts", None),
        ("", None),
    ],
)
def test_paths_become_relative_to_the_stack(printed: str, expected: str | None) -> None:
    mapper = PathMapper(roots=("/ws",), cwd="apps/web")

    assert mapper.relative(printed) == expected


@pytest.mark.parametrize("path", ["node_modules/vite/index.js", ".venv/lib/python3.11/site-packages/django/x.py"])
def test_dependencies_inside_the_workspace_are_not_the_stacks_own(path: str) -> None:
    mapper = PathMapper(roots=("/ws",), cwd=".")

    assert mapper.relative(path) == path
    assert mapper.own(path) is None


@pytest.mark.parametrize("printed", ["/tmp/link/a.py", "/private/tmp/link/a.py", "/data/real/a.py"])
def test_a_symlinked_root_is_known_by_all_its_names(printed: str) -> None:
    mapper = PathMapper(roots=roots_of("/tmp/link", "/data/real"), cwd=".")

    assert mapper.relative(printed) == "a.py"


COPIES = (("/app/vendor", "libs/shared"), ("/app", "apps/web"), ("/run.py", "ops/start.py"))


@pytest.mark.parametrize(
    ("printed", "location"),
    [
        ("/app/config/settings.py", "apps/web/config/settings.py:3"),
        ("/app/vendor/x.py", "libs/shared/x.py:3"),
        ("/run.py", "ops/start.py:3"),
        ("/application/x.py", ""),
        ("/srv/app/x.py", ""),
        ("/usr/local/lib/python3.13/site-packages/x.py", ""),
        ("/app/.venv/lib/python3.13/site-packages/x.py", ""),
    ],
)
def test_files_of_an_image_are_those_that_were_copied_into_it(printed: str, location: str) -> None:
    text = f'Traceback (most recent call last):\n  File "{printed}", line 3, in f\nKeyError: "X"\n'

    (found,) = parse("traceback", stdout="", stderr=text, root="/srv", cwd=".", copies=COPIES).diagnostics

    assert found.location == location


def test_whole_stack_in_an_image() -> None:
    text = 'Traceback (most recent call last):\n  File "/code/apps/web/a.py", line 3, in f\nKeyError: "X"\n'

    (found,) = parse("traceback", stdout=text, stderr="", root="", cwd=".", copies=(("/code", "."),)).diagnostics

    assert found.file == "apps/web/a.py"
