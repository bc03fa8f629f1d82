"""links.py: it finds broken links, and accepts all valid ones."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.probes.conftest import ProbeResult, run_probe

FILES = {
    "about/index.html": "<h1 id='top-of-it'>About</h1><a name='old'></a>",
    "contact.html": "<h1 id='kontakt-ä'>Contact</h1>",
    "café/index.html": "<h1>Café</h1>",
    "a b.html": "<h1>Space</h1>",
    "assets/style.css": "",
    "assets/app.js": "",
    "assets/logo.png": "",
    "assets/Logo Big@2x.png": "",
    "files/menu.pdf": "",
}


def check(
    folder: Path, body: str, *arguments: str, files: Mapping[str, str] = FILES, page: str = "index.html"
) -> ProbeResult:
    """Runs the probe on a site with `files` and one page with this body."""
    for name, text in {**files, page: body}.items():
        place = folder / "site" / "dist" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return run_probe("pages/links", "dist", "--within", "sites/shop", *arguments, cwd=folder / "site")


GOOD = {
    "page by folder": '<a href="/about/">',
    "page by folder, no slash": '<a href="/about">',
    "page by its index": '<a href="/about/index.html">',
    "page by its name": '<a href="/contact">',
    "page by its name and a slash": '<a href="/contact/">',
    "page by its file": '<a href="contact.html">',
    "relative": '<a href="./about/">',
    "relative, up and down": '<a href="about/../contact.html">',
    "above the root is the root": '<a href="../../contact.html">',
    "the root": '<a href="/">',
    "itself": '<a href="">',
    "query": '<a href="/about/?from=home&amp;to=x">',
    "only a query": '<a href="?page=2">',
    "query and fragment": '<a href="/about/?x=1#top-of-it">',
    "fragment": '<p id="here"><a href="#here">',
    "empty fragment": '<a href="#">',
    "fragment top": '<a href="#top">',
    "fragment of another page": '<a href="/about/#top-of-it">',
    "fragment by name": '<a href="/about/#old">',
    "encoded fragment": '<a href="/contact#kontakt-%C3%A4">',
    "text fragment": '<a href="/about/#:~:text=About">',
    "route of a script": '<a href="#/settings"><a href="#!/old">',
    "encoded path": '<a href="/caf%C3%A9/">',
    "unencoded path": '<a href="/café/">',
    "space": '<a href="/a%20b.html"><a href="/a b">',
    "entities": '<img src="/assets/logo.png?a=1&amp;b=2">',
    "line breaks": '<a href="\n  /about/  \n">',
    "another host": '<a href="https://example.com/nowhere">',
    "another host, same scheme": '<a href="//cdn.example.com/x.js">',
    "path of Cloudflare": '<img src="/cdn-cgi/image/width=200/a.jpg"><a href="/cdn-cgi/l/email-protection#a1">',
    "path of Netlify or Vercel": '<img src="/.netlify/images?url=/a.jpg"><script src="/_vercel/insights/script.js">',
    "mail": '<a href="mailto:hello@cafe.example">',
    "telephone": '<a href="tel:+49123">',
    "script": '<a href="javascript:void(0)">',
    "data": '<img src="data:image/svg+xml;utf8,<svg/>">',
    "file": '<a href="/files/menu.pdf">',
    "style and script": '<link rel="stylesheet" href="/assets/style.css"><script src="/assets/app.js"></script>',
    "srcset": '<img src="/assets/logo.png" srcset="/assets/logo.png 1x, /assets/Logo%20Big@2x.png 2x">',
    "srcset of widths": '<source srcset="/assets/logo.png 480w,\n  /assets/Logo%20Big@2x.png 1000w">',
    "srcset of data": '<img srcset="data:image/png;base64,AAAA= 1x, /assets/logo.png 2x">',
    "preconnect": '<link rel="preconnect" href="/nowhere">',
    "canonical": '<link rel="canonical" href="/nowhere">',
    "feed": '<link rel="alternate" type="application/rss+xml" href="/nowhere.xml">',
    "comment": '<!-- <a href="/nowhere"> -->',
    "text of a script": "<script>const html = '<a href=\"/nowhere\">'</script>",
    "base": '<base href="/about/"><a href="index.html"><a href="../contact.html">',
    "base elsewhere": '<base href="https://example.com/"><a href="nowhere.html">',
    "no attribute": "<a><a href><img>",
    "upper case": '<A HREF="/about/">',
}
BAD = {
    "no such page": ('<a href="/nowhere/">', "leads to no page or file"),
    "relative": ('<a href="nowhere.html">', "leads to no page or file"),
    "wrong case": ('<a href="/About/">', "leads to no page or file"),
    "wrong case of a file": ('<a href="/files/Menu.pdf">', "leads to no page or file"),
    "a folder without a page": ('<a href="/assets/">', "leads to no page or file"),
    "a file with a slash": ('<a href="/files/menu.pdf/">', "leads to no page or file"),
    "picture": ('<img src="/assets/nothing.png" alt="">', "leads to no page or file"),
    "script": ('<script src="/assets/gone.js"></script>', "leads to no page or file"),
    "second of a srcset": ('<img srcset="/assets/logo.png 1x, /assets/gone.png 2x">', "leads to no page or file"),
    "poster": ('<video poster="/assets/gone.png"></video>', "leads to no page or file"),
    "frame": ('<iframe src="/gone.html"></iframe>', "leads to no page or file"),
    "query does not help": ('<a href="/nowhere?x=1">', "leads to no page or file"),
    "template": ('<a href="{{ url }}">', "leads to no page or file"),
    "file outside of the site": ('<a href="../secret.html">', "leads to no page or file"),
    "base": ('<base href="/about/"><a href="contact.html">', "leads to no page or file"),
    "no valid URL": ('<a href="http://[nonsense">', "is not a valid URL"),
}


@pytest.mark.parametrize("case", GOOD)
def test_good_link(tmp_path: Path, case: str) -> None:
    result = check(tmp_path, GOOD[case])

    assert result.messages == []
    assert (result.code, result.document["summary"]) == (0, "5 pages")


@pytest.mark.parametrize("case", BAD)
def test_broken_link(tmp_path: Path, case: str) -> None:
    body, problem = BAD[case]
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "secret.html").write_text("not deployed")

    result = check(tmp_path, f"<p>\n<p>\n{body}")

    assert result.code == 1
    (found,) = result.document["diagnostics"]
    assert (found["file"], found["line"]) == ("sites/shop/dist/index.html", 3)
    assert problem in found["message"]


def test_all_good_links_on_one_deep_page(tmp_path: Path) -> None:
    """Absolute paths lead to the same page from everywhere."""
    body = "".join(link for link in GOOD.values() if 'href="/' in link and "<base" not in link)

    result = check(tmp_path, body, page="deep/er/page.html", files={**FILES, "index.html": ""})

    assert (result.code, result.messages) == (0, [])


@pytest.mark.parametrize("fragment", ["#nowhere", "/about/#nowhere", "contact#nowhere"])
def test_a_missing_fragment_is_a_warning_because_a_script_may_create_it(tmp_path: Path, fragment: str) -> None:
    result = check(tmp_path, f'<a href="{fragment}">')

    assert result.code == 0
    assert [each["severity"] for each in result.document["diagnostics"]] == ["warning"]
    assert "no element of that page has the id nowhere" in result.messages[0]


@pytest.mark.parametrize("rel", ["icon", "shortcut icon", "apple-touch-icon", "Mask-Icon"])
def test_a_missing_icon_is_a_warning_because_the_page_works_without_it(tmp_path: Path, rel: str) -> None:
    result = check(tmp_path, f'<link rel="{rel}" href="/favicon.svg">')

    assert (result.code, result.document["summary"]) == (0, "5 pages")
    assert [each["severity"] for each in result.document["diagnostics"]] == ["warning"]
    assert "broken link /favicon.svg: leads to no page or file" in result.messages[0]


def test_missing_style_is_an_error(tmp_path: Path) -> None:
    assert check(tmp_path, '<link rel="stylesheet" href="/gone.css"><link rel="icon" href="/gone.ico">').code == 1


@pytest.mark.parametrize("base", ["/docs", "/docs/", "docs"])
@pytest.mark.parametrize("link", ["/docs/", "/docs", "/docs/about/", "about/", "/docs/assets/logo.png", "/docs/?x=1"])
def test_links_below_the_base_are_found(tmp_path: Path, base: str, link: str) -> None:
    assert check(tmp_path, f'<a href="{link}">', "--base", base).messages == []


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("/about/", "leads out of the site's base /docs/"),
        ("/", "leads out of the site's base /docs/"),
        ("/docsify/", "leads out of the site's base /docs/"),
        ("../contact.html", "leads out of the site's base /docs/"),
        ("/docs/nowhere", "leads to no page or file"),
        ("/docs/docs/about/", "leads to no page or file"),
    ],
)
def test_link_without_the_base_is_broken(tmp_path: Path, link: str, problem: str) -> None:
    result = check(tmp_path, f'<a href="{link}">', "--base", "/docs/")

    assert result.code == 1
    assert problem in result.messages[0]


@pytest.mark.parametrize("base", ["./", "", "/", "https://cdn.example.com/shop/"])
def test_a_relative_base_or_one_on_another_host_is_ignored(tmp_path: Path, base: str) -> None:
    result = check(tmp_path, '<a href="/about/"><script src="./assets/app.js"></script>', "--base", base)

    assert (result.code, result.messages) == (0, [])


def test_links_that_the_host_redirects_are_not_broken(tmp_path: Path) -> None:
    redirects = "# old pages\n/blog/* /about/:splat 301\n/shop/:id /about/ 200\n/old /about\n\nnonsense\n"
    good = '<a href="/blog/2020/hello"><a href="/shop/7"><a href="/shop/7/"><a href="/old"><a href="/old/">'

    result = check(tmp_path, good + '<a href="/older">', files={**FILES, "_redirects": redirects})

    assert result.messages == ["broken link /older: leads to no page or file"]


def test_pages_that_are_rendered_on_request_need_no_file(tmp_path: Path) -> None:
    body = '<a href="/account"><img src="/assets/gone.png">'

    result = check(tmp_path, body, "--pageless")

    assert result.messages == ["broken link /assets/gone.png: leads to no page or file"]


def test_a_site_that_renders_all_pages_needs_no_html_file(tmp_path: Path) -> None:
    output = tmp_path / "dist"
    output.mkdir()
    (output / "app.js").write_text("")

    assert run_probe("pages/links", "dist", "--pageless", cwd=tmp_path).code == 0
    assert run_probe("pages/links", "dist", cwd=tmp_path).code == 4


@pytest.mark.parametrize("arguments", [(), ("--pageless",)])
@pytest.mark.parametrize("folder", ["", "dist"])
def test_a_build_without_files_has_no_pages(tmp_path: Path, folder: str, arguments: tuple[str, ...]) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)

    result = run_probe("pages/links", "dist", *arguments, cwd=tmp_path)

    assert (result.code, result.rules) == (4, ["no_pages"])
    assert result.messages == ["the build left no HTML page in dist"]


def test_a_page_that_is_not_valid_text_is_read_anyway(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_bytes(
        b"\xff\xfe\x00<a href='/x'>\n<a href='/nowhere'><![CDATA[ <!DOCTYPE <"
    )

    assert run_probe("pages/links", "dist", cwd=tmp_path).code == 1


def test_the_number_of_findings_is_limited(tmp_path: Path) -> None:
    result = check(tmp_path, "<a href='/nowhere'>\n" * 5000)

    assert result.code == 1
    assert len(result.messages) == 100
    assert result.document["summary"] == "5 pages, 5000 broken links"


def test_broken_link_is_shown_where_it_is_written(tmp_path: Path) -> None:
    """A link in a layout is on every page, but is one mistake."""
    layout = tmp_path / "site/src/layouts/Page.astro"
    layout.parent.mkdir(parents=True)
    layout.write_text('---\n---\n<slot />\n<a href="/nowhere/">Write to us</a>\n')
    footer = '<a href="/nowhere/">Write to us</a>'

    result = check(tmp_path, footer, files={**FILES, "about/index.html": footer})

    (found,) = result.document["diagnostics"]
    assert (found["file"], found["line"]) == ("sites/shop/src/layouts/Page.astro", 4)
    assert found["message"].startswith("broken link /nowhere/: leads to no page or file (seen on dist/")
    assert result.document["summary"].endswith("2 broken links")


@pytest.mark.parametrize(
    "sources",
    [
        {},
        {"src/a.md": "[here](/nowhere/)", "src/b.md": "[there](/nowhere/)"},
        {"src/a.md": "[here](/nowhere/else/)"},
        {"node_modules/a/b.js": 'go("/nowhere/")', ".cache/a.js": 'go("/nowhere/")'},
    ],
    ids=["nowhere", "twice", "another one", "not the site's own"],
)
def test_a_broken_link_without_a_unique_source_is_shown_on_its_page(tmp_path: Path, sources: dict[str, str]) -> None:
    for name, text in sources.items():
        (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / name).write_text(text)

    result = check(tmp_path, '<a href="/nowhere/">')

    (found,) = result.document["diagnostics"]
    assert (found["file"], found["line"]) == ("sites/shop/dist/index.html", 1)


def test_the_pages_of_a_worker_are_those_that_its_built_configuration_uploads(tmp_path: Path) -> None:
    made = {
        "../.wrangler/deploy/config.json": '{"configPath": "../../dist/server/wrangler.json"}',
        "server/wrangler.json": '{"assets": {"directory": "../client"}}',
        "client/index.html": '<a href="/gone">',
    }

    done = check(tmp_path, "<a href='/nowhere'>", "--pageless", "--deployed", files=made, page="other.html")

    assert done.code == 0  # the Worker may answer a path without a page
    assert done.document["summary"] == "1 page"
    assert check(tmp_path, "", "--deployed", files=made, page="other.html").code == 1


def test_a_worker_may_render_every_page(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()

    done = run_probe("pages/links", "dist", "--pageless", "--deployed", cwd=tmp_path / "site")

    assert (done.code, done.document["summary"]) == (0, "no static page")


def test_paths_that_the_host_answers_are_not_broken(tmp_path: Path) -> None:
    good = '<a href="/api/feed.xml"><a href="/old">'

    result = check(tmp_path, good + '<a href="/apiary">', "--answered=/api(?:/.*)?", "--answered=/old/?")

    assert result.messages == ["broken link /apiary: leads to no page or file"]


def test_an_answer_of_404_in_redirects_is_no_page(tmp_path: Path) -> None:
    redirects = "/gone/* /404.html 404\n/en/* /about/:splat Language=en 302\n"

    result = check(tmp_path, '<a href="/gone/x"><a href="/en/x">', files={**FILES, "_redirects": redirects})

    assert result.messages == ["broken link /gone/x: leads to no page or file"]


def test_broken_links_are_warnings_if_the_generator_accepts_them_but_broken_pictures_are_errors(
    tmp_path: Path,
) -> None:
    link, picture = '<a href="/nowhere/">', '<img src="/gone.png">'

    assert check(tmp_path, link, "--lenient").code == 0
    assert check(tmp_path, link, "--lenient").messages == ["broken link /nowhere/: leads to no page or file"]
    assert check(tmp_path, picture, "--lenient").code == 1


def test_a_router_in_the_browser_answers_paths_but_the_build_needs_a_page(tmp_path: Path) -> None:
    assert check(tmp_path, '<a href="/settings">', "--routed").code == 0
    assert check(tmp_path, '<script src="/gone.js"></script>', "--routed").code == 1
    (tmp_path / "empty/dist").mkdir(parents=True)
    (tmp_path / "empty/dist/app.js").write_text("")
    assert run_probe("pages/links", "dist", "--routed", cwd=tmp_path / "empty").code == 4


def test_a_computed_base_is_read_from_the_links_to_assets(tmp_path: Path) -> None:
    body = '<link rel="stylesheet" href="/shop/assets/style.css"><a href="/shop/about/">'

    assert check(tmp_path, body, "--base", "?").messages == []
    assert check(tmp_path, body + '<a href="/about/">', "--base", "?").messages == [
        "broken link /about/: leads out of the site's base /shop/"
    ]


@pytest.mark.parametrize(
    ("link", "meant"),
    [
        ("/abuot/", "/about/"),
        ("/About/", "/about/"),
        ("contacts.html", "/contact"),
        ("/files/Menu.pdf", "/files/menu.pdf"),
        ("/caf%C3%A9s/?x=1", "/café/"),
    ],
)
def test_a_similar_page_is_named(tmp_path: Path, link: str, meant: str) -> None:
    result = check(tmp_path, f'<a href="{link}">', files={**FILES, "404.html": ""})

    assert result.messages == [f"broken link {link}: leads to no page or file; did you mean {meant}?"]


@pytest.mark.parametrize("link", ["/nowhere/", "/4040", "/prices/2020"])
def test_no_page_is_named_without_a_similar_one(tmp_path: Path, link: str) -> None:
    result = check(tmp_path, f'<a href="{link}">', files={**FILES, "404.html": ""})

    assert result.messages == [f"broken link {link}: leads to no page or file"]


def test_a_similar_page_below_the_base_is_named_with_it(tmp_path: Path) -> None:
    result = check(tmp_path, '<a href="/docs/abuot/">', "--base", "/docs/")

    assert result.messages == ["broken link /docs/abuot/: leads to no page or file; did you mean /docs/about/?"]
