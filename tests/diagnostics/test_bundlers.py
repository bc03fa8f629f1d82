"""What is read in the output of wrangler and of the generators of sites."""

import pytest

from tests.diagnostics.captures import assert_reads, names, read

# Severity, place, rule and the beginning of the message.
READ: dict[str, tuple[str, ...]] = {
    "site_build/astro_config": ('error - [config] site: Expected type "string", received "number"',),
    "site_build/astro_config_syntax": (
        "error sites/shop/astro.config.mjs:1 [] Failed to parse source for import analysis because the conten",
    ),
    "site_build/astro_content": (
        "error sites/shop/src/content/posts/a.md [InvalidContentEntryDataError] posts → a data does not match",
    ),
    "site_build/astro_frontmatter_syntax": (
        "error sites/shop/src/pages/index.astro:2:7 [CompilerError] Unexpected token",
    ),
    "site_build/astro_missing_component": (
        "error sites/shop/src/pages/index.astro:2:18 [UNRESOLVED_IMPORT] Could not resolve '../components/Nop",
    ),
    "site_build/astro_missing_package": (
        'error sites/shop/src/pages/index.astro [UNRESOLVED_IMPORT] could not resolve "nope-package"',
    ),
    "site_build/astro_no_export": (
        'error sites/shop/src/pages/index.astro:2:10 [MISSING_EXPORT] "gone" is not exported by "src/lib.ts".',
    ),
    "site_build/astro_runtime": ("",),
    "site_build/astro_template_syntax": (
        "error sites/shop/src/pages/index.astro:4:37 [CompilerError] Unexpected flag h in regular expression",
    ),
    "site_build/astro_undefined_component": ("",),
    "site_build/astro_yaml": (
        "error sites/shop/src/content/posts/a.md:2 [] unexpected end of the stream within a flow collection",
    ),
    "site_build/clean": (),
    "site_build/eleventy_clean": (),
    "site_build/eleventy_filter": ("",),
    "site_build/eleventy_frontmatter": (
        "error sites/el/index.njk:3:1 [] unexpected end of the stream within a flow collection (3:1)",
    ),
    "site_build/eleventy_include": ("",),
    "site_build/next_prerender": ("",),
    "site_build/next_syntax": (
        "error sites/nx/app/page.js:1 [] Unexpected token `=`. Expected yield, an identifier, [ or {",
    ),
    "site_build/next_unresolved": ("",),
    "site_build/vite_no_entry": ("",),
    "site_build/vite_package": ('error sites/vt/src/main.ts [UNRESOLVED_IMPORT] could not resolve "nope-pkg"',),
    "site_build/vite_syntax": ("",),
    "site_build/vite_unresolved": (
        "error sites/vt/src/main.ts:1:19 [UNRESOLVED_IMPORT] Could not resolve './nowhere' in src/main.ts",
    ),
    "wrangler/clean": (),
    "wrangler/config_fields": (
        'warning workers/intake/wrangler.toml [config] Unexpected fields found in top-level field: "nosuch"',
        'error workers/intake/wrangler.toml [config] Expected "name" to be of type string, alphanumeric and l',
        'error workers/intake/wrangler.toml [config] Expected "main" to be of type string but got 3.',
        'error workers/intake/wrangler.toml [config] "kv_namespaces[0]" bindings should have a string "bindin',
    ),
    "wrangler/jsonc_syntax": ("error workers/intake/wrangler.jsonc:5:3 [config] CommaExpected",),
    "wrangler/no_config": ("error - [] Missing entry-point to Worker script or to assets directory",),
    "wrangler/no_date": (
        "error workers/intake/wrangler.jsonc [] A compatibility_date is required when uploading a Worker. Add",
    ),
    "wrangler/no_entry": (
        'error workers/intake/src/nothere.ts [entry_point] The entry-point file at "src/nothere.ts" was not f',
    ),
    "wrangler/no_export": (
        'error workers/intake/src/index.ts:1:10 [] No matching export in "src/helper.mjs" for import "nope"',
    ),
    "wrangler/no_main": (
        "error workers/intake/wrangler.jsonc [] Missing entry-point to Worker script or to assets directory",
    ),
    "wrangler/node_builtin": (
        'warning - [] The package "node:nothing" wasn\'t found on the file system but is built into node.',
        'error workers/intake/src/index.ts:1:16 [] Could not resolve "fs"',
    ),
    "wrangler/syntax": ('error workers/intake/src/index.ts:1:47 [] Expected identifier but found "="',),
    "wrangler/toml_syntax": (
        "error workers/intake/wrangler.toml:2:21 [config] Invalid TOML document: control characters are not a",
    ),
    "wrangler/unresolved": (
        'error workers/intake/src/index.ts:2:25 [] Could not resolve "./nowhere"',
        'error workers/intake/src/index.ts:3:21 [] Could not resolve "left-pad-nope"',
    ),
}

# The summary, and the counts of passed, failed and skipped tests.
SAID: dict[str, tuple[str, tuple[int, int, int] | None]] = {
    "site_build/clean": ("", None),
    "site_build/eleventy_clean": ("", None),
    "site_build/eleventy_filter": ("", None),
    "site_build/eleventy_frontmatter": ("", None),
    "site_build/eleventy_include": ("", None),
    "site_build/vite_no_entry": ("", None),
    "site_build/vite_package": ("", None),
    "site_build/vite_syntax": ("", None),
    "site_build/vite_unresolved": ("", None),
    "wrangler/clean": ("Total Upload: 0.16 KiB / gzip: 0.15 KiB", None),
}


@pytest.mark.parametrize("name", names("wrangler", "site_build"))
def test_findings_have_place_rule_and_message(name: str) -> None:
    assert_reads(name, READ[name])


@pytest.mark.parametrize("name", SAID)
def test_summary_and_counts_are_the_tools_own(name: str) -> None:
    summary, counts = SAID[name]

    parsed = read(name)

    assert parsed.summary == summary
    tests = parsed.tests
    assert (tests and (tests.passed, tests.failed, tests.skipped)) == counts
