"""Rows of the fault matrix for sites and packages that Node builds."""

from tests.faults.fault import SITE, Fault, open_, red, replace, write

ABOUT = f"{SITE}/src/pages/about.astro"
IMPORT = '/Page.astro";\n'
MANIFEST = '{"name": "admin", "private": true, "scripts": {"build": "node make.mjs"}}\n'
SITE_FAULTS = (
    Fault(
        name="a page that fetches from a host that does not exist here",
        edits=(replace(ABOUT, IMPORT, IMPORT + 'await fetch("https://cms.predeploy.invalid/menu");\n'),),
        red=(open_("site_coffee_shop", "network", "", "fetch failed"),),
        exit=3,
    ),
    Fault(
        name="a package without a generator, whose build script fails",
        edits=(
            write("apps/admin/package.json", MANIFEST),
            write("apps/admin/make.mjs", 'throw new Error("no menu to write");\n'),
        ),
        red=(red("package_admin", "build_failed", "apps/admin/make.mjs:1", "no menu to write"),),
    ),
)
