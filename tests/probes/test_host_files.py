"""Rules for the host among static files: what Cloudflare refuses of them, and what it ignores."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from host_headers import header_problems
from host_redirects import RuleProblem, redirect_problems
from host_routes import route_problems

from tests.probes.conftest import ProbeResult, run_probe

MANY = "".join(f"/page{n} /new{n}\n" for n in range(2001))
DYNAMIC = "/a/* /b/:splat\n" + "".join(f"/page{n} /new{n}\n" for n in range(100))


def shown(problems: Iterable[RuleProblem]) -> list[tuple[int, bool]]:
    return [(problem.line, problem.is_refused) for problem in problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# old paths\n\n/old /new 301 # a comment\n/x https://other.example/y?a#b 308\n/p/:id /q/:id 200\n", []),
        ("/one\n/two /three 301 more\n", [(1, False), (2, False)]),
        ("https://a.example/x /y\n", [(1, False)]),
        ("/x http://a.example/\n/y y\n", [(1, False), (2, False)]),
        ("/x /y 404\n/z /w 301!\n", [(1, False), (2, False)]),
        ("/x https://a.example/ 200\n", [(1, False)]),
        ("/x /y\n/x /z\n", [(2, False)]),
        (f"/x /{'y' * 1000}\n", [(1, False)]),
        ("/old /new\n/* /index.html 200\n", [(2, True)]),
        ("/menu/* /index 200\n", [(1, True)]),
        ("/* https://a.example/index.html\n", []),
        (MANY, [(2001, True)]),
        (DYNAMIC, [(101, True)]),
    ],
)
def test_redirects(text: str, expected: list[tuple[int, bool]]) -> None:
    """Each wrong line, and whether a Worker with it is refused."""
    assert shown(redirect_problems(text)) == expected


def test_root_may_lead_to_the_index_if_paths_are_not_shortened() -> None:
    assert shown(redirect_problems("/ /index.html 200\n")) == [(1, True)]
    assert shown(redirect_problems("/ /index.html 200\n", "none")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# all\n/*\n  X-Frame-Options: DENY\n  ! Server\nhttps://:name.pages.dev/*\n  X-Robots-Tag: noindex\n", []),
        ("X-Frame-Options: DENY\n/*\n  A: b\n", [(1, True)]),
        ("/a\n/b\n  A: b\n", [(1, False)]),
        ("/a/*/b/*\n  A: b\n", [(1, False)]),
        ("/a/*/:splat\n  A: b\n", [(1, False)]),
        ("http://a.example/\n  A: b\n", [(1, False)]),
        ("https://a.example:80/\n  A: b\n", [(1, False)]),
        ("/a\n  no colon\n  A:\n  A b: c\n  A: b\n", [(2, False), (3, False), (4, False)]),
        (f"/a\n  A: {'b' * 2000}\n  A: b\n", [(2, False)]),
        ("".join(f"/p{n}\n  A: b\n" for n in range(101)), [(201, True)]),
    ],
)
def test_headers(text: str, expected: list[tuple[int, bool]]) -> None:
    assert shown(header_problems(text)) == expected


def routes(include: list[str], exclude: list[str], version: int = 1) -> str:
    return json.dumps({"version": version, "include": include, "exclude": exclude}, indent=1)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("{", 1, "no JSON"),
        ("[]", 1, "its form is"),
        (routes(["/*"], [], 2), 1, "its form is"),
        ('{"version": 1, "include": ["/*"]}', 1, "its form is"),
        (routes([], []), 3, "needs at least one"),
        (routes(["/*"], [f"/{n}" for n in range(100)]), 106, "101 rules"),
        (routes([f"/{'a' * 100}"], []), 4, "101 characters"),
        (routes(["api/*"], []), 4, "begin with /"),
        (routes(["/api/*", "/api/stock"], []), 5, "already covers /api/stock"),
    ],
)
def test_routes_that_pages_refuses(text: str, line: int, words: str) -> None:
    (problem,) = route_problems(text)

    assert (problem.line, problem.is_refused) == (line, True)
    assert words in problem.message


def test_routes_that_pages_takes() -> None:
    assert shown(route_problems(routes(["/api/*", "/menu"], ["/api/old/*"]))) == []


def pages(folder: Path, files: dict[str, str], *options: str) -> ProbeResult:
    for name, text in {"dist/index.html": "", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return run_probe("wrangler/pages_refused", "dist", "--within", "w", *options, cwd=folder)


PAGES = 'name = "shop"\npages_build_output_dir = "dist"\ncompatibility_date = "2026-09-01"\n'


@pytest.mark.parametrize(
    ("config", "line", "says"),
    [
        (PAGES + 'routes = ["shop.example/*"]\n', 4, "`routes`, which is for Workers"),
        (PAGES + '[build]\ncommand = "npm run build"\n', 4, "`build`"),
        (PAGES + '[[queues.consumers]]\nqueue = "orders"\n', 4, "consumers of queues"),
        (PAGES + "[env.production]\n[env.staging]\n", 5, "the environment staging"),
        (PAGES + '[env.staging.vars]\nA = "1"\n', 4, "the environment staging"),
        (PAGES.replace('name = "shop"\n', ""), 1, "without `name`"),
    ],
)
def test_pages_refuses_what_only_workers_configure(config: str, line: int, says: str, tmp_path: Path) -> None:
    result = pages(tmp_path, {"wrangler.toml": config}, "--config", "wrangler.toml")

    (finding,) = result.document["diagnostics"]
    assert (result.code, finding["rule"], finding["file"]) == (1, "pages_config", "w/wrangler.toml")
    assert finding["line"] == line
    assert says in finding["message"]


@pytest.mark.parametrize(
    "config",
    [
        PAGES
        + '[env.preview]\n[env.production.vars]\nA = "1"\n[[queues.producers]]\nbinding = "Q"\nqueue = "orders"\n',
        'name = "shop"\nroutes = ["shop.example/*"]\n',
        "name = [",
    ],
)
def test_pages_accepts_its_own_configuration_and_reads_no_other(config: str, tmp_path: Path) -> None:
    assert pages(tmp_path, {"wrangler.toml": config}, "--config", "wrangler.toml").code == 0


def test_pages_ignores_what_workers_refuse(tmp_path: Path) -> None:
    """A file that the build copied is named at its source."""
    rules = "/* /index.html 200\n"
    result = pages(tmp_path, {"dist/_redirects": rules, "public/_redirects": rules})

    (finding,) = result.document["diagnostics"]
    assert (result.code, finding["severity"]) == (0, "warning")
    assert (finding["file"], finding["line"], finding["rule"]) == ("w/public/_redirects", 1, "redirects")


def test_pages_refuses_routes_and_large_files(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    with (tmp_path / "dist/film.mp4").open("wb") as film:
        film.truncate(26 * 1024 * 1024)
    result = pages(tmp_path, {"dist/_routes.json": routes([], [])})

    found = [(each["file"], each["rule"]) for each in result.document["diagnostics"]]
    assert (result.code, found) == (1, [("w/dist/_routes.json", "routes"), ("w/dist/film.mp4", "asset_size")])
    assert "26.0 MiB" in result.messages[1]


def assets(folder: Path, files: dict[str, str], **section: str) -> ProbeResult:
    document = {"name": "shop", "compatibility_date": "2026-09-01", "assets": {"directory": "public", **section}}
    (folder / "wrangler.json").write_text(json.dumps(document, indent=1))
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "public").mkdir(exist_ok=True)
    (folder / "bundle").mkdir()
    return run_probe(
        *("wrangler/refused", "--config", "wrangler.json", "--within", "w", "--today", "2026-11-30"),
        *("--bundle", "bundle"),
        cwd=folder,
    )


def test_a_worker_with_a_loop_in_its_redirects_is_refused(tmp_path: Path) -> None:
    result = assets(tmp_path, {"public/index.html": "", "public/_redirects": "/old /new\n/* /index.html 200\n"})

    (finding,) = result.document["diagnostics"]
    assert (result.code, finding["file"], finding["line"]) == (1, "w/public/_redirects", 2)
    assert "infinite loop" in finding["message"]


def test_a_worker_without_any_asset_is_refused(tmp_path: Path) -> None:
    result = assets(tmp_path, {"public/.assetsignore": "*.map\n", "public/a.map": ""})

    assert (result.code, result.rules) == (1, ["no_assets"])


@pytest.mark.parametrize(("handling", "page"), [("404-page", "404.html"), ("single-page-application", "index.html")])
def test_a_fallback_without_its_page_is_a_warning(handling: str, page: str, tmp_path: Path) -> None:
    result = assets(tmp_path, {"public/menu.txt": ""}, not_found_handling=handling)

    assert (result.code, result.rules) == (0, ["no_fallback"])
    assert page in result.messages[0]
