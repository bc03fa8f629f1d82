"""The places of errors in a build that name a link, a page or an import."""

import pytest

from tasks.models import Diagnostic, Result, Status
from tasks.validation.source_lines import with_source_lines

FILES = {
    "docs/guide.md": "# Guide\n\n[gone](./gone) [home](/)\n",
    "docs/index.md": "# Home\n\n\n[gone](./gone#a)\n",
    "other/index.md": "[gone](./gone)\n",
    "docs/src/routes/+page.svelte": '<h1>Kit</h1>\n<a href="/nothere">a</a>\n',
    "docs/src/routes/about/+page.svelte": '<a href="/nothere">a</a>\n',
    "docs/app/page.jsx": "export default function Page() {}\n",
    "docs/app/(shop)/menu/page.tsx": "",
    "docs/src/pages/m.md": "# M\n\n![rose](./rose.png)\n",
    "docs/src/main.js": 'import a from "./a.js";\nimport pm from "picomatch";\n',
}


def placed(message: str, file: str | None = None, line: int | None = None, column: int | None = None) -> Result:
    found = Diagnostic(tool="build", message=message, file=file, line=line, column=column)
    reason = f"{found.location}: {message}" if file else message
    result = Result(check="site[docs]", status=Status.FAILED, reason=reason, diagnostics=(found,))
    return with_source_lines(result, "docs", FILES, lambda path: FILES.get(path, ""))


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ("broken link ./gone on the page index.md", "docs/index.md:4"),
        ("broken link ./gone on the page /elsewhere", "docs/guide.md:3"),
        ("broken link /nothere on the page /", "docs/src/routes/+page.svelte:2"),
        ("broken link /nothere on the page /about", "docs/src/routes/about/+page.svelte:1"),
        ("broken link /computed on the page /", ""),
        ("useSearchParams() needs a boundary (page /)", "docs/app/page.jsx"),
        ("it fails (page /menu)", "docs/app/(shop)/menu/page.tsx"),
        ("it fails (page /m/index.html)", "docs/src/pages/m.md"),
        ("it fails (page /none)", ""),
        ("the build failed", ""),
    ],
)
def test_error_without_a_place_is_at_the_file_that_makes_the_page(message: str, place: str) -> None:
    result = placed(message)

    assert result.diagnostics[0].location == place
    assert result.reason == (f"{place}: {message}" if place else message)


@pytest.mark.parametrize(
    ("file", "line", "place"),
    [
        ("docs/src/main.js", None, "docs/src/main.js:2"),
        ("docs/src/main.js", 2, "docs/src/main.js:2:9"),
        ("docs/src/main.js", 40, "docs/src/main.js:2"),
        ("docs/index.md", 40, "docs/index.md"),
    ],
)
def test_import_is_at_the_line_that_has_it(file: str, line: int | None, place: str) -> None:
    result = placed('could not resolve "picomatch"', file, line, 9 if line else None)

    assert result.reason == f'{place}: could not resolve "picomatch"'


def test_line_in_the_code_that_a_page_became_is_not_shown() -> None:
    result = placed("Could not resolve './rose.png' in src/pages/m.md", "docs/src/pages/m.md", 8, 29)

    assert result.diagnostics[0].location == "docs/src/pages/m.md:3"
