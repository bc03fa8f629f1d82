"""The paths that a site's host, or a Worker of the stack, answers without a file."""

import json
import re

import pytest

from tasks.discovery.answered_paths import route_paths
from tests.discovery.trees import astro, package, site


def answers(files: dict[str, str], path: str) -> bool:
    """Whether one of the site's patterns matches the path."""
    found = site(astro("s") | files)
    assert found
    return any(re.fullmatch(pattern, path) for pattern in found.answered)


VERCEL = {
    "rewrites": [{"source": "/api/:path*", "destination": "https://api.example.com/:path*"}],
    "redirects": [
        {"source": "/post/:id(\\d+)", "destination": "/blog/:id"},
        {"source": "/feed/(.*)", "destination": "/"},
        {"source": "/(", "destination": "/"},
    ],
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/api", True), ("/api/a/b", True), ("/post/7", True), ("/post/x", False), ("/feed/x", True), ("/other", False)],
)
def test_rules_of_vercel(path: str, expected: bool) -> None:
    assert answers({"s/vercel.json": json.dumps(VERCEL)}, path) == expected
    assert answers({"vercel.json": json.dumps(VERCEL)}, path) == expected


NETLIFY = """
[[redirects]]
from = "/old/*"
to = "/new/:splat"
[[redirects]]
from = "/shop/:id"
to = "/s"
status = 200
[[redirects]]
from = "/gone"
to = "/404.html"
status = 404
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/old/a", True), ("/old", True), ("/shop/1", True), ("/shop/1/2", False), ("/gone", False)],
)
def test_rules_of_netlify(path: str, expected: bool) -> None:
    assert answers({"s/netlify.toml": NETLIFY}, path) == expected
    assert answers({"netlify.toml": '[build]\nbase = "s"\n' + NETLIFY}, path) == expected
    assert not answers({"netlify.toml": '[build]\nbase = "other"\n' + NETLIFY}, path)


@pytest.mark.parametrize(
    ("routes", "path", "expected"),
    [
        ([{"pattern": "garden.example/api/*", "zone_name": "garden.example"}], "/api/feed.xml", True),
        (["*garden.example/api/*"], "/api/feed.xml", True),
        (["garden.example/api/*"], "/about", False),
        (["garden.example/*"], "/about", False),
        (["other.example/api/*"], "/api/feed.xml", False),
        ([{"pattern": "garden.example", "custom_domain": True}], "/api", False),
    ],
)
def test_routes_of_workers(routes: list[object], path: str, expected: bool) -> None:
    worker = {"name": "feed", "main": "i.js", "routes": routes}
    files = {"w/wrangler.json": json.dumps(worker), "w/i.js": "", "w/package.json": package(name="w")}
    config = {"s/astro.config.mjs": "export default {site: 'https://www.garden.example'}"}

    assert answers(files | config, path) == expected


def test_without_a_known_host_the_routes_of_all_hosts_count_but_none_for_all_paths() -> None:
    document = {"routes": ["a.example/x/*", "b.example/*"], "env": {"live": {"route": "https://c.example/y"}}}

    assert route_paths([document], "") == ("/x(?:/.*)?", "/y/?")


def test_a_worker_of_another_package_that_serves_the_pages_answers_paths() -> None:
    worker = {"name": "api", "main": "i.js", "assets": {"directory": "../s/dist"}}
    found = site(
        astro("s") | {"w/wrangler.json": json.dumps(worker), "w/i.js": "", "w/package.json": package(name="w")}
    )

    assert found
    assert found.routed


@pytest.mark.parametrize(("dependencies", "routed"), [({"vue-router": "4"}, True), ({"vue": "3"}, False)])
def test_a_router_of_a_single_page_app_answers_paths(dependencies: dict[str, str], routed: bool) -> None:
    manifest = package(name="s", dependencies={"vite": "8", **dependencies}, scripts={"build": "vite build"})
    found = site({"s/package.json": manifest, "s/index.html": ""})

    assert found
    assert found.routed is routed


@pytest.mark.parametrize(
    ("generator", "config", "text", "lenient"),
    [
        ("@docusaurus/core", "docusaurus.config.js", "{onBrokenLinks: 'warn'}", True),
        ("@docusaurus/core", "docusaurus.config.js", "{onBrokenLinks: 'throw'}", False),
        ("vitepress", ".vitepress/config.ts", "{ignoreDeadLinks: true}", True),
        ("vitepress", ".vitepress/config.ts", "{ignoreDeadLinks: false}", False),
    ],
)
def test_the_generator_s_own_setting_accepts_broken_links(
    generator: str, config: str, text: str, lenient: bool
) -> None:
    word = generator.removeprefix("@").partition("/")[0]
    manifest = package(name="s", dependencies={generator: "1"}, scripts={"build": f"{word} build"})
    found = site({"s/package.json": manifest, f"s/{config}": text})

    assert found
    assert found.lenient is lenient
